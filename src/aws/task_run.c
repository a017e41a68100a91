/* The runner of tasks. All on its loop, but the functions named *_unit, which run on the store's
 * writer. */
#include "aws/clock_rows.h"
#include "aws/task_rows.h"
#include "aws/touch.h"
#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CONCURRENCY 16
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS (15 * 60 * 1000)
#define LEASE_MS (5 * 60 * 1000)
#define RETRY_STORE_MS 1000

struct kind_state {
	const struct task_kind *kind;
	struct tasks *owner;
	struct touch_wait wait;
	struct loop_timer timer; /* for the first row that is not due yet */
	struct running *running;
	unsigned running_n;
	bool held, full;
	int64_t head_ms; /* nothing live lies below */
	_Atomic uint64_t done_total, failed_total, dead_total, running_total;
	char touch_bytes[TASK_KIND_MAX * 2 + 16];
	size_t touch_len;
};

struct tasks {
	struct store *store;
	struct loop *loop;
	struct clock_watch clock;
	struct loop_job begin;
	struct kind_state *kinds;
	unsigned kinds_n;
	struct running *lapsed; /* their lease ran out, their handler has not ended */
	bool stopped;
};

enum outcome {
	OUTCOME_RUN, /* the transactional form itself */
	OUTCOME_DONE,
	OUTCOME_FAILED,
	OUTCOME_AGAIN,
};

/* One attempt. */
struct running {
	struct task task; /* first: handlers give it back */
	struct running *next;
	struct kind_state *state;
	struct arena arena;
	uint64_t generation;
	bool named, lapsed;
	struct loop_timer
		timer; /* the lease; later: the next try of a unit that the store refused */
	struct store_unit unit;
	struct loop_job over;
	enum outcome outcome;
	int status;
	struct str reason;
	int (*effect)(struct tx *t, const struct task *task, void *arg);
	void *effect_arg;
	int64_t delay_ms;
	int run_err, unit_status;
	bool dead;
};

static void kind_fill(struct kind_state *k);

static void
running_unlink(struct running **list, struct running *r)
{
	while (*list != r)
		list = &(*list)->next;
	*list = r->next;
}

static void
running_free(struct running *r)
{
	arena_done(&r->arena);
	free(r);
}

static struct running *
running_new(struct kind_state *k, const struct task *from)
{
	struct running *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	arena_init(&r->arena);
	r->state = k;
	r->task = *from;
	r->task.kind = k->kind;
	r->task.arena = &r->arena;
	r->task.id = arena_dup(&r->arena, from->id);
	r->task.payload = arena_dup(&r->arena, from->payload);
	r->task.reason = arena_dup(&r->arena, from->reason);
	r->next = k->running;
	k->running = r;
	k->running_n++;
	k->running_total = k->running_n;
	return r;
}

enum whereabouts {
	TASK_HERE, /* as it was when this attempt began */
	TASK_ANEW, /* put again meanwhile */
	TASK_GONE, /* cancelled */
};

static enum whereabouts
task_look(struct tx *t, const struct running *r, struct task_entry *ret)
{
	struct str kind = str_c(r->task.kind->name);
	int64_t due_ms;
	if (task_entry_get(t, kind, r->task.due_ms, r->task.id, ret) &&
		ret->generation == r->generation)
		return TASK_HERE;
	return r->named && task_entry_find(t, kind, r->task.id, &due_ms) ? TASK_ANEW : TASK_GONE;
}

static int64_t
backoff_ms(const struct task_kind *k, uint32_t attempts)
{
	int64_t min_ms = k->backoff_min_ms ? k->backoff_min_ms : BACKOFF_MIN_MS;
	int64_t max_ms = k->backoff_max_ms ? k->backoff_max_ms : BACKOFF_MAX_MS;
	for (uint32_t i = 0; i < attempts && min_ms < max_ms; i++)
		min_ms *= 2;
	return min_ms < max_ms ? min_ms : max_ms;
}

