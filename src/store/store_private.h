/*
 * What the files of the store share.
 *
 * Sequence numbers. Each kept unit that wrote something has the next number. `visible` is the
 * newest number that is durable; a reader's snapshot is `visible` at its begin. The memtables of a
 * view, and LMDB, together hold every version that a snapshot may need:
 *
 *   A view is a list of memtables, newest first; they hold every unit after position P, up to which
 *   everything was in LMDB when the view was made. For a key, the newest version at or before the
 *   snapshot S in the view's memtables is the answer; where there is none, the key did not change
 * in (P, S], and LMDB answers, if for this key its read transaction stands at a position in [P, S].
 *   It is at least P because it was begun after the view was made. It is at most S because a merge
 * of a memtable whose last number is above S first begins read transactions of that environment on
 *   behalf of every reader with an older snapshot (merge_pin_readers), and readers that begin later
 *   have newer snapshots: only what is visible is ever frozen and merged. So a merge may commit in
 *   several pieces, and environment after environment, and no row vanishes or shows its future.
 *   The writer reads at SEQ_MAX, so any position is fine for it.
 *
 * A reset is a unit with number F. What it keeps goes into a memtable with the floor F, which
 * becomes current in the moment in which F becomes visible; who sees that table looks no further,
 * neither into older memtables nor into LMDB. Its merge empties every environment first (reset.c).
 *
 * Recovery. An environment's position (env_lmdb.h) is committed with the last piece of a merge.
 * Replayed are units above it; pieces of a merge that was cut off are only overwritten by
 * themselves.
 *
 * Locks. `queue_lock`: the queue of units. `lock`: view, readers, read transactions, environments;
 * held for moments, never across I/O. `rows.open_lock`: opening one environment. Order: open_lock,
 * then lock. Memtables are read without locks.
 */
#ifndef HANEUL_STORE_STORE_PRIVATE_H
#define HANEUL_STORE_STORE_PRIVATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/env_lmdb.h"
#include "store/wal.h"
#include "store/memtable.h"
#include "store/store.h"

#include <pthread.h>

#define ROWS_MAX 128
#define VIEW_MAX 3 /* the current memtable and two that wait for their merge */
#define GROUP_UNITS_MAX 512
#define GROUP_BYTES_MAX (8u << 20)
#define VALUE_MAX (64u << 20)
#define RELAXED_SYNC_MS 50
#define TXN_POOL_MAX 64
#define LAYOUT_VERSION 2 /* 1: values in LMDB without checksums, one side */

#define SIDES 2
#define NAMED 64

enum rows_state {
	ROWS_UNKNOWN, /* not looked at yet */
	ROWS_ABSENT,  /* nothing was ever merged */
	ROWS_OPEN,
	ROWS_LOST,    /* damaged beyond repair */
};

enum copy_state {
	COPY_NONE,     /* the store has one side */
	COPY_UNSEEN,   /* checked and opened when the merge needs it */
	COPY_OPEN,
	COPY_RETIRING, /* given up; readers may still have it */
	COPY_DOWN,     /* lost, damaged or behind: to be filled from the other */
};

/* One environment on one side. */
struct copy {
	char *dir;
	enum copy_state
		state; /* changed by the merge thread under store.lock (or by the opening) */
	struct lenv lenv;
	int active; /* read transactions in use; this and the pool under store.lock */
	MDB_txn *pool[TXN_POOL_MAX]; /* reset read transactions */
	int pool_count;
};

struct rows {
	struct store *s;
	uint16_t id;
	char name[33];
	pthread_mutex_t open_lock;
	_Atomic(int) state;
	struct copy copy[SIDES];
	int live;	     /* the copy that is read; under store.lock */
	atomic_uint suspect; /* bits: copies in which damage was met */
};

/* One of the two directories that hold everything. */
struct side {
	char *dir; /* NULL: there is no second one */
	int lock_fd;
	bool incomplete; /* marked so on disk: alone it is not the whole store */
};

struct view {
	int refs; /* under store.lock */
	int count;
	struct memtable *tables[VIEW_MAX]; /* newest first; [0] is the current one */
};

struct scan_state;

