/* The plane of this process, and who listens to it. */
#include "plane/plane.h"

#include <stddef.h>

static struct plane *current;

struct plane *
plane_current(void)
{
	return current;
}

void
plane_set(struct plane *p)
{
	current = p;
}

void
plane_listen(struct plane *p, struct plane_listener *l)
{
	l->next = p->listeners;
	p->listeners = l;
}
