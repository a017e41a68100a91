/*
 * fake: a plane for tests, in memory: no privilege, no process, no kernel. It keeps what was asked
 * for, so that a test can look at it; machines run as soon as they are started. It refuses what the
 * real one must refuse (a network, interface, image, volume or snapshot that is not there, a volume
 * attached twice, removal of what is in use), so a service that gives requests in the wrong order
 * fails here already.
 *
 * What is asked for holds at once, the answer comes later: as a job of the loop it was opened with,
 * or, without a loop, when fake_run is called. Nothing here forgets: a test that restarts its cloud
 * keeps the plane and calls fake_cut, as if the server had been killed while the machines went on.
 *
 * The fake_* functions may be called from any thread; pointers that they return hold until the next
 * request changes that noun. Ids are C strings here, for convenience.
 */
#ifndef HANEUL_PLANE_FAKE_H
#define HANEUL_PLANE_FAKE_H

#include "base/buf.h"
#include "plane/plane.h"

/* l: NULL for fake_run. The images "tiny" and "debian" are at hand. Never fails. */
struct plane *fake_open(struct loop *l);
void fake_close(struct plane *p);
/* Gives the answers that are due, also of requests made meanwhile. Returns how many. */
unsigned fake_run(struct plane *p);
/* No answer is given until it is let go again. */
void fake_hold(struct plane *p, bool hold);
/* The server was killed: answers that are due are never given, listeners are forgotten, all else
 * stays. */
void fake_cut(struct plane *p);

/* The next `times` requests of that name ("machine_start"; of that id, NULL: any) do nothing and
 * answer so. */
void fake_fail(struct plane *p, const char *op, const char *id, int status, const char *why,
	unsigned times);
/* One line for each request so far: "machine_start i-1". Since the last call of fake_forget_log. */
struct str fake_log(struct plane *p);
void fake_forget_log(struct plane *p);

struct fake_machine {
	struct plane_machine m; /* copied whole */
	struct plane_machine_report report;
	unsigned starts, reboots;
	struct buf interfaces; /* "eni-1 eni-2": as plugged now */
	struct buf disks;      /* "vol-1=/dev/sdf vol-2=/dev/sdg": as attached now */
	struct buf console;
};
/* NULL: never started, or stopped and gone. */
const struct fake_machine *fake_machine(struct plane *p, const char *id);
unsigned fake_machines_n(struct plane *p);
/* It ended by itself: told to the listeners as a job, or in fake_run. */
void fake_machine_end(struct plane *p, const char *id, int exit_status, const char *why);
/* What machine_look will tell of it; state and id are kept. */
void fake_machine_report(struct plane *p, const char *id, const struct plane_machine_report *r);
void fake_machine_console(struct plane *p, const char *id, const char *text);

const struct plane_network *fake_network(
	struct plane *p, const char *id); /* as applied last; NULL: not there */
unsigned fake_networks_n(struct plane *p);
/* network_socket opens one on the loopback instead; this is its port there, 0: nobody asked. */
uint16_t fake_socket_port(struct plane *p, const char *network, uint32_t ip, uint16_t port);

struct fake_volume {
	char id[PLANE_ID_MAX + 1], snapshot[PLANE_ID_MAX + 1]; /* made of that snapshot; "" */
	char machine[PLANE_ID_MAX + 1];                        /* attached to; "" */
	uint64_t bytes;
	bool is_root, is_snapshot;
};
const struct fake_volume *fake_volume(struct plane *p, const char *id);
const struct fake_volume *fake_snapshot(struct plane *p, const char *id);
unsigned fake_volumes_n(struct plane *p);   /* roots included */
unsigned fake_snapshots_n(struct plane *p);
bool fake_image(struct plane *p, const char *id);
void fake_image_add(struct plane *p, const struct plane_image *i);

/* As the real one would tell, on this thread. */
void fake_flow(struct plane *p, const struct plane_flow *f);
/* Tells so; all is still there. */
void fake_forget(struct plane *p);
void fake_ability(struct plane *p, const struct plane_ability *a);

#endif
