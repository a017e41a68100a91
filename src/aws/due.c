/*
 * Rows of the environment "due": ("t", due time, kind, id) -> u32 attempts, payload; and for
 * finding it ("i", kind, id) -> the due time. ("x", kind, id) -> due time, value of "t": nobody
 * handles the kind.
 *
 * `armed` is the due time of the first row as the scheduler's last unit left it; a timer for it is
 * sure to run. It is read and written on the writer's thread only, so an earlier row that a later
 * unit adds cannot slip through: that unit touches, and the scheduler wakes.
 */
#include "aws/due.h"
#include "aws/clock_rows.h"
#include "aws/touch.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define KINDS_MAX 256
#define BATCH_MAX 64
#define TOUCH_KEY STR("due/first")
#define RETRY_STORE_MS 1000

static struct rows *rows;
static int64_t armed_ms;

static struct kind {
	const char *name;
	due_handler *run;
	void *arg;
} kinds[KINDS_MAX];
static unsigned kinds_n;

struct entry {
	int64_t due_ms;
	struct str kind, id, payload;
	uint32_t attempts;
	char kind_text[DUE_KIND_MAX + 1], id_text[DUE_ID_MAX + 1];
};

void
due_open(struct store *s)
{
	rows = store_rows(s, "due");
	armed_ms = INT64_MAX;
}

static struct str
time_key(struct key *k, int64_t due_ms, struct str kind, struct str id)
{
	key_begin(k);
	key_add_lit(k, "t");
	key_add_u64(k, (uint64_t)due_ms);
	key_add(k, kind);
	key_add(k, id);
	assert(!k->overflow);
	return key_str(k);
}

static struct str
name_key(struct key *k, const char *table, struct str kind, struct str id)
{
	key_begin(k);
	key_add(k, str_c(table));
	key_add(k, kind);
	key_add(k, id);
	assert(!k->overflow);
	return key_str(k);
}

bool
due_find(struct tx *t, struct str kind, struct str id, int64_t *ret_due_ms)
{
	struct key k;
	struct str value;
	if (!tx_get(t, rows, name_key(&k, "i", kind, id), &value) ||
		value.len != sizeof(*ret_due_ms))
		return false;
	memcpy(ret_due_ms, value.p, sizeof(*ret_due_ms));
	return true;
}

void
due_cancel(struct tx *t, struct str kind, struct str id)
{
	struct key k;
	int64_t due_ms;
	tx_delete(t, rows, name_key(&k, "x", kind, id));
	if (!due_find(t, kind, id, &due_ms))
		return;
	tx_delete(t, rows, time_key(&k, due_ms, kind, id));
	tx_delete(t, rows, name_key(&k, "i", kind, id));
}

static void
entry_put(struct tx *t, struct str kind, struct str id, int64_t due_ms, uint32_t attempts,
	struct str payload)
{
	struct key k;
	struct buf value = { 0 };
	assert(kind.len && kind.len <= DUE_KIND_MAX && id.len <= DUE_ID_MAX);
	buf_add(&value, &attempts, sizeof(attempts));
	buf_add_str(&value, payload);
	tx_put(t, rows, time_key(&k, due_ms, kind, id), buf_str(&value));
	tx_put(t, rows, name_key(&k, "i", kind, id), str_of(&due_ms, sizeof(due_ms)));
	buf_done(&value);
	if (due_ms < armed_ms)
		tx_touch(t, TOUCH_KEY);
}

void
due_add(struct tx *t, struct str kind, struct str id, int64_t due_ms, struct str payload)
{
	due_cancel(t, kind, id);
	entry_put(t, kind, id, due_ms < 0 ? 0 : due_ms, 0, payload);
}

void
due_handle(const char *kind, due_handler *run, void *arg)
{
	unsigned i = 0;
	while (i < kinds_n && !str_eq(str_c(kinds[i].name), str_c(kind)))
		i++;
	assert(i < KINDS_MAX);
	kinds[i] = (struct kind){ kind, run, arg };
	if (i == kinds_n)
		kinds_n++;
}

static struct kind *
kind_find(struct str name)
{
	for (unsigned i = 0; i < kinds_n; i++)
		if (str_eq(str_c(kinds[i].name), name))
			return &kinds[i];
	return NULL;
}

