/* The built-in image. */
#include "plane/image_tiny.h"

#include "base/digest.h"
#include "plane/guest_blob.h"
#include "plane/image_store.h"
#include "plane/image_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SFTP_SERVER                                                                                \
	"/usr/lib/openssh/sftp-server" /* of openssh-sftp-server; the image does without */

static bool
applets(struct tree *t, const char *busybox)
{
	struct buf out = { 0 };
	char *save, full[PLACE_MAX];
	if (job_program((char *[]){ (char *)busybox, "--list-full", NULL }, &out) != 0)
		job_fail(t->r, -ENOENT, "busybox does not list its applets.");
	for (char *word = out.p ? strtok_r(out.p, "\n", &save) : NULL; word;
		word = strtok_r(NULL, "\n", &save)) {
		/* Ours come in their place. */
		if (strstr(word, "sbin/init") || strchr(word, '.') || strlen(word) > 100)
			continue;
		snprintf(full, sizeof(full), "%.900s/%.100s", t->dir, word);
		if (symlink("/bin/busybox", full) && errno != EEXIST && errno != ENOENT)
			job_fail(t->r, -errno, "%s: %s.", full, strerror(errno));
	}
	buf_done(&out);
	return t->r->status == 0;
}

static const struct {
	const char *path;
	mode_t mode;
} folders[] = { { "/bin", 0755 }, { "/sbin", 0755 }, { "/usr/bin", 0755 }, { "/usr/sbin", 0755 },
	{ "/usr/local/bin", 0755 }, { "/etc/dropbear", 0700 }, { "/root", 0700 },
	{ "/home/ec2-user", 0755 }, { "/tmp", 01777 }, { "/var/tmp", 01777 },
	{ "/var/lib/haneul", 0700 }, { "/var/log", 0755 }, { "/run", 0755 }, { "/dev", 0755 },
	{ "/proc", 0555 }, { "/sys", 0555 }, { "/mnt", 0755 }, { "/opt", 0755 }, { "/srv", 0755 },
	{ "/lib", 0755 }, { "/lib64", 0755 } };
static const struct {
	const char *path, *text;
	mode_t mode;
} files[] = {
	{ "/etc/passwd",
		"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/sh\n",
		0644 },
	{ "/etc/group",
		"root:x:0:\ntty:x:5:\nwheel:x:10:ec2-user\nnogroup:x:65534:\nec2-user:x:1000:\n",
		0644 },
	{ "/etc/shadow", "root:*:19000:0:99999:7:::\nec2-user:*:19000:0:99999:7:::\n", 0600 },
	{ "/etc/shells", "/bin/sh\n/bin/ash\n", 0644 },
	{ "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0644 },
	{ "/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n", 0644 },
	{ "/etc/os-release",
		"NAME=\"Haneul tiny\"\nID=haneul\nVERSION_ID=1\nPRETTY_NAME=\"Haneul tiny (busybox)\"\n",
		0644 },
	{ "/etc/haneul-user", "ec2-user\n", 0644 },
	{ "/etc/profile",
		"export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPS1='\\u@\\h:\\w\\$ '\n",
		0644 },
};

static bool
fill(struct tree *t, const char *busybox, const char *const *programs)
{
	char home[PLACE_MAX];
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (!tree_folder(t, folders[i].path, folders[i].mode))
			return false;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!tree_file(
			    t, files[i].path, files[i].mode, files[i].text, strlen(files[i].text)))
			return false;
	if (!tree_copy(t, busybox, "/bin/busybox", 0755) || !applets(t, busybox))
		return false;
	for (; *programs; programs++)
		if (!tree_copy(t, *programs, *programs, 0755) || !tree_libraries(t, *programs))
			return false;
	tree_path(t, "/home/ec2-user", home);
	if (chown(home, 1000, 1000))
		return job_fail(t->r, -errno, "%s: %s.", home, strerror(errno)) == 0;
	/* Where dropbear looks for it; scp needs it. */
	if (access(SFTP_SERVER, X_OK) == 0 &&
		(!tree_copy(t, SFTP_SERVER, "/usr/lib/sftp-server", 0755) ||
			!tree_libraries(t, SFTP_SERVER)))
		return false;
	return tree_file(t, "/sbin/haneul-guest", 0755, guest_blob,
		       (size_t)(guest_blob_end - guest_blob)) &&
	       tree_file(t, "/usr/bin/sudo", 04755, guest_blob,
		       (size_t)(guest_blob_end - guest_blob));
}

