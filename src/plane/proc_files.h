/*
 * proc_files: what a machine sees in /proc/meminfo, /proc/cpuinfo, /sys/devices/system/cpu and as
 * its boot's
 * id: its own limits in place of the host's. Written once by the keeper in a folder beside the
 * machine's root, and again when its limits change or it is looked at; free memory is what it was
 * then.
 */
#ifndef HANEUL_PLANE_PROC_FILES_H
#define HANEUL_PLANE_PROC_FILES_H

#include "base/buf.h"

/* All of them, in `dir`. What cannot be written is left out: the host's is shown then. */
void proc_files_write(
	const char *dir, unsigned slot, unsigned cpus, uint64_t memory_bytes, struct str boot_id);
void proc_files_meminfo(struct buf *ret, uint64_t total_bytes, uint64_t used_bytes);
/* The first `cpus` processors of the host's text, numbered anew. */
void proc_files_cpuinfo(struct buf *ret, struct str host, unsigned cpus);

#endif
