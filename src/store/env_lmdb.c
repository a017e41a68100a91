/* Single rows in LMDB: see env_lmdb.h. */
#include "store/env_lmdb_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

int
lenv_errno(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_PANIC:
		return -EBADMSG;
	case MDB_VERSION_MISMATCH:
		return -EPROTO;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

static int
databases_open(struct lenv *e)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(e->env, NULL, 0, &txn);
	if (rc)
		return rc;
	rc = mdb_dbi_open(txn, "rows.2", MDB_CREATE, &e->rows);
	if (!rc)
		rc = mdb_dbi_open(txn, "long.2", MDB_CREATE, &e->longs);
	if (!rc)
		rc = mdb_dbi_open(txn, "meta.2", MDB_CREATE, &e->meta);
	MDB_val k = { 3, "pos" }, v;
	uint64_t meta[2] = { 0, 1 };
	if (!rc) {
		rc = mdb_get(txn, e->meta, &k, &v);
		if (!rc && lval_take(&k, &v) && v.mv_size == sizeof meta)
			memcpy(meta, v.mv_data, sizeof meta);
		else if (!rc)
			rc = MDB_CORRUPTED;
		else if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	e->seq = meta[0];
	e->next_id = meta[1];
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

int
lenv_open(struct lenv *e, const char *dir, uint64_t map_bytes, bool no_sync, bool make)
{
	if (make && mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (no_sync ? MDB_NOSYNC | MDB_NOMETASYNC : 0);
	int rc;
	/* Address space may be short (a limit, or a sanitizer): less of it still serves. */
	for (uint64_t map = map_bytes;; map /= 4) {
		rc = mdb_env_create(&e->env);
		if (rc)
			return lenv_errno(rc);
		mdb_env_set_maxdbs(e->env, 3);
		mdb_env_set_maxreaders(e->env, 1000);
		rc = mdb_env_set_mapsize(e->env, map);
		if (!rc)
			rc = mdb_env_open(e->env, dir, flags, 0600);
		if (rc)
			mdb_env_close(e->env);
		if (rc != ENOMEM || map <= 1u << 30)
			break;
	}
	if (rc) {
		e->env = NULL;
		return lenv_errno(rc);
	}
	rc = databases_open(e);
	if (rc)
		lenv_close(e);
	return lenv_errno(rc);
}

void
lenv_close(struct lenv *e)
{
	if (e->env)
		mdb_env_close(e->env);
	e->env = NULL;
}

void
lkey_make(struct lkey *k, int depth, const uint8_t id[8], struct str rest)
{
	size_t n = 0, chunk = rest.len < LENV_CHUNK ? rest.len : LENV_CHUNK;
	if (depth > 0) {
		memcpy(k->bytes, id, 8);
		n = 8;
	}
	if (chunk)
		memcpy(k->bytes + n, rest.p, chunk);
	n += chunk;
	k->more = rest.len > LENV_CHUNK;
	if (k->more)
		k->bytes[n++] = 0;
	k->val = (MDB_val){ n, k->bytes };
}

static MDB_dbi
dbi_at(const struct lenv *e, int depth)
{
	return depth == 0 ? e->rows : e->longs;
}

static struct str
rest_of(struct str key)
{
	return str_of(key.p + LENV_CHUNK, key.len - LENV_CHUNK);
}

static int
value_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *k, struct str value)
{
	uint64_t sum = env_value_sum(str_of(k->mv_data, k->mv_size), value);
	MDB_val v = { value.len + sizeof sum, NULL };
	int rc = mdb_put(txn, dbi, k, &v, MDB_RESERVE);
	if (rc)
		return rc;
	if (value.len)
		memcpy(v.mv_data, value.p, value.len);
	memcpy((char *)v.mv_data + value.len, &sum, sizeof sum);
	return 0;
}

/* The value under a key of one node. */
static enum lenv_found
value_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *k, MDB_val *ret_v)
{
	int rc = mdb_get(txn, dbi, k, ret_v);
	if (rc)
		return rc == MDB_NOTFOUND ? LENV_ABSENT : LENV_DAMAGED;
	return lval_take(k, ret_v) ? LENV_FOUND : LENV_DAMAGED;
}

enum lenv_found
lenv_get(const struct lenv *e, MDB_txn *txn, struct str key, struct str *ret_value)
{
	MDB_val v;
	uint8_t id[8] = { 0 };
	enum lenv_found found;
	for (int depth = 0;; depth++, key = rest_of(key)) {
		struct lkey k;
		/* As a rule the key is the node's. */
		bool whole = depth == 0 && key.len <= LENV_CHUNK;
		if (whole)
			k.val = (MDB_val){ key.len, (void *)key.p };
		else
			lkey_make(&k, depth, id, key);
		found = value_get(txn, dbi_at(e, depth), &k.val, &v);
		if (whole || found != LENV_FOUND || !k.more)
			break;
		memcpy(id, v.mv_data, sizeof id);
	}
	if (found == LENV_FOUND)
		*ret_value = str_of(v.mv_data, v.mv_size);
	return found;
}

/* The id under which the rest of the key stands, made when there is none. */
static int
id_for(struct lenv *e, MDB_txn *txn, int depth, struct lkey *k, uint8_t id[8])
{
	MDB_val v;
	enum lenv_found found = value_get(txn, dbi_at(e, depth), &k->val, &v);
	if (found == LENV_FOUND) {
		memcpy(id, v.mv_data, 8);
		return 0;
	}
	if (found == LENV_DAMAGED)
		return MDB_CORRUPTED;
	uint64_t be = __builtin_bswap64(e->next_id++);
	memcpy(id, &be, 8);
	return value_put(txn, dbi_at(e, depth), &k->val, str_of(id, 8));
}

int
lenv_put(struct lenv *e, MDB_txn *txn, struct str key, struct str value)
{
	uint8_t id[8] = { 0 };
	for (int depth = 0;; depth++, key = rest_of(key)) {
		struct lkey k;
		lkey_make(&k, depth, id, key);
		if (!k.more)
			return value_put(txn, dbi_at(e, depth), &k.val, value);
		int rc = id_for(e, txn, depth, &k, id);
		if (rc)
			return rc;
	}
}

int
lenv_put_raw(struct lenv *e, MDB_txn *txn, int db, struct str key, struct str value)
{
	MDB_val k = { key.len, (void *)key.p };
	return value_put(txn,
		db == ENV_ROWS   ? e->rows
		: db == ENV_LONG ? e->longs
				 : e->meta,
		&k, value);
}

/* 1: rows stand under id; 0: none; else an LMDB code below 0 or an errno above 1. */
static int
id_in_use(struct lenv *e, MDB_txn *txn, const uint8_t id[8])
{
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, e->longs, &c);
	if (rc)
		return rc;
	MDB_val k = { 8, (void *)id }, v;
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	bool used = rc == 0 && k.mv_size > 8 && memcmp(k.mv_data, id, 8) == 0;
	mdb_cursor_close(c);
	return rc && rc != MDB_NOTFOUND ? rc : used;
}

