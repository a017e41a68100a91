#include "svc/sqs/queue.h"

static int
start(struct store *s, struct blobs *b)
{
	(void)b;
	store_rows(s, "sqs");
	sqs_sealing_start();
	sqs_due_register(s);
	sqs_sweep_register(s);
	sqs_move_register(s);
	return 0;
}

const struct service_hooks sqs_hooks = {
	.start = start,
};
