#include "plane/disk_image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512u

/* --- what it is --- */

static uint64_t
little(struct str s, size_t at, unsigned n)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < n && at + i < s.len; i++)
		v |= (uint64_t)(unsigned char)s.p[at + i] << 8 * i;
	return v;
}

static bool
add_part(struct disk_part ret[DISK_PARTS_MAX], unsigned *n, uint64_t first, uint64_t sectors,
	uint64_t disk_bytes)
{
	uint64_t all = disk_bytes / SECTOR;
	if (*n == DISK_PARTS_MAX || !first || !sectors || first >= all || sectors > all - first)
		return false;
	ret[(*n)++] = (struct disk_part){ first * SECTOR, sectors * SECTOR };
	return true;
}

static unsigned
gpt_parts(struct str head, uint64_t disk_bytes, struct disk_part ret[DISK_PARTS_MAX])
{
	uint64_t at = little(head, SECTOR + 72, 8), count = little(head, SECTOR + 80, 4),
		 size = little(head, SECTOR + 84, 4);
	unsigned n = 0;
	if (size < 128 || size > 4096 || count > 256 || at > head.len / SECTOR)
		return 0;
	for (uint64_t i = 0; i < count; i++) {
		size_t entry = (size_t)(at * SECTOR + i * size);
		if (entry + 128 > head.len)
			break;
		uint64_t first = little(head, entry + 32, 8), last = little(head, entry + 40, 8);
		bool used = little(head, entry, 8) || little(head, entry + 8, 8);
		if (used && last >= first)
			add_part(ret, &n, first, last - first + 1, disk_bytes);
	}
	return n;
}

static unsigned
mbr_parts(struct str head, uint64_t disk_bytes, struct disk_part ret[DISK_PARTS_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < 4; i++) {
		size_t entry = 446 + 16 * i;
		uint64_t type = little(head, entry + 4, 1);
		if (type && type != 0xee)
			add_part(ret, &n, little(head, entry + 8, 4), little(head, entry + 12, 4),
				disk_bytes);
	}
	return n;
}

unsigned
disk_parts(struct str head, uint64_t disk_bytes, struct disk_part ret[DISK_PARTS_MAX])
{
	unsigned n = 0;
	bool table = head.len >= 2 * SECTOR && little(head, 510, 2) == 0xaa55;
	if (table && memcmp(head.p + SECTOR, "EFI PART", 8) == 0)
		n = gpt_parts(head, disk_bytes, ret);
	if (table && !n)
		n = mbr_parts(head, disk_bytes, ret);
	if (!n)
		ret[n++] = (struct disk_part){ 0, disk_bytes };
	return n;
}

enum disk_format
disk_format_of(struct str head)
{
	if (head.len < 2048)
		return DISK_NONE;
	if (memcmp(head.p, "QFI\xfb", 4) == 0)
		return DISK_QCOW2;
	if (memcmp(head.p, "KDMV", 4) == 0 || memcmp(head.p, "vhdxfile", 8) == 0 ||
		memcmp(head.p, "conectix", 8) == 0)
		return DISK_OTHER;
	/* A tar has its magic at 257 and may hold anything at 510. */
	if (memcmp(head.p + 257, "ustar", 5) == 0)
		return DISK_NONE;
	return little(head, 510, 2) == 0xaa55 || little(head, 1024 + 56, 2) == 0xef53 ? DISK_RAW
										      : DISK_NONE;
}

bool
disk_qcow2_alone(struct str head)
{
	/* Big-endian: no byte of what must be nought, and bit 2 of the features is "data
	 * elsewhere". */
	bool third = head.len >= 104 && (unsigned char)head.p[7] >= 3;
	return head.len >= 104 && little(head, 8, 8) == 0 && !(third && head.p[79] & 4);
}

/* --- in a job --- */

int
disk_unpack(int fd, const char *raw, struct job_result *r)
{
	char from[32];
	struct buf said = { 0 };
	int in = dup(fd); /* without close-on-exec */
	snprintf(from, sizeof(from), "/proc/self/fd/%d", in);
	job_progress("unpacking the disk");
	int e = job_program((char *[]){ "qemu-img", "convert", "-f", "qcow2", "-O", "raw", from,
				    (char *)raw, NULL },
		&said);
	if (e == 127)
		job_fail(r, -ENOENT,
			"Disks of QEMU's format are read by qemu-img: apt-get install qemu-utils");
	else if (e)
		job_fail(r, -EBADMSG, "The disk cannot be read: %.*s",
			STR_FMT(str_trim(buf_str(&said))));
	buf_done(&said);
	close(in);
	return r->status;
}

/* A loop device of that part, which goes when nobody has it any more. Its descriptor, or -errno. */
static int
loop_of(int file, const struct disk_part *part, char device[32])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), r = -EBUSY;
	if (control < 0)
		return -errno;
	for (unsigned tries = 0; tries < 64 && r == -EBUSY; tries++) {
		struct loop_config c = { .fd = (uint32_t)file,
			.info = { .lo_offset = part->offset,
				.lo_sizelimit = part->bytes,
				.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR } };
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		if (n < 0) {
			r = -errno;
			break;
		}
		snprintf(device, 32, "/dev/loop%d", n);
		int fd = open(device, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno : ioctl(fd, LOOP_CONFIGURE, &c) ? -errno : fd;
		if (r < 0 && fd >= 0)
			close(fd);
	}
	close(control);
	return r;
}

static bool
mount_part(const char *device, const char *at)
{
	static const char *const kinds[][2] = { { "ext4", "noload" },
		{ "xfs", "norecovery,nouuid" }, { "btrfs", "" }, { "ext4", "" } };
	char etc[PLACE_MAX + 8];
	struct stat st;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (mount(device, at, kinds[i][0], MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC,
			    kinds[i][1]))
			continue;
		snprintf(etc, sizeof(etc), "%s/etc", at);
		if (lstat(etc, &st) == 0 && S_ISDIR(st.st_mode))
			return true;
		umount2(at, MNT_DETACH);
	}
	return false;
}

int
disk_see(const struct place *p, int fd, char ret[PLACE_MAX], struct job_result *r)
{
	static char head[DISK_HEAD];
	struct disk_part parts[DISK_PARTS_MAX];
	struct stat st;
	char device[32];
	ssize_t n = fd < 0 || fstat(fd, &st) ? -1 : pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return job_fail(r, -errno, "The disk cannot be read: %s.", strerror(errno));
	place_path(p, ret, "mnt", STR(""), "");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		job_fail(r, -errno, "A mount namespace cannot be made: %s.", strerror(errno));
	unsigned parts_n = disk_parts(str_of(head, (size_t)n), (uint64_t)st.st_size, parts);
	bool found = false;
	for (unsigned i = 0; i < parts_n && !found && !r->status; i++) {
		int loop = loop_of(fd, &parts[i], device);
		if (loop < 0)
			job_fail(r, loop, "No loop device: %s.", strerror(-loop));
		found = loop >= 0 && mount_part(device, ret);
		if (loop >= 0)
			close(loop);
	}
	close(fd);
	if (!found && !r->status)
		job_fail(r, -EBADMSG,
			"There is no root file system in the disk that this host can mount (ext4, xfs, btrfs).");
	return r->status;
}
