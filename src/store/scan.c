/*
 * Walks: the unit's own writes, the memtables of the snapshot and LMDB, merged by key. Of equal
 * keys the newest source wins, and a tombstone there hides the row.
 */
#include "store/store_private.h"

#include <stdlib.h>

#define MEM_SOURCES (VIEW_MAX + 1)
/* So many versions of one key are stepped over before a search jumps past the rest. */
#define STEPS_MAX 8

struct mem_source {
	const struct memtable *m;
	uint64_t snapshot;
	struct node *n; /* the version that counts, NULL at the end */
};

struct scan_state {
	struct scan_state *prev, *next;
	struct rows *rows;
	bool reverse, started, has_lmdb, lmdb_on;
	int mems;
	struct mem_source mem[MEM_SOURCES]; /* newest first */
	struct lcursor lmdb;
	struct tx *tx;
	bool other; /* the cursor is in the copy that is not live, since damage was met */
	struct buf bounds; /* lo, then hi */
	size_t lo_len;
	bool has_hi;
};

static struct str
lo_of(const struct scan_state *st)
{
	return str_of(st->bounds.p ? st->bounds.p : "", st->lo_len);
}

static struct str
hi_of(const struct scan_state *st)
{
	return st->has_hi ? str_of(st->bounds.p + st->lo_len, st->bounds.len - st->lo_len)
			  : STR_NULL;
}

/* From the first version at or before what we want on: the first one that the snapshot sees. */
static void
mem_settle(struct mem_source *s, uint16_t rows, struct node *n)
{
	for (int steps = 0; n && n->rows == rows && n->seq > s->snapshot; steps++)
		n = steps < STEPS_MAX ? node_next(n)
				      : memtable_ge(s->m, rows, node_key(n), s->snapshot);
	s->n = n && n->rows == rows ? n : NULL;
}

static void
mem_settle_reverse(struct mem_source *s, uint16_t rows, struct node *n)
{
	s->n = NULL;
	while (n && n->rows == rows && !s->n) {
		s->n = memtable_get(s->m, rows, node_key(n), s->snapshot);
		if (!s->n)
			n = memtable_lt(s->m, rows, node_key(n));
	}
}

static void
mem_step(struct mem_source *s, const struct scan_state *st)
{
	struct str key = node_key(s->n);
	uint16_t rows = st->rows->id;
	if (st->reverse) {
		mem_settle_reverse(s, rows, memtable_lt(s->m, rows, key));
		return;
	}
	struct node *n = node_next(s->n);
	for (int steps = 0; n && n->rows == rows && str_eq(node_key(n), key); steps++) {
		n = node_next(n);
		if (steps == STEPS_MAX) {
			n = memtable_ge(s->m, rows, key, 0);
			if (n && n->rows == rows && str_eq(node_key(n), key))
				n = node_next(n);
			break;
		}
	}
	mem_settle(s, rows, n);
}

static void
lmdb_position(struct scan_state *st, struct str key)
{
	st->lmdb_on = st->reverse ? lcursor_lt(&st->lmdb, key) : lcursor_ge(&st->lmdb, key);
}

/* After damage: a cursor in the other copy, nowhere yet. false: there is none. */
static bool
lmdb_change(struct scan_state *st)
{
	const struct lenv *e;
	MDB_txn *txn = st->other ? NULL : tx_lmdb_other(st->tx, st->rows, st->lmdb.e, &e);
	if (!txn)
		return false;
	lcursor_close(&st->lmdb);
	lcursor_open(&st->lmdb, e, txn);
	return st->other = true;
}

/* Damage that is left: the walk ends here, and says so. */
static void
lmdb_check(struct scan_state *st)
{
	if (!st->lmdb.damaged)
		return;
	st->lmdb_on = false;
	tx_damage(st->tx);
}

static void
lmdb_step(struct scan_state *st)
{
	struct str was = st->lmdb.key;
	char text[STORE_KEY_MAX];
	/* A long key lives in the cursor, which goes on. */
	if (was.len > LENV_CHUNK)
		was = str_of(memcpy(text, was.p, was.len), was.len);
	st->lmdb_on = st->reverse ? lcursor_prev(&st->lmdb) : lcursor_next(&st->lmdb);
	if (st->lmdb.damaged && lmdb_change(st)) {
		lmdb_position(st, was);
		if (st->lmdb_on && !st->reverse && str_eq(st->lmdb.key, was))
			st->lmdb_on = lcursor_next(&st->lmdb);
	}
	lmdb_check(st);
}

/* Upward: to the first row >= key. Downward: to the last row < key, or the last of all for
 * STR_NULL. */
static void
position(struct scan_state *st, struct str key)
{
	uint16_t rows = st->rows->id;
	st->started = true;
	for (int i = 0; i < st->mems; i++) {
		struct mem_source *s = &st->mem[i];
		if (!st->reverse)
			mem_settle(s, rows, memtable_ge(s->m, rows, key, s->snapshot));
		else if (key.p)
			mem_settle_reverse(s, rows, memtable_lt(s->m, rows, key));
		else
			mem_settle_reverse(
				s, rows, memtable_lt(s->m, (uint16_t)(rows + 1), STR("")));
	}
	if (st->has_lmdb) {
		lmdb_position(st, key);
		if (st->lmdb.damaged && lmdb_change(st))
			lmdb_position(st, key);
		lmdb_check(st);
	}
}

