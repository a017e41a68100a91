/*
 * machine_rig: tests with real machines: an agent on a folder of its own, asked and waited for.
 * Only as root; elsewhere the tests say that they were skipped.
 */
#ifndef HANEUL_PLANE_MACHINE_RIG_H
#define HANEUL_PLANE_MACHINE_RIG_H

#include "base/buf.h"
#include "os/loop.h"
#include "plane/agent.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct rig {
	struct plane *plane;
	struct loop *loop;
	struct plane_listener ear;
	struct plane_request r;
	struct loop_timer timer;
	int status;
	uint64_t bytes;
	char why[PLANE_WHY_MAX], data[300];
	struct buf text;
	struct plane_machine_report report; /* the last one */
	char report_why[PLANE_WHY_MAX];
	unsigned reports, stopped;
	bool waits_for_end;
};
static struct rig rig;

static void
rig_ready(void *ctx)
{
	(void)ctx;
	loop_stop(rig.loop);
}

static void
rig_reported(struct plane_listener *l, const struct plane_machine_report *m)
{
	(void)l;
	rig.report = *m;
	snprintf(rig.report_why, sizeof(rig.report_why), "%.*s", STR_FMT(m->why));
	rig.reports++;
	rig.stopped += m->state == PLANE_MACHINE_STOPPED;
	if (rig.waits_for_end && m->state == PLANE_MACHINE_STOPPED)
		loop_stop(rig.loop);
}

static void
rig_done(struct plane_request *r, const struct plane_answer *a)
{
	(void)r;
	rig.status = a->status;
	rig.bytes = a->bytes;
	snprintf(rig.why, sizeof(rig.why), "%s", a->why);
	buf_clear(&rig.text);
	buf_add_str(&rig.text, a->text);
	loop_stop(rig.loop);
}

static void
rig_too_late(struct loop_timer *t)
{
	(void)t;
	fail_msg("nothing was answered for 20 s");
}

/* Runs the loop until something stops it. */
static void
rig_wait(void)
{
	rig.timer.fire = rig_too_late;
	loop_timer_set(rig.loop, &rig.timer, 20000);
	loop_run(rig.loop);
	loop_timer_cancel(rig.loop, &rig.timer);
}

static int
rig_answered(void)
{
	rig_wait();
	return rig.status;
}

/* An agent on rig.data, which may be one that was there before. */
static void
rig_attach(void)
{
	assert_int_equal(loop_new(&rig.loop), 0);
	assert_int_equal(agent_fork(&rig.plane, rig.data, false), 0);
	rig.ear = (struct plane_listener){ .reported = rig_reported };
	plane_listen(rig.plane, &rig.ear);
	agent_attach(rig.plane, rig.loop, true, rig_ready, NULL);
	rig_wait();
}

#define RIG_ASK(op, ...)                                                                           \
	(rig.r.done = rig_done, rig.plane->ops->op(rig.plane, &rig.r, ##__VA_ARGS__),              \
		rig_answered())

static bool
rig_open(void)
{
	struct plane_ability a;
	if (geteuid() != 0) {
		print_message("skipped: machines need root\n");
		return false;
	}
	rig = (struct rig){ 0 };
	snprintf(rig.data, sizeof(rig.data), "%s", unit_tmpdir());
	rig_attach();
	rig.plane->ops->ability(rig.plane, &a);
	if (a.machines && RIG_ASK(image_pull, STR("tiny")) == 0)
		return true;
	print_message("skipped: %s %s\n", a.why_not, rig.why);
	assert_int_not_equal(rig.status, -EPIPE);
	buf_done(&rig.text);
	agent_close(rig.plane);
	loop_free(rig.loop);
	return false;
}
#define RIG_OPEN() \
	if (!rig_open()) \
	skip()

static void
rig_detach(void)
{
	agent_close(rig.plane);
	loop_free(rig.loop);
}

static void
rig_close(void)
{
	assert_int_equal(RIG_ASK(remove_all), 0);
	rig_detach();
	buf_done(&rig.text);
}

static struct plane_machine __attribute__((unused))
rig_machine(const char *id)
{
	return (struct plane_machine){ .id = str_c(id),
		.network = STR(""),
		.image = STR("tiny"),
		.root_volume = str_c(id),
		.root_bytes = 1ull << 30,
		.hostname = STR("inside"),
		.cpu_milli = 1000,
		.cpus = 1,
		.memory_bytes = 64 << 20 };
}

static void
rig_wait_for_end(void)
{
	unsigned before = rig.stopped;
	rig.waits_for_end = true;
	while (rig.stopped == before)
		rig_wait();
	rig.waits_for_end = false;
}

/* Runs the script as the machine's only program, to its end; rig.text is what it said. */
static void __attribute__((unused))
rig_script(struct plane_machine *m, const char *script)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	unsigned before = rig.stopped;
	m->argv = argv;
	if (RIG_ASK(machine_start, m))
		fail_msg("%s", rig.why);
	if (rig.stopped == before)
		rig_wait_for_end();
	RIG_ASK(machine_console, m->id);
}

#define rig_said(part) \
	do { \
		if (!strstr(buf_str(&rig.text).p, (part))) \
			fail_msg("not said: %s\nsaid: %s", (part), buf_str(&rig.text).p); \
	} while (0)

#endif
