/* One machine's parent; see keeper.h. */
#include "plane/keeper.h"

#include "plane/cgroup.h"
#include "plane/first_process.h"
#include "plane/guest_blob.h"
#include "plane/machine_pack.h"
#include "plane/mount_broker.h"
#include "plane/proc_files.h"
#include "plane/root_mount.h"
#include "plane/space.h"
#include "plane/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>


#define CONSOLE_KEPT (64u << 10)
#define CONSOLE_MAX (512 << 10)

static unsigned console_failures;

struct keeping {
	const struct place *place;
	unsigned slot;
	int agent;    /* socket; -1: the agent is gone */
	int nursery;  /* see keeper_open; -1: none */
	int stage;    /* socket to the stage, then to the first process; -1: it runs */
	int userns, listener, watch, terminal; /* watch: of the console */
	pid_t stage_pid, init_pid;
	int init_pidfd;
	struct arena arena;
	struct plane_machine m;
	bool has_init;
	char id[PLANE_ID_MAX + 1];
	dev_t dev; /* the machine's /dev */
	uint64_t oom_kills;
};

void
keeper_pack(struct buf *ret, const struct keeper_start *s)
{
	struct pack p = { 0 };
	pack_u8(&p, KEEPER_START);
	pack_machine(&p, s->m);
	pack_str(&p, s->layers);
	pack_u8(&p, s->has_init);
	pack_str(&p, s->boot_id);
	*ret = p.buf;
}

static bool
start_unpack(struct str bytes, struct arena *a, struct plane_machine *m, struct keeper_start *ret)
{
	struct unpack u = unpack_of(bytes);
	unpack_u8(&u);
	unpack_machine(&u, a, m);
	ret->m = m;
	ret->layers = unpack_str(&u);
	ret->has_init = unpack_u8(&u);
	ret->boot_id = unpack_str(&u);
	return unpack_whole(&u);
}

/* --- the stage --- */

static void
stage_say(int socket, uint8_t what, uint32_t number, const char *text)
{
	struct pack p = { 0 };
	pack_u8(&p, what);
	pack_u32(&p, number);
	pack_str(&p, str_c(text));
	wire_send(socket, buf_str(&p.buf), -1);
	pack_done(&p);
}

static void
stage_failed(int socket, int err, const char *what)
{
	stage_say(socket, KEEPER_FAILED, (uint32_t)err, what);
	_exit(1);
}

