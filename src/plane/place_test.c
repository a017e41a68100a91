#include "plane/place.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(small_files_come_whole)
{
	char path[PLACE_MAX];
	struct buf b = { 0 };
	snprintf(path, sizeof(path), "%s/f", unit_tmpdir());
	assert_int_equal(place_read(path, &b), -ENOENT);
	assert_int_equal(place_write(path, STR("one")), 0);
	assert_int_equal(place_write(path, STR("two")), 0);
	assert_int_equal(place_read(path, &b), 0);
	assert_str(buf_str(&b), "two");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(place_read(path, &b), -ELOOP); /* nobody's link is followed */
	buf_done(&b);
}

TEST(a_tree_goes_and_what_it_links_to_stays)
{
	char tree[PLACE_MAX], path[PLACE_MAX + 32], kept[PLACE_MAX];
	const char *dir = unit_tmpdir();
	snprintf(tree, sizeof(tree), "%s/tree", dir);
	snprintf(kept, sizeof(kept), "%s/kept", dir);
	assert_int_equal(place_write(kept, STR("x")), 0);
	assert_int_equal(mkdir(tree, 0700), 0);
	snprintf(path, sizeof(path), "%s/link", tree);
	assert_int_equal(symlink(kept, path), 0);
	snprintf(path, sizeof(path), "%s/f", tree);
	assert_int_equal(place_write(path, STR("123")), 0);
	assert_true(place_tree_bytes(tree) >= 4096);
	assert_int_equal(place_remove_tree(tree), 0);
	assert_int_equal(place_remove_tree(tree), 0);
	assert_int_equal(access(kept, F_OK), 0);
}

TEST(places_of_two_directories_differ)
{
	struct place a, b;
	place_name(&a, "/tmp");
	place_name(&b, "/var");
	assert_int_equal(strlen(a.tag), 8);
	assert_string_not_equal(a.tag, b.tag);
	assert_string_equal(a.dir, "/tmp/plane");
}
