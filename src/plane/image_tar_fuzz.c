#include "plane/image_tar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t
give(void *ctx, void *p, size_t n)
{
	struct str *left = ctx;
	size_t take = left->len < n ? left->len : n;
	memcpy(p, left->p, take);
	*left = str_of(left->p + take, left->len - take);
	return (ssize_t)take;
}

/* Whatever it is, it ends, and what it gives is bounded. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str left = str_of(data, size);
	struct tar *t = tar_open(give, &left);
	struct tar_entry e;
	char some[300];
	for (unsigned n = 0; n < 4096 && tar_next(t, &e) == 1; n++) {
		if (e.path.len > TAR_PATH_MAX || e.attrs_n > TAR_ATTRS_MAX ||
			(e.path.len && e.path.p[0] == '/'))
			abort();
		if (n % 2 && tar_read(t, some, sizeof(some)) > (ssize_t)sizeof(some))
			abort();
	}
	tar_close(t);
	return 0;
}
