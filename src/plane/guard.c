/* Who makes agents; see guard.h. */
#include "plane/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "plane/agent_impl.h"
#include "plane/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* An agent that ends at once, again and again, is made ever more seldom. */
#define PAUSE_MS 50
#define PAUSE_MAX_MS 5000
#define WELL_MS 10000u /* whoever has lived that long starts from the beginning */

/* --- its own process --- */

/* Waits for the descriptor, or that long; false: the server is gone. */
static bool
wait_for(int control, int fd, int timeout_ms)
{
	struct pollfd p[2] = { { control, POLLIN, 0 }, { fd, POLLIN, 0 } };
	int n;
	while ((n = poll(p, 2, timeout_ms)) < 0)
		;
	return !p[0].revents;
}

static void
run_agent(int control, int socket, const char *data_dir)
{
	pid_t pid = fork();
	if (pid == 0) {
		close(control);
		agent_process(socket, data_dir);
	}
	close(socket);
	if (pid < 0)
		return;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* A server that goes takes its agent along: it hears of that by its own socket. */
	wait_for(control, pidfd, -1);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(pidfd);
}

static void
ignore_signals(void)
{
	for (int i = 1; i < NSIG; i++)
		if (i != SIGPIPE && i != SIGXFSZ)
			signal(i, SIG_DFL);
	/* Of the terminal's signals the server tells us by ending. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static int
next_socket(int control)
{
	int fds[2], r = wire_pair(fds);
	if (r)
		return r;
	r = wire_send(control, STR("A"), fds[0]);
	close(fds[0]);
	if (!r)
		return fds[1];
	close(fds[1]);
	return r;
}

static void __attribute__((noreturn))
guard_process(int control, int socket, const char *data_dir)
{
	int pause_ms = 0;
	prctl(PR_SET_NAME, "haneul-guard");
	ignore_signals();
	/* Nothing is made before it is asked for. */
	if (!wait_for(control, socket, -1))
		_exit(0);
	for (;;) {
		uint64_t began = clock_mono_us();
		run_agent(control, socket, data_dir);
		bool soon = clock_mono_us() - began < WELL_MS * 1000;
		pause_ms = soon && pause_ms ? pause_ms * 2 : PAUSE_MS;
		if (pause_ms > PAUSE_MAX_MS)
			pause_ms = PAUSE_MAX_MS;
		do
			if (!wait_for(control, -1, pause_ms))
				_exit(0);
		while ((socket = next_socket(control)) < 0);
	}
}

/* --- the server's --- */

int
guard_fork(struct guard *ret, int *ret_agent, const char *data_dir)
{
	int control[2], agent[2], r = wire_pair(control);
	if (r)
		return r;
	if ((r = wire_pair(agent))) {
		close(control[0]);
		close(control[1]);
		return r;
	}
	ret->pid = fork();
	if (ret->pid == 0) {
		close(control[0]);
		close(agent[0]);
		guard_process(control[1], agent[1], data_dir);
	}
	r = ret->pid < 0 ? -errno : 0;
	close(control[1]);
	close(agent[1]);
	ret->control = control[0];
	*ret_agent = agent[0];
	if (r) {
		close(control[0]);
		close(agent[0]);
		return r;
	}
	fcntl(control[0], F_SETFL, O_NONBLOCK);
	fcntl(agent[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int
guard_next(const struct guard *g)
{
	struct buf b = { 0 };
	int fd = -1, r = wire_recv(g->control, &b, &fd);
	buf_done(&b);
	if (r == -EAGAIN || r == -EINTR)
		return -EAGAIN;
	if (r != 1 || fd < 0)
		return -EPIPE;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

void
guard_done(struct guard *g, int agent)
{
	close(g->control); /* first, so that no agent is made to be told that */
	if (agent >= 0)
		close(agent);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* What a server needs that is root: low ports, and the files of whoever owns the data directory. */
void
guard_drop_capabilities(void)
{
	static const int kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL,
		CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID };
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	uint64_t mask = 0;
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		mask |= 1ull << kept[i];
	if (syscall(SYS_capget, &h, d))
		return;
	for (unsigned i = 0; i < 2; i++) {
		d[i].effective &= (uint32_t)(mask >> 32 * i);
		d[i].permitted &= (uint32_t)(mask >> 32 * i);
		d[i].inheritable &= (uint32_t)(mask >> 32 * i);
	}
	if (syscall(SYS_capset, &h, d))
		log_warn("agent.capabilities", log_errno("why", errno));
}
