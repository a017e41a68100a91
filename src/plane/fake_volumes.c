/* Volumes, snapshots and images of the fake. */
#include "plane/fake_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct fake_volume *
fake_volume_put(struct map *m, struct str id, uint64_t bytes)
{
	struct fake_volume *v = calloc(1, sizeof(*v));
	assert(v && !map_get(m, id));
	fake_id(v->id, id);
	v->bytes = bytes;
	map_put(m, str_c(v->id), v);
	return v;
}

void
fake_volume_create(FAKE_REQUEST, struct str volume, uint64_t bytes, struct str snapshot)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "volume_create", volume);
	if (!a)
		return;
	const struct fake_volume *from = snapshot.len ? map_get(&f->snapshots, snapshot) : NULL;
	if (snapshot.len && !from) {
		fake_refuse(a, -ENOENT, "The snapshot %.*s is not there.", STR_FMT(snapshot));
	} else if (!map_get(&f->volumes, volume)) {
		struct fake_volume *v = fake_volume_put(
			&f->volumes, volume, from && from->bytes > bytes ? from->bytes : bytes);
		v->is_root = from && from->is_root;
		if (from)
			fake_id(v->snapshot, snapshot);
	}
	fake_end(f, a);
}

void
fake_volume_resize(FAKE_REQUEST, struct str volume, uint64_t bytes)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "volume_resize", volume);
	if (!a)
		return;
	struct fake_volume *v = map_get(&f->volumes, volume);
	if (!v)
		fake_refuse(a, -ENOENT, "The volume %.*s is not there.", STR_FMT(volume));
	else if (bytes < v->bytes)
		fake_refuse(a, -EINVAL, "A volume cannot become smaller.");
	else
		v->bytes = bytes;
	fake_end(f, a);
}

static bool
is_root_in_use(struct fake *f, struct str volume)
{
	void *v;
	for (size_t at = 0; map_next(&f->machines, &at, NULL, &v);) {
		struct fake_machine *m = &((struct fake_machine_row *)v)->pub;
		if (m->report.state == PLANE_MACHINE_RUNNING && str_eq(m->m.root_volume, volume))
			return true;
	}
	return false;
}

void
fake_volume_remove(FAKE_REQUEST, struct str volume)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "volume_remove", volume);
	if (!a)
		return;
	struct fake_volume *v = map_get(&f->volumes, volume);
	if (v && (v->machine[0] || is_root_in_use(f, volume)))
		fake_refuse(a, -EBUSY, "The volume %s is in use.", v->id);
	else
		free(map_take(&f->volumes, volume));
	fake_end(f, a);
}

bool
fake_attach(struct fake *f, struct fake_answer *a, struct fake_machine_row *m,
	const struct plane_disk *d)
{
	struct fake_volume *v = map_get(&f->volumes, d->volume);
	if (!v)
		fake_refuse(a, -ENOENT, "The volume %.*s is not there.", STR_FMT(d->volume));
	else if (v->machine[0] && strcmp(v->machine, m->id) != 0)
		fake_refuse(a, -EBUSY, "The volume %s is attached to %s.", v->id, v->machine);
	if (a->status || v->machine[0])
		return !a->status;
	fake_id(v->machine, str_c(m->id));
	buf_printf(&m->pub.disks, "%s%.*s=%.*s", m->pub.disks.len ? " " : "", STR_FMT(d->volume),
		STR_FMT(d->device));
	return true;
}

/* Writes the list anew without that volume. */
static void
disks_take(struct fake_machine_row *m, struct str volume)
{
	struct buf left = { 0 };
	struct str rest = buf_str(&m->pub.disks);
	while (rest.p) {
		struct str one = str_cut(&rest, ' '), id = one;
		if (one.len && !str_eq(str_cut(&id, '='), volume))
			buf_printf(&left, "%s%.*s", left.len ? " " : "", STR_FMT(one));
	}
	buf_done(&m->pub.disks);
	m->pub.disks = left;
}

void
fake_detach_all(struct fake *f, struct fake_machine_row *m)
{
	void *v;
	for (size_t at = 0; map_next(&f->volumes, &at, NULL, &v);)
		if (strcmp(((struct fake_volume *)v)->machine, m->id) == 0)
			((struct fake_volume *)v)->machine[0] = 0;
	buf_clear(&m->pub.disks);
}

void
fake_volume_attach(FAKE_REQUEST, struct str machine, const struct plane_disk *d)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "volume_attach", d->volume);
	if (!a)
		return;
	struct fake_machine_row *m = map_get(&f->machines, machine);
	if (!m || m->pub.report.state != PLANE_MACHINE_RUNNING)
		fake_refuse(a, -ENOENT, "The machine %.*s does not run.", STR_FMT(machine));
	else
		fake_attach(f, a, m, d);
	fake_end(f, a);
}

void
fake_volume_detach(FAKE_REQUEST, struct str machine, struct str volume)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "volume_detach", volume);
	if (!a)
		return;
	struct fake_machine_row *m = map_get(&f->machines, machine);
	struct fake_volume *v = map_get(&f->volumes, volume);
	if (m && v && strcmp(v->machine, m->id) == 0) {
		v->machine[0] = 0;
		disks_take(m, volume);
	}
	fake_end(f, a);
}