static void
failed_unit(struct running *r, struct tx *t, enum whereabouts where, struct task_entry *e)
{
	const struct task_kind *k = r->task.kind;
	if (where == TASK_GONE)
		return;
	if (k->failed)
		k->failed(t, &r->task, r->status, r->reason, k->arg);
	if (where == TASK_ANEW)
		return;
	task_entry_delete(t, e);
	r->dead = k->max_attempts && e->attempts + 1 >= k->max_attempts;
	if (r->dead) {
		if (k->dead)
			k->dead(t, &r->task, r->status, r->reason, k->arg);
		return;
	}
	e->due_ms = clock_now_ms() + backoff_ms(k, e->attempts);
	e->attempts++;
	e->last_status = r->status;
	e->reason = r->reason;
	task_entry_put(t, e);
}

static int
outcome_unit(struct store_unit *unit, struct tx *t)
{
	struct running *r = (struct running *)((char *)unit - offsetof(struct running, unit));
	struct task_entry e;
	enum whereabouts where = task_look(t, r, &e);
	r->run_err = 0;
	if (r->outcome == OUTCOME_FAILED) {
		failed_unit(r, t, where, &e);
	} else if (r->outcome == OUTCOME_AGAIN && where == TASK_HERE) {
		task_entry_delete(t, &e);
		e.due_ms = clock_now_ms() + r->delay_ms;
		e.attempts = 0;
		e.last_status = 0;
		e.reason = STR("");
		task_entry_put(t, &e);
	} else if (r->outcome == OUTCOME_RUN && where == TASK_HERE) {
		task_entry_delete(t, &e);
		r->run_err = r->task.kind->run(t, &r->task, r->task.kind->arg);
	} else if (r->outcome == OUTCOME_DONE && where != TASK_GONE) {
		if (where == TASK_HERE)
			task_entry_delete(t, &e);
		if (r->effect)
			r->run_err = r->effect(t, &r->task, r->effect_arg);
	}
	return r->run_err;
}

/* On the writer's thread. */
static void
outcome_done(struct store_unit *unit, int status)
{
	struct running *r = (struct running *)((char *)unit - offsetof(struct running, unit));
	r->unit_status = status;
	loop_post(r->state->owner->loop, &r->over);
}

static void
outcome_submit(struct running *r)
{
	store_submit(r->state->owner->store, &r->unit);
}

static void
outcome_again(struct loop_timer *timer)
{
	outcome_submit((struct running *)((char *)timer - offsetof(struct running, timer)));
}

static void
outcome_count(struct running *r)
{
	struct kind_state *k = r->state;
	if (r->outcome == OUTCOME_FAILED) {
		k->failed_total++;
		k->dead_total += r->dead;
		log_warn(r->dead ? "task.dead" : "task.failed", log_c("kind", k->kind->name),
			log_str("id", r->task.id), log_int("status", r->status),
			log_str("reason", r->reason), log_uint("attempts", r->task.attempts + 1));
	} else if (r->outcome != OUTCOME_AGAIN) {
		k->done_total++;
	}
}

static void
outcome_over(struct loop_job *job)
{
	struct running *r = (struct running *)((char *)job - offsetof(struct running, over));
	struct kind_state *k = r->state;
	struct tasks *owner = k->owner;
	if (owner->stopped)
		return; /* tasks_free has it */
	if (r->run_err) {
		r->status = r->run_err;
		r->reason = r->outcome == OUTCOME_RUN ? STR("the handler failed")
						      : STR("the effect failed");
		r->outcome = OUTCOME_FAILED;
		outcome_submit(r);
		return;
	}
	if (r->unit_status) {
		/* The store is full or read-only. The attempt keeps its place, so nothing spins. */
		r->timer.fire = outcome_again;
		loop_timer_set(owner->loop, &r->timer, RETRY_STORE_MS);
		return;
	}
	outcome_count(r);
	running_unlink(&k->running, r);
	k->running_n--;
	k->running_total = k->running_n;
	running_free(r);
	kind_fill(k);
}

static void
task_end(struct task *task, enum outcome outcome)
{
	struct running *r = (struct running *)task;
	struct tasks *owner = r->state->owner;
	loop_timer_cancel(owner->loop, &r->timer);
	if (r->lapsed) {
		running_unlink(&owner->lapsed, r);
		running_free(r);
		return;
	}
	r->outcome = outcome;
	if (!owner->stopped)
		outcome_submit(r);
}

