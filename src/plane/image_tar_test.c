#include "plane/image_make.h"
#include "plane/image_oci.h"
#include "plane/image_store.h"
#include "plane/image_tar.h"
#include "plane/image_unpack.h"
#include "plane/job.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A ustar header with a right sum, and its content padded. */
static void
add(struct buf *b, const char *path, char type, const char *link, const char *content)
{
	char h[512] = "";
	size_t n = content ? strlen(content) : 0;
	snprintf(h, 100, "%s", path);
	memcpy(h + 100, "0000640\0000001750\0000001750\0", 24);
	snprintf(h + 124, 12, "%011o", (unsigned)n & 07777777);
	memcpy(h + 136, "00000000001\0", 12);
	memset(h + 148, ' ', 8);
	h[156] = type;
	snprintf(h + 157, 100, "%s", link ? link : "");
	memcpy(h + 257, "ustar\00000", 8);
	unsigned sum = 0;
	for (unsigned i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(b, h, 512);
	buf_add(b, content ? content : "", n);
	static const char zero[512];
	buf_add(b, zero, (512 - n % 512) % 512);
}

static void
finish(struct buf *b)
{
	static const char zero[1024];
	buf_add(b, zero, sizeof(zero));
}

static ssize_t
give(void *ctx, void *p, size_t n)
{
	struct str *left = ctx;
	size_t take = left->len < n ? left->len : n;
	take = take > 700 ? 700 : take; /* in pieces that fit nothing */
	memcpy(p, left->p, take);
	*left = str_of(left->p + take, left->len - take);
	return (ssize_t)take;
}

TEST(entries_come_as_they_stand)
{
	struct buf b = { 0 };
	struct tar_entry e;
	char text[20] = "";
	add(&b, "x", 'x', NULL, "30 SCHILY.xattr.user.a=value\n\n18 path=long/name\n");
	b.len = 0;
	add(&b, "x", 'x', NULL, "29 SCHILY.xattr.user.a=value\n18 path=long/name\n");
	add(&b, "short", '0', NULL, "hello");
	add(&b, "././@LongLink", 'L', NULL, "gnu/name");
	add(&b, "gnu", '2', "/etc/x", NULL);
	add(&b, "./dir/", '5', NULL, NULL);
	add(&b, "/dir/hard", '1', "./long/name", NULL);
	finish(&b);
	struct str left = buf_str(&b);
	struct tar *t = tar_open(give, &left);
	assert_int_equal(tar_next(t, &e), 1);
	assert_str(e.path, "long/name");
	assert_int_equal(e.attrs_n, 1);
	assert_str(e.attrs[0].name, "user.a");
	assert_str(e.attrs[0].value, "value");
	assert_int_equal(e.mode, 0640);
	assert_int_equal(e.uid, 1000);
	assert_int_equal(tar_read(t, text, 2), 2); /* the rest is passed over */
	assert_int_equal(tar_next(t, &e), 1);
	assert_str(e.path, "gnu/name");
	assert_str(e.link, "/etc/x");
	assert_int_equal(e.type, TAR_SYMLINK);
	assert_int_equal(tar_next(t, &e), 1);
	assert_str(e.path, "dir");
	assert_int_equal(tar_next(t, &e), 1);
	assert_str(e.link, "long/name");
	assert_int_equal(tar_next(t, &e), 0);
	tar_close(t);
	buf_done(&b);
}

TEST(a_damaged_tar_is_refused_wherever_it_ends)
{
	struct buf b = { 0 };
	struct tar_entry e;
	add(&b, "a", '0', NULL, "0123456789");
	for (size_t n = 0; n < b.len; n += 37) {
		struct str left = str_of(b.p, n);
		struct tar *t = tar_open(give, &left);
		int r;
		while ((r = tar_next(t, &e)) == 1)
			;
		assert_int_equal(r, -EBADMSG);
		tar_close(t);
	}
	b.p[0] = 'b'; /* the sum is wrong now */
	struct str left = buf_str(&b);
	struct tar *t = tar_open(give, &left);
	assert_int_equal(tar_next(t, &e), -EBADMSG);
	tar_close(t);
	buf_done(&b);
}

static int
as_file(const struct buf *b)
{
	char path[400];
	snprintf(path, sizeof(path), "%s/tar", unit_tmpdir());
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, b->p, b->len), b->len);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

