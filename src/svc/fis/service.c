#include "svc/fis/fis.h"

static int
start(struct store *s, struct blobs *b)
{
	(void)b;
	store_rows(s, "fis");
	fis_engine_start();
	return 0;
}

const struct service_hooks fis_hooks = {
	.start = start,
};