void
task_done(struct task *task, int status, struct str reason,
	int (*effect)(struct tx *t, const struct task *task, void *arg), void *arg)
{
	struct running *r = (struct running *)task;
	r->status = status;
	r->reason = arena_dup(&r->arena, str_slice(reason, 0, TASK_REASON_MAX));
	r->effect = effect;
	r->effect_arg = arg;
	task_end(task, status ? OUTCOME_FAILED : OUTCOME_DONE);
}

void
task_again(struct task *task, int64_t delay_ms)
{
	struct running *r = (struct running *)task;
	r->delay_ms = delay_ms > 0 ? delay_ms : 0;
	task_end(task, OUTCOME_AGAIN);
}

/* The handler keeps its task until it ends; another one takes its place to record the failure. */
static void
lease_fire(struct loop_timer *timer)
{
	struct running *r = (struct running *)((char *)timer - offsetof(struct running, timer));
	struct kind_state *k = r->state;
	struct running *again = running_new(k, &r->task);
	again->generation = r->generation;
	again->named = r->named;
	again->unit = r->unit;
	again->over = r->over;
	running_unlink(&k->running, r);
	k->running_n--;
	k->running_total = k->running_n;
	r->lapsed = true;
	r->next = k->owner->lapsed;
	k->owner->lapsed = r;
	task_done(&again->task, -ETIMEDOUT, STR("the lease ran out"), NULL, NULL);
}

static void
running_start(struct running *r)
{
	struct kind_state *k = r->state;
	r->unit = (struct store_unit){ .run = outcome_unit, .done = outcome_done };
	r->over.run = outcome_over;
	if (k->kind->run) {
		r->outcome = OUTCOME_RUN;
		outcome_submit(r);
		return;
	}
	r->timer.fire = lease_fire;
	loop_timer_set(k->owner->loop, &r->timer, k->kind->lease_ms ? k->kind->lease_ms : LEASE_MS);
	k->kind->start(&r->task, k->kind->arg);
}

static bool
is_running(const struct kind_state *k, struct str id)
{
	const struct running *r = k->running;
	while (r && !str_eq(r->task.id, id))
		r = r->next;
	return r != NULL;
}

/* Takes what is due up to the limit; false: nothing. *ret_next_ms is the first later due time. */
static bool
kind_take(struct kind_state *k, unsigned limit, int64_t *ret_next_ms)
{
	struct running *taken[CONCURRENCY];
	unsigned taken_n = 0;
	int64_t now_ms = clock_now_ms();
	struct task_entry e;
	struct scan c;
	struct tx *t = tx_begin_read(k->owner->store);
	int64_t floor_ms = task_floor(t, str_c(k->kind->name)), head_ms = floor_ms;
	bool first = true;
	/* The clock was set back. */
	if (k->head_ms > floor_ms)
		k->head_ms = floor_ms;
	task_scan_open(&c, t, str_c(k->kind->name), k->head_ms);
	*ret_next_ms = INT64_MAX;
	while (taken_n < CONCURRENCY && k->running_n < limit && task_scan_next(&c, &e)) {
		if (first && e.due_ms < head_ms)
			head_ms = e.due_ms;
		first = false;
		if (e.due_ms > now_ms) {
			*ret_next_ms = e.due_ms;
			break;
		}
		if (is_running(k, e.id))
			continue;
		struct task task = task_view(k->kind, &e);
		struct running *r = taken[taken_n++] = running_new(k, &task);
		r->generation = e.generation;
		r->named = e.named;
	}
	scan_done(&c);
	tx_end(t);
	k->head_ms = head_ms;
	/* Outside the transaction: handlers may be slow. One that ends at once is freed by a later
	 * job. */
	for (unsigned i = 0; i < taken_n; i++)
		running_start(taken[i]);
	return taken_n > 0;
}

static void
kind_fill(struct kind_state *k)
{
	unsigned limit = k->kind->concurrency ? k->kind->concurrency : CONCURRENCY;
	int64_t next_ms = INT64_MAX;
	if (k->held || k->owner->stopped)
		return;
	while (k->running_n < limit && kind_take(k, limit, &next_ms))
		;
	uint64_t wait = next_ms == INT64_MAX ? UINT64_MAX : clock_wait_ms(next_ms);
	if (wait != UINT64_MAX)
		loop_timer_set(k->owner->loop, &k->timer, wait);
	else
		loop_timer_cancel(k->owner->loop, &k->timer);
}

