/* Any bytes as a row: decoded or refused; what was decoded encodes, and decodes again to the same
 * bytes. */
#include "aws/row_test_shapes.h"
#include "base/buf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one(const struct shape *s, struct str in)
{
	struct arena a;
	struct buf first = { 0 }, second = { 0 };
	arena_init(&a);
	void *row = arena_alloc(&a, s->size), *again = arena_alloc(&a, s->size);
	if (row_decode(s, in, &a, row)) {
		row_encode(s, row, &first);
		if (!row_decode(s, buf_str(&first), &a, again))
			abort();
		row_encode(s, again, &second);
		if (!str_eq(buf_str(&first), buf_str(&second)))
			abort();
	}
	buf_done(&first);
	buf_done(&second);
	arena_done(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 16)
		return 0;
	one(&row_new_shape, str_of(data, size));
	one(&row_old_shape, str_of(data, size));
	one(&tree_shape, str_of(data, size));
	return 0;
}
