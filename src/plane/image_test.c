#include "plane/image_make.h"
#include "plane/image_store.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct place
a_place(void)
{
	static const char *const folders[] = { "plane", "plane/images", "plane/layers",
		"plane/roots", "plane/snapshots" };
	struct place p;
	char path[PLACE_MAX];
	const char *dir = unit_tmpdir();
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		mkdir(path, 0700);
	}
	place_name(&p, dir);
	return p;
}

static void
add_layer(const struct place *p, const char *id)
{
	char made[PLACE_MAX];
	assert_int_equal(layer_begin(p, made), 0);
	assert_int_equal(layer_keep(p, made, str_c(id)), 0);
}

TEST(an_image_is_what_its_file_says)
{
	struct place p = a_place();
	struct arena a;
	struct image i = { .pub = { .id = STR("ami-1"),
				   .name = STR("A = b"),
				   .os = STR("Debian"),
				   .user = STR("admin"),
				   .arch = STR("x86_64"),
				   .bytes = 7,
				   .has_init = true },
		.layers = STR("l-2\nl-1\n") },
		     j;
	arena_init(&a);
	assert_int_equal(image_load(&p, STR("ami-1"), &a, &j), -ENOENT);
	assert_int_equal(image_save(&p, &i), 0);
	assert_int_equal(image_load(&p, STR("ami-1"), &a, &j), 0);
	assert_str(j.pub.name, "A = b");
	assert_str(j.layers, "l-2\nl-1\n");
	assert_true(j.pub.has_init && !j.pub.has_kernel && j.pub.bytes == 7);
	i.layers = STR("../../etc\n"); /* no name of a layer */
	assert_int_equal(image_save(&p, &i), 0);
	assert_int_equal(image_load(&p, STR("ami-1"), &a, &j), -EBADMSG);
	arena_done(&a);
}

TEST(layers_go_with_the_last_that_names_them)
{
	struct place p = a_place();
	struct image i = { .pub = { .id = STR("ami-1") }, .layers = STR("l-2\nl-1") },
		     j = { .pub = { .id = STR("ami-2") }, .layers = STR("l-1") };
	char path[PLACE_MAX];
	add_layer(&p, "l-1");
	add_layer(&p, "l-2");
	add_layer(&p, "l-3");
	assert_int_equal(image_save(&p, &i), 0);
	assert_int_equal(image_save(&p, &j), 0);
	place_path(&p, path, "roots", STR("vol-1"), "");
	mkdir(path, 0700);
	place_path(&p, path, "roots", STR("vol-1"), "/layers");
	assert_int_equal(place_write(path, STR("l-3\n")), 0);
	assert_int_equal(image_remove(&p, STR("ami-1")), 0);
	assert_true(layer_there(&p, STR("l-1")) && !layer_there(&p, STR("l-2")) &&
		    layer_there(&p, STR("l-3")));
	assert_int_equal(image_remove(&p, STR("ami-1")), 0);
}

TEST(a_tree_tells_what_it_is)
{
	struct arena a;
	char dir[PLACE_MAX], path[PLACE_MAX + 64];
	struct plane_image i = {
		.id = STR("x"), .name = STR(""), .os = STR(""), .user = STR(""), .arch = STR("")
	};
	arena_init(&a);
	snprintf(dir, sizeof(dir), "%s", unit_tmpdir());
	static const char *const folders[] = { "etc", "home", "home/ubuntu", "lib", "lib/systemd" };
	for (unsigned k = 0; k < 5; k++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[k]);
		mkdir(path, 0700);
	}
	snprintf(path, sizeof(path), "%s/etc/os-release", dir);
	assert_int_equal(place_write(path, STR("ID=ubuntu\nPRETTY_NAME=\"Ubuntu 24.04\"\n")), 0);
	snprintf(path, sizeof(path), "%s/lib/systemd/systemd", dir);
	assert_int_equal(place_write(path, STR("")), 0);
	image_look(dir, &a, &i);
	assert_str(i.os, "Ubuntu 24.04");
	assert_str(i.user, "ubuntu");
	assert_true(i.has_init && !i.has_kernel);
	arena_done(&a);
}
