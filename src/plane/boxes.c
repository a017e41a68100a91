/* Rectangles that do not overlap; see boxes.h. A sweep over the ports: between two ports at which
 * something begins or ends the addresses are one list of ranges; it is written when it changes. */
#include "plane/boxes.h"

#include <stdlib.h>

struct range {
	uint32_t first, last;
};
struct sweep {
	struct box *out;
	uint32_t n, cap;
	const struct box **active; /* by first address */
	uint32_t active_n;
	struct range *now,
		*before; /* merged ranges of this stretch of ports and of the one before */
	uint32_t now_n, before_n, since;
};

static int
by_port(const void *a, const void *b)
{
	const struct box *x = a, *y = b;
	return x->from != y->from ? (x->from < y->from ? -1 : 1)
				  : (x->first > y->first) - (x->first < y->first);
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void
activate(struct sweep *s, const struct box *b)
{
	uint32_t at = s->active_n++;
	for (; at && s->active[at - 1]->first > b->first; at--)
		s->active[at] = s->active[at - 1];
	s->active[at] = b;
}

static void
drop_ended(struct sweep *s, uint32_t port)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < s->active_n; i++)
		if (s->active[i]->to >= port)
			s->active[kept++] = s->active[i];
	s->active_n = kept;
}

static void
merge_active(struct sweep *s)
{
	s->now_n = 0;
	for (uint32_t i = 0; i < s->active_n; i++) {
		const struct box *b = s->active[i];
		struct range *last = s->now_n ? &s->now[s->now_n - 1] : NULL;
		if (last && (last->last == UINT32_MAX || b->first <= last->last + 1)) {
			if (b->last > last->last)
				last->last = b->last;
		} else {
			s->now[s->now_n++] = (struct range){ b->first, b->last };
		}
	}
}

static bool
write_before(struct sweep *s, uint32_t end_port)
{
	if (s->before_n > s->cap - s->n)
		return false;
	for (uint32_t i = 0; i < s->before_n; i++)
		s->out[s->n++] = (struct box){ (uint16_t)s->since, (uint16_t)(end_port - 1),
			s->before[i].first, s->before[i].last };
	return true;
}

/* At this port the ranges may differ from those before it. */
static bool
step(struct sweep *s, uint32_t port)
{
	merge_active(s);
	if (s->now_n == s->before_n && !memcmp(s->now, s->before, s->now_n * sizeof(*s->now)))
		return true;
	if (!write_before(s, port))
		return false;
	struct range *was = s->before;
	s->before = s->now;
	s->before_n = s->now_n;
	s->now = was;
	s->since = port;
	return true;
}

bool
boxes_apart(struct arena *a, struct box *in, uint32_t n, struct box **ret, uint32_t *ret_n)
{
	struct sweep s = { .cap = 4 * n + 64 };
	uint32_t *ports = arena_array(a, uint32_t, 2 * n);
	s.out = arena_array(a, struct box, s.cap);
	s.active = (const struct box **)arena_array(a, struct box *, n);
	s.now = arena_array(a, struct range, n + 1);
	s.before = arena_array(a, struct range, n + 1);
	if (n > 1)
		qsort(in, n, sizeof(*in), by_port);
	for (uint32_t i = 0; i < n; i++) {
		ports[2 * i] = in[i].from;
		ports[2 * i + 1] = in[i].to + 1u;
	}
	qsort(ports, 2 * n, sizeof(*ports), by_number);
	uint32_t next = 0;
	for (uint32_t i = 0; i < 2 * n; i++) {
		if (i && ports[i] == ports[i - 1])
			continue;
		drop_ended(&s, ports[i]);
		for (; next < n && in[next].from <= ports[i]; next++)
			activate(&s, &in[next]);
		if (!step(&s, ports[i]))
			return false;
	}
	*ret = s.out;
	*ret_n = s.n;
	return true;
}
