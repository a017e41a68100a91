/* The last steps before a machine's init; see first_process.h. */
#include "plane/first_process.h"

#include "plane/pack.h"
#include "plane/seccomp_filter.h"
#include "plane/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

struct step {
	const char *what;
	int err;
};

static bool
fails(struct step *s, const char *what, int r)
{
	if (r == 0)
		return false;
	*s = (struct step){ what, errno };
	return true;
}

/* Paths are relative to the new root; proc and sysfs can only be mounted while the host's are still
 * in sight. */
static bool
mount_kernel(struct step *s, bool has_init)
{
	const unsigned long f = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (fails(s, "mounting /proc", mount("proc", "proc", "proc", f, NULL)) ||
		fails(s, "mounting /sys", mount("sysfs", "sys", "sysfs", f | MS_RDONLY, NULL)) ||
		fails(s, "mounting /dev/pts",
			mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
				"newinstance,ptmxmode=0666,mode=0620,gid=5")) ||
		fails(s, "mounting /dev/shm",
			mount("tmpfs", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")))
		return false;
	mount("mqueue", "dev/mqueue", "mqueue", f, NULL); /* a kernel may lack it */
	/* systemd wants a tree of its own to sort its services into. */
	if (has_init && mount("cgroup2", "sys/fs/cgroup", "cgroup2", f, NULL))
		return !fails(s, "mounting /sys/fs/cgroup", -1);
	return true;
}

/* What tells of the host, or is of no use inside. Those that the kernel does not have are passed
 * over. */
static void
mask(void)
{
	static const char *const files[] = { "proc/kcore", "proc/keys", "proc/key-users",
		"proc/timer_list", "proc/sched_debug", "proc/latency_stats", "proc/kallsyms",
		"proc/kmsg", "proc/sysrq-trigger", "proc/slabinfo", "proc/vmallocinfo",
		"proc/pagetypeinfo", "proc/kpageflags", "proc/kpagecount" };
	static const char *const folders[] = { "proc/acpi", "proc/scsi", "proc/bus", "sys/firmware",
		"sys/kernel/debug", "sys/kernel/security", "sys/fs/bpf", "sys/module" };
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		mount("dev/null", files[i], NULL, MS_BIND, NULL);
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mount("tmpfs", folders[i], "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"size=0,mode=755");
}

/* The keeper wrote them beside the new root. */
static void
show_limits(void)
{
	static const char *const files[][2] = { { "../p/meminfo", "proc/meminfo" },
		{ "../p/cpuinfo", "proc/cpuinfo" },
		{ "../p/boot_id", "proc/sys/kernel/random/boot_id" },
		{ "../p/online", "sys/devices/system/cpu/online" },
		{ "../p/online", "sys/devices/system/cpu/present" },
		{ "../p/online", "sys/devices/system/cpu/possible" } };
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		mount(files[i][0], files[i][1], NULL, MS_BIND, NULL);
}

static bool
enter_root(struct step *s)
{
	if (fails(s, "binding the root", mount(".", ".", NULL, MS_BIND | MS_REC, NULL)) ||
		fails(s, "entering the root", chdir("../r")) ||
		fails(s, "pivot_root", (int)syscall(SYS_pivot_root, ".", ".")) ||
		fails(s, "leaving the host's files", umount2(".", MNT_DETACH)) ||
		fails(s, "entering /", chdir("/")))
		return false;
	return true;
}

static void
write_text(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		unlink(path);
	close(fd);
}

/* Inside, as the machine's root: a link that its owner left in /etc leads no further than it could
 * itself. */
static void
write_names(const struct keeper_start *s)
{
	char text[512], name[PLANE_ID_MAX + 2], resolver[1100];
	snprintf(resolver, sizeof(resolver), "%.*soptions timeout:2 attempts:5\n",
		STR_FMT(s->m->resolver.len ? s->m->resolver
					   : STR("nameserver 169.254.169.253\n")));
	snprintf(name, sizeof(name), "%.*s",
		STR_FMT(s->m->hostname.len ? s->m->hostname : s->m->id));
	if (sethostname(name, strlen(name)))
		return;
	snprintf(text, sizeof(text), "%s\n", name);
	write_text("/etc/hostname", O_CREAT | O_TRUNC, text);
	snprintf(text, sizeof(text),
		"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	write_text("/etc/hosts", O_CREAT | O_EXCL, text);
	if (s->m->network.len) {
		unlink("/etc/resolv.conf"); /* often a link to a resolver's that does not run here */
		write_text("/etc/resolv.conf", O_CREAT | O_TRUNC, resolver);
	}
	write_text("/proc/sys/net/ipv4/ping_group_range", 0, "0 65535");
	write_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", 0, "1024");
}

/* Root of the machine keeps what it can use inside its namespaces. */
static bool
drop(struct step *s, bool no_new_privs)
{
	static const int never[] = { CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_SYS_PACCT,
		CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_SYSLOG, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND,
		CAP_AUDIT_CONTROL, CAP_AUDIT_READ, CAP_LINUX_IMMUTABLE, CAP_MKNOD, 38 /* PERFMON */,
		39 /* BPF */, 40 /* CHECKPOINT_RESTORE */ };
	for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (prctl(PR_CAPBSET_DROP, never[i], 0, 0, 0) && errno != EINVAL)
			return !fails(s, "dropping capabilities", -1);
	prctl(PR_SET_PDEATHSIG, 0);
	return !no_new_privs || !fails(s, "no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* An init that thinks of a console as a terminal gets one; its other end is the keeper's, who
 * writes what comes out to the file. */
static bool
terminal(struct step *s, int socket)
{
	char name[32];
	int zero = 0, number = 0, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fails(s, "making its terminal",
		    master < 0 || ioctl(master, TIOCSPTLCK, &zero) ||
			    ioctl(master, TIOCGPTN, &number)))
		return false;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	if (fails(s, "mounting its terminal", mount(name, "/dev/console", NULL, MS_BIND, NULL)))
		return false;
	int r = wire_send(socket, STR("C"), master);
	close(master);
	errno = -r;
	return !fails(s, "handing over its terminal", r);
}

static bool
standard_files(struct step *s)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
	    console = open("/dev/console", O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
	if (fails(s, "opening the console", null_fd < 0 || console < 0))
		return false;
	dup2(null_fd, STDIN_FILENO);
	dup2(console, STDOUT_FILENO);
	dup2(console, STDERR_FILENO);
	setsid();
	return true;
}

static bool
wait_for_go(int socket)
{
	struct buf b = { 0 };
	int fd;
	bool go = wire_recv(socket, &b, &fd) == 1 && b.len == 1 && b.p[0] == KEEPER_GO;
	if (fd >= 0)
		close(fd);
	buf_done(&b);
	return go;
}

static bool
confine(struct step *s, int socket, bool no_new_privs)
{
	int listener = seccomp_filter_install(!no_new_privs);
	errno = listener < 0 ? -listener : 0;
	if (fails(s, "the seccomp filter", listener < 0))
		return false;
	if (no_new_privs)
		return true;
	int r = wire_send(socket, STR("L"), listener);
	close(listener);
	errno = -r;
	return !fails(s, "handing over the listener", r);
}

static void
run(struct step *s, const struct keeper_start *k)
{
	static const char *const env_default[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
		"TERM=dumb", "container=haneul", NULL
	};
	static const char *const own[] = { "/sbin/init", NULL }, *const ours[] = { "/dev/.init",
		NULL };
	const char *const *argv = k->m->argv ? k->m->argv : k->has_init ? own : ours;
	syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
	execve(argv[0], (char *const *)argv, (char *const *)(k->m->env ? k->m->env : env_default));
	fails(s, "starting its first program", -1);
}

static void
reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
first_process(int socket, const struct keeper_start *k)
{
	struct step s = { "", 0 };
	reset_signals();
	umask(022);
	if (!fails(&s, "becoming its root",
		    setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0)) &&
		mount_kernel(&s, k->has_init)) {
		mask();
		show_limits();
		if (enter_root(&s)) {
			write_names(k);
			if ((!k->has_init || terminal(&s, socket)) && standard_files(&s) &&
				drop(&s, k->m->no_new_privs) && wait_for_go(socket) &&
				confine(&s, socket, k->m->no_new_privs))
				run(&s, k);
		}
	}
	struct pack p = { 0 };
	pack_u8(&p, KEEPER_FAILED);
	pack_u32(&p, (uint32_t)s.err);
	pack_str(&p, str_c(s.what));
	wire_send(socket, buf_str(&p.buf), -1);
	_exit(127);
}