static struct scan_state *
state_new(struct tx *t)
{
	struct scan_state *st = t->scans_free;
	if (st)
		t->scans_free = st->next;
	else if (!(st = calloc(1, sizeof *st)))
		abort();
	st->prev = NULL;
	st->next = t->scans;
	if (st->next)
		st->next->prev = st;
	t->scans = st;
	return st;
}

static void
state_close(struct tx *t, struct scan_state *st)
{
	if (st->has_lmdb)
		lcursor_close(&st->lmdb);
	*(st->prev ? &st->prev->next : &t->scans) = st->next;
	if (st->next)
		st->next->prev = st->prev;
	st->next = t->scans_free;
	t->scans_free = st;
}

void
scans_close_all(struct tx *t)
{
	while (t->scans)
		state_close(t, t->scans);
}

void
scans_free_all(struct tx *t)
{
	while (t->scans_free) {
		struct scan_state *st = t->scans_free;
		t->scans_free = st->next;
		buf_done(&st->bounds);
		free(st);
	}
}

void
scan_open(struct scan *c, struct tx *t, struct rows *r, struct str lo, struct str hi, bool reverse)
{
	struct scan_state *st = state_new(t);
	*c = (struct scan){ .state = st, .tx = t, .rows = r };
	st->rows = r;
	st->reverse = reverse;
	st->started = st->lmdb_on = false;
	buf_clear(&st->bounds);
	buf_add_str(&st->bounds, lo);
	st->lo_len = lo.len;
	st->has_hi = hi.p != NULL;
	buf_add_str(&st->bounds, hi);
	st->mems = 0;
	if (t->writer)
		st->mem[st->mems++] = (struct mem_source){ t->stage, SEQ_MAX, NULL };
	for (int i = 0; i < t->depth; i++)
		st->mem[st->mems++] = (struct mem_source){ t->view->tables[i], t->snapshot, NULL };
	const struct lenv *e;
	MDB_txn *txn = t->floored ? NULL : tx_lmdb(t, r, &e);
	st->has_lmdb = txn != NULL;
	st->tx = t;
	st->other = false;
	if (txn)
		lcursor_open(&st->lmdb, e, txn);
}

/* The sources that stand on the next row: bits by number, LMDB's behind the memtables'. */
static unsigned
next_sources(const struct scan_state *st, struct str *ret_key)
{
	unsigned found = 0;
	for (int i = 0; i <= st->mems; i++) {
		struct str key;
		if (i < st->mems ? !st->mem[i].n : !st->lmdb_on)
			continue;
		key = i < st->mems ? node_key(st->mem[i].n) : st->lmdb.key;
		int c = found ? str_cmp(key, *ret_key) : -1;
		if (found && st->reverse)
			c = -c;
		if (c < 0) {
			*ret_key = key;
			found = 1u << i;
		} else if (c == 0) {
			found |= 1u << i;
		}
	}
	return found;
}

static void
step(struct scan_state *st, unsigned sources)
{
	for (int i = 0; i < st->mems; i++)
		if (sources & (1u << i))
			mem_step(&st->mem[i], st);
	if (sources & (1u << st->mems))
		lmdb_step(st);
}

static bool
in_bounds(const struct scan_state *st, struct str key)
{
	if (st->reverse)
		return str_cmp(key, lo_of(st)) >= 0;
	return !st->has_hi || str_cmp(key, hi_of(st)) < 0;
}

bool
scan_next(struct scan *c)
{
	struct scan_state *st = c->state;
	if (!st)
		return false;
	if (!st->started)
		position(st, st->reverse ? hi_of(st) : lo_of(st));
	for (;;) {
		struct str key = STR_NULL;
		unsigned sources = next_sources(st, &key);
		if (!sources || !in_bounds(st, key))
			break;
		int first = __builtin_ctz(sources);
		bool deleted = first < st->mems && st->mem[first].n->deleted;
		if (!deleted) {
			c->value = first < st->mems ? node_value(st->mem[first].n) : st->lmdb.value;
			/* A long key lives in LMDB's cursor, which goes on. */
			bool lent = first == st->mems && key.len > LENV_CHUNK;
			c->key = lent ? arena_dup(&c->tx->keep, key) : key;
		}
		step(st, sources);
		if (!deleted)
			return true;
	}
	scan_done(c);
	return false;
}

void
scan_seek(struct scan *c, struct str key)
{
	struct scan_state *st = c->state;
	if (!st)
		return;
	struct str lo = lo_of(st), hi = hi_of(st);
	if (!st->reverse && str_cmp(key, lo) < 0)
		key = lo;
	if (st->reverse && hi.p && (!key.p || str_cmp(key, hi) > 0))
		key = hi;
	position(st, key);
}

void
scan_done(struct scan *c)
{
	if (c->state)
		state_close(c->tx, c->state);
	c->state = NULL;
	c->key = c->value = STR_NULL;
}
