/* What wal.c and wal_recover.c share: the form of the files. */
#ifndef HANEUL_STORE_WAL_PRIVATE_H
#define HANEUL_STORE_WAL_PRIVATE_H

#include "store/wal.h"

#include <pthread.h>

#define WAL_HEADER_BYTES 4096u
#define WAL_ALIGN 64u
#define WAL_FILE_MIN (1u << 20)
#define WAL_FILE_MAX (16u << 20)
#define WAL_SPARES 4
#define WAL_MAGIC 0x31474f4c4e4148ull /* HANLOG1 */
#define WAL_RECORD_MAGIC 0x4352u
#define WAL_RELAXED 1u

/* Little-endian, as the machines that we run on. */
struct wal_header {
	uint64_t magic, flags, generation;
	uint64_t base_number, base_seq; /* of the first record that follows */
	uint64_t hash;                  /* of what stands before */
};

struct wal_record {
	uint64_t hash; /* XXH3 seeded with the generation, over the rest of the head and the payload
			*/
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

struct wal {
	int dir_fd;
	bool relaxed;
	uint64_t next_number, next_seq; /* the writer's */
	uint64_t last_offset;           /* of the last record written, for wal_disown_last */
	uint64_t pos, size;             /* in the current file */
	int fd;                         /* the current file, -1: the next append makes one */
	pthread_mutex_t lock;           /* guards what follows */
	struct wal_file *files, *newest;
	uint64_t generation; /* of the newest file */
	struct wal_spare spares[WAL_SPARES];
	int spares_count;
	uint32_t slots_used; /* bits: names of spare files that are taken */
	uint64_t next_size;
	uint64_t pos_shared, size_shared; /* as of the last append, for wal_wants_file */
	uint64_t bytes_written, syncs;
};

static inline uint64_t
wal_round(uint64_t n)
{
	return (n + WAL_ALIGN - 1) & ~(uint64_t)(WAL_ALIGN - 1);
}

void wal_file_name(char ret_name[32], uint64_t generation);
uint64_t wal_header_hash(const struct wal_header *h);
/* head and payload adjacent in memory. */
uint64_t wal_record_hash(const struct wal_record *r, uint64_t generation);
void wal_file_add(struct wal *l, uint64_t generation, uint64_t size, uint64_t last_seq);
/* Makes generation + 1 the current file, with room for `bytes`. */
int wal_rotate(struct wal *l, uint64_t bytes);
/* A file of nothing but a header, which carries the numbers on. */
int wal_rotate_empty(struct wal *l);
int wal_recover(struct wal *l, wal_replay_fn *replay, void *arg);

#endif