/* A row that was read lately: handlers ask for the same few again and again. Nothing of it changes
 * while a unit runs, or a snapshot lives, but what the unit itself staged. */
#define SEEN_N 4
#define SEEN_KEY 120
struct tx_seen {
	struct str value; /* borrowed as every value is; p NULL: there is none */
	uint32_t key_len; /* 0: free */
	uint16_t rows;
	char key[SEEN_KEY];
};

struct tx {
	struct store *s;
	struct tx *prev, *next; /* in the store's list of readers, or of spare ones */
	bool writer;
	uint64_t snapshot;
	struct view *view;
	int depth;      /* so many tables of the view are read */
	bool floored;   /* and LMDB is not */
	_Atomic(MDB_txn *)
		txns[ROWS_MAX]; /* NULL, or TXN_ABSENT; set under store.lock, maybe by the merge */
	MDB_txn *
		*others; /* of the copies that are not live, where damage was met; as a rule NULL */
	atomic_bool damaged; /* something could not be read from either copy */
	struct scan_state *scans, *scans_free;
	struct arena keep; /* long keys that scans handed out */
	struct tx_seen seen[SEEN_N];
	unsigned seen_next;
	/* The writer's: */
	struct memtable *stage; /* what the unit at hand wrote */
	int failed;             /* -EINVAL: it gave a key or value beyond the limits */
	struct str *touches;
	size_t touches_count, touches_cap;
};
#define TXN_ABSENT ((MDB_txn *)1)

struct store {
	struct store_options o;
	struct side side[SIDES];
	int sides;
	pthread_mutex_t mark_lock; /* side.incomplete and its file */
	char id[33]; /* both sides bear it */
	atomic_bool log_work;  /* the writer has a side of the log to drop or take back */
	atomic_bool mend_work; /* the merge has copies to give up, fill or check */
	atomic_bool scrub_asked;
	atomic_bool hurry; /* nobody waits for the check of a large file any more */

	pthread_mutex_t queue_lock;
	pthread_cond_t queue_cond;
	struct store_unit *queue, **queue_tail;
	bool closing, writer_waits;
	_Atomic(struct store_unit *) reset_unit; /* the one that empties the store; NULL */

	pthread_mutex_t lock;
	pthread_cond_t merge_cond, room_cond;
	struct view *view;
	uint64_t visible; /* written by the writer under lock */
	struct tx *readers, *spare_tx;
	int spare_count;
	struct rows *rows[ROWS_MAX];
	int rows_count;
	_Atomic(struct rows *) named[NAMED]; /* found by their names' hash, as a rule */
	bool merge_stop, merge_idle;
	int merge_error;
	struct store_stats stats;

	/* The writer's thread alone: */
	struct tx *wtx;
	struct wal *log;
	struct buf group; /* the record under construction */
	struct arena group_arena;
	struct memtable *reset_table; /* while a reset is under way: current when it is durable */
	struct node **undo; /* what the group put into the memtable */
	size_t undo_count, undo_cap;
	int status[GROUP_UNITS_MAX];
	int read_only; /* the -errno with which the log failed */
	bool unsynced; /* relaxed: a sync is due */
	pthread_t writer_thread, merge_thread;
	pthread_t ahead_thread; /* opens what is large before it is asked for, and ends */
	bool ahead;
	pthread_mutex_t reset_lock; /* one reset after the other */
};

/* rows.c: environments and their copies */
struct rows *rows_find(struct store *s, struct str name);
void rows_free(struct rows *r);
/* Opens the environment when it is there; makes it when `make` is set. 0 or -errno (-ECANCELED: in
 * a hurry, and nothing changed). */
int rows_open(struct rows *r, bool make);
/* Every environment that was ever merged, also those that nobody asked for in this run. */
int rows_find_all(struct store *s);
/* Damage was met there: the merge thread gives the copy up, if there is another. Any thread. */
void rows_suspect(struct rows *r, const struct lenv *e);
/* Copies that were not looked at yet are open afterwards, or down. 0, or -ECANCELED: in a hurry. On
 * the merge thread. */
