/*
 * disk_image: file systems inside images of disks: of a virtual machine's root, of a cloud image
 * that is imported. The table of partitions is read here, within bounds; what is in a partition is
 * for the kernel's file system code, which mounts it read-only and without replaying its journal,
 * in a mount namespace of the job.
 */
#ifndef HANEUL_PLANE_DISK_IMAGE_H
#define HANEUL_PLANE_DISK_IMAGE_H

#include "plane/job.h"
#include "plane/place.h"

#define DISK_PARTS_MAX 16
#define DISK_HEAD (64u << 10) /* so much of the disk's beginning has the table */

struct disk_part {
	uint64_t offset, bytes;
};
/* GPT, else MBR's four; without a table the whole disk is one. At least 1. */
unsigned disk_parts(struct str head, uint64_t disk_bytes, struct disk_part ret[DISK_PARTS_MAX]);

enum disk_format { DISK_RAW, DISK_QCOW2, DISK_OTHER, DISK_NONE };
/* By its first bytes. OTHER: of a kind that is not read; NONE: no disk. */
enum disk_format disk_format_of(struct str head);
/* A qcow2 that is whole by itself, without other files: those it could name as it likes. */
bool disk_qcow2_alone(struct str head);

/* In a job. Mounts the root file system in it (the first with an /etc) at a folder of the place.
 * Takes the file's descriptor. */
int disk_see(const struct place *p, int file, char ret[PLACE_MAX], struct job_result *r);
/* A qcow2 as a raw disk under that path. */
int disk_unpack(int fd, const char *raw, struct job_result *r);

#endif
