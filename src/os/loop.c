#include "os/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH 256
/* Jobs that jobs post run in the same wake-up, but so many times only: descriptors wait meanwhile.
 */
#define JOB_ROUNDS 8

struct loop {
	int epoll_fd;
	struct loop_io wake; /* an eventfd: ends a wait from other threads and signal handlers */
	atomic_bool stop;
	atomic_bool sleeping;
	_Atomic(struct loop_job *) jobs; /* newest first */
	struct loop_job *batch;          /* taken from jobs, not run yet; oldest first */
	uint64_t now_ms;
	struct loop_timer **heap; /* [1..timers_n], earliest first */
	uint32_t timers_n, timers_cap;
	int events_at, events_n; /* the part of events that was not dispatched yet */
	struct epoll_event events[BATCH];
};

static _Thread_local struct loop *current;

static uint64_t
monotonic_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
wake_ready(struct loop_io *io, uint32_t events)
{
	uint64_t n;
	(void)events;
	(void)!read(io->fd, &n, sizeof(n));
}

static void
loop_wake(struct loop *l)
{
	uint64_t one = 1;
	(void)!write(l->wake.fd, &one, sizeof(one));
}

int
loop_new(struct loop **ret_loop)
{
	struct loop *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->now_ms = monotonic_ms();
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->wake.events = EPOLLIN;
	l->wake.ready = wake_ready;
	int r = l->epoll_fd < 0 || l->wake.fd < 0 ? -errno : loop_watch(l, &l->wake);
	if (r) {
		loop_free(l);
		return r;
	}
	*ret_loop = l;
	return 0;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	if (l->wake.fd >= 0)
		close(l->wake.fd);
	free(l->heap);
	free(l);
}

struct loop *
loop_current(void)
{
	return current;
}

uint64_t
loop_now_ms(struct loop *l)
{
	return l->now_ms;
}

/* ---- descriptors ---- */

static int
epoll_change(struct loop *l, int op, struct loop_io *io)
{
	struct epoll_event e = { .events = io->events, .data.ptr = io };
	return epoll_ctl(l->epoll_fd, op, io->fd, &e) ? -errno : 0;
}

int
loop_watch(struct loop *l, struct loop_io *io)
{
	return epoll_change(l, EPOLL_CTL_ADD, io);
}

int
loop_rearm(struct loop *l, struct loop_io *io)
{
	return epoll_change(l, EPOLL_CTL_MOD, io);
}

void
loop_unwatch(struct loop *l, struct loop_io *io)
{
	epoll_change(l, EPOLL_CTL_DEL, io);
	for (int i = l->events_at; i < l->events_n; i++)
		if (l->events[i].data.ptr == io)
			l->events[i].data.ptr = NULL;
}

static void
dispatch(struct loop *l, int n)
{
	l->events_n = n;
	for (l->events_at = 0; l->events_at < l->events_n;) {
		struct epoll_event *e = &l->events[l->events_at++];
		struct loop_io *io = e->data.ptr;
		if (io)
			io->ready(io, e->events);
	}
	l->events_n = 0;
}

/* ---- timers: a binary heap that knows each timer's place ---- */

static void
heap_put(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	l->heap[pos] = t;
	t->heap_pos = pos;
}

static void
heap_up(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	for (; pos > 1 && l->heap[pos / 2]->at_ms > t->at_ms; pos /= 2)
		heap_put(l, pos, l->heap[pos / 2]);
	heap_put(l, pos, t);
}

static void
heap_down(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	for (uint32_t child; (child = pos * 2) <= l->timers_n; pos = child) {
		if (child < l->timers_n && l->heap[child + 1]->at_ms < l->heap[child]->at_ms)
			child++;
		if (l->heap[child]->at_ms >= t->at_ms)
			break;
		heap_put(l, pos, l->heap[child]);
	}
	heap_put(l, pos, t);
}