int copies_see(struct rows *r);
/* Its check takes a while. */
bool rows_large(const struct rows *r);
/* After something failed there while the other copy has it. On the merge thread. */
void copy_give_up(struct rows *r, int i);

/* mend.c: on the merge thread */
/* Gives up copies in which damage was met, fills those that are down. true: something is left to
 * do, which store_look asks for again. */
bool rows_mend(struct store *s);
/* Reads every copy as a whole. */
void rows_scrub(struct store *s);
/* Puts what passes in the damaged files of both sides together. 0: copy `to` is whole now. */
int rows_salvage(struct rows *r, int to);

/* side.c: the directories */
int sides_open(struct store *s, int *ret_holder, bool *ret_fresh);
/* When everything is open: both are marked as this version's. */
int sides_settle_version(struct store *s);
void sides_close(struct store *s);
/* Before anything on that side is missing, or is known to be. */
void side_mark(struct store *s, int i);
void side_unmark(struct store *s, int i);
/* On the writer's thread, between groups: drops sides of the log that are gone, takes back those
 * that are not there. */
void sides_log_mend(struct store *s);
char *path_join(const char *dir, const char *name);
int dir_make_all(const char *path); /* and its parents, durably. 0 or -errno */
int dir_remove(const char *dir);

/* tx.c */
struct tx *tx_new(struct store *s, bool writer);
void tx_free(struct tx *t);
/* Under store.lock: takes a reference on the view and the snapshot. */
/* Before another unit runs. */
void tx_forget_seen(struct tx *t);
void tx_attach(struct tx *t);
/* Gives back what tx_attach and the reading took. */
void tx_detach(struct tx *t);
/* The transaction's LMDB transaction for r, and its environment; NULL when nothing was ever merged
 * there. */
MDB_txn *tx_lmdb(struct tx *t, struct rows *r, const struct lenv **ret_lenv);
/* After damage was met in `from`: the same of the other copy; NULL when there is none. */
MDB_txn *tx_lmdb_other(
	struct tx *t, struct rows *r, const struct lenv *from, const struct lenv **ret_lenv);
/* Something could not be read: the unit is undone, or the reader told (tx_damaged). */
void tx_damage(struct tx *t);
/* Under store.lock; NULL when LMDB has no reader slot left. */
MDB_txn *rows_txn_acquire(struct rows *r);
void copy_txns_free(struct copy *c);
void view_unref_locked(struct view *v, struct view **ret_dead);
void view_free(struct view *v); /* NULL is fine */
struct view *view_new(struct memtable *const *tables, int count);

/* scan.c */
void scans_close_all(struct tx *t);
void scans_free_all(struct tx *t);

/* unit_log.c: units as bytes */
void unit_encode(struct store *s, struct buf *b, const struct memtable *stage, bool resets);
/* Applies a group read back from the log to the store's memtable. wal_replay_fn. */
int group_replay(void *arg, const struct wal_group *g);

/* writer.c */
void *writer_main(void *arg);
/* Makes the current memtable immutable, and an empty one current. The view must have room. */
void view_freeze(struct store *s);

/* reset.c */
/* The unit at hand, alone in its group, empties the store: what it put goes above a floor. */
void reset_begin(struct store *s);
/* Under store.lock, when it is durable: from now on readers see the new floor. */
void reset_install_locked(struct store *s, struct view **ret_dead);
void reset_end(struct store *s);
/* On the merge's way: LMDB emptied up to the floor of m, in every environment. 0 or -errno. */
int reset_merge(struct store *s, struct memtable *m);
/* A reset read back from the log: nothing that is older counts any more. */
int reset_replay(struct store *s, uint64_t seq);
/* Waits until nothing frozen is left to merge. 0 or -errno. On the writer's thread. */
int merge_await(struct store *s);

/* merge.c */
/* Readers whose snapshot is older than what will be committed get their LMDB transaction now. */
void merge_pin_readers(struct store *s, struct rows *r, uint64_t last_seq);
void *merge_main(void *arg);
void merge_wake(struct store *s, atomic_bool *flag); /* sets it, and wakes the thread */
/* Merges the oldest immutable memtable. 0 or -errno. */
int merge_oldest(struct store *s);

#endif
