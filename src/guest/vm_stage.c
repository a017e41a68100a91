/*
 * The first process of a virtual machine, in its initramfs: drivers, links, the root file system;
 * then the image's init, or ours. What the machine must know before it can ask the metadata service
 * stands on the kernel's command line:
 *
 *	haneul.if=MAC,ADDRESS/BITS,GATEWAY   once for each interface, in order
 *	haneul.name=HOSTNAME  haneul.init=own|ours  haneul.resolver=LINES
 */
#include "guest/guest.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#define WAIT_MS 20000 /* for devices: emulation is slow */
#define MTU 9001

static void
die(const char *what)
{
	guest_say("haneul: %s: %s", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

/* In the order of their names: "00-virtio.ko" … */
static void
load_drivers(void)
{
	char *list = guest_read_file("/modules/list", 4096, NULL), *save, path[300];
	for (char *name = list ? strtok_r(list, "\n", &save) : NULL; name;
		name = strtok_r(NULL, "\n", &save)) {
		snprintf(path, sizeof(path), "/modules/%s", name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			guest_say("haneul: the driver %s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	free(list);
}

/* The link with that hardware address; it comes up a moment after its driver. */
static bool
link_of(const char *mac, char ret[IFNAMSIZ])
{
	for (unsigned waited = 0; waited < WAIT_MS; waited += 10) {
		DIR *d = opendir("/sys/class/net");
		bool found = false;
		for (struct dirent *e; d && !found && (e = readdir(d));) {
			char path[300], *is;
			snprintf(path, sizeof(path), "/sys/class/net/%s/address", e->d_name);
			is = e->d_name[0] == '.' ? NULL : guest_read_file(path, 64, NULL);
			found = is && strncmp(is, mac, 17) == 0;
			if (found)
				snprintf(ret, IFNAMSIZ, "%.15s", e->d_name);
			free(is);
		}
		if (d)
			closedir(d);
		if (found)
			return true;
		usleep(10000);
	}
	return false;
}

static void
set_in(struct sockaddr *to, uint32_t ip)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = ip;
}

/* "02:…,10.0.0.5/20,10.0.0.1" */
static void
link_up(int s, char *text, bool first)
{
	char *save, *mac = strtok_r(text, ",", &save), *ip = strtok_r(NULL, "/", &save),
		    *bits = strtok_r(NULL, ",", &save), *gateway = strtok_r(NULL, ",", &save);
	struct ifreq r = { 0 };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	if (!gateway || strlen(mac) != 17 || !link_of(mac, r.ifr_name)) {
		guest_say("haneul: no link has the address %s", mac ? mac : "");
		return;
	}
	unsigned long n = strtoul(bits, NULL, 10);
	r.ifr_mtu = MTU;
	ioctl(s, SIOCSIFMTU, &r);
	set_in(&r.ifr_addr, inet_addr(ip));
	ioctl(s, SIOCSIFADDR, &r);
	set_in(&r.ifr_netmask, htonl(n > 0 && n <= 32 ? UINT32_MAX << (32 - n) : 0));
	ioctl(s, SIOCSIFNETMASK, &r);
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(s, SIOCSIFFLAGS, &r))
		guest_say("haneul: %s: %s", r.ifr_name, strerror(errno));
	set_in(&route.rt_dst, 0);
	set_in(&route.rt_genmask, 0);
	set_in(&route.rt_gateway, inet_addr(gateway));
	if (first && ioctl(s, SIOCADDRT, &route))
		guest_say("haneul: the route to %s: %s", gateway, strerror(errno));
}

/* Value of a word of the command line; NULL. */
static char *
word_value(char *word, const char *name)
{
	size_t n = strlen(name);
	return strncmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static void
write_names(const char *name, char *resolver)
{
	char text[300];
	for (char *s = resolver; *s; s++)
		*s = (char)(*s == ',' ? ' ' : *s == ';' ? '\n' : *s);
	if (*name) {
		sethostname(name, strlen(name));
		snprintf(text, sizeof(text), "%s\n", name);
		guest_write_file("/new/etc/hostname", text, strlen(text), 0644, 0, 0);
	}
	unlink("/new/etc/resolv.conf");
	guest_write_file("/new/etc/resolv.conf", resolver, strlen(resolver), 0644, 0, 0);
}

static void
mount_root(void)
{
	struct stat st;
	mkdir("/new", 0755);
	for (unsigned waited = 0; waited < WAIT_MS && stat("/dev/vda", &st); waited += 10)
		usleep(10000);
	if (mount("/dev/vda", "/new", "ext4", MS_NOATIME, "noinit_itable"))
		die("the root file system");
}

/* Ours comes from the initramfs, where sudo of the image looks for it, too. */
static void
copy_ours(void)
{
	size_t len;
	char *bytes = guest_read_file("/init", 64 << 20, &len);
	if (!bytes || guest_write_file("/dev/.init", bytes, len, 0755, 0, 0))
		die("our init");
	free(bytes);
}

/* What comes out is a file: it needs no carriage returns. */
static void
use_console(void)
{
	struct termios t;
	int fd = open("/dev/console", O_RDWR);
	if (fd >= 0 && tcgetattr(fd, &t) == 0) {
		t.c_oflag &= (tcflag_t)~ONLCR;
		tcsetattr(fd, TCSANOW, &t);
	}
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

/* An image that was made for containers hears no power button; its init knows the signal, though.
 * It spares who begins with '@' when it ends all others. */
static void
watch_button(void)
{
	struct pollfd p[GUEST_BUTTONS_MAX];
	unsigned n = guest_buttons(p);
	if (!n || fork())
		return;
	prctl(PR_SET_NAME, "@haneul-button");
	for (;;)
		if (poll(p, n, -1) > 0 && guest_power_pressed(p, n))
			kill(1, SIGRTMIN + 4);
}

int
vm_stage_main(void)
{
	char line[4096], name[128] = "", *save, *v, *text;
	char resolver[1100] = "nameserver 169.254.169.253\noptions timeout:2 attempts:5\n";
	bool own = false, first = true;
	mkdir("/proc", 0555);
	mkdir("/sys", 0555);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	use_console();
	load_drivers();
	text = guest_read_file("/proc/cmdline", sizeof(line) - 1, NULL);
	snprintf(line, sizeof(line), "%s", text ? text : "");
	free(text);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (char *word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		if ((v = word_value(word, "haneul.if"))) {
			link_up(s, v, first);
			first = false;
		} else if ((v = word_value(word, "haneul.name"))) {
			snprintf(name, sizeof(name), "%s", v);
		} else if ((v = word_value(word, "haneul.resolver"))) {
			snprintf(resolver, sizeof(resolver), "%s", v);
		} else if ((v = word_value(word, "haneul.init"))) {
			own = strcmp(v, "own") == 0;
		}
	}
	close(s);
	mount_root();
	write_names(name, resolver);
	if (!own)
		copy_ours();
	if (mount("/dev", "/new/dev", NULL, MS_MOVE, NULL) ||
		mount("/proc", "/new/proc", NULL, MS_MOVE, NULL) ||
		mount("/sys", "/new/sys", NULL, MS_MOVE, NULL) || chdir("/new") ||
		mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("entering the root file system");
	if (own)
		watch_button();
	execv(own ? "/sbin/init" : "/dev/.init",
		(char *[]){ own ? "/sbin/init" : "haneul-init", NULL });
	die("starting its init");
	return 1;
}
