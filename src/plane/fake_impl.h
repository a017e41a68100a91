/*
 * fake_impl: what the files of the fake share: its nouns by id, and the queue of answers. All under
 * f->lock, which nobody holds while calling out.
 */
#ifndef HANEUL_PLANE_FAKE_IMPL_H
#define HANEUL_PLANE_FAKE_IMPL_H

#include "base/map.h"
#include "os/loop.h"
#include "plane/fake.h"

#include <pthread.h>

struct fake_answer {
	struct fake_answer *next;
	struct plane_request *r; /* NULL: only a report */
	int status, fd;
	uint64_t bytes;
	struct buf why, text;
	struct arena arena; /* of reports and images */
	const struct plane_machine_report *reports;
	const struct plane_image *images;
	unsigned reports_n, images_n;
	void (*each)(struct plane_request *r, const struct plane_image *i);
	struct str progress_of;
};

struct fake_failure {
	struct fake_failure *next;
	char op[32], id[PLANE_ID_MAX + 1], why[PLANE_WHY_MAX];
	int status;
	unsigned times;
};

struct fake_machine_row {
	struct fake_machine pub;
	char id[PLANE_ID_MAX + 1];
	struct arena arena;
};
struct fake_network_row {
	struct plane_network n;
	struct arena arena;
};
struct fake_image_row {
	struct plane_image i;
	struct arena arena;
};
struct fake_socket {
	struct fake_socket *next;
	char network[PLANE_ID_MAX + 1];
	uint32_t ip;
	uint16_t port, real_port;
};

struct fake {
	struct plane plane; /* first */
	struct loop *loop;
	struct loop_job job;
	pthread_mutex_t lock;
	bool posted, held;
	struct fake_answer *first, **last;
	struct fake_failure *failures;
	struct fake_socket *sockets;
	struct buf log;
	struct plane_ability ability;
	struct map machines, networks, volumes, snapshots, images;
};

static inline struct fake *
fake_of(struct plane *p)
{
	return (struct fake *)p;
}

/* Locks, writes the log, and answers itself when a failure was ordered: then it has unlocked and
 * returns NULL. Otherwise an answer to be filled in and given to fake_end, which unlocks. */
struct fake_answer *fake_begin(
	struct plane *p, struct plane_request *r, const char *op, struct str id);
void fake_end(struct fake *f, struct fake_answer *a);
void fake_refuse(struct fake_answer *a, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct fake_answer *fake_answer_new(struct plane_request *r);
void fake_id(char ret[PLANE_ID_MAX + 1], struct str id); /* aborts when it is no id */

void fake_network_dup(struct plane_network *ret, struct arena *a, const struct plane_network *n);
bool fake_network_has_interface(const struct plane_network *n, struct str interface);
void fake_machine_free(struct fake_machine_row *m);
void fake_network_free(struct fake_network_row *n);
void fake_image_free(struct fake_image_row *i);
void fake_image_put(struct fake *f, const struct plane_image *i);

extern const struct plane_ops fake_ops;
#define FAKE_REQUEST struct plane *p, struct plane_request *r
void fake_network_apply(FAKE_REQUEST, const struct plane_network *n);
void fake_network_remove(FAKE_REQUEST, struct str network);
void fake_network_socket(FAKE_REQUEST, struct str network, uint32_t ip, uint16_t port, int type);
void fake_machine_start(FAKE_REQUEST, const struct plane_machine *m);
void fake_machine_stop(FAKE_REQUEST, struct str machine, enum plane_stop how);
void fake_machine_reboot(FAKE_REQUEST, struct str machine);
void fake_machine_limits(
	FAKE_REQUEST, struct str machine, uint32_t cpu_milli, uint64_t memory_bytes);
void fake_machine_plug(
	FAKE_REQUEST, struct str machine, struct str interface, uint32_t device_index);
void fake_machine_unplug(FAKE_REQUEST, struct str machine, struct str interface);
void fake_machine_ask_console(FAKE_REQUEST, struct str machine);
void fake_machine_look(FAKE_REQUEST, struct str machine);
void fake_volume_create(FAKE_REQUEST, struct str volume, uint64_t bytes, struct str snapshot);
void fake_volume_resize(FAKE_REQUEST, struct str volume, uint64_t bytes);
void fake_volume_remove(FAKE_REQUEST, struct str volume);
void fake_volume_attach(FAKE_REQUEST, struct str machine, const struct plane_disk *d);
void fake_volume_detach(FAKE_REQUEST, struct str machine, struct str volume);
void fake_snapshot_create(FAKE_REQUEST, struct str snapshot, struct str volume);
void fake_snapshot_remove(FAKE_REQUEST, struct str snapshot);
void fake_image_list(
	FAKE_REQUEST, void (*each)(struct plane_request *r, const struct plane_image *i));
void fake_image_pull(FAKE_REQUEST, struct str name);
void fake_image_import(FAKE_REQUEST, const struct plane_image *i, const char *path,
	enum plane_image_format format);
void fake_image_export(FAKE_REQUEST, struct str image, const char *path);
void fake_image_from_root(FAKE_REQUEST, const struct plane_image *i, struct str root);
void fake_image_remove(FAKE_REQUEST, struct str image);
void fake_remove_all(FAKE_REQUEST);

/* Attach and detach inside a request that is already begun. */
bool fake_attach(struct fake *f, struct fake_answer *a, struct fake_machine_row *m,
	const struct plane_disk *d);
void fake_detach_all(struct fake *f, struct fake_machine_row *m);
struct fake_volume *fake_volume_put(struct map *m, struct str id, uint64_t bytes);
bool fake_forget_everything(struct fake *f);

#endif
