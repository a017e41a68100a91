/*
 * cgroup: what limits and counts a machine: one group for each slot, "haneul-<tag>/<slot>" in every
 * hierarchy there is: version 1, version 2 or both at once. On a host of systemd it lies at the top
 * of each hierarchy, so that machines outlive the service; elsewhere within the group that we were
 * given. Called by the agent and its children.
 *
 * The first attach of a process to a group waits for an RCU grace period (5–15 ms), which is why
 * keepers are made in advance.
 */
#ifndef HANEUL_PLANE_CGROUP_H
#define HANEUL_PLANE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds the hierarchies and makes haneul-<tag>. 0, or -errno and which controller is missing. */
int cgroup_open(const char *tag, char *why, size_t cap);
/* For tests: that folder is version 2's hierarchy, and files in it are made as they are written. */
int cgroup_open_tree(const char *dir, const char *tag, char *why, size_t cap);
int cgroup_make(unsigned slot);
int cgroup_enter(unsigned slot); /* this process; children start there */
/* The machine's own part of version 2, which its init may divide. */
void cgroup_delegate(unsigned slot, uint32_t uid);
struct cgroup_limits {
	uint32_t cpu_milli, cpus;
	uint64_t memory_bytes;
	uint32_t pids;
};
int cgroup_limit(unsigned slot, const struct cgroup_limits *l);
/* Nothing but the devices that every machine has. */
int cgroup_devices(unsigned slot);
int cgroup_device(unsigned slot, unsigned major, unsigned minor, bool allow);
/* By version 2 only those of every machine, until others are allowed again. */
int cgroup_devices_again(unsigned slot);
void cgroup_devices_forget(unsigned slot); /* what this process allowed; somebody else has it now */
/* Those that were allowed; none where the kernel cannot tell (version 2). */
void cgroup_each_block_device(
	unsigned slot, void (*each)(void *ctx, unsigned major, unsigned minor), void *ctx);
int cgroup_io(unsigned slot, unsigned major, unsigned minor, uint32_t iops,
	uint64_t bytes_a_second); /* 0: no limit */

struct cgroup_usage {
	uint64_t cpu_us, memory_bytes, read_bytes, write_bytes, oom_kills;
	uint32_t processes;
	bool frozen;
};
bool cgroup_usage(unsigned slot, struct cgroup_usage *ret); /* false: there is no such group */
bool cgroup_has(unsigned slot, int pid);
void cgroup_freeze(unsigned slot, bool frozen);
void cgroup_kill(unsigned slot); /* all that is in it */
int cgroup_remove(
	unsigned slot); /* with the groups that were made inside; -EBUSY while something runs */
/* Slots with groups. */
void cgroup_list(void (*each)(void *ctx, unsigned slot), void *ctx);
/* haneul-<tag> itself, when it is empty. */
void cgroup_close_all(void);
/* The processors that machines may use, as numbers; how many. */
unsigned cgroup_cpus(unsigned *ret, unsigned max);

#endif
