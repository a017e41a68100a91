/*
 * vm_image: what a virtual machine is started with. QEMU runs as the one program of a machine like
 * any other, whose root is a layer made of this host's QEMU, our guest program and a kernel: its
 * namespaces, ids, limits, filter, adoption and end are those of every machine. The image becomes a
 * file system in one file of the root volume, made at its first start: the same image boots either
 * way. Functions of jobs, but for the checks.
 *
 *	<dir>/kernel/vmlinuz, modules/, list    Debian's, as pulled ("kernel")
 *	layers/vm-<digest>/                     QEMU, its libraries and firmware, kernel, initramfs
 *	roots/<volume>/upper/machine/root.img   the machine's disk
 */
#ifndef HANEUL_PLANE_VM_IMAGE_H
#define HANEUL_PLANE_VM_IMAGE_H

#include "plane/job.h"
#include "plane/place.h"
#include "plane/plane.h"

/* What QEMU itself needs besides the machine's memory: its heap, translated code. */
#define VM_MEMORY_MORE (256ull << 20)

/* NULL: nothing is missing for virtual machines; otherwise a sentence, in `why`. */
const char *vm_check(const struct place *p, char *why, size_t cap);
/* Debian's kernel for clouds and the drivers that are needed of it. */
int vm_kernel_pull(const struct place *p, struct job_result *r);
/* The layer, the disk, and roots/<volume>/layers naming the layer. */
int vm_prepare(const struct place *p, struct str root_volume, struct str image, uint64_t root_bytes,
	struct job_result *r);
/* Is that root the disk of a virtual machine? */
bool vm_is_root(const struct place *p, struct str root_volume);
/* A "newc" archive of one file after the other. */
void vm_cpio_add(struct buf *b, unsigned number, const char *name, mode_t mode, struct str bytes);
void vm_cpio_end(struct buf *b);

#endif
