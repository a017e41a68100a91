/*
 * wal: the group-commit log. A record holds one group of units, whole or not at all.
 *
 * Files <dir>/_log/<generation, 16 hex digits>.log: a 4096-byte header, then records at 64-byte
 * boundaries. A record is believed when its checksum, seeded with the file's generation, fits, and
 * its numbers follow the ones before: what a recycled file held before can never be taken for new.
 * Files are zeroed ahead, because syncing an overwrite is cheaper than syncing an append, and where
 * the file system can they are written past the page cache, whole pages at a time: that is a third
 * of the work, and a recycled page need not be read first.
 *
 * Checksums are seeded with a random number of the file, so nobody who chooses a payload can make
 * it look like a record; the header stands in the file twice.
 *
 * Two sides: the log may be kept in two directories (two disks, say). Each record goes to both, and
 * both are synced, at the same time, before it counts. A side that fails is given up and the log
 * goes on with the other. On opening the records of both sides are put together by their numbers: a
 * record that is damaged or missing on one side is taken from the other, and a side that is not
 * whole is written anew before the log is used.
 *
 * The tail: a group is written only after the one before it was synced. So the first record that no
 * side has ends the log, and if a later record is there, acknowledged data was damaged:
 * -EBADMSG. (Not with relaxed files, whose unsynced records may reach the disk in any order.)
 *
 * Threads: one writer (append, sync, rejoin); release and prepare on the merge thread beside it;
 * wal_look on any.
 */
#ifndef HANEUL_STORE_WAL_H
#define HANEUL_STORE_WAL_H

#include "base/buf.h"

#include <stdint.h>

struct wal;

/* One group read back: units first_seq … first_seq + units - 1, one after the other in payload. */
struct wal_group {
	uint64_t first_seq;
	uint32_t units;
	struct str payload;
};
/* 0, or -errno, which ends the replay. */
typedef int wal_replay_fn(void *arg, const struct wal_group *g);

#define WAL_SIDES 2

struct wal_options {
	const char *dirs[WAL_SIDES]; /* made where missing; [1] NULL: one side */
	bool relaxed;
	bool fresh; /* an empty log is made where there is none; without it a missing log is -EBADMSG */
};
/* A side that cannot be used is left out, unless no other is left. */
int wal_open(struct wal **ret_log, const struct wal_options *o, wal_replay_fn *replay, void *arg);
/* With `clean`: everything was merged, so that an empty log that carries the numbers on is left. */
int wal_close(struct wal *l, bool clean);

uint64_t wal_last_seq(const struct wal *l);
/* A group under construction: begin clears the buffer and leaves room for the record's head. */
void wal_begin(struct buf *b);
/* Writes the group; not yet synced. -errno: nothing of it counts, and after -ENOSPC the next may be
 * tried. */
int wal_append(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units);
int wal_sync(struct wal *l);
/* Both in one, on all sides at the same time. What may have reached the disk although its sync
 * failed is made unreadable as far as the disk still lets us; that is never -ENOSPC. */
int wal_commit(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units);
/* Everything up to seq is merged: files that hold nothing newer are recycled. */
void wal_release(struct wal *l, uint64_t seq);
/* true: wal_prepare has something to do. */
bool wal_wants_file(struct wal *l);
int wal_prepare(struct wal *l); /* 0 or -errno */
/* The sides that take part, as bits. */
unsigned wal_sides(struct wal *l);
/* Those of them whose directory or current file somebody took away, as bits. */
unsigned wal_look(struct wal *l);
/* Sides that were written anew by the opening, as bits. */
unsigned wal_healed(const struct wal *l);
/* Gives a side up that was taken away, unless no other is left. On the writer's thread. */
void wal_drop(struct wal *l, unsigned side);
/* A side that was given up: writes into its directory all that the other side holds
 * and takes it back. 0 or -errno: then it is left out. */
int wal_rejoin(struct wal *l, unsigned side);
uint64_t wal_bytes_written(struct wal *l);
uint64_t wal_disk_bytes(struct wal *l);
uint64_t wal_syncs(struct wal *l);

#endif
