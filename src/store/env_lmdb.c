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
	rc = mdb_dbi_open(txn, "rows", MDB_CREATE, &e->rows);
	if (!rc)
		rc = mdb_dbi_open(txn, "long", MDB_CREATE, &e->longs);
	if (!rc)
		rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &e->meta);
	MDB_val k = { 3, "pos" }, v;
	uint64_t meta[2] = { 0, 1 };
	if (!rc) {
		rc = mdb_get(txn, e->meta, &k, &v);
		if (!rc && v.mv_size == sizeof meta)
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

bool
lenv_get(const struct lenv *e, MDB_txn *txn, struct str key, struct str *ret_value)
{
	MDB_val v;
	if (key.len <= LENV_CHUNK) {
		MDB_val k = { key.len, (void *)key.p };
		if (mdb_get(txn, e->rows, &k, &v))
			return false;
		*ret_value = str_of(v.mv_data, v.mv_size);
		return true;
	}
	uint8_t id[8] = { 0 };
	for (int depth = 0;; depth++, key = rest_of(key)) {
		struct lkey k;
		lkey_make(&k, depth, id, key);
		if (mdb_get(txn, dbi_at(e, depth), &k.val, &v))
			return false;
		if (!k.more)
			break;
		memcpy(id, v.mv_data, sizeof id);
	}
	*ret_value = str_of(v.mv_data, v.mv_size);
	return true;
}

/* The id under which the rest of the key stands, made when there is none. */
static int
id_for(struct lenv *e, MDB_txn *txn, int depth, struct lkey *k, uint8_t id[8])
{
	MDB_val v;
	int rc = mdb_get(txn, dbi_at(e, depth), &k->val, &v);
	if (rc == 0) {
		memcpy(id, v.mv_data, 8);
		return 0;
	}
	if (rc != MDB_NOTFOUND)
		return rc;
	uint64_t be = __builtin_bswap64(e->next_id++);
	memcpy(id, &be, 8);
	v = (MDB_val){ 8, id };
	return mdb_put(txn, dbi_at(e, depth), &k->val, &v, 0);
}

int
lenv_put(struct lenv *e, MDB_txn *txn, struct str key, struct str value)
{
	uint8_t id[8] = { 0 };
	for (int depth = 0;; depth++, key = rest_of(key)) {
		struct lkey k;
		lkey_make(&k, depth, id, key);
		if (!k.more) {
			MDB_val v = { value.len, (void *)value.p };
			return mdb_put(txn, dbi_at(e, depth), &k.val, &v, 0);
		}
		int rc = id_for(e, txn, depth, &k, id);
		if (rc)
			return rc;
	}
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
		rc = mdb_get(txn, dbi_at(e, depth), &path[depth].val, &v);
		if (rc)
			return rc == MDB_NOTFOUND ? 0 : rc;
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
	MDB_val k = { 3, "pos" }, v = { sizeof meta, meta };
	return mdb_put(txn, e->meta, &k, &v, 0);
}
