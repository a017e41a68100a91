#include "plane/job.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct loop *loop;
struct watched {
	struct job j;
	struct job_result r;
	char heard[200];
	bool is_done;
};
static void
heard(struct job *j, struct str text)
{
	struct watched *w = (struct watched *)j;
	snprintf(w->heard + strlen(w->heard), sizeof(w->heard) - strlen(w->heard), "%.*s;",
		STR_FMT(text));
}
static void
ended(struct job *j, const struct job_result *r)
{
	struct watched *w = (struct watched *)j;
	w->r = *r;
	w->is_done = true;
	loop_stop(loop);
}
static void
work(void *arg, struct job_result *r)
{
	job_progress("half of %s", (char *)arg);
	job_program((char *[]){ "sh", "-c", "echo one; echo two >&2", NULL }, NULL);
	r->bytes = 7;
	job_fail(r, -ENOSPC, "The disk\nis full.");
}
static void
die(void *arg, struct job_result *r)
{
	(void)arg, (void)r;
	raise(SIGKILL);
}

TEST(a_job_tells_its_way_and_its_end)
{
	struct watched w = { .j.progress = heard, .j.done = ended };
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(job_start(&w.j, loop, work, "it"), 0);
	loop_run(loop);
	assert_string_equal(w.heard, "half of it;one;two;");
	assert_int_equal(w.r.status, -ENOSPC);
	assert_int_equal(w.r.bytes, 7);
	assert_string_equal(w.r.why, "The disk is full.");
	loop_free(loop);
}

TEST(a_job_that_is_killed_has_failed)
{
	struct watched w = { .j.done = ended };
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(job_start(&w.j, loop, die, NULL), 0);
	loop_run(loop);
	assert_true(w.is_done);
	assert_int_equal(w.r.status, -EIO);
	loop_free(loop);
}

static void
read_kept(void *arg, struct job_result *r)
{
	r->status = read(*(int *)arg, r->why, 4) == 4 ? 0 : -errno;
}

TEST(a_job_keeps_the_file_that_it_was_given)
{
	struct watched w = { .j.done = ended };
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "kept", 4), 4);
	assert_int_equal(loop_new(&loop), 0);
	w.j.kept = fds[0];
	assert_int_equal(job_start(&w.j, loop, read_kept, &fds[0]), 0);
	loop_run(loop);
	assert_int_equal(w.r.status, 0);
	assert_string_equal(w.r.why, "kept");
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}
