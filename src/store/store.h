/*
 * store: durable ordered rows in transactions.
 *
 * Keys are 1..4096 bytes, ordered as memcmp orders them; values 0..64 MiB (meant to be small).
 * Rows live in named environments ("s3", "iam", "sqs", …: one for each service group), so that a
 * large one cannot bloat another; one transaction may touch several of them.
 *
 * One writer. store_submit queues a unit of work from any thread; units run one after the other,
 * in order, on the writer's thread, each atomic: a unit that returns non-zero leaves nothing
 * behind. A group of units is made durable by ONE sync of the log, and only then their `done` runs.
 * Readers see durable units only, and see each whole.
 *
 * Readers: tx_begin_read is cheap (about a microsecond), on any thread, ended on the same thread.
 * Values and scan positions are borrowed until tx_end (readers) or until the unit returns (writer;
 * there a value also survives later puts of the same unit). Never hold a read transaction across a
 * wait.
 *
 * Behind it: a group-commit log (preallocated segments, checksummed records), memtables, and LMDB,
 * into which full memtables are merged sorted, with the log position in the same LMDB transaction.
 */
#ifndef HANEUL_STORE_STORE_H
#define HANEUL_STORE_STORE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_KEY_MAX 4096

struct store;
struct rows; /* one environment */
struct tx;

enum store_durability {
	STORE_FULL,      /* a unit is done when the log is synced */
	STORE_RELAXED,   /* synced every 50 ms; done runs before */
	STORE_EPHEMERAL, /* nothing kept: the directory is removed on close, no sync */
	STORE_SYNC_EACH, /* one sync for each unit: the yardstick of the benchmark */
};

struct store_options {
	const char *dir;
	/* A second directory, on another disk say, that holds everything once more: the loss of, or
	 * damage in, either is made good from the other. NULL: none. Not used by an ephemeral
	 * store. */
	const char *second_dir;
	enum store_durability durability;
	uint64_t memtable_bytes; /* 0: 16 MiB; a full one is merged in the background */
	uint64_t map_bytes;      /* 0: 1 TiB of address space for each environment */
	/* Called on the writer's thread after a group is durable, once for each distinct key given
	 * to tx_touch. */
	void (*touched)(void *arg, struct str key);
	void *touched_arg;
};

/* 0, or -errno: -EBUSY another process holds the directory (its pid in *ret_holder, may be NULL),
 * -EPROTO made by a newer version, -EBADMSG damaged beyond what the other directory makes good,
 * -EXDEV the two directories belong to different stores, -EOWNERDEAD one is lost, and the other was
 * still being filled from it. */
int store_open(struct store **ret_store, const struct store_options *o, int *ret_holder);
/* The end is near: from now on nobody waits for the check of a large environment. What would need
 * one fails, and what the log holds of it waits there for the next opening. Any thread. */
void store_hurry(struct store *s);
/* Finishes what was submitted. */
void store_close(struct store *s);
/* The environment of that name ([a-z0-9-]{1,32}), made at first use. Any thread; never NULL (aborts
 * when the disk refuses). */
struct rows *store_rows(struct store *s, const char *name);

struct tx *tx_begin_read(struct store *s);
void tx_end(struct tx *t); /* readers only; NULL is fine */

/* true when present. */
bool tx_get(struct tx *t, struct rows *r, struct str key, struct str *ret_value);
/* Writer only. Key and value are copied. */
void tx_put(struct tx *t, struct rows *r, struct str key, struct str value);
void tx_delete(struct tx *t, struct rows *r, struct str key); /* fine when absent */
/* Writer only: wakes who waits for that key (see store_options.touched), after the commit. */
void tx_touch(struct tx *t, struct str key);
/* Something that this transaction asked for is damaged in every copy: what it saw is not the truth.
 * A writer's unit is undone and done hears -EIO. */
bool tx_damaged(const struct tx *t);
bool tx_is_writer(const struct tx *t);
struct store *tx_store(const struct tx *t); /* borrowed */

/* A walk over keys in [lo, hi) upward, or downward from the last one below hi. hi STR_NULL: to the
 * end. The walk sees the unit's own earlier puts; a put or delete during a walk is allowed and may
 * or may not be seen. scan_done may be left out when scan_next returned false. */
