/*
 * agent_impl: inside the agent process: what its files share. One thread, one loop. A request comes
 * as one
 * message: its op, its number, the ids that it works on, then its arguments. While an id is worked
 * on later requests for it wait, in order.
 */
#ifndef HANEUL_PLANE_AGENT_IMPL_H
#define HANEUL_PLANE_AGENT_IMPL_H

#include "base/arena.h"
#include "base/map.h"
#include "os/loop.h"
#include "plane/job.h"
#include "plane/keeper.h"
#include "plane/pack.h"
#include "plane/place.h"
#include "plane/plane.h"

enum agent_op {
	AGENT_OPEN, /* the first message: what is there, what can be done */
	AGENT_NETWORK_APPLY,
	AGENT_NETWORK_REMOVE,
	AGENT_NETWORK_SOCKET,
	AGENT_MACHINE_START,
	AGENT_MACHINE_STOP,
	AGENT_MACHINE_REBOOT,
	AGENT_MACHINE_LIMITS,
	AGENT_MACHINE_PLUG,
	AGENT_MACHINE_UNPLUG,
	AGENT_MACHINE_CONSOLE,
	AGENT_MACHINE_LOOK,
	AGENT_VOLUME_CREATE,
	AGENT_VOLUME_RESIZE,
	AGENT_VOLUME_REMOVE,
	AGENT_VOLUME_ATTACH,
	AGENT_VOLUME_DETACH,
	AGENT_SNAPSHOT_CREATE,
	AGENT_SNAPSHOT_REMOVE,
	AGENT_IMAGE_PULL,
	AGENT_IMAGE_IMPORT,
	AGENT_IMAGE_EXPORT,
	AGENT_IMAGE_FROM_ROOT,
	AGENT_IMAGE_REMOVE,
	AGENT_REMOVE_ALL,
	AGENT_OPS_N,
};
/* To the server: an answer (u32 number, i32 status, why, u64 bytes, text; a descriptor), or without
 * a number: */
enum agent_said { AGENT_ANSWER, AGENT_REPORTED, AGENT_PROGRESS, AGENT_FLOW };
#define AGENT_KEYS_MAX 64

struct agent;
struct agent_request {
	struct agent_request *next;
	struct agent *agent;
	uint32_t number;
	uint8_t op;
	struct str keys[AGENT_KEYS_MAX];
	unsigned keys_n;
	struct arena arena; /* the message, and whatever the op needs until it is answered */
	struct unpack args;
	int fd;             /* came with it, or -1 */
	void *work;         /* the op's own; in the arena */
	void (*after)(struct agent_request *r,
		const struct job_result
			*result); /* its job's end, before the answer; may be NULL */
};

enum machine_phase { MACHINE_STARTING, MACHINE_RUNNING, MACHINE_ENDING };
struct machine {
	char id[PLANE_ID_MAX + 1];
	enum machine_phase phase;
	struct keeper keeper;
	struct loop_io keeper_io; /* socket while starting, then the keeper's pidfd */
	struct loop_timer deadline;
	pid_t init_pid;
	bool has_init, adopted, restart, ordered_end, forget;
	struct buf packed;        /* plane_machine, as it was asked for */
	struct arena arena;
	struct plane_machine m;   /* unpacked from it */
	struct agent_request *waits; /* for its start or its end */
	struct agent *agent;
	struct map disks;            /* volume -> struct attached */
	struct vm_work *preparing;   /* vms.c; NULL */
};

struct agent {
	struct loop *loop;
	struct loop_io server;
	struct place place;
	struct plane_ability ability;
	char why_not[512], data_dir[1024];
	struct agent_request *waiting, **waiting_last;
	struct map busy;     /* keys that are worked on -> their count's owner */
	struct map machines; /* id -> struct machine */
	struct map attached; /* volume -> struct attached */
	uint8_t uplink; /* enum fabric_uplink */
	struct keeper spare;
	bool has_spare, opened, networks_open, groups_gone, tiny_made;
	struct loop_timer make_spare;
};

