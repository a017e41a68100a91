/* Images of the agent: listing at once, all that takes long in jobs. */
#include "plane/agent_impl.h"

#include "base/ids.h"
#include "plane/cgroup.h"
#include "plane/image_make.h"
#include "plane/image_store.h"
#include "plane/image_tiny.h"
#include "plane/machine_pack.h"
#include "plane/network_pack.h"
#include "plane/volume_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct image_work {
	struct plane_image image;
	struct str id, path, root;
	uint8_t format;
	unsigned slot;
	bool frozen;
};

static struct image_work *
work_of(struct agent_request *r)
{
	r->work = arena_new(&r->arena, struct image_work);
	return r->work;
}

static void
pull_job(void *request, struct job_result *result)
{
	struct agent_request *r = request;
	struct image_work *k = r->work;
	image_pull(&r->agent->place, k->id, result);
}

void
agent_image_pull(struct agent *a, struct agent_request *r)
{
	struct image_work *k = work_of(r);
	k->id = unpack_str(&r->args);
	if (!agent_args_end(r))
		return;
	if (!plane_id_ok(k->id)) {
		agent_fail(r, -EINVAL, "That is no name of an image.");
		return;
	}
	if (str_is(k->id, "tiny")) {
		struct image there;
		struct job_result result = { 0 };
		/* So fast that a process of its own would be most of the time; made anew when
		 * something that it is made of changed. */
		if (image_tiny_make(&a->place, &result))
			agent_fail(r, result.status, "%s", result.why);
		else if (image_load(&a->place, k->id, &r->arena, &there))
			agent_fail(r, -EIO, "The image \"tiny\" cannot be read.");
		else
			agent_answer(r, 0, "", there.pub.bytes, STR(""), -1);
		return;
	}
	agent_job(r, pull_job, k->id);
}

static void
import_job(void *request, struct job_result *result)
{
	struct agent_request *r = request;
	struct image_work *k = r->work;
	image_import(&r->agent->place, &k->image, r->fd, k->format, result);
}

void
agent_image_import(struct agent *a, struct agent_request *r)
{
	struct image_work *k = work_of(r);
	(void)a;
	unpack_image(&r->args, &k->image);
	k->format = unpack_u8(&r->args);
	if (!agent_args_end(r))
		return;
	if (r->fd < 0)
		agent_fail(r, -EBADF, "No file came with the request.");
	else
		agent_job(r, import_job, k->image.id);
}

static void
export_job(void *request, struct job_result *result)
{
	struct agent_request *r = request;
	struct image_work *k = r->work;
	image_export(&r->agent->place, k->id, r->fd, result);
}

void
agent_image_export(struct agent *a, struct agent_request *r)
{
	struct image_work *k = work_of(r);
	(void)a;
	k->id = unpack_str(&r->args);
	if (!agent_args_end(r))
		return;
	if (r->fd < 0 || !plane_id_ok(k->id))
		agent_fail(r, -EBADF, "No file came with the request.");
	else
		agent_job(r, export_job, k->id);
}

static void
from_root_job(void *request, struct job_result *result)
{
	struct agent_request *r = request;
	struct image_work *k = r->work;
	image_from_root(&r->agent->place, &k->image, k->root, result);
}

static void
thaw(struct agent_request *r, const struct job_result *result)
{
	struct image_work *k = r->work;
	(void)result;
	if (k->frozen)
		cgroup_freeze(k->slot, false);
}

void
agent_image_from_root(struct agent *a, struct agent_request *r)
{
	struct image_work *k = work_of(r);
	void *v;
	unpack_image(&r->args, &k->image);
	k->root = unpack_str(&r->args);
	if (!agent_args_end(r))
		return;
	if (!plane_id_ok(k->root)) {
		agent_fail(r, -EINVAL, "That is no id of a volume or snapshot.");
		return;
	}
	for (size_t at = 0; map_next(&a->machines, &at, NULL, &v);)
		if (str_eq(((struct machine *)v)->m.root_volume, k->root)) {
			k->frozen = true;
			k->slot = ((struct machine *)v)->keeper.slot;
			cgroup_freeze(k->slot, true);
		}
	r->after = thaw;
	agent_job(r, from_root_job, k->image.id);
}

static void
remove_job(void *request, struct job_result *result)
{
	struct agent_request *r = request;
	struct image_work *k = r->work;
	int e = image_remove(&r->agent->place, k->id);
	if (e)
		job_fail(result, e, "The image cannot be removed: %s.", strerror(-e));
}

void
agent_image_remove(struct agent *a, struct agent_request *r)
{
	struct image_work *k = work_of(r);
	(void)a;
	k->id = unpack_str(&r->args);
	if (!agent_args_end(r))
		return;
	if (plane_id_ok(k->id))
		agent_job(r, remove_job, STR(""));
	else
		agent_fail(r, -EINVAL, "That is no name of an image.");
}

/* --- what an earlier agent's jobs left half-made --- */

struct sweep {
	struct job job; /* first */
	struct buf paths;
};

static void
sweep_job(void *arg, struct job_result *result)
{
	struct sweep *s = arg;
	(void)result;
	for (struct str rest = buf_str(&s->paths); rest.p && rest.len;) {
		char path[PLACE_MAX];
		struct str one = str_cut(&rest, '\n');
		snprintf(path, sizeof(path), "%.*s", STR_FMT(one));
		if (*path)
			place_remove_tree(path);
	}
}

static void
swept(struct job *j, const struct job_result *result)
{
	struct sweep *s = (struct sweep *)j;
	(void)result;
	buf_done(&s->paths);
	free(s);
}

void
images_sweep(struct agent *a)
{
	struct sweep *s = calloc(1, sizeof(*s));
	if (!s)
		return;
	/* Named now: what is begun from here on is somebody's. */
	layers_begun(&a->place, &s->paths);
	s->job.done = swept;
	if (!s->paths.len || job_start(&s->job, a->loop, sweep_job, s)) {
		buf_done(&s->paths);
		free(s);
	}
}
