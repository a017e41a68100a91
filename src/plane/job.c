/* Children of the agent that report through a pipe: "P <text>" lines, then "E <status> <bytes>
 * <why>". */
#include "plane/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (64u << 10)

static int report_fd = -1; /* in a child */

static void
report(char kind, const char *text)
{
	char line[400];
	int n = snprintf(line, sizeof(line), "%c %s\n", kind, text);
	if (n > (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 1;
	for (int i = 0; i < n - 1; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[n - 1] = '\n';
	if (report_fd >= 0 && write(report_fd, line, (size_t)n) < 0)
		report_fd = -1;
}

void
job_progress(const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report('P', text);
}

int
job_fail(struct job_result *r, int status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	r->status = status;
	return status;
}

/* All but the standard ones and two: of those the work needs the number to stay. */
static void
close_others(unsigned a, unsigned b)
{
	unsigned low = a < b ? a : b, high = a < b ? b : a;
	if (low > 3)
		syscall(SYS_close_range, 3u, low - 1, 0u);
	if (high > low + 1)
		syscall(SYS_close_range, low + 1, high - 1, 0u);
	syscall(SYS_close_range, high + 1, ~0u, 0u);
}

static void
child(int fd, int kept, void (*run)(void *arg, struct job_result *r), void *arg)
{
	struct job_result r = { 0 };
	char text[400];
	report_fd = fd; /* closed by exec */
	close_others((unsigned)fd, (unsigned)(kept > 2 ? kept : fd));
	prctl(PR_SET_NAME, "haneul-job");
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* half-made things have names that nobody uses */
	setpgid(0, 0);
	run(arg, &r);
	snprintf(text, sizeof(text), "%d %llu %s", r.status, (unsigned long long)r.bytes, r.why);
	report('E', text);
	_exit(0);
}

static void
finish(struct job *j, const struct job_result *r)
{
	loop_unwatch(j->loop, &j->io);
	close(j->io.fd);
	while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
		;
	buf_done(&j->read);
	j->done(j, r);
}

static bool
line_ended(struct job *j, struct str line, struct job_result *r)
{
	unsigned long long bytes;
	int at = 0;
	if (str_starts(line, STR("P ")) && j->progress)
		j->progress(j, str_slice(line, 2, line.len));
	if (!str_starts(line, STR("E ")))
		return false;
	char text[400];
	snprintf(text, sizeof(text), "%.*s", STR_FMT(line));
	if (sscanf(text, "E %d %llu %n", &r->status, &bytes, &at) < 2)
		return false;
	r->bytes = bytes;
	snprintf(r->why, sizeof(r->why), "%s", text + at);
	return true;
}

static void
ready(struct loop_io *io, uint32_t events)
{
	struct job *j = (struct job *)((char *)io - offsetof(struct job, io));
	struct job_result r = { .status = -EIO, .why = "The work ended before it was done." };
	ssize_t n = read(io->fd, buf_reserve(&j->read, 4096), 4096);
	(void)events;
	if (n > 0)
		j->read.len += (size_t)n;
	for (long end; (end = str_find(buf_str(&j->read), '\n')) >= 0;
		buf_consume(&j->read, (size_t)end + 1))
		if (line_ended(j, str_slice(buf_str(&j->read), 0, (size_t)end), &r)) {
			finish(j, &r);
			return;
		}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		finish(j, &r);
}

int
job_start(struct job *j, struct loop *l, void (*run)(void *arg, struct job_result *r), void *arg)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	j->pid = fork();
	if (j->pid == 0) {
		fcntl(fds[1], F_SETFL, 0);
		child(fds[1], j->kept, run, arg);
	}
	close(fds[1]);
	j->loop = l;
	j->io = (struct loop_io){ .fd = fds[0], .events = EPOLLIN, .ready = ready };
	int r = j->pid < 0 ? -EAGAIN : loop_watch(l, &j->io);
	if (r)
		close(fds[0]);
	return r;
}

void
job_cancel(struct job *j)
{
	kill(-j->pid, SIGKILL);
	loop_unwatch(j->loop, &j->io);
	close(j->io.fd);
	waitpid(j->pid, NULL, 0);
	buf_done(&j->read);
}

static int
run_program(char *const argv[], struct buf *ret_output, bool heard)
{
	int fds[2], status;
	struct buf line = { 0 };
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		int null_fd = open("/dev/null", O_RDONLY);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null_fd, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	for (ssize_t n; pid > 0 && (n = read(fds[0], buf_reserve(&line, 4096), 4096)) != 0;) {
		if (n < 0)
			continue;
		line.len += (size_t)n;
		if (ret_output) {
			buf_add(ret_output, line.p + line.len - (size_t)n, (size_t)n);
			if (ret_output->len > OUTPUT_MAX)
				buf_consume(ret_output, ret_output->len - OUTPUT_MAX);
		}
		for (long end; (end = str_find(buf_str(&line), '\n')) >= 0;
			buf_consume(&line, (size_t)end + 1))
			if (heard)
				job_progress("%.*s", (int)end, line.p);
	}
	close(fds[0]);
	buf_done(&line);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
job_program(char *const argv[], struct buf *ret_output)
{
	return run_program(argv, ret_output, !ret_output);
}

int
job_program_heard(char *const argv[], struct buf *ret_output)
{
	return run_program(argv, ret_output, true);
}

struct str
job_complaint(struct str output)
{
	struct str last = STR("");
	while (output.p && output.len) {
		struct str line = str_cut(&output, '\n');
		if (str_starts(line, STR("E:")))
			last = str_trim(str_slice(line, 2, line.len));
	}
	return str_slice(last, 0, last.len < 120 ? last.len : 120);
}
