/*
 * plane: things that really run, as the rest asks for them: networks, machines, volumes, images.
 * It knows no AWS word and keeps no wish: what should be stands in somebody's rows; here it is made
 * so. A plane is a struct of functions with two makers: the agent (plane/agent.h: a process that
 * holds the privilege) and a fake for tests (plane/fake.h).
 *
 * Every request is given on the loop that the plane was opened with and returns at once; its `done`
 * runs on that loop, once, never before the request returned. Requests of one network, one machine
 * or one volume are carried out in the order given; a machine may be started right behind the
 * network that it needs. What a request points to is borrowed until it returns. All are idempotent:
 * asking for what is already so succeeds.
 *
 * Ids are the caller's: [a-z0-9-]{1,PLANE_ID_MAX}, unique within a data directory. Addresses are
 * IPv4 in host byte order. Results are 0 or -errno with a sentence that says what is missing and
 * which command or package provides it.
 */
#ifndef HANEUL_PLANE_PLANE_H
#define HANEUL_PLANE_PLANE_H

#include "plane/network.h"

#define PLANE_ID_MAX 63
#define PLANE_WHY_MAX 256

struct loop;
struct plane;

struct plane_answer {
	int status;      /* 0 or -errno */
	const char *
		why; /* a sentence when status is not 0; "" otherwise. Borrowed until done returns */
	int fd; /* plane_socket: a listening or bound socket that is now the receiver's; else -1 */
	uint64_t bytes;  /* of what was made or measured (image, snapshot) */
	struct str text; /* console, reports; borrowed until done returns */
};
/* Embedded by the caller; stays in place until done ran. */
struct plane_request {
	void (*done)(struct plane_request *r, const struct plane_answer *a);
};

enum plane_machine_kind { PLANE_CONTAINER, PLANE_VM };

struct plane_disk {
	struct str volume; /* id */
	struct str device; /* name inside: "/dev/sdf" */
	uint32_t iops;     /* 0: not limited */
	uint64_t bytes_a_second; /* 0: not limited */
};
struct plane_machine {
	struct str id;
	struct str network;            /* network.h's id; "": no network */
	const struct str
		*interfaces; /* ids of the network's interfaces, in device order (eth0 …) */
	uint32_t interfaces_n;
	struct str image;              /* of the image store */
	struct str
		root_volume; /* id under which the root's own data is kept: survives stop, goes with plane_volume_remove */
	uint64_t root_bytes;           /* size of the root volume */
	struct str hostname;
	/* Lines of /etc/resolv.conf when it has a network; "": its router, by 169.254.169.253. */
	struct str resolver;
	uint32_t cpu_milli;            /* 1000: one processor's time */
	uint32_t cpus;                 /* how many it sees */
	uint64_t memory_bytes;
	const struct plane_disk *disks;
	uint32_t disks_n;
	uint8_t kind;                  /* enum plane_machine_kind */
	bool no_new_privs; /* functions, engines: nothing inside may gain privilege (sudo) */
	/* Not an image with an init of its own but this program (NULL-ended), as this user; NULL:
	 * the image's init. */
	const char *const *argv;
	const char *const *env;
};

enum plane_machine_state {
	PLANE_MACHINE_ABSENT,
	PLANE_MACHINE_STARTING,
	PLANE_MACHINE_RUNNING,
	PLANE_MACHINE_STOPPED
};
struct plane_machine_report {
	struct str id;
	uint8_t state;         /* enum plane_machine_state */
	int exit_status;       /* as waitpid's, when stopped by itself; 0 otherwise */
	struct str why;        /* "the machine ended by itself (exit 0)", "out of memory" … */
	bool system_ok;        /* its processes exist and its cgroup is not frozen */
	bool instance_ok; /* its first interface answers from the network's router (ARP, then TCP or ICMP) */
	uint64_t cpu_us, memory_bytes, net_in_bytes, net_out_bytes, disk_read_bytes,
		disk_write_bytes; /* since start */
};

/* FORGET, added to either: nothing of it is kept, also not its console. */
enum plane_stop { PLANE_STOP_ORDERLY, PLANE_STOP_NOW, PLANE_STOP_FORGET };

/* ANY: found out from the content. */
enum plane_image_format { PLANE_IMAGE_TAR, PLANE_IMAGE_OCI, PLANE_IMAGE_DISK, PLANE_IMAGE_ANY };
struct plane_image {
	struct str id;       /* also the content's name: "tiny-…" or what the caller chose */
	struct str name, os; /* "Haneul tiny", "Debian 12 (bookworm)" */
	struct str user;     /* who logs in: "ec2-user", "admin", "ubuntu", "root" */
	struct str arch;     /* "x86_64" */
	uint64_t bytes;      /* on disk, shared layers counted once */
	bool has_init;       /* boots its own init; otherwise ours is put in */
	bool has_kernel;     /* can be a VM by itself */
};

struct plane_ability {
	bool networks, machines, volumes, vms;
	bool rootless;
	struct plane_cidr
		public_range; /* public and elastic addresses are of it, but + 0..3 and the last; bits 0: no networks */
	const char *why_not; /* what is missing and how to get it, sentences; "" when nothing is */
	const char *vm_why_not; /* the same of virtual machines; may be NULL */
	uint32_t cpus;       /* of this host */
	uint64_t memory_bytes;
};