struct scan {
	struct str key, value; /* set by scan_next */
	void *state;
	struct tx *tx;
	struct rows *rows;
};
void scan_open(
	struct scan *c, struct tx *t, struct rows *r, struct str lo, struct str hi, bool reverse);
bool scan_next(struct scan *c);
/* Upward: goes on at the first key >= `key`; downward: at the last key < `key`. Much cheaper than
 * walking. */
void scan_seek(struct scan *c, struct str key);
void scan_done(struct scan *c);

struct store_unit {
	struct store_unit *next;
	/* 0: keep; else the changes of this unit are undone. On the writer's thread. */
	int (*run)(struct store_unit *u, struct tx *t);
	/* status: 0 durable (or undone as run asked); -EINVAL: a key or value was beyond the
	 * limits; -EIO, -ENOSPC: the log could not be synced, the changes are undone. On the
	 * writer's thread: post elsewhere, do not block. */
	void (*done)(struct store_unit *u, int status);
};
void store_submit(struct store *s, struct store_unit *u);
/* Several, chained by `next`, in that order. */
void store_submit_list(struct store *s, struct store_unit *first);
/* Submits and waits. For start-up, command line and tests; never on a loop. Returns run's value or
 * -errno. */
int store_write(struct store *s, int (*run)(struct tx *t, void *arg), void *arg);

/* Empties every environment, in one unit: after it, and after a crash at any moment, either all
 * rows are there or only those that `keep` put (in that unit; it still sees everything; NULL:
 * none). Waits; never on a loop. Readers that began earlier go on reading what was. 0 or -errno:
 * then nothing was changed. */
int store_reset(struct store *s, int (*keep)(struct tx *t, void *arg), void *arg);

/* Looks whether a directory was taken away, or a failed one can be used again, and asks for its
 * rebuilding; cheap, any thread, called every second or so. */
void store_look(struct store *s);
/* Asks for a check of everything that was merged, in the background. Any thread. */
void store_scrub(struct store *s);

struct store_side_stats {
	bool there;   /* configured */
	bool log;     /* its log takes part */
	bool whole;   /* it has everything */
	uint32_t environments, environments_down;
};

struct store_stats {
	struct store_side_stats side[2];
	uint64_t rebuild_bytes,
		rebuild_bytes_expected; /* of the copy under way, else of the last one */
	uint64_t
		damaged_total; /* copies of environments and sides of the log found damaged, missing or behind */
	uint64_t repaired_total; /* and made whole */
	uint64_t lost_total;	 /* reads that no copy could answer */
	uint64_t scrubs_total, scrubbed_bytes;
	uint64_t units_total, groups_total, undone_total, syncs_total, log_bytes, merges_total;
	uint64_t memtable_bytes, disk_bytes;
	bool read_only; /* the log failed: every unit is refused with its -errno until the next open */
};
void store_stats_get(struct store *s, struct store_stats *ret_stats);

/* Order-preserving keys: pieces are escaped (0x00 -> 0x00 0xff) and ended by 0x00 0x01, so that
 * ("a","b") sorts before ("ab",""). u64 are 8 bytes big-endian. A key under construction lives in place. */
struct key {
	uint8_t bytes[STORE_KEY_MAX];
	uint32_t len;
	bool overflow; /* too long: key_str returns STR_NULL */
};
void key_begin(struct key *k);
void key_add(struct key *k, struct str piece);
#define key_add_lit(k, lit) key_add((k), STR(lit))
void key_add_u64(struct key *k, uint64_t v);
void key_add_u64_desc(struct key *k, uint64_t v); /* sorts high to low */
void key_add_raw(struct key *k,
	struct str bytes); /* last piece: not escaped, not ended; prefix scans work on it */
struct str key_str(const struct key *k);
/* The smallest key above all that begin with `prefix`; in *k. STR_NULL when there is none (all
 * 0xff). */
struct str key_after_prefix(struct key *k, struct str prefix);
/* Takes the next piece off *rest; text is unescaped into out (cap bytes). false when malformed. */
bool key_take(struct str *rest, char *out, size_t cap, struct str *ret_piece);
bool key_take_u64(struct str *rest, uint64_t *ret_v);

#endif
