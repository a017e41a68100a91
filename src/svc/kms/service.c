#include "svc/kms/kms.h"

static int
start(struct store *s, struct blobs *b)
{
	(void)b;
	store_rows(s, "kms");
	kms_pairs_start();
	kms_deletion_start();
	kms_rotation_start();
	return 0;
}

const struct service_hooks kms_hooks = { .start = start, .stop = kms_pairs_stop };
