#include "aws/codec.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read can be written to the same bytes, and reading always moves on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_header h[32];
	struct str payload, rest;
	unsigned n;
	char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	rest = str_of(copy, size);
	for (;;) {
		struct str before = rest;
		int r = event_message_read(&rest, h, 32, &n, &payload);
		if (r <= 0)
			break;
		if (rest.len >= before.len)
			abort();
		struct buf b = { 0 };
		event_message_write(&b, h, n, payload);
		if (n < 32 && !str_eq(buf_str(&b), str_slice(before, 0, before.len - rest.len)))
			abort();
		buf_done(&b);
	}
	free(copy);
	return 0;
}
