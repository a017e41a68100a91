/* Images made of something else. */
#include "plane/image_make.h"

#include "base/digest.h"
#include "base/ids.h"
#include "plane/disk_image.h"
#include "plane/host_check.h"
#include "plane/image_oci.h"
#include "plane/image_store.h"
#include "plane/image_unpack.h"
#include "plane/vm_image.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
has(const char *tree, const char *path)
{
	char full[PLACE_MAX + 64];
	struct stat st;
	snprintf(full, sizeof(full), "%s/%s", tree, path);
	return lstat(full, &st) == 0;
}

static struct str
os_name(const char *tree, struct arena *a)
{
	static const char *const paths[] = { "etc/os-release", "usr/lib/os-release" };
	char full[PLACE_MAX + 64];
	struct buf b = { 0 };
	struct str name = STR("");
	for (unsigned i = 0; i < 2 && !name.len; i++) {
		snprintf(full, sizeof(full), "%s/%s", tree, paths[i]);
		buf_clear(&b);
		if (place_read(full, &b))
			continue;
		for (struct str rest = buf_str(&b); rest.p;) {
			struct str line = str_cut(&rest, '\n'), key = str_cut(&line, '=');
			if (str_is(key, "PRETTY_NAME") && line.len > 2 && line.len < 100 &&
				line.p[0] == '"')
				name = arena_dup(a, str_slice(line, 1, line.len - 1));
		}
	}
	buf_done(&b);
	return name;
}

void
image_look(const char *tree, struct arena *a, struct plane_image *ret)
{
	struct str os = os_name(tree, a);
	if (!ret->os.len)
		ret->os = os;
	if (!ret->name.len)
		ret->name = os.len ? os : ret->id;
	if (!ret->user.len)
		ret->user = has(tree, "home/ubuntu")     ? STR("ubuntu")
			    : has(tree, "home/admin")    ? STR("admin")
			    : has(tree, "home/ec2-user") ? STR("ec2-user")
							 : STR("root");
	if (!ret->arch.len)
		ret->arch = STR("x86_64");
	ret->has_init = has(tree, "lib/systemd/systemd") || has(tree, "usr/lib/systemd/systemd") ||
			has(tree, "sbin/openrc-init");
	ret->has_kernel = has(tree, "vmlinuz") || has(tree, "boot/vmlinuz");
}

static int
keep(const struct place *p, struct image *i, const char *made, struct str layers_below,
	struct job_result *r)
{
	char id[LAYER_ID_MAX + 1], path[PLACE_MAX];
	struct buf layers = { 0 };
	snprintf(id, sizeof(id), "l-");
	ids_hex(id + 2, 24);
	int e = layer_keep(p, made, str_c(id));
	buf_printf(&layers, "%s\n%.*s", id, STR_FMT(layers_below));
	i->layers = buf_str(&layers);
	place_path(p, path, "layers", str_c(id), "");
	r->bytes = i->pub.bytes = place_tree_bytes(path);
	e = e ? e : image_save(p, i);
	buf_done(&layers);
	return e ? job_fail(r, e, "The image cannot be kept: %s.", strerror(-e)) : 0;
}

/* --- from a root --- */

/* What belongs to one instance: the next one makes its own. */
static void
forget_instance(const char *tree)
{
	static const char *const paths[] = { "etc/dropbear/dropbear_ed25519_host_key",
		"etc/ssh/ssh_host_rsa_key", "etc/ssh/ssh_host_ecdsa_key",
		"etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_rsa_key.pub",
		"etc/ssh/ssh_host_ecdsa_key.pub", "etc/ssh/ssh_host_ed25519_key.pub",
		"var/lib/haneul/instance-id" };
	char full[PLACE_MAX + 64];
	struct stat st;
	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(full, sizeof(full), "%.1100s/%s", tree, paths[i]);
		/* A folder on the way may be a link that the machine's owner made: then it leads
		 * out of the tree. */
		char real[4096], *slash = strrchr(full, '/');
		*slash = 0;
		bool inside = realpath(full, real) && strncmp(real, tree, strlen(tree)) == 0;
		*slash = '/';
		if (inside && lstat(full, &st) == 0 && S_ISREG(st.st_mode))
			unlink(full);
	}
}