static void
kind_woken(struct touch_wait *w)
{
	struct kind_state *k = (struct kind_state *)((char *)w - offsetof(struct kind_state, wait));
	if (k->owner->stopped)
		return;
	touch_wait_start(w, k->owner->loop, str_of(k->touch_bytes, k->touch_len));
	kind_fill(k);
}

static void
kind_fire(struct loop_timer *timer)
{
	kind_fill((struct kind_state *)((char *)timer - offsetof(struct kind_state, timer)));
}

static void
tasks_moved(struct clock_watch *w)
{
	struct tasks *r = (struct tasks *)((char *)w - offsetof(struct tasks, clock));
	for (unsigned i = 0; i < r->kinds_n; i++)
		kind_fill(&r->kinds[i]);
}

static void
tasks_begin(struct loop_job *job)
{
	tasks_moved(&((struct tasks *)((char *)job - offsetof(struct tasks, begin)))->clock);
}

static void
kind_init(struct kind_state *k, struct tasks *owner, const struct task_kind *kind)
{
	struct key key;
	struct str text = task_touch_key(&key, str_c(kind->name));
	assert(text.len <= sizeof(k->touch_bytes));
	memcpy(k->touch_bytes, text.p, text.len);
	k->touch_len = text.len;
	k->owner = owner;
	k->kind = kind;
	k->held = kind->held;
	k->wait.woken = kind_woken;
	k->timer.fire = kind_fire;
	touch_wait_start(&k->wait, owner->loop, text);
}

struct tasks *
tasks_start(struct store *s, struct loop *l)
{
	struct tasks *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	r->store = s;
	r->loop = l;
	while (task_kind_at(r->kinds_n))
		r->kinds_n++;
	r->kinds = calloc(r->kinds_n + 1, sizeof(*r->kinds));
	if (!r->kinds)
		abort();
	for (unsigned i = 0; i < r->kinds_n; i++)
		kind_init(&r->kinds[i], r, task_kind_at(i));
	r->clock.moved = tasks_moved;
	clock_watch_start(&r->clock, l);
	/* Not at once: handlers ask which loop runs them, and it may not run yet. */
	r->begin.run = tasks_begin;
	loop_post(l, &r->begin);
	return r;
}

void
tasks_release(struct tasks *r, struct str kind)
{
	for (unsigned i = 0; i < r->kinds_n; i++)
		if (str_eq(str_c(r->kinds[i].kind->name), kind)) {
			r->kinds[i].held = false;
			kind_fill(&r->kinds[i]);
		}
}

void
tasks_stop(struct tasks *r)
{
	r->stopped = true;
	clock_watch_stop(&r->clock);
	loop_unpost(r->loop, &r->begin);
	for (unsigned i = 0; i < r->kinds_n; i++) {
		if (!touch_wait_stop(&r->kinds[i].wait))
			loop_unpost(r->loop, &r->kinds[i].wait.job);
		loop_timer_cancel(r->loop, &r->kinds[i].timer);
		for (struct running *at = r->kinds[i].running; at; at = at->next)
			loop_timer_cancel(r->loop, &at->timer);
	}
}

static void
list_free(struct running *list)
{
	while (list) {
		struct running *r = list;
		list = r->next;
		loop_unpost(r->state->owner->loop, &r->over);
		running_free(r);
	}
}

void
tasks_free(struct tasks *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->kinds_n; i++)
		list_free(r->kinds[i].running);
	list_free(r->lapsed);
	free(r->kinds);
	free(r);
}

bool
tasks_stats_get(struct tasks *r, unsigned i, const char **ret_kind, struct task_stats *ret_stats)
{
	if (i >= r->kinds_n)
		return false;
	const struct kind_state *k = &r->kinds[i];
	*ret_kind = k->kind->name;
	*ret_stats = (struct task_stats){ k->done_total, k->failed_total, k->dead_total,
		k->running_total };
	return true;
}