/* A child of the keeper, not of ours: we end. */
static pid_t
clone_first_process(void)
{
	struct clone_args a = { .flags = CLONE_PARENT | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS |
					 CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWNET };
	return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

static void
stage_main(const struct keeping *k, int socket)
{
	struct arena arena;
	struct buf message = { 0 };
	struct plane_machine m;
	struct keeper_start s;
	int fd, r = cgroup_enter(k->slot);
	arena_init(&arena);
	prctl(PR_SET_NAME, "haneul-stage");
	if (r)
		stage_failed(socket, -r, "entering the control groups");
	/* What it says about new namespaces counts for the machine's; without it all goes on. */
	if (k->nursery >= 0 && setns(k->nursery, CLONE_NEWNET) == 0)
		close(k->nursery);
	if (wire_recv(socket, &message, &fd) != 1)
		_exit(0);
	if (!start_unpack(buf_str(&message), &arena, &m, &s))
		stage_failed(socket, EBADMSG, "reading the request");
	/* Before the user namespace: what we are there may not pass the folders above. */
	if (chdir("r"))
		stage_failed(socket, errno, "entering the root's mount point");
	if (setns(k->userns, CLONE_NEWUSER))
		stage_failed(socket, errno, "entering the user namespace");
	pid_t pid = clone_first_process();
	if (pid < 0)
		stage_failed(socket, errno, "clone3");
	if (pid == 0)
		first_process(socket, &s);
	stage_say(socket, 'P', (uint32_t)pid, "");
	_exit(0);
}

/* --- the keeper --- */

static void
say(struct keeping *k, uint8_t what, uint32_t number, const char *text, int fd)
{
	struct pack p = { 0 };
	pack_u8(&p, what);
	pack_u32(&p, number);
	pack_str(&p, str_c(text));
	if (k->agent >= 0)
		wire_send(k->agent, buf_str(&p.buf), fd);
	pack_done(&p);
}

static void
put_away(struct keeping *k)
{
	/* The pid namespace has killed all; the groups are empty once the kernel has buried
	 * them. */
	for (unsigned i = 0; i < 200 && cgroup_remove(k->slot) == -EBUSY; i++) {
		cgroup_kill(k->slot);
		usleep(i < 20 ? 500 : 5000);
	}
	place_slot_free(k->place, k->slot);
}

static void
give_up(struct keeping *k, int err, const char *what)
{
	say(k, KEEPER_FAILED, (uint32_t)err, what, -1);
	if (k->stage_pid)
		kill(k->stage_pid, SIGKILL);
	if (k->init_pid)
		kill(k->init_pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	put_away(k);
	_exit(1);
}

/* In the scratch file system, whose size bounds it; copied out when the machine has ended. */
static int
console_file(struct keeping *k)
{
	int fd = open(KEEPER_CONSOLE, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int r = fchown(fd, SLOT_UID(k->slot), SLOT_UID(k->slot)) ? -errno : 0;
	close(fd);
	k->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (k->watch >= 0)
		inotify_add_watch(k->watch, KEEPER_CONSOLE, IN_MODIFY);
	return r;
}

/* Writers append, so what they write next follows what is kept. */
static void
console_trim(struct keeping *k)
{
	char events[512], kept[CONSOLE_KEPT];
	struct stat st;
	while (read(k->watch, events, sizeof(events)) > 0)
		;
	int fd = open(KEEPER_CONSOLE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > CONSOLE_MAX) {
		ssize_t n = pread(fd, kept, sizeof(kept), st.st_size - (off_t)sizeof(kept));
		if (n > 0 && pwrite(fd, kept, (size_t)n, 0) == n && ftruncate(fd, n))
			console_failures++;
	}
	close(fd);
}

static void
console_take(struct keeping *k)
{
	char text[4096];
	size_t kept = 0;
	ssize_t n = read(k->terminal, text, sizeof(text));
	if (n <= 0) {
		close(k->terminal);
		k->terminal = -1;
		return;
	}
	for (ssize_t i = 0; i < n; i++) /* a file needs no carriage returns */
		if (text[i] != '\r')
			text[kept++] = text[i];
	int fd = open(KEEPER_CONSOLE, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && write(fd, text, kept) < 0)
		console_failures++;
	if (fd >= 0)
		close(fd);
}

static void
console_keep(struct keeping *k)
{
	struct buf b = { 0 };
	char path[PLACE_MAX];
	place_path(k->place, path, "machines", str_c(k->id), "/console");
	if (place_read(KEEPER_CONSOLE, &b) == 0) {
		struct str all = buf_str(&b);
		place_write(
			path, str_slice(all, all.len > CONSOLE_KEPT ? all.len - CONSOLE_KEPT : 0,
				      all.len));
	}
	buf_done(&b);
}

static void
build_root(struct keeping *k, const struct keeper_start *s)
{
	char guest[PLACE_MAX];
	struct stat st;
	struct cgroup_limits limits = { .cpu_milli = s->m->cpu_milli,
		.cpus = s->m->cpus,
		.memory_bytes = s->m->memory_bytes,
		.pids = KEEPER_PIDS_MAX };
	int r = cgroup_limit(k->slot, &limits);
	if (r)
		give_up(k, -r, "setting the limits of its control groups");
	r = console_file(k);
	if (r)
		give_up(k, -r, "making its console");
	place_path(k->place, guest, "guest", STR(""), "");
	guest[strlen(guest) - 1] = 0;
	struct root_plan plan = { .place = k->place,
		.slot = k->slot,
		.userns = k->userns,
		.layers = s->layers,
		.volume = s->m->root_volume,
		.console = KEEPER_CONSOLE,
		.guest = s->has_init || s->m->argv ? NULL : guest };
	r = root_assemble(&plan);
	if (r)
		give_up(k, -r, plan.why_step);
	proc_files_write("p", k->slot, s->m->cpus, s->m->memory_bytes, s->boot_id);
	if (stat("r/dev", &st) == 0)
		k->dev = st.st_dev;
}

/* The next message of the stage or the first process. */
static uint8_t
hear_stage(struct keeping *k, struct buf *b, int *ret_fd)
{
	if (wire_recv(k->stage, b, ret_fd) != 1)
		return 0; /* closed: by exec, or by its end */
	if (b->p[0] == KEEPER_FAILED) {
		struct unpack u = unpack_of(str_slice(buf_str(b), 1, b->len));
		uint32_t err = unpack_u32(&u);
		struct str what = unpack_str(&u);
		char text[128];
		snprintf(text, sizeof(text), "%.*s", STR_FMT(what));
		give_up(k, (int)err, text);
	}
	return (uint8_t)b->p[0];
}

static void
hear_pid(struct keeping *k)
{
	struct buf b = { 0 };
	char path[64];
	int fd;
	uint8_t kind = hear_stage(k, &b, &fd);
	if (kind == 'C') { /* the child was faster than the one that tells of it */
		k->terminal = fd;
		kind = hear_stage(k, &b, &fd);
	}
	if (kind != 'P')
		give_up(k, EPROTO, "waiting for its first process");
	struct unpack u = unpack_of(str_slice(buf_str(&b), 1, b.len));
	k->init_pid = (pid_t)unpack_u32(&u);
	buf_done(&b);
	waitpid(k->stage_pid, NULL, 0);
	k->stage_pid = 0;
	k->init_pidfd = (int)syscall(SYS_pidfd_open, k->init_pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)k->init_pid);
	int net = open(path, O_RDONLY | O_CLOEXEC);
	if (net < 0 || k->init_pidfd < 0)
		give_up(k, errno, "opening its network namespace");
	say(k, KEEPER_NETNS, (uint32_t)k->init_pid, "", net);
	close(net);
}

static void
wait_for_go(struct keeping *k)
{
	struct buf b = { 0 };
	int fd;
	if (wire_recv(k->agent, &b, &fd) != 1 || b.len != 1 || b.p[0] != KEEPER_GO)
		give_up(k, ECANCELED, "waiting for its network");
	if (wire_send(k->stage, buf_str(&b), -1))
		give_up(k, EPIPE, "waiting for its first process");
	if (k->has_init && k->terminal < 0 && hear_stage(k, &b, &k->terminal) != 'C')
		give_up(k, EPROTO, "waiting for its terminal");
	/* Held open here as well: without a user the other end would only say so, again and
	 * again. */
	if (k->terminal >= 0)
		ioctl(k->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (!k->m.no_new_privs && hear_stage(k, &b, &k->listener) != 'L')
		give_up(k, EPROTO, "waiting for the listener of its mounts");
	if (hear_stage(k, &b, &fd) != 0)
		give_up(k, EPROTO, "waiting for its first program");
	buf_done(&b);
	close(k->stage);
	k->stage = -1;
	say(k, KEEPER_UP, (uint32_t)k->init_pid, "", -1);
}

static void
write_exit(struct keeping *k, int status)
{
	char path[PLACE_MAX], text[64];
	struct cgroup_usage u;
	bool oom = cgroup_usage(k->slot, &u) && u.oom_kills > 0 && WIFSIGNALED(status) &&
		   WTERMSIG(status) == SIGKILL;
	place_path(k->place, path, "machines", str_c(k->id), "/exit");
	snprintf(text, sizeof(text), "%d %d\n", status, oom);
	place_write(path, str_c(text));
}

bool
keeper_exit_read(const struct place *p, struct str machine, struct keeper_exit *ret)
{
	char path[PLACE_MAX];
	struct buf b = { 0 };
	int oom = 0;
	place_path(p, path, "machines", machine, "/exit");
	bool there = place_read(path, &b) == 0 &&
		     sscanf(buf_str(&b).p, "%d %d", &ret->status, &oom) == 2;
	ret->out_of_memory = oom;
	buf_done(&b);
	return there;
}

/* Nothing wakes us but its end, its mounts and the agent's end. */
static void
keep(struct keeping *k)
{
	int status = 0;
	for (bool written = false;;) {
		/* After a write the console is looked at a second later, whatever else is written
		 * meanwhile. */
		struct pollfd p[5] = { { k->init_pidfd, POLLIN, 0 }, { k->listener, POLLIN, 0 },
			{ k->agent, 0, 0 }, { written ? -1 : k->watch, POLLIN, 0 },
			{ k->terminal, POLLIN, 0 } };
		int n = poll(p, 5, written ? 1000 : -1);
		if (n == 0)
			console_trim(k);
		if (n <= 0) {
			written = written && n < 0;
			continue;
		}
		written = written || p[3].revents;
		if (p[4].revents)
			console_take(k);
		if (p[2].revents) {
			close(k->agent);
			k->agent = -1;
		}
		if (p[1].revents & POLLIN)
			mount_broker_answer(k->listener, k->userns, k->dev);
		else if (p[1].revents) {
			close(k->listener);
			k->listener = -1;
		}
		if (p[0].revents && waitpid(k->init_pid, &status, WNOHANG) == k->init_pid)
			break;
	}
	console_keep(k);
	write_exit(k, status);
	put_away(k);
	_exit(0);
}

static int nursery = -1;

/* Only the agent's socket, as 3, and the nursery, as 4. */
static void
no_files(int keep_fd)
{
	int null_fd = open("/dev/null", O_RDWR),
	    kept = nursery >= 0 ? fcntl(nursery, F_DUPFD_CLOEXEC, 5) : -1;
	for (int i = 0; i < 3; i++)
		dup2(null_fd, i);
	/* Whoever reads what the server says would wait for us, too. */
	dup2(keep_fd, 3);
	if (kept >= 0)
		dup3(kept, 4, O_CLOEXEC);
	syscall(SYS_close_range, kept >= 0 ? 5u : 4u, ~0u, 0u);
	nursery = kept >= 0 ? 4 : -1;
	fcntl(3, F_SETFD, FD_CLOEXEC);
}

static void
prepare(struct keeping *k, const char **why, int *err)
{
	int c[2];
	*why = "making its control groups";
	*err = -cgroup_make(k->slot);
	if (!*err)
		*why = "limiting its devices", *err = -cgroup_devices(k->slot);
	if (!*err) {
		cgroup_delegate(k->slot, SLOT_UID(k->slot));
		*why = "making its user namespace";
		k->userns = root_userns(k->slot);
		*err = k->userns < 0 ? -k->userns : 0;
	}
	if (!*err)
		*why = "making its mount namespace", *err = -root_scratch(k->place);
	if (!*err)
		*why = "a socket pair", *err = -wire_pair(c);
	if (*err)
		return;
	k->stage = c[0];
	k->stage_pid = fork();
	if (k->stage_pid == 0) {
		close(3);
		close(c[0]);
		stage_main(k, c[1]);
	}
	close(c[1]);
	if (k->nursery >= 0)
		close(k->nursery);
	*why = "fork";
	*err = k->stage_pid < 0 ? errno : 0;
}

static void
keeper_main(const struct place *p, unsigned slot, int socket)
{
	struct keeping k = { .place = p,
		.slot = slot,
		.userns = -1,
		.listener = -1,
		.watch = -1,
		.terminal = -1,
		.init_pidfd = -1,
		.stage = -1 };
	struct keeper_start s;
	struct buf message = { 0 };
	const char *why;
	int err, fd;
	no_files(socket);
	k.agent = 3;
	k.nursery = nursery;
	setsid();
	prctl(PR_SET_NAME, "haneul-keeper");
	for (int i = 1; i < NSIG; i++)
		signal(i, i == SIGPIPE ? SIG_IGN : SIG_DFL);
	arena_init(&k.arena);
	prepare(&k, &why, &err);
	if (wire_recv(k.agent, &message, &fd) != 1) { /* nobody needed us */
		k.agent = -1;
		give_up(&k, 0, "");
	}
	if (err)
		give_up(&k, err, why);
	if (!start_unpack(buf_str(&message), &k.arena, &k.m, &s))
		give_up(&k, EBADMSG, "reading the request");
	snprintf(k.id, sizeof(k.id), "%.*s", STR_FMT(k.m.id));
	k.has_init = s.has_init;
	build_root(&k, &s);
	if (wire_send(k.stage, buf_str(&message), -1))
		give_up(&k, EPIPE, "waiting for the stage");
	hear_pid(&k);
	wait_for_go(&k);
	keep(&k);
}

void
keeper_open(void)
{
	struct space here;
	if (nursery >= 0 || space_here(&here))
		return;
	if (unshare(CLONE_NEWNET) == 0) {
		/* The kernel's table of connections is otherwise shared by the whole host, and as
		 * large as its memory suggests: whoever reads /proc/net/tcp walks through all of
		 * it. */
		int r = space_sysctl("ipv4/tcp_child_ehash_entries", "1024");
		nursery = r ? -1 : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		space_leave(here.ns);
		here.ns = -1;
	}
	space_close(&here);
}

int
keeper_make(const struct place *p, struct keeper *ret)
{
	int fds[2], r = place_slot_take(p, &ret->slot);
	if (r)
		return r;
	cgroup_devices_forget(ret->slot);
	r = wire_pair(fds);
	if (r) {
		place_slot_free(p, ret->slot);
		return r;
	}
	ret->pid = fork();
	if (ret->pid == 0)
		keeper_main(p, ret->slot, fds[1]);
	close(fds[1]);
	ret->socket = fds[0];
	ret->pidfd = ret->pid > 0 ? (int)syscall(SYS_pidfd_open, ret->pid, 0) : -1;
	if (ret->pidfd >= 0)
		return 0;
	r = -errno;
	close(fds[0]);
	if (ret->pid > 0)
		kill(ret->pid, SIGKILL);
	place_slot_free(p, ret->slot);
	return r;
}
