#include "svc/s3/events.h"
#include "svc/s3/inventory.h"
#include "svc/s3/one_zone.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/replication.h"
#include "svc/s3/restore.h"
#include "svc/s3/route.h"
#include "svc/s3/s3.h"
#include "svc/s3/sse.h"
#include "svc/s3/task_run.h"
#include "svc/s3/tiering.h"
#include "svc/s3/usage.h"

#include "aws/metering.h"

static struct store *store;

static int
start(struct store *s, struct blobs *b)
{
	store_rows(s, "s3");
	s3_sse_start();
	s3_tasks_register(s, b);
	s3_lifecycle_start();
	s3_restore_start();
	s3_events_start(s);
	s3_replication_start();
	s3_access_log_start();
	s3_inventory_start();
	s3_one_zone_start(b);
	s3_tiering_start(s);
	store = s;
	return 0;
}

static bool
names(struct store *s, struct tx *t, struct str region, struct blob_id id)
{
	struct s3_blob_names n = { s, t };
	return s3_blob_named(&n, region, id);
}

static void
stop(void)
{
	metering_flush(store);
}

const struct service_hooks s3_hooks = {
	.start = start,
	.keep = s3_buckets_number_keep,
	.discard = s3_blobs_discard,
	.names = names,
	.route = s3_route,
	.stop = stop,
	.finished = s3_finished,
};
