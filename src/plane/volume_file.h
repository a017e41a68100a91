/*
 * volume_file: disks as sparse files, and the loop devices that present them. Blocks on the disk;
 * copies belong into a job. 0 or -errno.
 */
#ifndef HANEUL_PLANE_VOLUME_FILE_H
#define HANEUL_PLANE_VOLUME_FILE_H

#include <stdbool.h>
#include <stdint.h>

int volume_file_make(const char *path, uint64_t bytes); /* there already: 0 */
int volume_file_size(const char *path, uint64_t *ret_bytes);
/* Longer only (-EINVAL). The loop device of it, when there is one, is told: minor, or -1. */
int volume_file_grow(const char *path, uint64_t bytes, int loop_minor);
/* Shares the blocks where the file system can (reflink), else copies those that hold data: holes
 * stay holes. `to` appears when it is whole. *ret_bytes: what it takes. */
int volume_file_copy(const char *from, const char *to, uint64_t *ret_bytes);
uint64_t volume_file_used(const char *path);

int loop_device_attach(const char *path, unsigned *ret_minor);
/* Goes when its last user lets go. */
int loop_device_detach(unsigned minor, const char *path); /* only when it is (still) of that file */
int loop_device_sync(unsigned minor);
bool loop_device_find(const char *path, unsigned *ret_minor);
/* All devices of files below that folder. */
void loop_device_detach_below(const char *dir);
void loop_device_each_below(
	const char *dir, void (*each)(void *ctx, unsigned minor, const char *path), void *ctx);

#endif
