/* Cleaning up after a data directory; see leftovers.h. */
#include "plane/leftovers.h"

#include "base/log.h"
#include "base/map.h"
#include "plane/cgroup.h"
#include "plane/fabric.h"
#include "plane/place.h"
#include "plane/volume_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct found {
	struct arena arena;
	struct map dirs;
};

static void
note(struct found *f, struct str dir)
{
	if (!dir.len || map_get(&f->dirs, dir))
		return;
	struct str copy = arena_dup(&f->arena, dir);
	map_put(&f->dirs, copy, (void *)copy.p);
}

static void
note_slot(void *ctx, struct str dir)
{
	if (str_ends(dir, STR("/plane")))
		note(ctx, str_slice(dir, 0, dir.len - strlen("/plane")));
}

static void
note_network(void *ctx, const struct fabric_leftover *l)
{
	note(ctx, str_c(l->data_dir));
}

void
leftovers_each(void (*each)(void *ctx, const char *data_dir), void *ctx)
{
	struct found f = { 0 };
	void *dir;
	arena_init(&f.arena);
	place_slot_owners(note_slot, &f);
	fabric_leftovers(NULL, note_network, &f);
	for (size_t at = 0; map_next(&f.dirs, &at, NULL, &dir);)
		each(ctx, dir);
	map_done(&f.dirs);
	arena_done(&f.arena);
}

static void
end_slot(void *ctx, unsigned slot)
{
	for (unsigned i = 0; i < 400 && cgroup_remove(slot) == -EBUSY; i++) {
		cgroup_kill(slot);
		usleep(2500);
	}
	place_slot_free(ctx, slot);
}

struct sweep {
	const char *data_dir;
	char *why;
	size_t cap;
	int status;
};

static void
sweep_network(void *ctx, const struct fabric_leftover *l)
{
	struct sweep *s = ctx;
	if (strcmp(l->data_dir, s->data_dir) == 0 && s->status == 0)
		s->status = fabric_sweep(NULL, l->tag, s->why, s->cap);
}

int
leftovers_remove(const char *data_dir, char *why, size_t cap)
{
	struct place p;
	char path[PLACE_MAX], real[sizeof(p.dir)];
	place_name(&p, data_dir);
	snprintf(real, sizeof(real), "%.*s", (int)(strlen(p.dir) - strlen("/plane")), p.dir);
	struct sweep s = { .data_dir = real, .why = why, .cap = cap };
	if (cgroup_open(p.tag, why, cap) == 0) {
		place_slot_list(&p, end_slot, &p);
		cgroup_list(end_slot, &p);
		cgroup_close_all();
	}
	loop_device_detach_below(p.dir);
	snprintf(path, sizeof(path), "%s/machines", p.dir);
	place_remove_tree(path);
	fabric_leftovers(NULL, sweep_network, &s);
	return s.status;
}

static void
note_gone(void *ctx, const struct fabric_leftover *l)
{
	if (l->seen_here && access(l->data_dir, F_OK) && errno == ENOENT)
		note(ctx, str_c(l->data_dir));
}

void
leftovers_remove_gone(void)
{
	struct found f = { 0 };
	char why[256] = "";
	void *dir;
	arena_init(&f.arena);
	fabric_leftovers(NULL, note_gone, &f);
	for (size_t at = 0; map_next(&f.dirs, &at, NULL, &dir);) {
		int r = leftovers_remove(dir, why, sizeof(why));
		log_info("leftovers.removed", log_c("of", dir), log_errno("result", r));
	}
	map_done(&f.dirs);
	arena_done(&f.arena);
}
