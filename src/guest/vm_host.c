/*
 * Around QEMU, in the machine's namespaces: bridges its links to taps, starts it without a
 * capability left, hands it the disks that come and go in /dev, and passes on the signals that an
 * init gets. It ends when QEMU does.
 *
 *	haneul-guest vm memory=MIB cpus=N init=own|ours name=HOST [if=MAC,ADDRESS/BITS,GATEWAY]...
 */
#include "guest/vm_host.h"

#include "guest/guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define QEMU "/usr/bin/qemu-system-x86_64"
#define QMP_PATH "/run/qmp"
#define QMP_WAIT_MS 20000
#define MTU 9001

static struct vm vm;
static pid_t qemu;
static int qmp = -1;

/* --- links --- */

static bool
bridge(unsigned n, int *ret_tap)
{
	struct ifreq r = { 0 };
	char eth[IFNAMSIZ], tap[IFNAMSIZ], br[IFNAMSIZ];
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd = open("/dev/net/tun", O_RDWR);
	snprintf(eth, sizeof(eth), "eth%u", n);
	snprintf(tap, sizeof(tap), "tap%u", n);
	snprintf(br, sizeof(br), "br%u", n);
	snprintf(r.ifr_name, IFNAMSIZ, "%s", tap);
	r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	bool ok = fd >= 0 && ioctl(fd, TUNSETIFF, &r) == 0 &&
		  (ioctl(s, SIOCBRADDBR, br) == 0 || errno == EEXIST);
	const char *const links[] = { eth, tap, br };
	for (unsigned i = 0; i < 3 && ok; i++) {
		memset(&r, 0, sizeof(r));
		snprintf(r.ifr_name, IFNAMSIZ, "%s", links[i]);
		r.ifr_mtu = MTU;
		ioctl(s, SIOCSIFMTU, &r);
		if (i < 2) {
			struct ifreq b = { 0 };
			snprintf(b.ifr_name, IFNAMSIZ, "%s", br);
			b.ifr_ifindex = (int)if_nametoindex(links[i]);
			ok = ioctl(s, SIOCBRADDIF, &b) == 0;
		}
		r.ifr_flags = IFF_UP;
		ok = ok && ioctl(s, SIOCSIFFLAGS, &r) == 0;
	}
	if (!ok)
		guest_say("haneul: bridging %s: %s", eth, strerror(errno));
	close(s);
	*ret_tap = fd;
	return ok;
}

/* --- QEMU --- */

bool
vm_word(struct vm *v, const char *word)
{
	const char *value = strchr(word, '=');
	size_t n = value ? (size_t)(value - word) : 0;
	if (!value)
		return false;
	value++;
	if (strncmp(word, "memory", n) == 0 && n == 6)
		v->memory_mib = strtoul(value, NULL, 10);
	else if (strncmp(word, "cpus", n) == 0 && n == 4)
		v->cpus = strtoul(value, NULL, 10);
	else if (strncmp(word, "init", n) == 0 && n == 4)
		v->own_init = strcmp(value, "own") == 0;
	else if (strncmp(word, "name", n) == 0 && n == 4)
		v->name = value;
	else if (strncmp(word, "if", n) == 0 && n == 2 && v->links_n < VM_LINKS_MAX &&
		 strlen(value) > 18 && value[17] == ',')
		v->links[v->links_n++] = value;
	else
		return false;
	return true;
}

/* Text for one argument, in room of its own until the next command line. */
static char pool[16384];
static size_t pool_used;

static char *
text(const char *fmt, ...)
{
	va_list ap;
	char *s = pool + pool_used;
	va_start(ap, fmt);
	int n = vsnprintf(s, sizeof(pool) - pool_used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(pool) - pool_used)
		_exit(1);
	pool_used += (size_t)n + 1;
	return s;
}

bool
vm_one_word(char *s)
{
	if (strpbrk(s, ",;\"\t"))
		return false;
	for (; *s; s++)
		*s = (char)(*s == ' ' ? ',' : *s == '\n' ? ';' : *s);
	return true;
}

static char *
kernel_line(const struct vm *v)
{
	char *line = text(
		"console=ttyS0 quiet mitigations=off 8250.nr_uarts=1 haneul.name=%s haneul.init=%s",
		v->name ? v->name : "", v->own_init ? "own" : "ours");
	if (v->resolver)
		line = text("%s haneul.resolver=%s", line, v->resolver);
	for (unsigned i = 0; i < v->links_n; i++)
		line = text("%s haneul.if=%s", line, v->links[i]);
	return line;
}

