/* Links of a namespace by name; see fabric_state.h. */
#include "plane/fabric_state.h"

#include <stdio.h>
#include <stdlib.h>

void
links_put(struct links *l, const char *name, int index)
{
	links_drop(l, name);
	struct link_known *k = calloc(1, sizeof(*k));
	snprintf(k->name, sizeof(k->name), "%s", name);
	k->index = index;
	map_put(&l->by_name, str_c(k->name), k);
}

void
links_drop(struct links *l, const char *name)
{
	free(map_take(&l->by_name, str_c(name)));
}

int
links_index(const struct links *l, const char *name)
{
	const struct link_known *k = map_get(&l->by_name, str_c(name));
	return k ? k->index : 0;
}

int
links_index_of(void *links, const char *name)
{
	return links_index(links, name);
}

/* Far from those of fresh namespaces; see rt_link_ready. */
int
links_next_index(const struct links *l)
{
	size_t at = 0;
	struct str name;
	void *k;
	int max = 999;
	while (map_next(&l->by_name, &at, &name, &k))
		if (((struct link_known *)k)->index > max)
			max = ((struct link_known *)k)->index;
	return max + 1;
}

static void
found(void *ctx, int index, const char *name)
{
	links_put(ctx, name, index);
}

int
links_read(struct links *l, int rt_fd)
{
	return rt_links(rt_fd, found, l);
}

void
links_done(struct links *l)
{
	size_t at = 0;
	struct str name;
	void *k;
	while (map_next(&l->by_name, &at, &name, &k))
		free(k);
	map_done(&l->by_name);
}
