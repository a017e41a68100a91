/*
 * touch: who waits for a key that a transaction may touch (tx_touch), and is told after the commit
 * is durable. Parked calls, task workers and reconcilers wait here. Thousands of waiters are cheap:
 * a hash table under one lock, nothing allocated for each.
 *
 * A wait is embedded by its user, belongs to one loop and stays in place until touch_wait_stop. It
 * may be started on any thread; started inside a unit (on the writer's thread) it cannot miss a
 * touch of any later unit. `woken` runs on the loop, once; a wait that was woken is off.
 */
#ifndef HANEUL_AWS_TOUCH_H
#define HANEUL_AWS_TOUCH_H

#include "os/loop.h"
#include "store/store.h"

struct touch_wait {
	void (*woken)(struct touch_wait *w);
	bool one; /* of the waits of a key that say so, a touch wakes the oldest only */
	/* private */
	struct loop_job job; /* first of the private part: found from the job */
	struct loop *loop;
	struct touch_wait *next, **at; /* in its bucket */
	uint64_t hash;
	unsigned state;
};

/* The key is not kept: equal hashes (64 bits) count as equal keys, so a waiter must look again when
 * it is woken; nothing worse than a look for nothing comes of it. */
void touch_wait_start(struct touch_wait *w, struct loop *l, struct str key);
/* On the wait's loop. true: it is off. false: it was touched and its job is on the way to this
 * loop: `woken` will run once more, and until then the memory must stay. Fine when not started. */
bool touch_wait_stop(struct touch_wait *w);
/* On the wait's loop. `from` goes on as `to`, at its place in the line. false: it was touched and
 * is on its way, so it must stay where it is. */
bool touch_wait_move(struct touch_wait *from, struct touch_wait *to);
/* store_options.touched: arg is not used. */
void touch_deliver(void *arg, struct str key);
/* Wakes everybody: every row may have changed (a reset). Any thread. */
void touch_all(void);

#endif