/* What a plane is made of. NULL functions answer -EOPNOTSUPP. */
struct plane_ops {
	void (*close)(struct plane *p);
	void (*ability)(struct plane *p,
		struct plane_ability
			*ret); /* without asking anybody: known since the plane was opened */

	/* Makes the whole network as described, whatever was there; only the difference is
	 * touched. */
	void (*network_apply)(
		struct plane *p, struct plane_request *r, const struct plane_network *n);
	void (*network_remove)(struct plane *p, struct plane_request *r, struct str network);
	/* A socket inside the network's router, bound to that address (see network.h for which are
	 * its own). type: SOCK_STREAM, listening, or SOCK_DGRAM. */
	void (*network_socket)(struct plane *p, struct plane_request *r, struct str network,
		uint32_t ip, uint16_t port, int type);

	/* Runs; done once its first process has been started with its links up. Disks that it names
	 * are attached. */
	void (*machine_start)(
		struct plane *p, struct plane_request *r, const struct plane_machine *m);
	/* done when nothing of it runs any more. Orderly: asks its init, then after 10 s as now. */
	void (*machine_stop)(
		struct plane *p, struct plane_request *r, struct str machine, enum plane_stop how);
	void (*machine_reboot)(struct plane *p, struct plane_request *r, struct str machine);
	/* Processors and memory of one that runs (also what burst credits need). */
	void (*machine_limits)(struct plane *p, struct plane_request *r, struct str machine,
		uint32_t cpu_milli, uint64_t memory_bytes);
	void (*machine_plug)(struct plane *p, struct plane_request *r, struct str machine,
		struct str interface, uint32_t device_index);
	void (*machine_unplug)(
		struct plane *p, struct plane_request *r, struct str machine, struct str interface);
	/* The last 64 KiB that it wrote to its console. */
	void (*machine_console)(struct plane *p, struct plane_request *r, struct str machine);
	/* Looks now; the answer comes as a report through `reported`, before done. "": all machines
	 * that exist. */
	void (*machine_look)(struct plane *p, struct plane_request *r, struct str machine);

	void (*volume_create)(struct plane *p, struct plane_request *r, struct str volume,
		uint64_t bytes, struct str snapshot);
	void (*volume_resize)(
		struct plane *p, struct plane_request *r, struct str volume, uint64_t bytes);
	void (*volume_remove)(struct plane *p, struct plane_request *r, struct str volume);
	void (*volume_attach)(struct plane *p, struct plane_request *r, struct str machine,
		const struct plane_disk *d);
	void (*volume_detach)(
		struct plane *p, struct plane_request *r, struct str machine, struct str volume);
	/* Of a volume, also one in use, or of a machine's root. The content at the moment of the
	 * request. */
	void (*snapshot_create)(
		struct plane *p, struct plane_request *r, struct str snapshot, struct str volume);
	void (*snapshot_remove)(struct plane *p, struct plane_request *r, struct str snapshot);

	/* The images at hand, one call of `each` for an image, before done. */
	void (*image_list)(struct plane *p, struct plane_request *r,
		void (*each)(struct plane_request *r, const struct plane_image *i));
	/* "tiny", "debian", "ubuntu" …: makes or fetches it unless it is there. Progress as text
	 * through `progress`. */
	void (*image_pull)(struct plane *p, struct plane_request *r, struct str name);
	/* From a file that this process can read. */
	void (*image_import)(struct plane *p, struct plane_request *r, const struct plane_image *i,
		const char *path, enum plane_image_format f);
	void (*image_export)(
		struct plane *p, struct plane_request *r, struct str image, const char *path);
	/* A machine's root (or a snapshot of one) becomes an image on top of the one it was started
	 * from. */
	void (*image_from_root)(struct plane *p, struct plane_request *r,
		const struct plane_image *i, struct str root_volume_or_snapshot);
	void (*image_remove)(struct plane *p, struct plane_request *r, struct str image);

	/* Removes everything of this data directory that nobody names: what a reset or an uninstall
	 * needs. */
	void (*remove_all)(struct plane *p, struct plane_request *r);
};

struct plane_listener {
	/* A machine ended by itself, was adopted, or was looked at. On the loop. */
	void (*reported)(struct plane_listener *l, const struct plane_machine_report *m);
	void (*progress)(struct plane_listener *l, struct str what, struct str text);
	/* Packets of flows that ended or were refused; see network.h. */
	void (*flow)(struct plane_listener *l, const struct plane_flow *f);
	/* Whoever makes it so has ended, and another takes over: networks must be given again, and
	 * what runs be looked for. What was asked before this fails; what is asked now waits. */
	void (*forgot)(struct plane_listener *l);
	struct plane_listener *next;
};

struct plane {
	const struct plane_ops *ops;
	struct plane_listener *listeners;
};

/* The plane of this process; NULL before it was opened (command line, tests without one). Set once
 * on the main thread. */
struct plane *plane_current(void);
void plane_set(struct plane *p);
void plane_listen(struct plane *p,
	struct plane_listener
		*l); /* on the loop, or before it runs; borrowed until the plane closes */

#endif