int
image_from_root(
	const struct place *p, const struct plane_image *i, struct str root, struct job_result *r)
{
	char from[PLACE_MAX], base[PLACE_MAX], made[PLACE_MAX], path[PLACE_MAX], tree[4096];
	struct buf layers = { 0 }, said = { 0 };
	struct image below, image = { .pub = *i };
	struct arena a;
	const char *folder = "roots";
	place_path(p, base, folder, root, "/layers");
	if (access(base, F_OK)) {
		folder = "snapshots";
		place_path(p, base, folder, root, "/layers");
	}
	if (place_read(base, &layers))
		return job_fail(r, -ENOENT, "%.*s is not the root of a machine.", STR_FMT(root));
	place_path(p, from, folder, root, "/upper/.");
	place_path(p, path, folder, root, "/upper/machine/root.img");
	bool disk = str_starts(buf_str(&layers), STR("vm-")) && access(path, F_OK) == 0;
	if (disk) { /* what is in it is the whole tree */
		if (disk_see(p, open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), from, r)) {
			buf_done(&layers);
			return r->status;
		}
		buf_clear(&layers);
		buf_add_lit(&layers, "");
		snprintf(from + strlen(from), sizeof(from) - strlen(from), "/.");
	}
	int e = layer_begin(p, made);
	if (!e && job_program((char *[]){ "cp", "-a", "--reflink=auto", from, made, NULL }, &said))
		e = job_fail(r, -EIO, "The copy failed: %.*s", STR_FMT(str_trim(buf_str(&said))));
	else if (e)
		job_fail(r, e, "A layer cannot be made: %s.", strerror(-e));
	arena_init(&a);
	if (!e) {
		struct buf name = { 0 };
		if (realpath(made, tree))
			forget_instance(tree);
		/* What the image below says of itself still holds. */
		place_path(p, base, folder, root, "/image");
		if (place_read(base, &name) == 0 &&
			image_load(p, buf_str(&name), &a, &below) == 0) {
			image.pub.has_init = below.pub.has_init;
			image.pub.has_kernel = below.pub.has_kernel;
			image.pub.os = below.pub.os;
			image.pub.user = below.pub.user;
			image.pub.arch = below.pub.arch;
		}
		buf_done(&name);
		keep(p, &image, made, buf_str(&layers), r);
	}
	if (r->status)
		place_remove_tree(made);
	arena_done(&a);
	buf_done(&layers);
	buf_done(&said);
	return r->status;
}

/* --- pulled --- */

struct distribution {
	const char *name, *suite, *mirror, *packages, *user;
};
static const struct distribution distributions[] = {
	{ "debian", "bookworm", NULL,
		"systemd-sysv,dbus,openssh-server,sudo,iproute2,iputils-ping,ca-certificates,curl,procps,e2fsprogs,less,vim-tiny,netbase",
		"admin" },
	{ "ubuntu", "noble", "http://archive.ubuntu.com/ubuntu",
		"systemd-sysv,dbus,openssh-server,sudo,iproute2,iputils-ping,ca-certificates,curl,procps,e2fsprogs,less,netbase",
		"ubuntu" },
};

/* Run by mmdebstrap in the new tree, $1: the login user and sudo without a password, services that
 * have no use here off, and ours on. */
static const char customize[] =
	"set -e; r=\"$1\"; u=%s; chroot \"$r\" useradd -m -s /bin/bash -G sudo,adm \"$u\"; "
	"echo \"$u ALL=(ALL) NOPASSWD:ALL\" > \"$r/etc/sudoers.d/90-haneul\"; chmod 440 \"$r/etc/sudoers.d/90-haneul\"; echo \"$u\" > \"$r/etc/haneul-user\"; "
	"rm -f \"$r\"/etc/ssh/ssh_host_*; install -m 755 \"$HANEUL_GUEST\" \"$r/sbin/haneul-guest\"; "
	"printf '[Unit]\\nDescription=First boot of the instance\\nAfter=network.target\\n[Service]\\nType=oneshot\\nExecStart=/sbin/haneul-guest boot\\nRemainAfterExit=yes\\nStandardOutput=journal+console\\n"
	"StandardError=journal+console\\n[Install]\\nWantedBy=multi-user.target\\n' > \"$r/etc/systemd/system/haneul-boot.service\"; "
	"printf '[Unit]\\nBefore=ssh.service\\nConditionPathExists=!/etc/ssh/ssh_host_ed25519_key\\n[Service]\\nType=oneshot\\nExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N \"\" -f /etc/ssh/ssh_host_ed25519_key\\n"
	"[Install]\\nWantedBy=multi-user.target\\n' > \"$r/etc/systemd/system/haneul-hostkey.service\"; "
	"printf 'PasswordAuthentication no\\nHostKey /etc/ssh/ssh_host_ed25519_key\\n' > \"$r/etc/ssh/sshd_config.d/50-haneul.conf\"; "
	"for s in haneul-boot haneul-hostkey; do chroot \"$r\" systemctl enable -q $s.service; done; "
	"for s in systemd-resolved systemd-networkd systemd-timesyncd systemd-udevd systemd-udev-trigger systemd-modules-load sys-kernel-debug.mount sys-kernel-tracing.mount getty@tty1 console-getty "
	"systemd-networkd-wait-online dev-hugepages.mount sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount e2scrub_reap apt-daily.timer apt-daily-upgrade.timer "
	"e2scrub_all.timer fstrim.timer man-db.timer dpkg-db-backup.timer; do case $s in *.*) n=$s;; *) n=$s.service;; esac; ln -sf /dev/null \"$r/etc/systemd/system/$n\"; done; "
	"chroot \"$r\" systemctl set-default -q multi-user.target; rm -rf \"$r\"/var/lib/apt/lists/* \"$r\"/var/cache/apt/*.bin \"$r\"/usr/share/doc/* \"$r\"/usr/share/man/* \"$r\"/usr/share/locale/*; "
	": > \"$r/etc/machine-id\"";

