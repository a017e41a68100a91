/* Tables of nf_tables as values: filling, and what turns one into another; see nft_rules.h. */
#include "plane/nft_rules.h"

#include "plane/nft_batch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdlib.h>

void
nft_rules_init(struct nft_rules *r, struct arena *a, const char *table)
{
	*r = (struct nft_rules){ .arena = a, .table = table, .family = NFPROTO_IPV4 };
}

void
nft_rules_add(struct nft_rules *r, struct nft_rules *more)
{
	more->next = r->next;
	r->next = more;
}

void
nft_rules_done(struct nft_rules *r)
{
	for (; r; r = r->next)
		buf_done(&r->rule);
}

/* Room for one more; old arrays stay in the arena. */
static void *
grown(struct arena *a, void *p, uint32_t n, uint32_t *cap, size_t each)
{
	if (n < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 8;
	void *more = arena_alloc(a, *cap * each);
	if (n)
		memcpy(more, p, n * each);
	return more;
}
#define GROW(a, p, n, cap) ((p) = grown((a), (p), (n), &(cap), sizeof(*(p))))

struct nft_set *
nft_set_new(struct nft_rules *r, struct str name, uint8_t key, uint8_t value)
{
	struct nft_set *s = arena_new(r->arena, struct nft_set);
	*s = (struct nft_set){ .name = arena_cstr(r->arena, name), .key = key, .value = value };
	GROW(r->arena, r->sets, r->sets_n, r->sets_cap);
	r->sets[r->sets_n++] = s;
	return s;
}

struct nft_element *
nft_set_add(struct nft_rules *r, struct nft_set *s)
{
	GROW(r->arena, s->elements, s->n, s->cap);
	struct nft_element *e = &s->elements[s->n++];
	memset(e, 0, sizeof(*e));
	return e;
}

struct nft_chain *
nft_chain_new(struct nft_rules *r, struct str name, const struct nft_hook *hook)
{
	struct nft_chain *c = arena_new(r->arena, struct nft_chain);
	*c = (struct nft_chain){ .name = arena_cstr(r->arena, name), .hook = hook };
	GROW(r->arena, r->chains, r->chains_n, r->chains_cap);
	r->chains[r->chains_n++] = c;
	return c;
}

struct buf *
nft_rule(struct nft_rules *r)
{
	buf_clear(&r->rule);
	return &r->rule;
}

void
nft_rule_end(struct nft_rules *r, struct nft_chain *c)
{
	GROW(r->arena, c->rules, c->n, c->cap);
	c->rules[c->n++] = arena_dup(r->arena, buf_str(&r->rule));
}

void
nft_key_ifname(struct nft_element *e, unsigned at, const char *name)
{
	memcpy(e->key + at, name, strnlen(name, IFNAMSIZ - 1));
}

void
nft_key_ip(struct nft_element *e, unsigned at, uint32_t ip)
{
	uint32_t be = htonl(ip);
	memcpy(e->key + at, &be, 4);
}

static int
by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((struct nft_element *)0)->key));
}

static int
set_by_name(const void *a, const void *b)
{
	return strcmp((*(struct nft_set *const *)a)->name, (*(struct nft_set *const *)b)->name);
}

static int
chain_by_name(const void *a, const void *b)
{
	return strcmp((*(struct nft_chain *const *)a)->name, (*(struct nft_chain *const *)b)->name);
}

static void
seal_one(struct nft_rules *r)
{
	if (r->sets_n > 1)
		qsort(r->sets, r->sets_n, sizeof(*r->sets), set_by_name);
	if (r->chains_n > 1)
		qsort(r->chains, r->chains_n, sizeof(*r->chains), chain_by_name);
	for (uint32_t i = 0; i < r->sets_n; i++) {
		struct nft_set *s = r->sets[i];
		if (s->n > 1)
			qsort(s->elements, s->n, sizeof(*s->elements), by_key);
		uint32_t kept = 0; /* of two with one key the first stays */
		for (uint32_t k = 0; k < s->n; k++)
			if (!kept || by_key(&s->elements[k], &s->elements[kept - 1]))
				s->elements[kept++] = s->elements[k];
		s->n = kept;
	}
}

void
nft_rules_seal(struct nft_rules *r)
{
	for (; r; r = r->next)
		seal_one(r);
}

/* ---- The difference ---- */

static bool
element_eq(const struct nft_element *a, const struct nft_element *b)
{
	return !memcmp(a->end, b->end, sizeof(a->end)) && a->value == b->value &&
		str_eq(str_c(a->chain), str_c(b->chain));
}

struct change {
	struct nft_batch batch;
	const struct nft_rules *from, *to;
};

