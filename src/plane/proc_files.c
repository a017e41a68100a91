/* A machine's view of its limits, as text. */
#include "plane/proc_files.h"

#include "plane/cgroup.h"
#include "plane/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void
proc_files_meminfo(struct buf *ret, uint64_t total_bytes, uint64_t used_bytes)
{
	static const char *const zeroes[] = { "Buffers", "Cached", "SwapCached", "Active",
		"Inactive", "SwapTotal", "SwapFree", "Dirty", "Writeback", "AnonPages", "Mapped",
		"Shmem", "Slab", "SReclaimable", "SUnreclaim" };
	uint64_t total = total_bytes >> 10, used = used_bytes >> 10,
		 left = used < total ? total - used : 0;
	buf_printf(ret,
		"MemTotal:       %8llu kB\nMemFree:        %8llu kB\nMemAvailable:   %8llu kB\n",
		(unsigned long long)total, (unsigned long long)left, (unsigned long long)left);
	for (unsigned i = 0; i < sizeof(zeroes) / sizeof(zeroes[0]); i++)
		buf_printf(ret, "%s:%*s0 kB\n", zeroes[i], (int)(22 - strlen(zeroes[i])), "");
}

void
proc_files_cpuinfo(struct buf *ret, struct str host, unsigned cpus)
{
	unsigned n = 0;
	for (struct str rest = host; rest.p && rest.len;) {
		struct str line = str_cut(&rest, '\n');
		if (str_starts(line, STR("processor"))) {
			if (n == cpus)
				return;
			buf_printf(ret, "processor\t: %u\n", n++);
		} else {
			buf_add_str(ret, line);
			buf_add_c(ret, '\n');
		}
	}
}

/* In place: the file is mounted. */
static void
put(const char *dir, const char *name, struct str text)
{
	char path[PLACE_MAX];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (fd < 0)
		return;
	if (pwrite(fd, text.p, text.len, 0) == (ssize_t)text.len && ftruncate(fd, (off_t)text.len))
		unlink(path);
	close(fd);
}

void
proc_files_write(
	const char *dir, unsigned slot, unsigned cpus, uint64_t memory_bytes, struct str boot_id)
{
	struct buf text = { 0 }, host = { 0 };
	struct cgroup_usage u;
	uint64_t used = cgroup_usage(slot, &u) ? u.memory_bytes : 0;
	proc_files_meminfo(&text, memory_bytes, used);
	put(dir, "meminfo", buf_str(&text));
	buf_clear(&text);
	if (place_read("/proc/cpuinfo", &host) == 0) {
		proc_files_cpuinfo(&text, buf_str(&host), cpus);
		put(dir, "cpuinfo", buf_str(&text));
	}
	buf_clear(&text);
	buf_printf(&text, cpus > 1 ? "0-%u\n" : "0\n", cpus - 1);
	put(dir, "online", buf_str(&text));
	if (boot_id.len) {
		buf_clear(&text);
		buf_printf(&text, "%.*s\n", STR_FMT(boot_id));
		put(dir, "boot_id", buf_str(&text));
	}
	buf_done(&text);
	buf_done(&host);
}
