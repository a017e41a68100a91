/* Image files and layers. */
#include "plane/image_store.h"

#include "base/ids.h"
#include "plane/machine_pack.h"
#include "plane/network_pack.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
take_line(struct str line, struct arena *a, struct image *i, struct buf *layers)
{
	struct str value = line, key = str_cut(&value, '=');
	struct {
		const char *key;
		struct str *to;
	} texts[] = { { "name", &i->pub.name }, { "os", &i->pub.os }, { "user", &i->pub.user },
		{ "arch", &i->pub.arch } };
	if (!value.p)
		return;
	for (unsigned k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
		if (str_eq(key, str_c(texts[k].key)))
			*texts[k].to = arena_dup(a, value);
	if (str_is(key, "bytes"))
		str_to_u64(value, &i->pub.bytes);
	else if (str_is(key, "has_init"))
		i->pub.has_init = str_is(value, "1");
	else if (str_is(key, "has_kernel"))
		i->pub.has_kernel = str_is(value, "1");
	else if (str_is(key, "layer") && value.len <= LAYER_ID_MAX &&
		 plane_id_ok(str_slice(value, 0, PLANE_ID_MAX)) && str_find(value, '/') < 0)
		buf_printf(layers, "%.*s\n", STR_FMT(value));
}

int
image_load(const struct place *p, struct str id, struct arena *a, struct image *ret)
{
	char path[PLACE_MAX];
	struct buf b = { 0 }, layers = { 0 };
	place_path(p, path, "images", id, "");
	int r = place_read(path, &b);
	*ret = (struct image){ .pub = { .id = arena_dup(a, id),
				       .name = STR(""),
				       .os = STR(""),
				       .user = STR("root"),
				       .arch = STR("x86_64") } };
	for (struct str rest = buf_str(&b); !r && rest.p && rest.len;)
		take_line(str_cut(&rest, '\n'), a, ret, &layers);
	ret->layers = arena_dup(a, buf_str(&layers));
	if (!r && !layers.len)
		r = -EBADMSG;
	buf_done(&b);
	buf_done(&layers);
	return r;
}

int
image_save(const struct place *p, const struct image *i)
{
	char path[PLACE_MAX];
	struct buf b = { 0 };
	buf_printf(&b,
		"name=%.*s\nos=%.*s\nuser=%.*s\narch=%.*s\nbytes=%llu\nhas_init=%d\nhas_kernel=%d\n",
		STR_FMT(i->pub.name), STR_FMT(i->pub.os), STR_FMT(i->pub.user),
		STR_FMT(i->pub.arch), (unsigned long long)i->pub.bytes, i->pub.has_init,
		i->pub.has_kernel);
	for (struct str rest = i->layers; rest.p && rest.len;) {
		struct str layer = str_cut(&rest, '\n');
		if (layer.len)
			buf_printf(&b, "layer=%.*s\n", STR_FMT(layer));
	}
	place_path(p, path, "images", i->pub.id, "");
	int r = place_write(path, buf_str(&b));
	buf_done(&b);
	return r;
}

static void
each_name(const struct place *p, const char *folder, void (*each)(void *ctx, const char *name),
	void *ctx)
{
	char path[PLACE_MAX];
	place_path(p, path, folder, STR(""), "");
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			each(ctx, e->d_name);
	if (d)
		closedir(d);
}

struct walk {
	const struct place *p;
	struct arena *a;
	void (*each)(void *ctx, const struct image *i);
	void *ctx;
	struct buf *text;
};

static void
walk_image(void *ctx, const char *name)
{
	struct walk *w = ctx;
	struct image i;
	if (plane_id_ok(str_c(name)) && image_load(w->p, str_c(name), w->a, &i) == 0)
		w->each(w->ctx, &i);
}

void
image_each(const struct place *p, struct arena *a, void (*each)(void *ctx, const struct image *i),
	void *ctx)
{
	struct walk w = { .p = p, .a = a, .each = each, .ctx = ctx };
	each_name(p, "images", walk_image, &w);
}

static void
add_layers(void *ctx, const struct image *i)
{
	buf_add_str(((struct walk *)ctx)->text, i->layers);
}

static void
add_root_layers(void *ctx, const char *name)
{
	struct walk *w = ctx;
	char path[PLACE_MAX];
	place_path(w->p, path, "roots", str_c(name), "/layers");
	place_read(path, w->text);
	place_path(w->p, path, "snapshots", str_c(name), "/layers");
	place_read(path, w->text);
}

static void
remove_unnamed(void *ctx, const char *name)
{
	struct walk *w = ctx;
	char path[PLACE_MAX];
	for (struct str rest = buf_str(w->text); rest.p;)
		if (str_eq(str_cut(&rest, '\n'), str_c(name)))
			return;
	place_path(w->p, path, "layers", str_c(name), "");
	place_remove_tree(path);
}

int
image_remove(const struct place *p, struct str id)
{
	char path[PLACE_MAX];
	struct buf named = { 0 };
	struct arena a;
	struct walk w = { .p = p, .a = &a, .each = add_layers, .text = &named };
	w.ctx = &w;
	place_path(p, path, "images", id, "");
	if (unlink(path) && errno != ENOENT)
		return -errno;
	arena_init(&a);
	each_name(p, "images", walk_image, &w);
	each_name(p, "roots", add_root_layers, &w);
	each_name(p, "snapshots", add_root_layers, &w);
	each_name(p, "layers", remove_unnamed, &w);
	arena_done(&a);
	buf_done(&named);
	return 0;
}

int
layer_begin(const struct place *p, char ret[PLACE_MAX])
{
	char name[32] = ".new-";
	ids_hex(name + 5, 16);
	place_path(p, ret, "layers", str_c(name), "");
	return mkdir(ret, 0755) || chmod(ret, 0755) ? -errno : 0;
}

void
layers_begun(const struct place *p, struct buf *ret)
{
	char path[PLACE_MAX];
	place_path(p, path, "layers", STR(""), "");
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		if (strncmp(e->d_name, ".new-", 5) == 0)
			buf_printf(ret, "%s/layers/%s\n", p->dir, e->d_name);
	if (d)
		closedir(d);
}

bool
layer_there(const struct place *p, struct str id)
{
	char path[PLACE_MAX];
	place_path(p, path, "layers", id, "");
	return access(path, F_OK) == 0;
}

int
layer_keep(const struct place *p, const char *made, struct str id)
{
	char path[PLACE_MAX];
	place_path(p, path, "layers", id, "");
	if (access(path, F_OK) == 0)
		return place_remove_tree(made);
	return rename(made, path) ? -errno : 0;
}
