/*
 * keeper: the parent of one machine: a process that builds the machine's root, starts its first
 * process, stays for as long as it lives, and puts away what was its own (control groups, slot, the
 * file that says how it ended). It outlives the agent, so that nothing is lost when the server is
 * killed.
 *
 * Made in advance: entering a control group costs an RCU grace period, so a spare keeper has a
 * child (the stage) waiting inside the groups. What then happens on 'S':
 *
 *	keeper: limits, root            stage: enters the user namespace, clone3 of the rest, ends
 *	keeper -> agent: 'N' + netns    first process: /proc, /sys, pivot_root, names, capabilities
 *	agent: links; 'G'               waits for 'G', seccomp, exec
 *	keeper -> agent: 'U'            is the machine's init
 */
#ifndef HANEUL_PLANE_KEEPER_H
#define HANEUL_PLANE_KEEPER_H

#include "plane/place.h"
#include "plane/plane.h"

/* Agent to keeper: 'S' and what machine_start wants; 'G'. Keeper to agent: 'N' u32 pid, with the
 * network namespace; 'U'; 'F' u32 errno, text. */
enum {
	KEEPER_START = 'S',
	KEEPER_GO = 'G',
	KEEPER_NETNS = 'N',
	KEEPER_UP = 'U',
	KEEPER_FAILED = 'F'
};

/* Beside the root, in <place>/mnt of the keeper's mount namespace. */
#define KEEPER_CONSOLE "console"
#define KEEPER_PIDS_MAX 4096u

struct keeper {
	pid_t pid;
	int pidfd, socket;
	unsigned slot;
};
/* Once in the agent: the network namespace from which machines' own are made (the nursery), whose
 * settings new ones take over. A kernel before 6.1 has none of them, and no use for it. */
void keeper_open(void);
/* Forks one. The slot is its own from now on. 0 or -errno. */
int keeper_make(const struct place *p, struct keeper *ret);

struct keeper_start {
	const struct plane_machine *m;
	struct str layers;           /* as root_plan */
	bool has_init;
	struct str boot_id;          /* what /proc/sys/kernel/random/boot_id shows: of this start */
};
void keeper_pack(struct buf *ret, const struct keeper_start *s);

/* How a machine ended, as its keeper wrote it. */
struct keeper_exit {
	int status;
	bool out_of_memory;
};
bool keeper_exit_read(const struct place *p, struct str machine, struct keeper_exit *ret);

#endif