/* Each op's function answers with agent_answer, at once or later. */
typedef void agent_function(struct agent *a, struct agent_request *r);
agent_function agent_network_apply, agent_network_remove, agent_network_socket, agent_machine_start,
	agent_machine_stop, agent_machine_reboot, agent_machine_limits, agent_machine_plug,
	agent_machine_unplug, agent_machine_console, agent_machine_look, agent_volume_create,
	agent_volume_resize, agent_volume_remove, agent_volume_attach, agent_volume_detach,
	agent_snapshot_create, agent_snapshot_remove, agent_image_pull, agent_image_import,
	agent_image_export, agent_image_from_root, agent_image_remove, agent_remove_all;

/* Frees the request and lets go of its ids. */
void agent_ok(struct agent_request *r);
void agent_fail(struct agent_request *r, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void agent_answer(struct agent_request *r, int status, const char *why, uint64_t bytes,
	struct str text, int fd);
void agent_say(struct agent *a, struct str bytes);
void agent_report(struct agent *a, const struct plane_machine_report *m);
/* A job whose end is the answer. What run needs is in the request. */
void agent_job(struct agent_request *r, void (*run)(void *request, struct job_result *result),
	struct str progress_of);
bool agent_args_end(
	struct agent_request *r); /* all was read and well-formed; else it is answered */

/* machines.c, adopt.c */
void machines_adopt(struct agent *a);
void machines_spare(struct agent *a);
/* The spare, or a new one. 0 or -errno. */
int machines_take_keeper(struct agent *a, struct keeper *ret);
struct machine *machine_find(struct agent *a, struct str id);
struct machine *machine_new(struct agent *a, const struct plane_machine *m); /* copied */
void machine_free(struct machine *m);
void machine_watch_end(struct machine *m); /* it runs, and its keeper with it */
void machine_ended(struct machine *m);     /* frees it, or starts it again */
void machine_report(struct machine *m, uint8_t state, int exit_status, const char *why);
uint64_t machine_start_time(pid_t pid);    /* tells a process from a later one of that number */
/* What a killed keeper could not put away: groups and slot. */
void machine_bury(struct agent *a, unsigned slot);
void machine_end_now(struct machine *m); /* waits for its end; frees it */
void machine_save(struct machine *m); /* what the next agent needs to know */
int machine_in(struct machine *m, const char *path,
	int flags); /* a descriptor of a path in its root, by our rights; -errno */

/* vms.c */
/* What it runs instead of an image's init: QEMU, as a description in the arena; its layers are in
 * its root volume. */
bool vms_describe(struct agent *a, const struct plane_machine *m, bool own_init,
	struct arena *arena, struct plane_machine *ret);
/* Makes its layer and its disk, in a job; then `then`, with a status and a reason. */
void vms_prepare(struct machine *m, void (*then)(struct machine *m, int status, const char *why));
void vms_forget(struct machine *m); /* it goes before that */

/* images.c */
void images_sweep(struct agent *a);

/* networks.c */
bool networks_open(struct agent *a, const char *data_dir, char *why, size_t cap);
int networks_plug(struct agent *a, struct str network, struct str interface, int netns_fd,
	unsigned index, bool raw, char *why, size_t cap);
/* "MAC,ADDRESS/BITS,GATEWAY", for a virtual machine, which gets no address from us. false: the
 * network was not applied with it. */
bool networks_describe(struct str network, struct str interface, char *ret, size_t cap);
void networks_unplug(struct agent *a, struct str network, struct str interface);
void networks_look(struct agent *a, struct machine *m, struct plane_machine_report *r);
int networks_remove_all(struct agent *a, char *why, size_t cap);

/* volumes.c */
struct attached {
	char volume[PLANE_ID_MAX + 1], machine[PLANE_ID_MAX + 1], device[40];
	unsigned loop_minor;
};
int volumes_attach(
	struct agent *a, struct machine *m, const struct plane_disk *d, char *why, size_t cap);
void volumes_forget(struct agent *a, struct machine *m); /* the machine has ended */
void volumes_adopt(struct agent *a, struct machine *m, const struct attached *d);
/* After adoption: devices that no machine is known to have, what was begun and not finished. */
void volumes_sweep(struct agent *a);

/* The process itself: never returns. */
void agent_process(int socket, const char *data_dir) __attribute__((noreturn));

#endif
