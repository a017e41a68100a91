/*
 * image_tar: reads a tar (ustar, GNU, pax), plain or packed with gzip or zstd, entry by entry, from
 * a function that gives bytes. Trusts nothing: sizes, names and numbers are bounded; paths are
 * given as they stand, without leading "/" and "./", and it is for the caller to keep them inside.
 * Memory: some hundred KiB.
 */
#ifndef HANEUL_PLANE_IMAGE_TAR_H
#define HANEUL_PLANE_IMAGE_TAR_H

#include "base/buf.h"

#include <sys/types.h>

#define TAR_PATH_MAX 4096
#define TAR_ATTRS_MAX 32

enum tar_type {
	TAR_FILE,
	TAR_LINK,
	TAR_SYMLINK,
	TAR_CHAR,
	TAR_BLOCK,
	TAR_DIR,
	TAR_FIFO,
	TAR_OTHER
};

struct tar_attr {
	struct str name, value;
};
struct tar_entry {
	enum tar_type type;
	struct str path, link; /* borrowed until the next entry */
	uint32_t mode, uid, gid;
	uint64_t size;
	int64_t mtime;
	struct tar_attr attrs[TAR_ATTRS_MAX]; /* extended attributes of pax (SCHILY.xattr.*) */
	unsigned attrs_n;
};

struct tar;
/* read: up to n bytes; 0 at the end; -errno. */
struct tar *tar_open(ssize_t (*read)(void *ctx, void *p, size_t n), void *ctx);
void tar_close(struct tar *t);
/* 1: an entry, 0: the end, -errno (-EBADMSG: it is no tar, or a damaged one). What was not read of
 * the last one is passed over. */
int tar_next(struct tar *t, struct tar_entry *ret);
/* Of the file's content; 0 at its end; -errno. */
ssize_t tar_read(struct tar *t, void *p, size_t n);

#endif
