#include "svc/sts/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A token and a key set, parted by the first line end. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct jwt t;
	struct str keys = str_of(data, size), token = str_cut(&keys, '\n');
	arena_init(&a);
	if (jwt_parse(&a, token, &t))
		jwt_verify(&a, &t, keys.p ? json_parse(&a, keys, 8, NULL) : NULL);
	arena_done(&a);
	return 0;
}
