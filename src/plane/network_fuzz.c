#include "plane/network_pack.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What unpacks packs to the same bytes again, but for bits that mean nothing; a second round is
 * exact. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	struct unpack u = unpack_of(str_of(copy, size));
	struct plane_network n, again;
	if (network_unpack(&u, &a, &n)) {
		network_fault(&n);
		struct pack p = { 0 }, q = { 0 };
		network_pack(&p, &n);
		struct unpack v = unpack_of(buf_str(&p.buf));
		if (p.bad || !network_unpack(&v, &a, &again) || !unpack_whole(&v))
			abort();
		network_pack(&q, &again);
		if (!str_eq(buf_str(&p.buf), buf_str(&q.buf)))
			abort();
		pack_done(&p);
		pack_done(&q);
	}
	arena_done(&a);
	free(copy);
	return 0;
}
