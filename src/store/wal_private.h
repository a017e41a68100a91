/* What the files of the log share: wal.c (both sides together), wal_side.c (the files of one),
 * wal_write.c (records and zeros into one file), wal_read.c (what a directory holds), wal_recover.c
 * (opening). */
#ifndef HANEUL_STORE_WAL_PRIVATE_H
#define HANEUL_STORE_WAL_PRIVATE_H

#include "store/wal.h"

#include <pthread.h>

#define WAL_HEADER_BYTES 4096u
#define WAL_HEADER_AGAIN 2048u /* where the header stands a second time */
#define WAL_ALIGN 64u
#define WAL_PAGE 4096u /* what one write covers is made of these */
#define WAL_FILE_MIN (1u << 20)
#define WAL_FILE_MAX (16u << 20)
#define WAL_SPARES 4
#define WAL_MAGIC_1 0x31474f4c4e4148ull /* HANLOG1: without a seed */
#define WAL_MAGIC 0x32474f4c4e4148ull	/* HANLOG2 */
#define WAL_RECORD_MAGIC 0x4352u
#define WAL_RELAXED 1u

/* Little-endian, as the machines that we run on. */
struct wal_header {
	uint64_t magic, flags, generation;
	uint64_t base_number, base_seq; /* of the first record that follows */
	uint64_t seed;			/* HANLOG1: its place is the hash's */
	uint64_t hash;			/* of what stands before */
};

struct wal_record {
	uint64_t hash; /* XXH3 with the file's seed, over the rest of the head and the payload */
	uint32_t magic, units;
	uint64_t number; /* counts records, without gaps */
	uint64_t first_seq;
	uint64_t payload_bytes;
};

struct wal_file {
	struct wal_file *next; /* older to newer */
	uint64_t generation, size, last_seq;
};

struct wal_spare {
	int fd;
	int slot; /* the name's number */
	uint64_t size;
};

/* The files in one directory. */
struct wal_side {
	int dir_fd;
	int refs; /* under the log's lock */
	bool relaxed;
	uint64_t last_offset; /* of the last record written, for wal_disown_last */
	uint64_t pos, size;   /* in the current file */
	uint64_t seed;	      /* of the current file */
	int fd;		      /* the current file, -1: the next append makes one */
	bool direct;	      /* it is written past the page cache */
	char *stage;	      /* page-aligned: the page that the next record begins in, then room */
	size_t stage_bytes;
	pthread_mutex_t lock; /* guards what follows */
	struct wal_file *files, *newest;
	uint64_t generation; /* of the newest file */
	struct wal_spare spares[WAL_SPARES];
	int spares_count;
	uint32_t slots_used; /* bits: names of spare files that are taken */
	uint64_t next_size;
	uint64_t pos_shared, size_shared; /* as of the last append, for side_wants_file */
};

/* How far a record got on one side. */
struct wal_outcome {
	int rc;
	bool written; /* all of it; with rc: its sync failed */
};

/* Writes and syncs a side beside the writer. */
struct wal_syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, ready;
	bool started, asked, stop;
	struct wal_side *side;
	const struct wal_record *record; /* NULL: sync alone */
	struct wal_outcome outcome;
};

struct wal {
	bool relaxed;
	char *dirs[WAL_SIDES];
	uint64_t next_number, next_seq; /* the writer's */
	unsigned healed;		/* bits of sides */
	struct wal_syncer syncer;
	pthread_mutex_t lock; /* guards which sides there are, against everybody but the writer */
	struct wal_side *side[WAL_SIDES]; /* NULL: not there, or given up */
	uint64_t bytes_written, syncs;
};

static inline uint64_t
wal_round(uint64_t n)
{
	return (n + WAL_ALIGN - 1) & ~(uint64_t)(WAL_ALIGN - 1);
}

/* wal.c */
void wal_syncer_stop(struct wal_syncer *y);

/* wal_side.c */
void wal_file_name(char ret_name[32], uint64_t generation);
uint64_t wal_header_hash(const struct wal_header *h);
/* head and payload adjacent in memory. */
uint64_t wal_record_hash(const struct wal_record *r, uint64_t seed);
int side_open(struct wal_side **ret_side, const char *dir, bool relaxed);
void side_free(struct wal_side *s); /* NULL is fine */
void side_file_add(struct wal_side *s, uint64_t generation, uint64_t size, uint64_t last_seq);
/* A file of nothing but zeros becomes the current one, when what is left of it is too short. */
int side_room(struct wal_side *s, const struct wal_record *record);
/* A file of nothing but a header, which carries the numbers on. */
int side_rotate_empty(struct wal_side *s, uint64_t next_number, uint64_t next_seq);
void side_release(struct wal_side *s, uint64_t seq);
bool side_wants_file(struct wal_side *s);
void side_prepare(struct wal_side *s);
uint64_t side_disk_bytes(struct wal_side *s);
bool side_gone(struct wal_side *s, const char *dir);
void side_spares_unlink(struct wal_side *s);
/* Replaces the files `old` by one that holds just these records, at once or not at all. */
int side_fill(struct wal_side *s, const struct wal_record *const *records, size_t n,
	uint64_t number, uint64_t seq, uint64_t last_seq, const uint64_t *old, size_t old_n);

/* wal_write.c */
/* Fills `size` bytes, a multiple of WAL_PAGE, and syncs. */
int wal_zero_file(int fd, uint64_t size);
/* Head and payload adjacent in memory; its hash is not looked at, each side has its own. */
int side_append(struct wal_side *s, const struct wal_record *record);
/* Of a record of NULL only what was written before is synced. */
struct wal_outcome side_commit(struct wal_side *s, const struct wal_record *record);
void side_disown_last(struct wal_side *s);
/* After the file became the current one. */
void side_go_direct(struct wal_side *s);

/* wal_read.c. Everything that fits in the logs of one directory, by number. */
struct wal_held {
	uint64_t number;
	const struct wal_record *record; /* in one of `texts` */
};
struct wal_reading {
	bool peek;	 /* set before: nothing is changed, the log is in use */
	bool found;	 /* there is a log */
	bool relaxed;	 /* some file is */
	bool damaged;	 /* something did not fit */
	bool unreadable; /* of some file nothing is known */
	uint64_t base_number, base_seq; /* of the oldest file; 0: no header told */
	uint64_t last_base;		/* of the newest file */
	uint64_t end_number, end_seq;	/* behind what headers and records say was reached */
	struct wal_held *records;	/* ascending */
	size_t count, cap;
	uint64_t *generations; /* of its files, ascending */
	size_t generations_n, generations_cap;
	uint64_t *sizes, *last_numbers; /* of each file */
	char **texts;
	size_t texts_n;
};
/* 0 or -errno (that the directory cannot be read). */
int wal_reading_load(struct wal_reading *r, struct wal_side *s);
void wal_reading_done(struct wal_reading *r);
const struct wal_record *wal_reading_find(const struct wal_reading *r, uint64_t number);

#endif
