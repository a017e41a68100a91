/*
 * wal: the group-commit log. A record holds one group of units, whole or not at all.
 *
 * Files <dir>/_log/<generation, 16 hex digits>.log: a 4096-byte header, then records at 64-byte
 * boundaries. A record is believed when its checksum, seeded with the file's generation, fits, and
 * its numbers follow the ones before: what a recycled file held before can never be taken for new.
 * Files are zeroed ahead, because syncing an overwrite is cheaper than syncing an append.
 *
 * The tail: a group is written only after the one before it was synced. So the first record that
 * does not fit ends the log, and if a later record does fit, acknowledged data was damaged:
 * -EBADMSG. (Not with relaxed files, whose unsynced records may reach the disk in any order.)
 *
 * Threads: one writer (append, sync); release and prepare on the merge thread beside it.
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

/* Makes an empty log where there is none and `fresh` is set; without it a missing log is -EBADMSG.
 */
int wal_open(struct wal **ret_log, const char *dir, bool relaxed, bool fresh, wal_replay_fn *replay,
	void *arg);
/* With `clean`: everything was merged, so that an empty log that carries the numbers on is left. */
int wal_close(struct wal *l, bool clean);

uint64_t wal_last_seq(const struct wal *l);
/* A group under construction: begin clears the buffer and leaves room for the record's head. */
void wal_begin(struct buf *b);
/* Writes the group; not yet synced. -errno: nothing of it counts, and after -ENOSPC the next may be
 * tried. */
int wal_append(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units);
int wal_sync(struct wal *l);
/* After a failed sync: makes the last record unreadable as far as the disk still lets us. */
void wal_disown_last(struct wal *l);
/* Everything up to seq is merged: files that hold nothing newer are recycled. */
void wal_release(struct wal *l, uint64_t seq);
/* true: wal_prepare has something to do. */
bool wal_wants_file(struct wal *l);
int wal_prepare(struct wal *l); /* 0 or -errno */
uint64_t wal_bytes_written(struct wal *l);
uint64_t wal_disk_bytes(struct wal *l);
uint64_t wal_syncs(struct wal *l);

#endif
