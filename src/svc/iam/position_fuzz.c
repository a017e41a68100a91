#include "svc/iam/position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of(data, size);
	struct policy_span span;
	struct list_str keys = { 0 };
	struct arena a;
	for (unsigned i = 0; i < 4; i++)
		policy_span_find(text, i, &span);
	arena_init(&a);
	policy_keys_collect(&a, text, &keys);
	arena_done(&a);
	return 0;
}
