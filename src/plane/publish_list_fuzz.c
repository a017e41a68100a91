/* Lists of ports, as settings and tags bring them. */
#include "plane/publish_list.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct publish_entry e;
	if (size)
		memcpy(copy, data, size);
	struct str list = str_of(copy, size), wish = list;
	size_t left = list.len + 1;
	for (int r; (r = publish_list_next(&list, &e)); left = list.len)
		if (list.len >= left || (r == 1 && (!e.from || e.to < e.from)))
			abort();
	left = wish.len + 1;
	for (int r; (r = publish_wish_next(&wish, &e)); left = wish.len)
		if (wish.len >= left || (r == 1 && (!e.from || !e.port)))
			abort();
	publish_list_allows(str_of(copy, size), 9000);
	free(copy);
	return 0;
}
