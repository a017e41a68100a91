/*
 * The first process of a machine whose image has no init: mounts what is not mounted, brings up lo,
 * starts the SSH server as soon as its key and the login key are there, reaps, and ends in order.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/reboot.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOST_KEY "/etc/dropbear/dropbear_ed25519_host_key"
#define NEW_HOST_KEY "/run/host_key" /* made where no disk is waited for, then kept as the other */
#define HOST_KEY_MAX 4096
#define KEYS_WAIT_MS 400  /* for the metadata service, before logins are possible */
#define END_WAIT_MS 3000  /* between the request to end and the end */

static pid_t server, keys, host_key, data;
static bool keys_waited, has_button;

static long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static void
mounts(void)
{
	/* The launcher made these already; a virtual machine has none yet. What is there stays. */
	mkdir("/proc", 0755);
	if (access("/proc/self", F_OK)) {
		mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
		mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
		mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
		mkdir("/dev/pts", 0755);
		mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			"gid=5,mode=620,ptmxmode=666");
	}
	mkdir("/run", 0755);
	mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m");
	mkdir("/tmp", 01777);
}

static void
loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0) {
		r.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &r);
	}
	if (fd >= 0)
		close(fd);
}

static pid_t
child(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	return 0;
}

static pid_t
start(char *const argv[])
{
	pid_t pid = child();
	if (pid == 0) {
		execv(argv[0], argv);
		guest_say("haneul: %s: %s", argv[0], strerror(errno));
		_exit(127);
	}
	return pid;
}

/* After a power cut it may be there without content. */
static bool
has_host_key(void)
{
	struct stat st;
	return stat(HOST_KEY, &st) == 0 && st.st_size > 0;
}

static void
keep_host_key(void)
{
	size_t len = 0;
	char *key = guest_read_file(NEW_HOST_KEY, HOST_KEY_MAX, &len);
	mkdir("/etc/dropbear", 0700);
	if (!key || !len || guest_write_file(HOST_KEY, key, len, 0600, 0, 0))
		guest_say("haneul: the host key: %s", strerror(errno));
	free(key);
	unlink(NEW_HOST_KEY);
	if (child() == 0) {
		int fd = open(HOST_KEY, O_RDONLY | O_CLOEXEC);
		_exit(fd < 0 || fsync(fd));
	}
}

/* Each waits for nothing but its own; the server starts when both are over. */
static void
begin(void)
{
	struct stat st;
	if (stat("/usr/sbin/dropbear", &st) == 0 && !has_host_key())
		host_key = start((char *[]){
			"/usr/bin/dropbearkey", "-t", "ed25519", "-f", NEW_HOST_KEY, NULL });
	if ((keys = child()) == 0) {
		bool answered = boot_keys();
		for (unsigned wait_ms = 20; !answered && wait_ms < 60000; wait_ms *= 2) {
			usleep(wait_ms * 1000);
			answered = boot_keys();
		}
		_exit(!answered);
	}
}

static void
start_server(void)
{
	struct stat st;
	if (stat("/usr/sbin/dropbear", &st) == 0)
		server = start((char *[]){ "/usr/sbin/dropbear", "-F", "-E", "-s", "-r", HOST_KEY,
			"-P", "/run/dropbear.pid", NULL });
}

static void
start_user_data(void)
{
	if ((data = child()) == 0) {
		boot_user_data();
		_exit(0);
	}
}

static void
reap(long long *again_at)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid == host_key) {
			host_key = 0;
			keep_host_key();
		}
		if (pid == keys) {
			keys = 0;
			start_user_data();
		}
		if (pid == server) {
			server = 0;
			*again_at = now_ms() + 1000;
		}
	}
}

/* busybox's halt, poweroff and reboot, and systemd's signals, which the launcher uses for every
 * init. */
int
init_end_of(int sig)
{
	if (sig == SIGUSR1 || sig == SIGUSR2 || sig == SIGRTMIN + 3 || sig == SIGRTMIN + 4)
		return (int)LINUX_REBOOT_CMD_POWER_OFF;
	if (sig == SIGTERM || sig == SIGINT || sig == SIGRTMIN + 5)
		return (int)LINUX_REBOOT_CMD_RESTART;
	return 0;
}

static void
finish(int how)
{
	long long until = now_ms() + END_WAIT_MS;
	guest_say("haneul: going down");
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	while (now_ms() < until) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);
		if (pid < 0 && errno == ECHILD)
			break;
		if (pid <= 0)
			usleep(2000);
	}
	kill(-1, SIGKILL);
	sync();
	if (has_button) /* a disk of our own: nothing may be on its way when it goes */
		mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	reboot(how);
	_exit(0);
}

/* Of a virtual machine: its power button is one of them; elsewhere there are none. */
unsigned
guest_buttons(struct pollfd ret[GUEST_BUTTONS_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < GUEST_BUTTONS_MAX; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/dev/input/event%u", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0)
			ret[n++] = (struct pollfd){ fd, POLLIN, 0 };
	}
	return n;
}

bool
guest_power_pressed(const struct pollfd *p, unsigned n)
{
	struct input_event e;
	bool pressed = false;
	for (unsigned i = 0; i < n; i++)
		while (p[i].revents && read(p[i].fd, &e, sizeof(e)) == sizeof(e))
			pressed |= e.type == EV_KEY && e.code == KEY_POWER && e.value == 1;
	return pressed;
}

int
init_main(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	long long began = now_ms(), again_at = 0;
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	reboot(LINUX_REBOOT_CMD_CAD_OFF);
	mounts();
	loopback_up();
	begin();
	struct pollfd p[1 + GUEST_BUTTONS_MAX] = { { fd, POLLIN, 0 } };
	unsigned buttons_n = guest_buttons(p + 1);
	has_button = buttons_n > 0;
	for (bool started = false;;) {
		struct signalfd_siginfo s;
		keys_waited = keys_waited || !keys || now_ms() - began > KEYS_WAIT_MS;
		if (!server && !host_key && keys_waited && now_ms() >= again_at) {
			start_server();
			again_at = now_ms() + 1000;
			started = true;
		}
		bool timed = !started || (!server && again_at);
		poll(p, 1 + buttons_n, timed ? (started ? 1000 : 50) : -1);
		if (guest_power_pressed(p + 1, buttons_n))
			finish((int)LINUX_REBOOT_CMD_POWER_OFF);
		while (read(fd, &s, sizeof(s)) == sizeof(s)) {
			int how = init_end_of((int)s.ssi_signo);
			if (how)
				finish(how);
		}
		reap(&again_at);
	}
}
