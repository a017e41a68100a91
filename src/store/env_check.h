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
 *
 * Why as a whole, and not page by page on the way of the first reads: what is missing cannot be
 * seen on the way. A branch that points to an older page, or a page that says that it holds fewer
 * rows, passes every check but the one that all pages and all entries were met.
 */
#ifndef HANEUL_STORE_ENV_CHECK_H
#define HANEUL_STORE_ENV_CHECK_H

#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum env_verdict {
	ENV_ABSENT,
	ENV_GOOD,
	ENV_OLD, /* whole, as far as can be seen: written before values had checksums */
	ENV_DAMAGED,
	ENV_UNREADABLE, /* the disk or the system refuses; errno in `error` */
	ENV_STOPPED,    /* before the end: nothing is known */
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
	/* May be NULL. Set by another thread: the check of a large file ends soon. */
	const atomic_bool *stop;
	/* Found. */
	uint64_t seq, next_id;	   /* the position (env_lmdb.h) */
	uint64_t entries[ENV_DBS]; /* as the file says */
	uint64_t rows[ENV_DBS];	   /* those that pass */
	bool counted;		   /* the entries could be read */
	uint64_t bad_pages, bad_values, bytes;
	int error;
};
enum env_verdict env_check(const char *path, struct env_check *c);
/* So many bytes make a file large: others are read through at once. Tests lower it. */
extern uint64_t env_check_large;

/* The checksum behind each value: of the value, bound to the key of its node. */
uint64_t env_value_sum(struct str key, struct str value);

#endif