int
lenv_del(struct lenv *e, MDB_txn *txn, struct str key)
{
	struct lkey path[LENV_LEVELS];
	uint8_t ids[LENV_LEVELS + 1][8] = { 0 };
	MDB_val v;
	int depth = 0, rc;
	for (;; depth++, key = rest_of(key)) {
		lkey_make(&path[depth], depth, ids[depth], key);
		if (!path[depth].more)
			break;
		enum lenv_found found = value_get(txn, dbi_at(e, depth), &path[depth].val, &v);
		if (found != LENV_FOUND)
			return found == LENV_ABSENT ? 0 : MDB_CORRUPTED;
		memcpy(ids[depth + 1], v.mv_data, 8);
	}
	rc = mdb_del(txn, dbi_at(e, depth), &path[depth].val, NULL);
	/* Chunks under which nothing is left go as well. */
	while (rc == 0 && depth-- > 0) {
		rc = id_in_use(e, txn, ids[depth + 1]);
		if (rc)
			return rc == 1 ? 0 : rc;
		rc = mdb_del(txn, dbi_at(e, depth), &path[depth].val, NULL);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
lenv_clear(struct lenv *e, MDB_txn *txn)
{
	int rc = mdb_drop(txn, e->rows, 0);
	return rc ? rc : mdb_drop(txn, e->longs, 0);
}

int
lenv_put_meta(struct lenv *e, MDB_txn *txn, uint64_t seq)
{
	uint64_t meta[2] = { seq, e->next_id };
	MDB_val k = { 3, "pos" };
	return value_put(txn, e->meta, &k, str_of(meta, sizeof meta));
}
