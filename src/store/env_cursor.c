/* Walking rows in LMDB in the order of their whole keys: see env_lmdb.h. */
#include "store/env_lmdb_private.h"

#include <stdlib.h>

void
lcursor_open(struct lcursor *c, const struct lenv *e, MDB_txn *txn)
{
	c->e = e;
	c->txn = txn;
	c->depth = -1;
	c->damaged = false;
	c->text = NULL;
	for (unsigned i = 0; i < LENV_LEVELS; i++)
		c->level[i].c = NULL;
	memset(c->level[0].id, 0, sizeof c->level[0].id);
}

void
lcursor_close(struct lcursor *c)
{
	for (unsigned i = 0; i < LENV_LEVELS && c->level[i].c; i++)
		mdb_cursor_close(c->level[i].c);
	c->level[0].c = NULL;
	free(c->text);
	c->text = NULL;
}

static MDB_cursor *
cursor_at(struct lcursor *c, int depth)
{
	MDB_cursor **p = &c->level[depth].c;
	if (!*p && mdb_cursor_open(c->txn, depth == 0 ? c->e->rows : c->e->longs, p))
		abort();
	return *p;
}

static size_t
prefix_len(int depth)
{
	return depth > 0 ? 8 : 0;
}

static bool
in_level(const struct lcursor *c, int depth, const MDB_val *k)
{
	return depth == 0 || (k->mv_size > 8 && memcmp(k->mv_data, c->level[depth].id, 8) == 0);
}

static bool
is_chunk(int depth, const MDB_val *k)
{
	return k->mv_size == prefix_len(depth) + LENV_CHUNK + 1;
}

/* What LMDB answered: an entry that is what was written, or the end. */
static bool
entry_ok(struct lcursor *c, int rc, const MDB_val *k, MDB_val *v)
{
	if (rc == 0 && lval_take(k, v))
		return true;
	c->damaged |= rc != MDB_NOTFOUND;
	return false;
}

/* The last entry of a level. */
static bool
level_last(struct lcursor *c, int depth, MDB_val *k, MDB_val *v)
{
	MDB_cursor *m = cursor_at(c, depth);
	int rc = MDB_NOTFOUND;
	if (depth > 0) {
		uint64_t be;
		memcpy(&be, c->level[depth].id, 8);
		be = __builtin_bswap64(__builtin_bswap64(be) + 1);
		*k = (MDB_val){ 8, &be };
		rc = mdb_cursor_get(m, k, v, MDB_SET_RANGE);
	}
	rc = mdb_cursor_get(m, k, v, rc == 0 ? MDB_PREV : MDB_LAST);
	return entry_ok(c, rc, k, v) && in_level(c, depth, k);
}

static bool
level_first(struct lcursor *c, int depth, MDB_val *k, MDB_val *v)
{
	*k = (MDB_val){ 8, c->level[depth].id };
	int rc = mdb_cursor_get(cursor_at(c, depth), k, v, depth == 0 ? MDB_FIRST : MDB_SET_RANGE);
	return entry_ok(c, rc, k, v) && in_level(c, depth, k);
}

static bool
level_step(struct lcursor *c, int depth, MDB_val *k, MDB_val *v, bool reverse)
{
	int rc = mdb_cursor_get(cursor_at(c, depth), k, v, reverse ? MDB_PREV : MDB_NEXT);
	return entry_ok(c, rc, k, v) && in_level(c, depth, k);
}

/* A chunk was found at `depth`: notes its bytes and id, so that the level below can be read. */
static void
enter(struct lcursor *c, int depth, const MDB_val *k, const MDB_val *v)
{
	if (!c->text && !(c->text = malloc(STORE_KEY_MAX)))
		abort();
	memcpy(c->text + (size_t)depth * LENV_CHUNK, (char *)k->mv_data + prefix_len(depth),
		LENV_CHUNK);
	memcpy(c->level[depth + 1].id, v->mv_data, 8);
}

static bool
arrive(struct lcursor *c, int depth, const MDB_val *k, const MDB_val *v)
{
	c->depth = depth;
	c->value = str_of(v->mv_data, v->mv_size);
	if (depth == 0) {
		c->key = str_of(k->mv_data, k->mv_size);
		return true;
	}
	size_t at = (size_t)depth * LENV_CHUNK, n = k->mv_size - 8;
	if (at + n > STORE_KEY_MAX)
		abort();
	memcpy(c->text + at, (char *)k->mv_data + 8, n);
	c->key = str_of(c->text, at + n);
	return true;
}

/* Settles on a row: `found` tells whether k and v at `depth` are an entry; goes down into chunks
 * (to their first or last row), and up and on where a level ends. */
static bool
settle(struct lcursor *c, int depth, bool found, MDB_val k, MDB_val v, bool reverse)
{
	for (;;) {
		if (!found) {
			if (depth == 0 || c->damaged) {
				c->depth = -1;
				return false;
			}
			depth--;
			found = level_step(c, depth, &k, &v, reverse);
			continue;
		}
		if (!is_chunk(depth, &k))
			return arrive(c, depth, &k, &v);
		enter(c, depth, &k, &v);
		depth++;
		found = reverse ? level_last(c, depth, &k, &v) : level_first(c, depth, &k, &v);
	}
}

/* Goes down along the chunks of `key` as far as they exist. Leaves in *k, *v the first entry at or
 * after the key on the level returned; *ret_found whether there is one. */
static int
descend(struct lcursor *c, struct str key, MDB_val *k, MDB_val *v, bool *ret_found)
{
	for (int depth = 0;; depth++) {
		struct lkey want;
		lkey_make(&want, depth, c->level[depth].id, key);
		*k = want.val;
		int rc = mdb_cursor_get(cursor_at(c, depth), k, v, MDB_SET_RANGE);
		*ret_found = entry_ok(c, rc, k, v) && in_level(c, depth, k);
		bool same = *ret_found && want.more && k->mv_size == want.val.mv_size &&
			    memcmp(k->mv_data, want.bytes, k->mv_size) == 0;
		if (!same)
			return depth;
		enter(c, depth, k, v);
		key = str_of(key.p + LENV_CHUNK, key.len - LENV_CHUNK);
	}
}

bool
lcursor_ge(struct lcursor *c, struct str key)
{
	MDB_val k, v;
	bool found;
	if (key.len == 0) {
		found = level_first(c, 0, &k, &v);
		return settle(c, 0, found, k, v, false);
	}
	int depth = descend(c, key, &k, &v, &found);
	return settle(c, depth, found, k, v, false);
}

bool
lcursor_lt(struct lcursor *c, struct str key)
{
	MDB_val k, v;
	bool found;
	int depth = 0;
	if (!key.p) {
		found = level_last(c, 0, &k, &v);
		return settle(c, 0, found, k, v, true);
	}
	if (key.len == 0)
		return settle(c, 0, false, (MDB_val){ 0 }, (MDB_val){ 0 }, true);
	depth = descend(c, key, &k, &v, &found);
	found = found ? level_step(c, depth, &k, &v, true) : level_last(c, depth, &k, &v);
	return settle(c, depth, found, k, v, true);
}

bool
lcursor_next(struct lcursor *c)
{
	MDB_val k, v;
	if (c->depth < 0)
		return false;
	bool found = level_step(c, c->depth, &k, &v, false);
	return settle(c, c->depth, found, k, v, false);
}

bool
lcursor_prev(struct lcursor *c)
{
	MDB_val k, v;
	if (c->depth < 0)
		return false;
	bool found = level_step(c, c->depth, &k, &v, true);
	return settle(c, c->depth, found, k, v, true);
}
