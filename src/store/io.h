/*
 * io: the calls by which the log reaches the disk, behind pointers, so that tests and HANEUL_FAULT
 * can make them fail. HANEUL_FAULT is `call=ERROR@n` pieces separated by commas: from the n-th call
 * on (counted from 1) `write`, `sync` or `allocate` of the log fails with EIO or ENOSPC; `@n-m`
 * ends it.
 */
#ifndef HANEUL_STORE_IO_H
#define HANEUL_STORE_IO_H

#include <stddef.h>
#include <sys/types.h>

struct store_io {
	ssize_t (*pwrite)(int fd, const void *p, size_t len, off_t offset);
	int (*fdatasync)(int fd);
	int (*fallocate)(int fd, int mode, off_t offset, off_t len);
};
extern struct store_io store_io;

/* Once, before the first log is opened. Ignores what it does not understand, with a line on stderr.
 */
void store_io_faults(const char *text);
void store_io_faults_from_env(void);

/* The whole range or -errno. */
int io_write_all(int fd, const void *p, size_t len, off_t offset);
/* The whole range or -errno; -EIO when the file ends early. */
int io_read_all(int fd, void *p, size_t len, off_t offset);
/* fsync of the directory itself: its names are durable. */
int io_sync_dir(int dir_fd);

#endif