/* All that it starts ends with it, and what it mounts goes: an interrupted pull leaves a folder
 * that nobody names, which the next agent removes. */
static void
stay_together(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int
run_mmdebstrap(
	const struct place *p, const struct distribution *d, const char *tree, struct job_result *r)
{
	char hook[6000], script[5000], include[512], guest[PLACE_MAX], why[PLANE_WHY_MAX];
	struct buf said = { 0 };
	if (host_check_image(d->name, why, sizeof(why)))
		return job_fail(r, -ENOENT, "%s", why);
	snprintf(guest, sizeof(guest), "%s/guest", p->dir);
	setenv("HANEUL_GUEST", guest, 1);
	setenv("DEBIAN_FRONTEND", "noninteractive", 1);
	snprintf(script, sizeof(script), customize, d->user);
	snprintf(hook, sizeof(hook), "--customize-hook=%s", script);
	snprintf(include, sizeof(include), "--include=%s", d->packages);
	char *argv[] = { "mmdebstrap", "--variant=minbase", "--mode=root", include, hook,
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/doc/*", (char *)d->suite, (char *)tree,
		(char *)d->mirror, NULL };
	stay_together();
	int e = job_program_heard(argv, &said);
	struct str complaint = job_complaint(buf_str(&said));
	if (e == 127)
		job_fail(r, -ENOENT,
			"The image \"%s\" is made with mmdebstrap: apt-get install mmdebstrap",
			d->name);
	else if (e)
		job_fail(r, -EHOSTUNREACH,
			"mmdebstrap could not make \"%s\" from %s (exit %d): %.*s", d->name,
			d->mirror ? d->mirror : "this host's mirror", e,
			STR_FMT(complaint.len ? complaint
					      : STR("is the package mirror reachable?")));
	buf_done(&said);
	return r->status;
}

int
image_pull(const struct place *p, struct str name, struct job_result *r)
{
	char made[PLACE_MAX];
	struct arena a;
	struct image image;
	const struct distribution *d = NULL;
	for (unsigned i = 0; i < sizeof(distributions) / sizeof(distributions[0]); i++)
		if (str_eq(name, str_c(distributions[i].name)))
			d = &distributions[i];
	if (str_is(name, "kernel"))
		return vm_kernel_pull(p, r);
	if (!d)
		return job_fail(r, -ENOENT,
			"Nothing is known of an image \"%.*s\": tiny, debian and ubuntu can be pulled; others are imported.",
			STR_FMT(name));
	arena_init(&a);
	if (image_load(p, name, &a, &image) == 0) {
		r->bytes = image.pub.bytes;
		arena_done(&a);
		return 0;
	}
	int e = layer_begin(p, made);
	if (e)
		job_fail(r, e, "A layer cannot be made: %s.", strerror(-e));
	else if (!run_mmdebstrap(p, d, made, r)) {
		image = (struct image){ .pub = { .id = name, .user = str_c(d->user) } };
		image_look(made, &a, &image.pub);
		keep(p, &image, made, STR(""), r);
	}
	if (r->status)
		place_remove_tree(made);
	arena_done(&a);
	return r->status;
}

/* --- out --- */

/* The layers as one tree, in a mount namespace of this job. */
int
image_see_whole(const struct place *p, struct str layers, char ret[PLACE_MAX])
{
	struct buf options = { 0 };
	unsigned n = 0;
	buf_add_lit(&options, "lowerdir=");
	for (struct str rest = layers; rest.p && rest.len;) {
		struct str id = str_cut(&rest, '\n');
		if (id.len)
			buf_printf(
				&options, "%s%s/layers/%.*s", n++ ? ":" : "", p->dir, STR_FMT(id));
	}
	place_path(p, ret, "mnt", STR(""), "");
	int e = 0;
	if (n == 1)
		snprintf(ret, PLACE_MAX, "%s", options.p + strlen("lowerdir="));
	else if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		 mount("haneul", ret, "overlay", MS_RDONLY, options.p))
		e = -errno;
	buf_done(&options);
	return e;
}

int
image_export(const struct place *p, struct str image, int fd, struct job_result *r)
{
	char tree[PLACE_MAX];
	struct arena a;
	struct image i;
	arena_init(&a);
	int e = image_load(p, image, &a, &i);
	if (e)
		job_fail(r, e, "The image %.*s is not there.", STR_FMT(image));
	else if ((e = image_see_whole(p, i.layers, tree)))
		job_fail(r, e, "The image cannot be put together: %s.", strerror(-e));
	arena_done(&a);
	if (r->status)
		return r->status;
	int out = dup(fd);
	char to[32];
	snprintf(to, sizeof(to), "/proc/self/fd/%d", out);
	e = job_program((char *[]){ "tar", "--numeric-owner", "--xattrs", "--one-file-system",
				"--sort=name", "-C", tree, "-cf", to, ".", NULL },
		NULL);
	close(out);
	struct stat st;
	if (fstat(fd, &st) == 0)
		r->bytes = (uint64_t)st.st_size;
	return e ? job_fail(r, -EIO, "tar could not write the image (exit %d).", e) : 0;
}

/* --- in --- */

static void
hex_of(const unsigned char sum[32], char ret[65])
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

/* Of the packed file: equal layers of several images are one. */
static int
digest_of(int fd, char ret[65])
{
	static char piece[256 << 10];
	struct digests d;
	struct digest_values v;
	ssize_t n;
	digests_init(&d, DIGEST_SHA256);
	for (off_t at = 0; (n = pread(fd, piece, sizeof(piece), at)) > 0; at += n)
		digests_add(&d, str_of(piece, (size_t)n));
	digests_final(&d, &v);
	hex_of(v.sha256, ret);
	return n < 0 ? -errno : 0;
}

/* Unpacks the tar into a layer named by its content, unless it is there. */
static int
add_layer(const struct place *p, int fd, struct buf *layers, struct job_result *r)
{
	char id[LAYER_ID_MAX + 1] = "s-", made[PLACE_MAX];
	int e = digest_of(fd, id + 2);
	if (!e && !layer_there(p, str_c(id))) {
		if ((e = layer_begin(p, made)))
			return job_fail(r, e, "A layer cannot be made: %s.", strerror(-e));
		if (lseek(fd, 0, SEEK_SET) < 0 || image_unpack(fd, made, r) ||
			(e = layer_keep(p, made, str_c(id))))
			place_remove_tree(made);
	}
	if (e && !r->status)
		job_fail(r, e, "The archive cannot be read: %s.", strerror(-e));
	/* The topmost comes first. */
	struct buf all = { 0 };
	buf_printf(&all, "%s\n%.*s", id, STR_FMT(buf_str(layers)));
	buf_done(layers);
	*layers = all;
	return r->status;
}

static int
add_oci(const struct place *p, const char *dir, struct buf *layers, struct job_result *r)
{
	char path[PLACE_MAX + 256];
	struct oci_layers oci;
	struct arena a;
	arena_init(&a);
	image_oci_layers(dir, &a, &oci, r);
	for (unsigned i = 0; !r->status && i < oci.n; i++) {
		snprintf(path, sizeof(path), "%s/%.*s", dir, STR_FMT(oci.paths[i]));
		int layer = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		job_progress("layer %u of %u", i + 1, oci.n);
		if (layer < 0)
			job_fail(r, -errno, "The layer %.*s is missing.", STR_FMT(oci.paths[i]));
		else
			add_layer(p, layer, layers, r);
		if (layer >= 0)
			close(layer);
	}
	arena_done(&a);
	return r->status;
}

/* An archive is unpacked first; what it holds says whether it is a root file system or layers of
 * one. */
static int
add_archive(const struct place *p, int fd, uint8_t format, struct buf *layers, struct job_result *r)
{
	char id[LAYER_ID_MAX + 1] = "s-", made[PLACE_MAX];
	int e = digest_of(fd, id + 2);
	if (!e && format != PLANE_IMAGE_OCI && layer_there(p, str_c(id)))
		return add_layer(p, fd, layers, r);
	if (e || (e = layer_begin(p, made)))
		return job_fail(r, e, "The archive cannot be read or unpacked: %s.", strerror(-e));
	job_progress("unpacking");
	if (lseek(fd, 0, SEEK_SET) < 0 || image_unpack(fd, made, r)) {
		place_remove_tree(made);
		return r->status ? r->status
				 : job_fail(r, -EIO, "The archive cannot be read again.");
	}
	bool oci = format == PLANE_IMAGE_OCI ||
		   (format == PLANE_IMAGE_ANY &&
			   (has(made, "oci-layout") || has(made, "manifest.json")) &&
			   !has(made, "etc") && !has(made, "bin"));
	if (oci)
		add_oci(p, made, layers, r);
	else if ((e = layer_keep(p, made, str_c(id))))
		job_fail(r, e, "The layer cannot be kept: %s.", strerror(-e));
	else
		buf_printf(layers, "%s\n", id);
	if (oci || r->status)
		place_remove_tree(made);
	return r->status;
}

/* The layers have names of their content; those that nobody names go with the next image_remove. */
static int
keep_imported(
	const struct place *p, const struct plane_image *i, struct str layers, struct job_result *r)
{
	char tree[PLACE_MAX];
	struct arena a;
	struct image image = { .pub = *i, .layers = layers };
	int e = image_see_whole(p, layers, tree);
	if (e)
		return job_fail(r, e, "The image cannot be put together: %s.", strerror(-e));
	arena_init(&a);
	image_look(tree, &a, &image.pub);
	r->bytes = image.pub.bytes = place_tree_bytes(tree);
	e = image_save(p, &image);
	arena_done(&a);
	return e ? job_fail(r, e, "The image cannot be kept: %s.", strerror(-e)) : 0;
}

/* The tree of its root file system becomes one layer. */
static int
import_disk(const struct place *p, const struct plane_image *i, int fd, struct str head,
	struct job_result *r)
{
	char raw[PLACE_MAX], made[PLACE_MAX], disk[PLACE_MAX + 16], tree[PLACE_MAX];
	struct arena a;
	struct buf said = { 0 };
	struct image image = { .pub = *i };
	bool packed = disk_format_of(head) == DISK_QCOW2;
	if (packed && !disk_qcow2_alone(head))
		return job_fail(r, -EBADMSG,
			"The disk stands on another file: make one of both (qemu-img convert).");
	if (layer_begin(p, raw) || layer_begin(p, made))
		return job_fail(r, -errno, "A layer cannot be made: %s.", strerror(errno));
	snprintf(disk, sizeof(disk), "%s/disk", raw);
	int file = packed ? -1 : dup(fd);
	arena_init(&a);
	if (packed && !disk_unpack(fd, disk, r))
		file = open(disk, O_RDONLY | O_CLOEXEC);
	if (!r->status && !disk_see(p, file, tree, r)) {
		snprintf(tree + strlen(tree), sizeof(tree) - strlen(tree), "/.");
		job_progress("copying the root file system");
		if (job_program(
			    (char *[]){ "cp", "-a", "--reflink=auto", tree, made, NULL }, &said))
			job_fail(r, -EIO, "The copy failed: %.*s",
				STR_FMT(str_trim(buf_str(&said))));
	}
	if (!r->status) {
		image_look(made, &a, &image.pub);
		keep(p, &image, made, STR(""), r);
	}
	if (r->status)
		place_remove_tree(made);
	place_remove_tree(raw);
	arena_done(&a);
	buf_done(&said);
	return r->status;
}

int
image_import(const struct place *p, const struct plane_image *i, int fd, uint8_t format,
	struct job_result *r)
{
	char dir[64];
	struct buf layers = { 0 };
	struct stat st;
	bool folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	snprintf(dir, sizeof(dir), "/proc/self/fd/%d", fd);
	static char head[DISK_HEAD];
	ssize_t n = folder ? 0 : pread(fd, head, sizeof(head), 0);
	struct str begin = str_of(head, n > 0 ? (size_t)n : 0);
	enum disk_format disk = disk_format_of(begin);
	if (disk == DISK_OTHER)
		return job_fail(r, -EOPNOTSUPP,
			"Disks are read as raw or qcow2: convert it with `qemu-img convert -O qcow2`.");
	if (disk != DISK_NONE)
		return import_disk(p, i, fd, begin, r);
	if (!(folder ? add_oci(p, dir, &layers, r) : add_archive(p, fd, format, &layers, r)))
		keep_imported(p, i, buf_str(&layers), r);
	buf_done(&layers);
	return r->status;
}
