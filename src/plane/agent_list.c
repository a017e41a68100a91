/* One listing, from the files to the answer. */
#include "plane/agent_list.h"

#include "plane/image_store.h"
#include "plane/image_tiny.h"

#include <assert.h>
#include <stdlib.h>

struct listing {
	struct loop_job job; /* first */
	struct plane_request *r;
	void (*each)(struct plane_request *r, const struct plane_image *i);
	struct arena arena;
	struct place place;
	bool has_tiny;
};

static void
tell(void *ctx, const struct image *i)
{
	struct listing *l = ctx;
	l->has_tiny |= str_is(i->pub.id, "tiny");
	l->each(l->r, &i->pub);
}

static void
answer(struct loop_job *job)
{
	struct listing *l = (struct listing *)job;
	const struct plane_answer a = { .why = "", .fd = -1, .text = STR("") };
	struct image tiny;
	image_each(&l->place, &l->arena, tell, l);
	if (!l->has_tiny && image_tiny_describe(&tiny))
		l->each(l->r, &tiny.pub);
	struct plane_request *r = l->r;
	arena_done(&l->arena);
	free(l);
	r->done(r, &a);
}

struct loop_job *
agent_list_images(const char *data_dir, struct plane_request *r,
	void (*each)(struct plane_request *r, const struct plane_image *i))
{
	struct listing *l = calloc(1, sizeof(*l));
	assert(l);
	arena_init(&l->arena);
	place_name(&l->place, data_dir);
	l->r = r;
	l->each = each;
	l->job.run = answer;
	return &l->job;
}