TEST(nothing_is_unpacked_outside)
{
	struct buf b = { 0 }, text = { 0 };
	struct job_result r = { 0 };
	char dir[400], outside[400], path[500];
	struct stat st;
	if (geteuid() != 0)
		test_skip("unpacking gives files to others, which needs root");
	snprintf(outside, sizeof(outside), "%s", unit_tmpdir());
	snprintf(dir, sizeof(dir), "%s", unit_tmpdir());
	add(&b, "out", '2', outside, NULL);
	add(&b, "out/planted", '0', NULL, "x"); /* where the link leads, there is nothing inside */
	finish(&b);
	int fd = as_file(&b);
	assert_int_equal(image_unpack(fd, dir, &r), -ENOENT);
	close(fd);
	buf_clear(&b);
	r = (struct job_result){ 0 };
	add(&b, "etc/passwd", '0', NULL, "made");
	add(&b, "link", '2', "/etc", NULL);
	add(&b, "link/shadow", '0', NULL, "inside");   /* as it would be in the machine */
	add(&b, "etc/hard", '1', "etc/passwd", NULL);
	add(&b, "dev/disk", '4', NULL, NULL);           /* no device is made */
	add(&b, "etc/.wh.gone", '0', NULL, NULL);
	finish(&b);
	fd = as_file(&b);
	assert_int_equal(image_unpack(fd, dir, &r), 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/planted", outside);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/etc/shadow", dir);
	place_read(path, &text);
	assert_str(buf_str(&text), "inside");
	snprintf(path, sizeof(path), "%s/etc/hard", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_uid, 1000);
	snprintf(path, sizeof(path), "%s/etc/gone", dir);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0));
	snprintf(path, sizeof(path), "%s/dev/disk", dir);
	assert_int_equal(access(path, F_OK), -1);
	/* Up and out. */
	buf_clear(&b);
	add(&b, "a/../../planted", '0', NULL, "x");
	finish(&b);
	r = (struct job_result){ 0 };
	fd = as_file(&b);
	image_unpack(fd, dir, &r);
	close(fd);
	snprintf(path, sizeof(path), "%s/../planted", dir);
	assert_int_equal(access(path, F_OK), -1);
	buf_done(&b);
	buf_done(&text);
}

TEST(manifests_name_their_layers)
{
	struct arena a;
	struct oci_layers l;
	struct str digest;
	bool is_index;
	arena_init(&a);
	assert_true(oci_docker_manifest(
		STR("[{\"Config\":\"c.json\",\"Layers\":[\"aa/layer.tar\",\"bb/layer.tar\"]}]"), &a,
		&l));
	assert_int_equal(l.n, 2);
	assert_str(l.paths[1], "bb/layer.tar");
	assert_false(oci_docker_manifest(STR("[{\"Layers\":[\"../../etc/passwd\"]}]"), &a, &l));
	assert_false(oci_docker_manifest(STR("[{\"Layers\":[\"/etc/passwd\"]}]"), &a, &l));
	assert_false(oci_docker_manifest(STR("nonsense"), &a, &l));
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	assert_true(oci_index_digest(
		STR("{\"manifests\":[{\"digest\":\"sha256:" HEX
		    "\",\"platform\":{\"architecture\":\"arm64\"}},"
		    "{\"digest\":\"sha256:" HEX
		    "\",\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"}]}"),
		&a, &digest, &is_index));
	assert_str(digest, "blobs/sha256/" HEX);
	assert_false(is_index);
	assert_true(oci_manifest(STR("{\"layers\":[{\"digest\":\"sha256:" HEX "\"}]}"), &a, &l));
	assert_false(oci_manifest(STR("{\"layers\":[{\"digest\":\"sha256:../x\"}]}"), &a, &l));
	arena_done(&a);
}

TEST(an_imported_image_is_shared_by_its_content)
{
	struct buf b = { 0 };
	struct job_result r = { 0 };
	struct place p;
	struct arena a;
	struct image i, j;
	char why[256];
	if (geteuid() != 0)
		test_skip("unpacking gives files to others, which needs root");
	assert_int_equal(place_open(&p, unit_tmpdir(), why, sizeof(why)), 0);
	arena_init(&a);
	add(&b, "etc/os-release", '0', NULL, "PRETTY_NAME=\"Mine 1\"\n");
	finish(&b);
	for (unsigned k = 0; k < 2; k++) {
		struct plane_image wanted = { .id = k ? STR("two") : STR("one"),
			.name = STR(""),
			.os = STR(""),
			.user = STR("me"),
			.arch = STR("") };
		int fd = as_file(&b);
		assert_int_equal(image_import(&p, &wanted, fd, PLANE_IMAGE_TAR, &r), 0);
		close(fd);
	}
	assert_int_equal(image_load(&p, STR("one"), &a, &i), 0);
	assert_int_equal(image_load(&p, STR("two"), &a, &j), 0);
	assert_str(i.pub.os, "Mine 1");
	assert_str(i.pub.user, "me");
	assert_true(str_eq(i.layers, j.layers));
	arena_done(&a);
	buf_done(&b);
}