unsigned
vm_arguments(const struct vm *v, const int *taps, char **ret, unsigned cap)
{
	pool_used = 0;
	char *const fixed[] = { QEMU, "-L", "/machine", "-machine", "q35,usb=off,vmport=off",
		"-accel", "tcg,thread=multi,tb-size=64", "-cpu", "max", "-m",
		text("%lu", v->memory_mib), "-smp", text("%lu", v->cpus), "-nodefaults",
		"-no-user-config", "-display", "none", "-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-qmp",
		"unix:" QMP_PATH ",server=on,wait=off", "-chardev",
		"file,id=console,path=/dev/console,append=on", "-serial", "chardev:console",
		"-kernel", "/machine/vmlinuz", "-initrd", "/machine/initrd", "-append",
		kernel_line(v), "-drive",
		"if=none,id=root,file=/machine/root.img,format=raw,cache=writeback,discard=unmap",
		"-device", "virtio-blk-pci,drive=root,serial=root,addr=2" };
	unsigned n = 0;
	for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]) && n < cap; i++)
		ret[n++] = fixed[i];
	for (unsigned i = 0; i < v->links_n && n + 4 <= cap; i++) {
		ret[n++] = "-netdev";
		ret[n++] = text("tap,id=net%u,fd=%d", i, taps[i]);
		ret[n++] = "-device";
		ret[n++] =
			text("virtio-net-pci,netdev=net%u,mac=%.17s,host_mtu=%d,romfile=,addr=%u",
				i, v->links[i], MTU, 3 + i);
	}
	/* Where disks are plugged while it runs. */
	for (unsigned i = 0; i < VM_DISKS_MAX && n + 2 <= cap; i++) {
		ret[n++] = "-device";
		ret[n++] = text("pcie-root-port,id=port%u,chassis=%u,addr=%u.%u%s", i, i + 1,
			16 + i / 8, i % 8, i % 8 ? "" : ",multifunction=on");
	}
	ret[n] = NULL;
	return n;
}

static void
drop_all(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	for (int i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
		;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &h, d))
		_exit(126);
}

static bool
start_qemu(void)
{
	int taps[VM_LINKS_MAX];
	char *argv[256];
	sigset_t none;
	for (unsigned i = 0; i < vm.links_n; i++)
		if (!bridge(i, &taps[i]))
			return false;
	vm_arguments(&vm, taps, argv, 250);
	unlink(QMP_PATH);
	qemu = fork();
	if (qemu == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		drop_all();
		execv(QEMU, argv);
		guest_say("haneul: %s: %s", QEMU, strerror(errno));
		_exit(127);
	}
	for (unsigned i = 0; i < vm.links_n; i++)
		close(taps[i]);
	return qemu > 0;
}

/* --- its monitor --- */

/* Lines until an answer; what happens meanwhile is not asked for. */
static bool
qmp_answered(bool tell)
{
	static char line[8192];
	size_t n = 0;
	for (char c;;) {
		struct pollfd p = { qmp, POLLIN, 0 };
		if (poll(&p, 1, QMP_WAIT_MS) <= 0 || read(qmp, &c, 1) != 1)
			return false;
		if (c != '\n') {
			if (n < sizeof(line) - 1)
				line[n++] = c;
			continue;
		}
		line[n] = 0;
		n = 0;
		if (strncmp(line, "{\"return\"", 9) == 0)
			return true;
		if (strncmp(line, "{\"error\"", 8) == 0) {
			if (tell)
				guest_say("haneul: QEMU: %.300s", line);
			return false;
		}
	}
}

static bool
qmp_say(bool tell, const char *fmt, va_list ap)
{
	char *s = NULL;
	int n = vasprintf(&s, fmt, ap);
	bool ok = n > 0 && qmp >= 0 && send(qmp, s, (size_t)n, MSG_NOSIGNAL) == n &&
		  qmp_answered(tell);
	free(s);
	return ok;
}

static bool
qmp_ask(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	bool ok = qmp_say(true, fmt, ap);
	va_end(ap);
	return ok;
}

/* What is refused for a while. */
static bool
qmp_try(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	bool ok = qmp_say(false, fmt, ap);
	va_end(ap);
	return ok;
}

static bool
qmp_open(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = QMP_PATH };
	qmp = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (unsigned waited = 0; waited < QMP_WAIT_MS; waited += 20) {
		if (connect(qmp, (struct sockaddr *)&a, sizeof(a)) == 0)
			return qmp_ask("{\"execute\":\"qmp_capabilities\"}\n");
		siginfo_t gone = { 0 };
		if (waitid(P_PID, (id_t)qemu, &gone, WEXITED | WNOHANG | WNOWAIT) || gone.si_pid)
			return false;
		usleep(20000);
	}
	return false;
}