/* Elements of `a` that `b` has not, or has otherwise. */
static void
change_elements(struct change *c, const struct nft_set *a, const struct nft_set *b, bool add)
{
	uint32_t k = 0;
	for (uint32_t i = 0; i < a->n; i++) {
		while (b && k < b->n && by_key(&b->elements[k], &a->elements[i]) < 0)
			k++;
		bool same = b && k < b->n && !by_key(&b->elements[k], &a->elements[i]) &&
			    element_eq(&b->elements[k], &a->elements[i]);
		if (!same)
			nft_batch_element(&c->batch, a, &a->elements[i], add);
	}
	nft_batch_elements_end(&c->batch);
}

static const struct nft_set *
set_find(const struct nft_rules *r, const char *name)
{
	struct nft_set key = { .name = name }, *p = &key;
	struct nft_set **found =
		r && r->sets_n ? bsearch(&p, r->sets, r->sets_n, sizeof(p), set_by_name) : NULL;
	return found ? *found : NULL;
}

static const struct nft_chain *
chain_find(const struct nft_rules *r, const char *name)
{
	struct nft_chain key = { .name = name }, *p = &key;
	struct nft_chain **found =
		r && r->chains_n ? bsearch(&p, r->chains, r->chains_n, sizeof(p), chain_by_name)
				 : NULL;
	return found ? *found : NULL;
}

static bool
rules_eq(const struct nft_chain *a, const struct nft_chain *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!str_eq(a->rules[i], b->rules[i]))
			return false;
	return true;
}

static void
add_new(struct change *c)
{
	for (uint32_t i = 0; i < c->to->chains_n; i++)
		if (!chain_find(c->from, c->to->chains[i]->name))
			nft_batch_chain(&c->batch, c->to->chains[i], true);
	for (uint32_t i = 0; i < c->to->sets_n; i++)
		if (!set_find(c->from, c->to->sets[i]->name))
			nft_batch_set(&c->batch, c->to->sets[i], true);
}

/* What goes lets go of chains and sets first, so that these can go in the same batch. */
static void
take_old(struct change *c)
{
	for (uint32_t i = 0; c->from && i < c->from->chains_n; i++) {
		const struct nft_chain *old = c->from->chains[i],
				       *new = chain_find(c->to, old->name);
		if (old->n && (!new || !rules_eq(old, new)))
			nft_batch_flush(&c->batch, old);
	}
	for (uint32_t i = 0; c->from && i < c->from->sets_n; i++) {
		const struct nft_set *old = c->from->sets[i], *new = set_find(c->to, old->name);
		if (new)
			change_elements(c, old, new, false);
	}
}

static void
fill(struct change *c)
{
	for (uint32_t i = 0; i < c->to->sets_n; i++)
		change_elements(c, c->to->sets[i], set_find(c->from, c->to->sets[i]->name), true);
	for (uint32_t i = 0; i < c->to->chains_n; i++) {
		const struct nft_chain *new = c->to->chains[i],
				       *old = chain_find(c->from, new->name);
		if (old && rules_eq(old, new))
			continue;
		for (uint32_t k = 0; k < new->n; k++)
			nft_batch_rule(&c->batch, new, new->rules[k]);
	}
}

static void
remove_old(struct change *c)
{
	for (uint32_t i = 0; c->from && i < c->from->sets_n; i++)
		if (!set_find(c->to, c->from->sets[i]->name))
			nft_batch_set(&c->batch, c->from->sets[i], false);
	for (uint32_t i = 0; c->from && i < c->from->chains_n; i++)
		if (!chain_find(c->to, c->from->chains[i]->name))
			nft_batch_chain(&c->batch, c->from->chains[i], false);
}

static void
change_table(struct change *c)
{
	const struct nft_rules *named = c->to ? c->to : c->from;
	c->batch.table = named->table;
	c->batch.family = named->family;
	if (!c->from || !c->to) {
		/* Adding what may be there makes removing it succeed. */
		nft_batch_table(&c->batch, true);
		nft_batch_table(&c->batch, false);
	}
	if (!c->to)
		return;
	if (!c->from)
		nft_batch_table(&c->batch, true);
	add_new(c);
	take_old(c);
	fill(c);
	remove_old(c);
}

unsigned
nft_rules_change(struct buf *b, const struct nft_rules *from, const struct nft_rules *to)
{
	struct change c = { 0 };
	size_t was = b->len;
	nft_batch_begin(&c.batch, b);
	while (from || to) {
		c.from = from;
		c.to = to;
		change_table(&c);
		from = from ? from->next : NULL;
		to = to ? to->next : NULL;
	}
	unsigned n = nft_batch_end(&c.batch);
	if (!n)
		b->len = was;
	return n;
}
