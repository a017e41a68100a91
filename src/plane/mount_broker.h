/*
 * mount_broker: mounts of a machine's own disks, made for it. The kernel lets nobody in a user
 * namespace mount a file system of a block device; so the keeper listens to mount(2)
 * (seccomp_filter.h), and when the source is a block device of the machine's own /dev it makes the
 * mount outside, idmapped and nodev, and moves it to where the caller wanted it. All other calls go
 * on as if nobody had listened.
 *
 * The caller can change its memory meanwhile: what was read once is what is used.
 */
#ifndef HANEUL_PLANE_MOUNT_BROKER_H
#define HANEUL_PLANE_MOUNT_BROKER_H

#include <sys/types.h>

/* Answers one call that waits. userns: the machine's ids. dev: the device of its /dev's file
 * system. */
void mount_broker_answer(int listener, int userns, dev_t dev);

#endif