static const char *
find(const char *const *paths)
{
	for (; *paths; paths++)
		if (access(*paths, X_OK) == 0)
			return *paths;
	return NULL;
}

/* Of the programs' dates and sizes, our guest and the tables above. */
static void
layer_id(char ret[LAYER_ID_MAX + 1], const char *busybox, const char *dropbear)
{
	const char *paths[] = { busybox, dropbear, SFTP_SERVER };
	struct buf b = { 0 };
	struct stat st;
	unsigned char sum[32];
	for (unsigned i = 0; i < 3; i++)
		if (stat(paths[i], &st) == 0)
			buf_printf(&b, "%s %lld %lld\n", paths[i], (long long)st.st_size,
				(long long)st.st_mtime);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		buf_printf(&b, "%s %s", files[i].path, files[i].text);
	buf_add(&b, guest_blob, (size_t)(guest_blob_end - guest_blob));
	sha256(buf_str(&b), sum);
	buf_done(&b);
	snprintf(ret, LAYER_ID_MAX, "tiny-");
	for (unsigned i = 0; i < 8; i++)
		snprintf(ret + 5 + 2 * i, 3, "%02x", sum[i]);
}

static int
make_layer(const struct place *p, struct job_result *r, struct str id, const char *busybox,
	const char *const *programs)
{
	char dir[PLACE_MAX];
	int e = layer_begin(p, dir);
	struct tree t = { dir, r };
	if (e)
		return job_fail(r, e, "A folder for the image cannot be made: %s.", strerror(-e));
	if (fill(&t, busybox, programs) && (e = layer_keep(p, dir, id)))
		job_fail(r, e, "The image cannot be kept: %s.", strerror(-e));
	if (r->status)
		place_remove_tree(dir);
	return r->status;
}

static const char *const busyboxes[] = { "/bin/busybox", "/usr/bin/busybox", NULL },
			 *const servers[] = { "/usr/sbin/dropbear", NULL };

bool
image_tiny_describe(struct image *ret)
{
	const char *parts[] = { find(busyboxes), find(servers) };
	struct stat st;
	*ret = (struct image){ .pub = { .id = STR("tiny"),
				       .name = STR("Haneul tiny"),
				       .os = STR("busybox and dropbear"),
				       .user = STR("ec2-user"),
				       .arch = STR("x86_64"),
				       .bytes = 2 * (uint64_t)(guest_blob_end - guest_blob) } };
	for (unsigned i = 0; i < 2; i++) {
		if (!parts[i] || stat(parts[i], &st))
			return false;
		ret->pub.bytes += (uint64_t)st.st_size;
	}
	return true;
}

int
image_tiny_make(const struct place *p, struct job_result *r)
{
	const char *busybox = find(busyboxes), *dropbear = find(servers);
	char id[LAYER_ID_MAX + 1], path[PLACE_MAX];
	struct image i;
	if (!busybox)
		return job_fail(r, -ENOENT,
			"The image \"tiny\" needs busybox: apt-get install busybox-static");
	if (!dropbear)
		return job_fail(r, -ENOENT,
			"The image \"tiny\" needs an SSH server: apt-get install dropbear-bin");
	const char *const programs[] = { dropbear, "/usr/bin/dropbearkey", NULL };
	layer_id(id, busybox, dropbear);
	if (!layer_there(p, str_c(id)) && make_layer(p, r, str_c(id), busybox, programs))
		return r->status;
	place_path(p, path, "layers", str_c(id), "");
	image_tiny_describe(&i);
	i.layers = str_c(id);
	r->bytes = i.pub.bytes = place_tree_bytes(path);
	int e = image_save(p, &i);
	return e ? job_fail(r, e, "The image cannot be kept: %s.", strerror(-e)) : 0;
}
