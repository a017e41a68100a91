/*
 * clock_rows: keeps the virtual clock across restarts, and tells who sleeps until a virtual time
 * that it was moved.
 *
 * One row holds a virtual time, the real time at which it was true, and the speed: enough to go on
 * as if the process had never stopped, also after a crash, so that time never runs backwards.
 */
#ifndef HANEUL_AWS_CLOCK_ROWS_H
#define HANEUL_AWS_CLOCK_ROWS_H

#include "os/loop.h"
#include "store/store.h"

/* At start, before anything asks for the time. Without a row the clock stays as it is. 0, or
 * -EBADMSG. */
int clock_rows_load(struct store *s);
/* Inside a unit: moves the clock by advance_ms >= 0 and/or sets the speed (speed < 0: as it is),
 * and keeps that. Call clock_moved when the unit is done. */
void clock_rows_change(struct tx *t, struct store *s, int64_t advance_ms, double speed);

/* Sleepers. A watch belongs to one loop, where moved() runs; start and stop there (or before the
 * loop runs). */
struct clock_watch {
	void (*moved)(struct clock_watch *w);
	/* private */
	struct loop_job job;
	struct loop *loop;
	struct clock_watch *next;
	bool posted;
};
void clock_watch_start(struct clock_watch *w, struct loop *l);
/* No callback runs afterwards. Fine when not started. */
void clock_watch_stop(struct clock_watch *w);
/* After every clock_advance, clock_set or clock_set_speed. Any thread. */
void clock_moved(void);

/* Real milliseconds until virtual due_ms, for loop_timer_set: at least 1, at most an hour (look
 * again then); 0 when it is due. UINT64_MAX: never, the clock stands. */
uint64_t clock_wait_ms(int64_t due_ms);

#endif
