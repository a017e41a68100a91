#include "plane/vm_image.h"

#include "base/digest.h"
#include "plane/guest_blob.h"
#include "plane/image_make.h"
#include "plane/image_store.h"
#include "plane/image_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define QEMU "qemu-system-x86_64"
#define LAYOUT "3" /* of the layer; another one when that changes */
#define MKE2FS "/sbin/mke2fs"
#define MODULE_MAX (4u << 20)

/* --- what is there --- */

static bool
qemu_path(char ret[PLACE_MAX])
{
	static const char *const folders[] = { "/usr/bin", "/usr/local/bin", "/bin" };
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(ret, PLACE_MAX, "%s/" QEMU, folders[i]);
		if (access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

const char *
vm_check(const struct place *p, char *why, size_t cap)
{
	char path[PLACE_MAX];
	const char *missing = NULL;
	if (!qemu_path(path))
		missing = "Virtual machines need QEMU: apt-get install qemu-system-x86";
	else if (access(MKE2FS, X_OK))
		missing = "Virtual machines need mke2fs: apt-get install e2fsprogs";
	snprintf(path, sizeof(path), "%.1000s/kernel/vmlinuz", p->dir);
	if (!missing && access(path, R_OK))
		missing = "Virtual machines need a kernel: haneul image pull kernel";
	if (missing)
		snprintf(why, cap, "%s", missing);
	return missing ? why : NULL;
}

/* --- the kernel --- */

/* $1: a folder. Drivers in the order in which each finds what it needs. */
static const char pull_kernel[] =
	"set -e; cd \"$1\"; "
	"p=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \\(linux-image-[^ ]*\\)$/\\1/p' | head -n 1); "
	"[ -n \"$p\" ] || { echo 'E: apt knows no package linux-image-cloud-amd64: apt-get update'; exit 1; }; "
	"apt-get download -q \"$p\"; dpkg-deb -x ./*.deb x; rm -f ./*.deb; cp x/boot/vmlinuz-* vmlinuz; mkdir modules; "
	"for m in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk failover net_failover virtio_net button evdev; do "
	"f=$(find x/lib/modules x/usr/lib/modules -name $m.ko 2>/dev/null | head -n 1); "
	"[ -z \"$f\" ] || { cp \"$f\" modules/; echo $m.ko >> list; }; done; rm -rf x; [ -s list ]";

int
vm_kernel_pull(const struct place *p, struct job_result *r)
{
	char made[PLACE_MAX], to[PLACE_MAX];
	struct buf said = { 0 };
	snprintf(to, sizeof(to), "%s/kernel", p->dir);
	if (access(to, F_OK) == 0) {
		r->bytes = place_tree_bytes(to);
		return 0;
	}
	int e = layer_begin(p, made);
	if (e)
		return job_fail(r, e, "A folder cannot be made: %s.", strerror(-e));
	e = job_program_heard(
		(char *[]){ "sh", "-c", (char *)pull_kernel, "sh", made, NULL }, &said);
	struct str why = job_complaint(buf_str(&said));
	if (e)
		job_fail(r, -EHOSTUNREACH,
			"Debian's package linux-image-cloud-amd64 could not be had (exit %d): %.*s",
			e, STR_FMT(why.len ? why : STR("is the package mirror reachable?")));
	else if (rename(made, to))
		job_fail(r, -errno, "The kernel cannot be kept: %s.", strerror(errno));
	else
		r->bytes = place_tree_bytes(to);
	if (r->status)
		place_remove_tree(made);
	buf_done(&said);
	return r->status;
}

/* --- the initramfs --- */

static void
pad(struct buf *b)
{
	while (b->len & 3)
		buf_add_c(b, 0);
}

void
vm_cpio_add(struct buf *b, unsigned number, const char *name, mode_t mode, struct str bytes)
{
	buf_printf(b, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", number,
		(unsigned)mode, 0, 0, 1, 0, bytes.len, 0, 0, 0, 0, strlen(name) + 1, 0);
	buf_add(b, name, strlen(name) + 1);
	pad(b);
	buf_add_str(b, bytes);
	pad(b);
}

void
vm_cpio_end(struct buf *b)
{
	vm_cpio_add(b, 0, "TRAILER!!!", 0, STR(""));
}

static bool
add_initramfs(struct tree *t, const char *kernel)
{
	char path[PLACE_MAX], name[200];
	struct buf b = { 0 }, list = { 0 }, bytes = { 0 };
	unsigned n = 1;
	snprintf(path, sizeof(path), "%.1000s/list", kernel);
	if (place_read(path, &list))
		job_fail(t->r, -EIO, "%s cannot be read.", path);
	vm_cpio_add(&b, n++, "init", S_IFREG | 0755,
		str_of(guest_blob, (size_t)(guest_blob_end - guest_blob)));
	vm_cpio_add(&b, n++, "modules", S_IFDIR | 0755, STR(""));
	vm_cpio_add(&b, n++, "modules/list", S_IFREG | 0644, buf_str(&list));
	for (struct str rest = buf_str(&list); rest.p && rest.len;) {
		struct str one = str_cut(&rest, '\n');
		if (!one.len)
			continue;
		snprintf(name, sizeof(name), "modules/%.*s", STR_FMT(one));
		snprintf(path, sizeof(path), "%.900s/%s", kernel, name);
		buf_clear(&bytes);
		if (place_read(path, &bytes))
			job_fail(t->r, -EIO, "%s cannot be read.", path);
		vm_cpio_add(&b, n++, name, S_IFREG | 0644, buf_str(&bytes));
	}
	vm_cpio_end(&b);
	bool ok = t->r->status == 0 && tree_file(t, "/machine/initrd", 0644, b.p, b.len);
	buf_done(&b);
	buf_done(&list);
	buf_done(&bytes);
	return ok;
}

/* --- the layer --- */

static bool
add_firmware(struct tree *t)
{
	static const char *const names[] = { "bios-256k.bin", "linuxboot_dma.bin", "kvmvapic.bin" },
				 *const folders[] = { "/usr/share/seabios", "/usr/share/qemu",
					 "/usr/local/share/qemu" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (unsigned k = 0; k < sizeof(folders) / sizeof(folders[0]); k++) {
			char from[300], to[300];
			snprintf(from, sizeof(from), "%s/%s", folders[k], names[i]);
			snprintf(to, sizeof(to), "/machine/%s", names[i]);
			if (access(from, R_OK) == 0) {
				if (!tree_copy(t, from, to, 0644))
					return false;
				break;
			}
		}
	return true;
}

/* Debian's QEMU loads its emulator as a module. */
static bool
add_modules(struct tree *t)
{
	static const char folder[] = "/usr/lib/x86_64-linux-gnu/qemu";
	DIR *d = opendir(folder);
	for (struct dirent *e; d && !t->r->status && (e = readdir(d));) {
		char path[300];
		if (strncmp(e->d_name, "accel-", 6) != 0 || strstr(e->d_name, "qtest"))
			continue;
		snprintf(path, sizeof(path), "%s/%.200s", folder, e->d_name);
		if (tree_copy(t, path, path, 0644))
			tree_libraries(t, path);
	}
	if (d)
		closedir(d);
	return t->r->status == 0;
}

static bool
fill(struct tree *t, const char *qemu, const char *kernel)
{
	char path[PLACE_MAX];
	snprintf(path, sizeof(path), "%.1000s/vmlinuz", kernel);
	return tree_folder(t, "/machine", 0755) && tree_folder(t, "/sbin", 0755) &&
	       tree_copy(t, qemu, "/usr/bin/" QEMU, 0755) && tree_libraries(t, qemu) &&
	       add_modules(t) && add_firmware(t) && tree_copy(t, path, "/machine/vmlinuz", 0644) &&
	       add_initramfs(t, kernel) &&
	       tree_file(t, "/sbin/haneul-guest", 0755, guest_blob,
		       (size_t)(guest_blob_end - guest_blob));
}

static void
layer_name(const char *qemu, const char *kernel, char ret[LAYER_ID_MAX + 1])
{
	char path[PLACE_MAX];
	struct stat st;
	struct buf b = { 0 };
	unsigned char sum[32];
	snprintf(path, sizeof(path), "%.1000s/vmlinuz", kernel);
	const char *const paths[] = { qemu, path };
	buf_add_lit(&b, LAYOUT);
	for (unsigned i = 0; i < 2; i++)
		if (stat(paths[i], &st) == 0)
			buf_printf(&b, " %s %lld %lld", paths[i], (long long)st.st_size,
				(long long)st.st_mtime);
	buf_add(&b, guest_blob, (size_t)(guest_blob_end - guest_blob));
	sha256(buf_str(&b), sum);
	buf_done(&b);
	snprintf(ret, LAYER_ID_MAX, "vm-");
	for (unsigned i = 0; i < 8; i++)
		snprintf(ret + 3 + 2 * i, 3, "%02x", sum[i]);
}

static int
make_layer(const struct place *p, char ret[LAYER_ID_MAX + 1], struct job_result *r)
{
	char qemu[PLACE_MAX], kernel[PLACE_MAX], made[PLACE_MAX];
	struct tree t = { made, r };
	qemu_path(qemu);
	snprintf(kernel, sizeof(kernel), "%s/kernel", p->dir);
	layer_name(qemu, kernel, ret);
	if (layer_there(p, str_c(ret)))
		return 0;
	int e = layer_begin(p, made);
	if (e)
		return job_fail(r, e, "A layer cannot be made: %s.", strerror(-e));
	if (fill(&t, qemu, kernel) && (e = layer_keep(p, made, str_c(ret))))
		job_fail(r, e, "The layer of QEMU cannot be kept: %s.", strerror(-e));
	if (r->status)
		place_remove_tree(made);
	return r->status;
}

/* --- the disk --- */

bool
vm_is_root(const struct place *p, struct str root_volume)
{
	char path[PLACE_MAX];
	place_path(p, path, "roots", root_volume, "/upper/machine/root.img");
	return access(path, F_OK) == 0;
}

static int
make_disk(const struct place *p, struct str volume, struct str image, uint64_t bytes,
	struct job_result *r)
{
	char tree[PLACE_MAX], part[PLACE_MAX], whole[PLACE_MAX], size[32];
	struct arena a;
	struct image i;
	struct buf said = { 0 };
	place_path(p, whole, "roots", volume, "/upper/machine/root.img");
	place_path(p, part, "roots", volume, "/upper/machine/root.part");
	snprintf(size, sizeof(size), "%lluk", (unsigned long long)(bytes >> 10));
	arena_init(&a);
	int e = image_load(p, image, &a, &i);
	if (e)
		job_fail(r, e, "its image is not there");
	else if ((e = image_see_whole(p, i.layers, tree)))
		job_fail(r, e, "the image cannot be put together: %s", strerror(-e));
	else if (unlink(part) && errno != ENOENT)
		job_fail(r, -errno, "%s: %s", part, strerror(errno));
	else if (job_program((char *[]){ MKE2FS, "-q", "-F", "-t", "ext4", "-J", "size=16", "-E",
				     "lazy_itable_init=1,lazy_journal_init=1,nodiscard", "-d", tree,
				     part, size, NULL },
			 &said))
		job_fail(r, -EIO, "mke2fs: %.*s", STR_FMT(str_trim(buf_str(&said))));
	else if (rename(part, whole))
		job_fail(r, -errno, "%s: %s", whole, strerror(errno));
	buf_done(&said);
	arena_done(&a);
	return r->status;
}

int
vm_prepare(const struct place *p, struct str volume, struct str image, uint64_t bytes,
	struct job_result *r)
{
	static const char *const folders[] = { "", "/upper", "/work", "/upper/machine" };
	char layer[LAYER_ID_MAX + 1], path[PLACE_MAX];
	int e = 0;
	if (vm_check(p, r->why, sizeof(r->why)))
		return r->status = -EOPNOTSUPP;
	place_path(p, path, "roots", volume, "/layers");
	if (access(path, F_OK) == 0 && !vm_is_root(p, volume))
		return job_fail(r, -EINVAL, "its root volume is a container's");
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]) && !e; i++) {
		place_path(p, path, "roots", volume, folders[i]);
		e = place_mkdir(path, 0755);
	}
	if (e)
		return job_fail(r, e, "making its root volume: %s", strerror(-e));
	if (make_layer(p, layer, r) ||
		(!vm_is_root(p, volume) && make_disk(p, volume, image, bytes, r)))
		return r->status;
	place_path(p, path, "roots", volume, "/image");
	e = place_write(path, image);
	place_path(p, path, "roots", volume, "/layers");
	e = e ? e : place_write(path, str_c(layer));
	return e ? job_fail(r, e, "keeping its root volume: %s", strerror(-e)) : 0;
}
