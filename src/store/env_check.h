/*
 * env_check: reads the file of an LMDB environment by itself, trusting nothing that it says.
 *
 * LMDB has no checksums and believes its pages: a flipped bit may show it wrong rows, hide some, or
 * crash it. So a file is checked before LMDB opens it: which of the two roots counts, every page in
 * its place, keys in order and within their parent's bounds, counts, every page used once or free,
 * and the checksum of each value (env_lmdb.h), which is bound to its key. What is not wrong here,
 * LMDB reads right.
 *
 * Reads with pread, page by page; 1 GB takes well under a second when it is cached. Nothing is
 * written. Blocking; any thread, while nobody writes the file.
 */
#ifndef HANEUL_STORE_ENV_CHECK_H
#define HANEUL_STORE_ENV_CHECK_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum env_verdict {
	ENV_ABSENT,
	ENV_GOOD,
	ENV_OLD,     /* whole, as far as can be seen: written before values had checksums */
	ENV_DAMAGED,
	ENV_UNREADABLE, /* the disk or the system refuses; errno in `error` */
};

enum env_db {
	ENV_ROWS,
	ENV_LONG,
	ENV_META,
	ENV_DBS
};

struct env_check {
	/* May be NULL. Each value that passes, without its checksum; valid during the call. Also
	 * those of a damaged file, as far as they can be reached. 0, or not 0: stop. */
	int (*row)(void *arg, enum env_db db, struct str key, struct str value);
	void *arg;
	/* Found. */
	uint64_t seq, next_id;	   /* the position (env_lmdb.h) */
	uint64_t entries[ENV_DBS]; /* as the file says */
	uint64_t rows[ENV_DBS];	   /* those that pass */
	bool counted;		   /* the entries could be read */
	uint64_t bad_pages, bad_values, bytes;
	int error;
};
enum env_verdict env_check(const char *path, struct env_check *c);

/* The checksum behind each value: of the value, bound to the key of its node. */
uint64_t env_value_sum(struct str key, struct str value);

#endif