/* The first row. false: none. Payload is borrowed from the transaction, the rest is copied. */
static bool
entry_first(struct tx *t, struct entry *ret)
{
	struct key lo, hi;
	struct scan c;
	key_begin(&lo);
	key_add_lit(&lo, "t");
	scan_open(&c, t, rows, key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	bool found = scan_next(&c);
	if (!found)
		return false;
	struct str rest = c.key, table;
	char text[8];
	uint64_t due_ms = 0;
	bool good = key_take(&rest, text, sizeof(text), &table) && key_take_u64(&rest, &due_ms) &&
		    key_take(&rest, ret->kind_text, sizeof(ret->kind_text), &ret->kind) &&
		    key_take(&rest, ret->id_text, sizeof(ret->id_text), &ret->id) &&
		    c.value.len >= 4;
	assert(good); /* we wrote it, and the store checks its bytes */
	ret->due_ms = (int64_t)due_ms;
	memcpy(&ret->attempts, c.value.p, sizeof(ret->attempts));
	ret->payload = str_slice(c.value, sizeof(ret->attempts), c.value.len);
	scan_done(&c);
	return true;
}

struct due_unit {
	struct store_unit unit;
	struct due *due;
};

struct due {
	struct store *store;
	struct loop *loop;
	struct touch_wait wait;
	struct clock_watch clock;
	struct loop_timer timer;
	struct loop_job batch_job;
	bool batch, again, stopped; /* the loop's */
	unsigned next_n;            /* how many units the next batch has */

	/* The writer's while a batch is out. */
	struct due_unit units[BATCH_MAX];
	unsigned out;
	int status;
	uint64_t failed; /* 0, or the hash of the entry that was just undone: the next unit puts it
			    off */
	_Atomic uint64_t run_total, failed_total;
	_Atomic int64_t next_ms;
};

static void
entry_put_off(struct tx *t, const struct entry *e)
{
	uint32_t shift = e->attempts < 12 ? e->attempts : 12;
	int64_t delay_ms = (int64_t)1000 << shift;
	int64_t now_ms = clock_now_ms();
	if (delay_ms > 3600 * 1000)
		delay_ms = 3600 * 1000;
	log_warn("due.failed", log_str("kind", e->kind), log_str("id", e->id),
		log_uint("attempts", e->attempts + 1), log_int("again_in_ms", delay_ms));
	due_cancel(t, e->kind, e->id);
	entry_put(t, e->kind, e->id, (now_ms > e->due_ms ? now_ms : e->due_ms) + delay_ms,
		e->attempts + 1, e->payload);
}

static void
entry_put_aside(struct tx *t, const struct entry *e)
{
	struct key k;
	struct buf value = { 0 };
	buf_add(&value, &e->due_ms, sizeof(e->due_ms));
	buf_add_str(&value, e->payload);
	due_cancel(t, e->kind, e->id);
	tx_put(t, rows, name_key(&k, "x", e->kind, e->id), buf_str(&value));
	buf_done(&value);
}

static uint64_t
entry_hash(const struct entry *e)
{
	return (str_hash(e->kind) * 31 + str_hash(e->id) * 7 + (uint64_t)e->due_ms) | 1;
}

static int
entry_run(struct due *d, struct tx *t, const struct entry *e)
{
	struct kind *kind = kind_find(e->kind);
	bool failed = d->failed == entry_hash(e);
	d->failed = 0;
	if (failed) {
		entry_put_off(t, e);
		return 0;
	}
	if (!kind) {
		entry_put_aside(t, e);
		return 0;
	}
	due_cancel(t, e->kind, e->id);
	int err = kind->run(t, e->id, e->due_ms, e->payload, kind->arg);
	if (err)
		d->failed = entry_hash(e);
	atomic_fetch_add(err ? &d->failed_total : &d->run_total, 1);
	return err;
}

static int
unit_run(struct store_unit *unit, struct tx *t)
{
	struct due *d = ((struct due_unit *)unit)->due;
	struct entry e;
	int err = 0;
	bool found = entry_first(t, &e);
	if (found && e.due_ms <= clock_now_ms()) {
		err = entry_run(d, t, &e);
		/* Undone: it is still the first. */
		found = err ? true : entry_first(t, &e);
	}
	armed_ms = found ? e.due_ms : INT64_MAX;
	d->next_ms = armed_ms;
	return err;
}

static void
unit_done(struct store_unit *unit, int status)
{
	struct due *d = ((struct due_unit *)unit)->due;
	if (status)
		d->status = status;
	if (--d->out == 0)
		loop_post(d->loop, &d->batch_job);
}

static void
due_wake(struct due *d)
{
	d->again = true;
	if (d->batch || d->stopped)
		return;
	d->batch = true;
	d->again = false;
	d->status = 0;
	unsigned n = d->out = d->next_n;
	for (unsigned i = 0; i < n; i++) {
		d->units[i] =
			(struct due_unit){ .unit.run = unit_run, .unit.done = unit_done, .due = d };
		store_submit(d->store, &d->units[i].unit);
	}
}

static void
batch_over(struct loop_job *job)
{
	struct due *d = (struct due *)((char *)job - offsetof(struct due, batch_job));
	d->batch = false;
	if (d->stopped)
		return;
	if (d->status) {
		d->next_n = 1;
		loop_timer_set(d->loop, &d->timer, RETRY_STORE_MS);
		return;
	}
	uint64_t wait = d->next_ms == INT64_MAX ? UINT64_MAX : clock_wait_ms(d->next_ms);
	/* One unit to look; many when there is more to do. */
	d->next_n = wait ? 1 : BATCH_MAX;
	if (!wait || d->again)
		due_wake(d);
	else if (wait != UINT64_MAX)
		loop_timer_set(d->loop, &d->timer, wait);
}

static void
due_woken(struct touch_wait *w)
{
	struct due *d = (struct due *)((char *)w - offsetof(struct due, wait));
	if (d->stopped)
		return;
	touch_wait_start(&d->wait, d->loop, TOUCH_KEY);
	due_wake(d);
}

static void
due_moved(struct clock_watch *w)
{
	due_wake((struct due *)((char *)w - offsetof(struct due, clock)));
}

static void
due_fire(struct loop_timer *timer)
{
	due_wake((struct due *)((char *)timer - offsetof(struct due, timer)));
}

/* Rows that waited aside for a handler that is here now take their places again. */
static int
aside_return(struct tx *t, void *arg)
{
	struct key lo, hi;
	struct scan c;
	(void)arg;
	key_begin(&lo);
	key_add_lit(&lo, "x");
	scan_open(&c, t, rows, key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&c)) {
		char kind_text[DUE_KIND_MAX + 1], id_text[DUE_ID_MAX + 1], text[8];
		struct str rest = c.key, table, kind, id;
		int64_t due_ms;
		if (c.value.len < sizeof(due_ms) || !key_take(&rest, text, sizeof(text), &table) ||
			!key_take(&rest, kind_text, sizeof(kind_text), &kind) ||
			!key_take(&rest, id_text, sizeof(id_text), &id) || !kind_find(kind))
			continue;
		memcpy(&due_ms, c.value.p, sizeof(due_ms));
		due_add(t, kind, id, due_ms, str_slice(c.value, sizeof(due_ms), c.value.len));
	}
	scan_done(&c);
	return 0;
}

struct due *
due_start(struct store *s, struct loop *l)
{
	struct due *d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	d->store = s;
	d->loop = l;
	d->next_ms = INT64_MAX;
	d->next_n = 1;
	d->wait.woken = due_woken;
	d->clock.moved = due_moved;
	d->timer.fire = due_fire;
	d->batch_job.run = batch_over;
	store_write(s, aside_return, NULL);
	touch_wait_start(&d->wait, l, TOUCH_KEY);
	clock_watch_start(&d->clock, l);
	due_wake(d);
	return d;
}

void
due_stop(struct due *d)
{
	d->stopped = true;
	if (!touch_wait_stop(&d->wait))
		loop_unpost(d->loop, &d->wait.job);
	clock_watch_stop(&d->clock);
	loop_timer_cancel(d->loop, &d->timer);
}

void
due_free(struct due *d)
{
	if (!d)
		return;
	loop_unpost(d->loop, &d->batch_job);
	free(d);
}

void
due_stats_get(struct due *d, struct due_stats *ret_stats)
{
	*ret_stats = (struct due_stats){ d->run_total, d->failed_total, d->next_ms };
}