static void
heap_place(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	if (pos > 1 && l->heap[pos / 2]->at_ms > t->at_ms)
		heap_up(l, pos, t);
	else
		heap_down(l, pos, t);
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms)
{
	uint64_t room = UINT64_MAX - l->now_ms;
	t->at_ms = l->now_ms + (delay_ms < room ? delay_ms : room);
	if (t->heap_pos) {
		heap_place(l, t->heap_pos, t);
		return;
	}
	if (l->timers_n + 2 > l->timers_cap) {
		l->timers_cap = l->timers_cap ? l->timers_cap * 2 : 16;
		l->heap = realloc(l->heap, l->timers_cap * sizeof(struct loop_timer *));
		if (!l->heap)
			abort();
	}
	heap_up(l, ++l->timers_n, t);
}

void
loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
	if (!t->heap_pos)
		return;
	uint32_t pos = t->heap_pos;
	struct loop_timer *last = l->heap[l->timers_n--];
	t->heap_pos = 0;
	if (last != t)
		heap_place(l, pos, last);
}

static void
fire_timers(struct loop *l)
{
	/* A timer that sets itself to fire at once must not keep the loop here. */
	for (uint32_t most = l->timers_n; most > 0 && l->timers_n; most--) {
		struct loop_timer *t = l->heap[1];
		if (t->at_ms > l->now_ms)
			return;
		loop_timer_cancel(l, t);
		t->fire(t);
	}
}

/* ---- jobs ---- */

void
loop_post(struct loop *l, struct loop_job *job)
{
	struct loop_job *head = atomic_load(&l->jobs);
	do
		job->next = head;
	while (!atomic_compare_exchange_weak(&l->jobs, &head, job));
	/* The loop looks at the list after it says that it sleeps, so no post is overlooked. */
	if (current != l && atomic_exchange(&l->sleeping, false))
		loop_wake(l);
}

/* Appends what was posted to the batch, oldest first. */
static void
jobs_take(struct loop *l)
{
	struct loop_job *job = atomic_exchange(&l->jobs, NULL), *first = NULL, **last = &l->batch;
	while (job) {
		struct loop_job *older = job->next;
		job->next = first;
		first = job;
		job = older;
	}
	while (*last)
		last = &(*last)->next;
	*last = first;
}

static void
run_jobs(struct loop *l)
{
	for (int round = 0; round < JOB_ROUNDS; round++) {
		if (atomic_load_explicit(&l->jobs, memory_order_relaxed))
			jobs_take(l);
		if (!l->batch)
			return;
		for (struct loop_job *job; (job = l->batch);) {
			l->batch = job->next;
			job->run(job);
		}
	}
}

void
loop_unpost(struct loop *l, struct loop_job *job)
{
	jobs_take(l);
	struct loop_job **at = &l->batch;
	while (*at && *at != job)
		at = &(*at)->next;
	if (*at)
		*at = job->next;
}

/* ---- running ---- */

static int
wait_timeout_ms(struct loop *l)
{
	if (!l->timers_n)
		return -1;
	uint64_t at = l->heap[1]->at_ms, now = monotonic_ms();
	if (at <= now)
		return 0;
	return at - now > 60000 ? 60000 : (int)(at - now);
}

int
loop_run(struct loop *l)
{
	struct loop *outer = current;
	int r = 0;
	current = l;
	l->now_ms = monotonic_ms();
	while (!atomic_load(&l->stop)) {
		int timeout_ms = wait_timeout_ms(l);
		atomic_store(&l->sleeping, true);
		if (l->batch || atomic_load(&l->jobs) || atomic_load(&l->stop))
			timeout_ms = 0;
		int n = epoll_wait(l->epoll_fd, l->events, BATCH, timeout_ms);
		atomic_store(&l->sleeping, false);
		if (n < 0 && errno != EINTR) {
			r = -errno;
			break;
		}
		l->now_ms = monotonic_ms();
		dispatch(l, n < 0 ? 0 : n);
		fire_timers(l);
		run_jobs(l);
	}
	atomic_store(&l->stop, false);
	current = outer;
	return r;
}

void
loop_stop(struct loop *l)
{
	int saved = errno;
	atomic_store(&l->stop, true);
	loop_wake(l);
	errno = saved;
}
