/*
 * env_lmdb: the merged rows of one environment, in LMDB.
 *
 * LMDB takes keys of up to 511 bytes; ours have up to 4096. A key is cut into chunks of 480 bytes.
 * The first stands in the database `rows`. If more follows, the chunk ends in a 0x00 (so its
 * length, 481, tells it from a whole key, and it sorts right after the key that is the chunk
 * itself); its value is an id, under which the rest stands in the database `long` as id, next
 * chunk, and so on. Each step is one B-tree search, however many keys share their beginning.
 *
 * `meta` holds the position: every unit up to it is merged, of later ones maybe some rows.
 *
 * Behind each value stands a checksum, bound to the key of its node (env_check.h): every read
 * verifies it. The file is checked as a whole before LMDB opens it.
 */
#ifndef HANEUL_STORE_ENV_LMDB_H
#define HANEUL_STORE_ENV_LMDB_H

#include "store/store.h"

#include <lmdb.h>

#define LENV_CHUNK 480u
#define LENV_LEVELS ((STORE_KEY_MAX + LENV_CHUNK - 1) / LENV_CHUNK)

struct lenv {
	MDB_env *env;
	MDB_dbi rows, longs, meta;
	uint64_t seq;     /* the merged position; the merge thread's */
	uint64_t next_id; /* the merge thread's */
};

/* 0 or -errno. Makes the directory when `make` is set, else -ENOENT when there is none. */
int lenv_open(struct lenv *e, const char *dir, uint64_t map_bytes, bool no_sync, bool make);
void lenv_close(struct lenv *e);
int lenv_errno(int mdb_rc); /* LMDB's codes as -errno */

enum lenv_found {
	LENV_ABSENT,
	LENV_FOUND,
	LENV_DAMAGED, /* something on the way is not what was written */
};
enum lenv_found lenv_get(
	const struct lenv *e, MDB_txn *txn, struct str key, struct str *ret_value);
/* In a write transaction of the merge thread. 0 or an LMDB code. */
int lenv_put(struct lenv *e, MDB_txn *txn, struct str key, struct str value);
int lenv_del(struct lenv *e, MDB_txn *txn, struct str key);
int lenv_clear(struct lenv *e, MDB_txn *txn); /* every row */
int lenv_put_meta(struct lenv *e, MDB_txn *txn, uint64_t seq);
/* An entry of one of the databases as it stands there (without checksum): for copying. db: enum
 * env_db. */
int lenv_put_raw(struct lenv *e, MDB_txn *txn, int db, struct str key, struct str value);

/* A place among the keys. key and value are set while it is on one; a key longer than one chunk
 * lives in the cursor. */
struct lcursor {
	const struct lenv *e;
	MDB_txn *txn;
	int depth; /* -1: nowhere */
	bool damaged; /* it ended because something is not what was written */
	struct str key, value;
	struct {
		MDB_cursor *c;
		uint8_t id[8];
	} level[LENV_LEVELS];
	uint8_t *text; /* STORE_KEY_MAX bytes, made when first needed */
};
void lcursor_open(struct lcursor *c, const struct lenv *e, MDB_txn *txn);
void lcursor_close(struct lcursor *c);
/* Each returns whether the cursor stands on a row. */
bool lcursor_ge(struct lcursor *c, struct str key);
bool lcursor_lt(struct lcursor *c, struct str key); /* STR_NULL: the very last */
bool lcursor_next(struct lcursor *c);
bool lcursor_prev(struct lcursor *c);

#endif