/* --- disks --- */

static struct disk {
	char name[32]; /* in /dev; "": the port is free */
} disks[VM_DISKS_MAX];

/* Who takes the disk away looks whether we still have it. */
static void
disk_mark(const char *name, bool have)
{
	char path[64];
	snprintf(path, sizeof(path), "/run/disk-%.31s", name);
	if (!have)
		unlink(path);
	else
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

bool
vm_disk_name_ok(const char *name)
{
	size_t n = strlen(name);
	return n > 0 && n < sizeof(disks[0].name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == n;
}

static void
disk_came(const char *name)
{
	char path[64];
	struct stat st;
	unsigned port = 0;
	snprintf(path, sizeof(path), "/dev/%.31s", name);
	if (!vm_disk_name_ok(name) || lstat(path, &st) || !S_ISBLK(st.st_mode))
		return;
	for (unsigned i = 0; i < VM_DISKS_MAX; i++)
		if (strcmp(disks[i].name, name) == 0)
			return;
	while (port < VM_DISKS_MAX && disks[port].name[0])
		port++;
	if (port == VM_DISKS_MAX) {
		guest_say("haneul: there is no room for the disk %s", path);
		return;
	}
	if (!qmp_ask(
		    "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"host_device\",\"node-name\":\"d-%s\",\"filename\":\"%s\",\"cache\":{\"direct\":false}}}\n",
		    name, path))
		return;
	disk_mark(name, true);
	if (qmp_ask("{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-blk-pci\",\"id\":\"v-%s\",\"drive\":\"d-%s\",\"bus\":\"port%u\",\"serial\":\"%s\"}}\n",
		    name, name, port, name))
		snprintf(disks[port].name, sizeof(disks[port].name), "%s", name);
	else if (qmp_ask("{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"d-%s\"}}\n",
			 name))
		disk_mark(name, false);
}

/* The guest must let go of it first: that takes its time, and then the block device goes, too. */
static void
disk_went(const char *name)
{
	for (unsigned i = 0; i < VM_DISKS_MAX; i++) {
		if (strcmp(disks[i].name, name) != 0)
			continue;
		qmp_ask("{\"execute\":\"device_del\",\"arguments\":{\"id\":\"v-%s\"}}\n", name);
		for (unsigned tries = 0; tries < 100; tries++) {
			if (qmp_try("{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"d-%s\"}}\n",
				    name)) {
				disk_mark(name, false);
				disks[i].name[0] = 0;
				return;
			}
			usleep(100000);
		}
		guest_say("haneul: the machine keeps the disk %s", name);
	}
}

static void
disks_there(void)
{
	DIR *d = opendir("/dev");
	for (struct dirent *e; d && (e = readdir(d));)
		disk_came(e->d_name);
	if (d)
		closedir(d);
}

static void
disks_changed(int watch)
{
	char events[4096] __attribute__((aligned(8)));
	ssize_t n = read(watch, events, sizeof(events));
	for (ssize_t at = 0; at < n;) {
		struct inotify_event *e = (struct inotify_event *)(events + at);
		at += (ssize_t)sizeof(*e) + e->len;
		if (!e->len)
			continue;
		if (e->mask & IN_DELETE)
			disk_went(e->name);
		else
			disk_came(e->name);
	}
}

/* --- until its end --- */

static void
signalled(int fd)
{
	struct signalfd_siginfo s;
	while (read(fd, &s, sizeof(s)) == sizeof(s))
		if (init_end_of((int)s.ssi_signo))
			qmp_ask("{\"execute\":\"system_powerdown\"}\n");
}

/* The status of QEMU once it has ended; -1 while it runs. */
static int
ended(void)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		if (pid == qemu)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return -1;
}

int
vm_host_main(int argc, char **argv)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK),
	    watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), code;
	for (int i = 2; i < argc; i++)
		if (!vm_word(&vm, argv[i]))
			guest_say("haneul: not understood: %s", argv[i]);
	char *resolver = guest_read_file("/etc/resolv.conf", 1024, NULL);
	vm.resolver = resolver && vm_one_word(resolver) ? resolver : NULL;
	inotify_add_watch(watch, "/dev", IN_ATTRIB | IN_DELETE);
	if (!start_qemu())
		return 1;
	if (qmp_open())
		disks_there();
	while ((code = ended()) < 0) {
		struct pollfd p[2] = { { signals, POLLIN, 0 }, { watch, POLLIN, 0 } };
		poll(p, 2, -1);
		if (p[0].revents)
			signalled(signals);
		if (p[1].revents)
			disks_changed(watch);
	}
	return code;
}
