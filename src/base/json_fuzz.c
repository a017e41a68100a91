#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses is written as text that parses to an equal tree. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct json_error e;
	/* A copy of its own size, so that a byte read behind the end is seen. */
	char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	struct json *j = json_parse(&a, str_of(copy, size), 0, &e);
	if (!j && e.at > size)
		abort();
	if (j) {
		int64_t i;
		double f;
		json_i64(j, &i);
		json_f64(j, &f);
		struct json *again = json_parse(&a, json_to_text(&a, j), 0, NULL);
		if (!again || !json_eq(j, again))
			abort();
	}
	free(copy);
	arena_done(&a);
	return 0;
}
