/*
 * job: long work of the agent in a forked child: copies, pulls, imports. The child may block,
 * change its namespaces and call programs; it tells progress and its end through a pipe. The
 * agent's loop goes on.
 */
#ifndef HANEUL_PLANE_JOB_H
#define HANEUL_PLANE_JOB_H

#include "base/buf.h"
#include "os/loop.h"

#include <sys/types.h>

struct job_result {
	int status; /* 0 or -errno */
	uint64_t bytes;
	char why[256];
};
struct job {
	struct loop_io io;
	pid_t pid;
	int kept; /* a descriptor that the work needs, of the caller's; else 0 */
	struct loop *loop;
	struct buf read;
	void (*progress)(struct job *j, struct str text);
	void (*done)(struct job *j, const struct job_result *r); /* frees what embeds j */
};
/* run is called in the child with `arg`; it fills in the result, whose why is "" and status 0 at
 * first. 0 or -errno. */
int job_start(
	struct job *j, struct loop *l, void (*run)(void *arg, struct job_result *r), void *arg);
void job_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* in the child */
/* In the child: says so and gives status back. */
int job_fail(struct job_result *r, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* In the child: runs a program (found in PATH) to its end; its output becomes progress. Its exit
 * code or -errno. */
int job_program(char *const argv[], struct buf *ret_output);
/* Both: progress, and the last 64 KiB. */
int job_program_heard(char *const argv[], struct buf *ret_output);
/* Of a program's output the last line that begins with "E:", which is how apt says why; short. */
struct str job_complaint(struct str output);
void job_cancel(struct job *j); /* kills it; done is not called */

#endif
