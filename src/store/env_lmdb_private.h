/* What env_lmdb.c and env_cursor.c share. */
#ifndef HANEUL_STORE_ENV_LMDB_PRIVATE_H
#define HANEUL_STORE_ENV_LMDB_PRIVATE_H

#include "store/env_check.h"
#include "store/env_lmdb.h"

/* The key in LMDB of what is left of a key at one depth. val points into the struct: do not copy
 * it. */
struct lkey {
	uint8_t bytes[8 + LENV_CHUNK + 1];
	MDB_val val;
	bool more; /* it ends in the marker: the rest stands one level deeper */
};
void lkey_make(struct lkey *k, int depth, const uint8_t id[8], struct str rest);

/* Takes the checksum off a value; false when it does not fit. */
static inline bool
lval_take(const MDB_val *k, MDB_val *v)
{
	uint64_t sum;
	if (v->mv_size < sizeof sum)
		return false;
	v->mv_size -= sizeof sum;
	memcpy(&sum, (const char *)v->mv_data + v->mv_size, sizeof sum);
	return sum == env_value_sum(str_of(k->mv_data, k->mv_size), str_of(v->mv_data, v->mv_size));
}

#endif
