#include "svc/ec2/key_material.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted reads back as itself. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct key_public k, again;
	arena_init(&a);
	if (!key_public_read(&a, str_of(data, size), &k)) {
		struct str print = key_public_fingerprint(&a, &k);
		assert(!key_public_read(&a, key_public_line(&a, &k, STR("x")), &again));
		assert(str_eq(print, key_public_fingerprint(&a, &again)));
		assert(str_eq(k.blob, again.blob));
	}
	arena_done(&a);
	return 0;
}
