/*
 * loop: one epoll loop, owned by one thread. It watches descriptors, fires timers and runs jobs
 * that other threads post. Everything but loop_post and loop_stop is called on the loop's own
 * thread (or before loop_run). The structs are embedded by their users and must stay in place
 * while they are registered; nothing here allocates for each event.
 *
 * Real (monotonic) time only: what AWS users see as time comes from base/clock.h.
 */
#ifndef HANEUL_OS_LOOP_H
#define HANEUL_OS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop_io {
	int fd;
	uint32_t events; /* EPOLLIN | EPOLLOUT | EPOLLRDHUP, level-triggered */
	void (*ready)(struct loop_io *io, uint32_t events);
};

struct loop_timer {
	void (*fire)(struct loop_timer *t);
	uint64_t at_ms;    /* loop_now_ms scale */
	uint32_t heap_pos; /* 0 = not set */
};

struct loop_job {
	struct loop_job *next;
	void (*run)(struct loop_job *job);
};

int loop_new(struct loop **ret_loop); /* 0 or -errno */
void loop_free(struct loop *l);
/* Runs until loop_stop. 0 or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l); /* any thread, also a signal handler */
/* Any thread; jobs of one poster run in order. */
void loop_post(struct loop *l, struct loop_job *job);
/* Takes back a job that did not run yet; its loop's thread only. */
void loop_unpost(struct loop *l, struct loop_job *job);
struct loop *loop_current(void);      /* the loop that runs on this thread, or NULL */
uint64_t loop_now_ms(struct loop *l); /* monotonic, taken once for each wake-up */

int loop_watch(struct loop *l, struct loop_io *io); /* starts watching; 0 or -errno */
int loop_rearm(struct loop *l, struct loop_io *io); /* after a change of io->events */
/* Also safe inside ready() for any io: pending events of it are dropped. Does not close the fd. */
void loop_unwatch(struct loop *l, struct loop_io *io);

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms); /* sets or moves */
void loop_timer_cancel(struct loop *l, struct loop_timer *t); /* fine when not set */

#endif