void
fake_snapshot_create(FAKE_REQUEST, struct str snapshot, struct str volume)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "snapshot_create", snapshot);
	if (!a)
		return;
	const struct fake_volume *v = map_get(&f->volumes, volume);
	if (!v) {
		fake_refuse(a, -ENOENT, "The volume %.*s is not there.", STR_FMT(volume));
	} else if (!map_get(&f->snapshots, snapshot)) {
		struct fake_volume *s = fake_volume_put(&f->snapshots, snapshot, v->bytes);
		s->is_root = v->is_root;
		s->is_snapshot = true;
	}
	a->bytes = v ? v->bytes / 8 : 0;
	fake_end(f, a);
}

void
fake_snapshot_remove(FAKE_REQUEST, struct str snapshot)
{
	struct fake_answer *a = fake_begin(p, r, "snapshot_remove", snapshot);
	if (!a)
		return;
	free(map_take(&fake_of(p)->snapshots, snapshot));
	fake_end(fake_of(p), a);
}

static void
image_dup(struct plane_image *ret, struct arena *arena, const struct plane_image *i)
{
	*ret = *i;
	struct str *text[] = { &ret->id, &ret->name, &ret->os, &ret->user, &ret->arch };
	for (unsigned k = 0; k < sizeof(text) / sizeof(text[0]); k++)
		*text[k] = arena_dup(arena, *text[k]);
}

void
fake_image_put(struct fake *f, const struct plane_image *i)
{
	struct fake_image_row *row = calloc(1, sizeof(*row));
	assert(row);
	arena_init(&row->arena);
	image_dup(&row->i, &row->arena, i);
	fake_image_free(map_take(&f->images, i->id));
	map_put(&f->images, row->i.id, row);
}

void
fake_image_free(struct fake_image_row *i)
{
	if (!i)
		return;
	arena_done(&i->arena);
	free(i);
}

void
fake_image_list(FAKE_REQUEST, void (*each)(struct plane_request *r, const struct plane_image *i))
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "image_list", STR(""));
	void *v;
	if (!a)
		return;
	struct plane_image *all = arena_array(&a->arena, struct plane_image, f->images.n);
	for (size_t at = 0; map_next(&f->images, &at, NULL, &v);)
		image_dup(&all[a->images_n++], &a->arena, &((struct fake_image_row *)v)->i);
	a->images = all;
	a->each = each;
	fake_end(f, a);
}

void
fake_image_pull(FAKE_REQUEST, struct str name)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "image_pull", name);
	if (!a)
		return;
	a->progress_of = arena_dup(&a->arena, name);
	if (str_is(name, "ubuntu"))
		fake_image_put(f, &(struct plane_image){ .id = name,
					  .name = STR("Ubuntu 24.04"),
					  .os = STR("Ubuntu 24.04 LTS"),
					  .user = STR("ubuntu"),
					  .arch = STR("x86_64"),
					  .bytes = 350 << 20,
					  .has_init = true });
	else if (!map_get(&f->images, name))
		fake_refuse(a, -ENOENT, "Nothing is known of an image %.*s.", STR_FMT(name));
	fake_end(f, a);
}

void
fake_image_import(
	FAKE_REQUEST, const struct plane_image *i, const char *path, enum plane_image_format format)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "image_import", i->id);
	(void)format;
	if (!a)
		return;
	if (access(path, R_OK))
		fake_refuse(a, -errno, "%s cannot be read.", path);
	else
		fake_image_put(f, i);
	a->bytes = i->bytes;
	fake_end(f, a);
}

void
fake_image_export(FAKE_REQUEST, struct str image, const char *path)
{
	struct fake_answer *a = fake_begin(p, r, "image_export", image);
	(void)path;
	if (!a)
		return;
	if (!map_get(&fake_of(p)->images, image))
		fake_refuse(a, -ENOENT, "The image %.*s is not there.", STR_FMT(image));
	fake_end(fake_of(p), a);
}

void
fake_image_from_root(FAKE_REQUEST, const struct plane_image *i, struct str root)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "image_from_root", i->id);
	if (!a)
		return;
	const struct fake_volume *v = map_get(&f->volumes, root);
	if (!v)
		v = map_get(&f->snapshots, root);
	if (!v || !v->is_root)
		fake_refuse(a, -ENOENT, "%.*s is not the root of a machine.", STR_FMT(root));
	else
		fake_image_put(f, i);
	a->bytes = v ? v->bytes / 8 : 0;
	fake_end(f, a);
}

void
fake_image_remove(FAKE_REQUEST, struct str image)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "image_remove", image);
	void *v;
	if (!a)
		return;
	for (size_t at = 0; map_next(&f->machines, &at, NULL, &v);)
		if (str_eq(((struct fake_machine_row *)v)->pub.m.image, image))
			fake_refuse(a, -EBUSY, "The machine %s was started from it.",
				((struct fake_machine_row *)v)->id);
	if (!a->status)
		fake_image_free(map_take(&f->images, image));
	fake_end(f, a);
}

bool
fake_image(struct plane *p, const char *id)
{
	return map_get(&fake_of(p)->images, str_c(id)) != NULL;
}

void
fake_image_add(struct plane *p, const struct plane_image *i)
{
	fake_image_put(fake_of(p), i);
}

const struct fake_volume *
fake_volume(struct plane *p, const char *id)
{
	return map_get(&fake_of(p)->volumes, str_c(id));
}

const struct fake_volume *
fake_snapshot(struct plane *p, const char *id)
{
	return map_get(&fake_of(p)->snapshots, str_c(id));
}

unsigned
fake_volumes_n(struct plane *p)
{
	return (unsigned)fake_of(p)->volumes.n;
}

unsigned
fake_snapshots_n(struct plane *p)
{
	return (unsigned)fake_of(p)->snapshots.n;
}
