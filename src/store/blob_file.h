/*
 * blob_file: one shard of a blob as one file. Blocking; used on the pool's workers.
 *
 * The file is a row of groups: a page of 4096 bytes, then up to BLOB_SUMS chunks of data (each
 * chunk_bytes long, the last one shorter). The page carries the header (the first page has the
 * sizes) and an XXH3-64 checksum for each chunk of its group, seeded with the blob's id, the
 * shard and the chunk's number, so that a chunk in the wrong place is damage too. A page is itself
 * checksummed. Data is contiguous within a group and page-aligned.
 *
 * A file is written as "<path>.tmp" and renamed to <path>; it counts when it and its directory are
 * synced. A blob_file belongs to one thread at a time.
 */
#ifndef HANEUL_STORE_BLOB_FILE_H
#define HANEUL_STORE_BLOB_FILE_H

#include "store/blobs.h"

#include <sys/types.h>

#define BLOB_PAGE 4096
#define BLOB_SUMS 496
#define BLOB_VERSION 1

struct blob_head {
	struct blob_id id;
	uint64_t size;        /* of the whole blob */
	uint64_t shard_bytes; /* of this shard's data */
	uint32_t chunk_bytes;
	uint8_t data_n, parity_n, shard; /* see blob_set.h */
};

struct blob_page;

struct blob_file {
	int fd; /* -1: closed */
	char *path;
	struct blob_head head;
	struct blob_page *first,
		*page;    /* owned; writer: of group 0, of the current group; reader: page only */
	uint32_t group;   /* of page */
	uint64_t bytes;   /* writer: data so far */
	uint64_t flushed; /* writer: handed to the disk already */
	bool named;
};

/* What files are written with; tests inject failures here. */
struct blob_io {
	ssize_t (*write)(int fd, const void *p, size_t n, off_t at);
	int (*sync)(int fd);
};
extern struct blob_io blob_io;

/* head: all but the sizes. 0 or -errno (-ENOENT: the directory is missing). */
int blob_file_create(struct blob_file *f, const char *path, const struct blob_head *head);
/* One chunk: chunk_bytes long, only the last one shorter. */
int blob_file_append(struct blob_file *f, struct str chunk, bool sync);
/* The end of a file in four steps, so that the shards of a blob share the journal's commits: what
 * is left of the pages (with `sync` the disk starts on it), the sync of the data, the name, the
 * sync of the name; what replaces another file is synced before it is named. After an error:
 * discard. */
int blob_file_seal(struct blob_file *f, uint64_t blob_size, bool sync);
int blob_file_sync(struct blob_file *f);
int blob_file_name(struct blob_file *f);
int blob_file_name_sync(struct blob_file *f);
/* Removes the file under the name it has and closes. Fine after a failed create. */
void blob_file_discard(struct blob_file *f);

/* -ENOENT, -EIO (damaged, or not the file of that blob and shard), or another -errno. */
int blob_file_open(struct blob_file *f, const char *path, struct blob_id id, uint8_t shard);
/* Reads chunk `at` into buf (chunk_bytes long) and verifies it; -EIO when damaged. */
int blob_file_read(struct blob_file *f, uint64_t at, void *buf, size_t *ret_len);
/* The same without waiting for the disk: not 0 (-EAGAIN, …) also when memory does not hold it.
 * sum: false: whoever unseals the chunk verifies it by its tag. */
int blob_file_read_now(struct blob_file *f, uint64_t at, bool sum, void *buf, size_t *ret_len);
void blob_file_close(struct blob_file *f); /* also of a zeroed or failed one */

int blob_dir_sync(const char *path); /* of the directory `path` */

#endif
