#include "aws/tasks.h"
#include "aws/task_rows.h"
#include "base/buf.h"
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define KINDS_MAX 512

struct task_row {
	uint32_t version, attempts;
	int32_t last_status;
	uint32_t reason_len;
	uint64_t generation;
	int64_t added_ms;
	uint32_t named, reserved;
};

static struct rows *rows;
static const struct task_kind *kinds[KINDS_MAX];
static unsigned kinds_n;
static uint64_t generation; /* the writer's */

void
tasks_open(struct store *s)
{
	rows = store_rows(s, "tasks");
	/* Above those of every earlier run, so that tasks of one moment stay in the order of their
	 * adding. */
	generation = (uint64_t)clock_real_ms() << 20;
}

void
tasks_register(const struct task_kind *k)
{
	unsigned i = 0;
	assert(!k->run != !k->start && strlen(k->name) <= TASK_KIND_MAX);
	while (i < kinds_n && !str_eq(str_c(kinds[i]->name), str_c(k->name)))
		i++;
	assert(i < KINDS_MAX);
	kinds[i] = k;
	if (i == kinds_n)
		kinds_n++;
}

const struct task_kind *
task_kind_at(unsigned i)
{
	return i < kinds_n ? kinds[i] : NULL;
}

struct str
task_touch_key(struct key *k, struct str kind)
{
	key_begin(k);
	key_add_lit(k, "task");
	key_add(k, kind);
	return key_str(k);
}

static struct str
queue_key(struct key *k, struct str kind, int64_t due_ms, struct str id)
{
	key_begin(k);
	key_add_lit(k, "q");
	key_add(k, kind);
	key_add_u64(k, (uint64_t)due_ms);
	key_add(k, id);
	assert(!k->overflow);
	return key_str(k);
}

static struct str
name_key(struct key *k, struct str kind, struct str id)
{
	key_begin(k);
	key_add_lit(k, "i");
	key_add(k, kind);
	key_add(k, id);
	assert(!k->overflow);
	return key_str(k);
}

static struct str
floor_key(struct key *k, struct str kind)
{
	key_begin(k);
	key_add_lit(k, "f");
	key_add(k, kind);
	return key_str(k);
}

int64_t
task_floor(struct tx *t, struct str kind)
{
	struct key k;
	struct str value;
	int64_t floor_ms = 0;
	if (tx_get(t, rows, floor_key(&k, kind), &value) && value.len == sizeof(floor_ms))
		memcpy(&floor_ms, value.p, sizeof(floor_ms));
	return floor_ms;
}

/* What is due already goes behind all that was due before it: so the runner need never look again
 * where it found nothing, and does not walk over what was done. */
static int64_t
due_behind_others(struct tx *t, struct str kind, int64_t due_ms)
{
	struct key k;
	int64_t now_ms = clock_now_ms(), floor_ms = task_floor(t, kind);
	if (due_ms > now_ms)
		return due_ms;
	if (due_ms < floor_ms && floor_ms <= now_ms)
		return floor_ms;
	if (due_ms != floor_ms)
		tx_put(t, rows, floor_key(&k, kind), str_of(&due_ms, sizeof(due_ms)));
	return due_ms;
}

void
task_entry_put(struct tx *t, const struct task_entry *from)
{
	struct key k;
	struct task_entry moved = *from;
	const struct task_entry *e = &moved;
	moved.due_ms = due_behind_others(t, from->kind, from->due_ms);
	struct buf value = { 0 };
	struct str reason = str_slice(e->reason, 0, TASK_REASON_MAX);
	struct task_row row = { 1, e->attempts, e->last_status, (uint32_t)reason.len, e->generation,
		e->added_ms, e->named, 0 };
	assert(e->kind.len && e->kind.len <= TASK_KIND_MAX && e->id.len <= TASK_ID_MAX);
	buf_add(&value, &row, sizeof(row));
	buf_add_str(&value, reason);
	buf_add_str(&value, e->payload);
	tx_put(t, rows, queue_key(&k, e->kind, e->due_ms, e->id), buf_str(&value));
	if (e->named)
		tx_put(t, rows, name_key(&k, e->kind, e->id),
			str_of(&e->due_ms, sizeof(e->due_ms)));
	tx_touch(t, task_touch_key(&k, e->kind));
	buf_done(&value);
}

void
task_entry_delete(struct tx *t, const struct task_entry *e)
{
	struct key k;
	tx_delete(t, rows, queue_key(&k, e->kind, e->due_ms, e->id));
	if (e->named)
		tx_delete(t, rows, name_key(&k, e->kind, e->id));
}

static bool
value_take(struct str value, struct task_entry *ret)
{
	struct task_row row;
	if (value.len < sizeof(row))
		return false;
	memcpy(&row, value.p, sizeof(row));
	if (row.version != 1 || row.reason_len > value.len - sizeof(row))
		return false;
	ret->attempts = row.attempts;
	ret->last_status = row.last_status;
	ret->generation = row.generation;
	ret->added_ms = row.added_ms;
	ret->named = row.named;
	ret->reason = str_slice(value, sizeof(row), sizeof(row) + row.reason_len);
	ret->payload = str_slice(value, sizeof(row) + row.reason_len, value.len);
	return true;
}

bool
task_entry_get(struct tx *t, struct str kind, int64_t due_ms, struct str id, struct task_entry *ret)
{
	struct key k;
	struct str value;
	ret->kind = kind;
	ret->id = id;
	ret->due_ms = due_ms;
	return tx_get(t, rows, queue_key(&k, kind, due_ms, id), &value) && value_take(value, ret);
}

bool
task_entry_find(struct tx *t, struct str kind, struct str id, int64_t *ret_due_ms)
{
	struct key k;
	struct str value;
	if (!tx_get(t, rows, name_key(&k, kind, id), &value) || value.len != sizeof(*ret_due_ms))
		return false;
	memcpy(ret_due_ms, value.p, sizeof(*ret_due_ms));
	return true;
}

void
task_scan_open(struct scan *c, struct tx *t, struct str kind, int64_t from_ms)
{
	struct key lo, hi;
	key_begin(&lo);
	key_add_lit(&lo, "q");
	if (kind.p)
		key_add(&lo, kind);
	struct str end = key_after_prefix(&hi, key_str(&lo));
	if (kind.p)
		key_add_u64(&lo, (uint64_t)from_ms);
	scan_open(c, t, rows, key_str(&lo), end, false);
}

bool
task_scan_next(struct scan *c, struct task_entry *ret)
{
	while (scan_next(c)) {
		struct str rest = c->key, table;
		char text[8];
		uint64_t due_ms = 0;
		if (key_take(&rest, text, sizeof(text), &table) &&
			key_take(&rest, ret->kind_text, sizeof(ret->kind_text), &ret->kind) &&
			key_take_u64(&rest, &due_ms) &&
			key_take(&rest, ret->id_text, sizeof(ret->id_text), &ret->id) &&
			value_take(c->value, ret)) {
			ret->due_ms = (int64_t)due_ms;
			return true;
		}
	}
	return false;
}

struct task
task_view(const struct task_kind *kind, const struct task_entry *e)
{
	return (struct task){
		.kind = kind,
		.id = e->id,
		.payload = e->payload,
		.reason = e->reason,
		.due_ms = e->due_ms,
		.added_ms = e->added_ms,
		.attempts = e->attempts,
		.last_status = e->last_status,
	};
}

static struct task_entry
entry_new(struct str kind, struct str id, struct str payload, int64_t due_ms, bool named)
{
	return (struct task_entry){
		.kind = kind,
		.id = id,
		.payload = payload,
		.reason = STR(""),
		.due_ms = due_ms < 0 ? 0 : due_ms,
		.added_ms = clock_now_ms(),
		.generation = ++generation,
		.named = named,
	};
}

void
task_add(struct tx *t, const char *kind, struct str payload, int64_t due_ms)
{
	char id[24];
	int n = snprintf(id, sizeof(id), "#%016llx", (unsigned long long)generation + 1);
	struct task_entry e = entry_new(str_c(kind), str_of(id, (size_t)n), payload, due_ms, false);
	task_entry_put(t, &e);
}

void
task_cancel(struct tx *t, struct str kind, struct str id)
{
	int64_t due_ms;
	if (!task_entry_find(t, kind, id, &due_ms))
		return;
	struct task_entry e = entry_new(kind, id, STR(""), due_ms, true);
	task_entry_delete(t, &e);
}

void
task_put(struct tx *t, struct str kind, struct str id, struct str payload, int64_t due_ms)
{
	task_cancel(t, kind, id);
	struct task_entry e = entry_new(kind, id, payload, due_ms, true);
	task_entry_put(t, &e);
}

static const struct task_kind *
kind_find(struct str name)
{
	for (unsigned i = 0; i < kinds_n; i++)
		if (str_eq(str_c(kinds[i]->name), name))
			return kinds[i];
	return NULL;
}

void
tasks_list(struct tx *t, struct str kind,
	bool (*each)(void *arg, struct str kind, const struct task *task), void *arg)
{
	struct scan c;
	struct task_entry e;
	bool more = true;
	task_scan_open(&c, t, kind, 0);
	while (more && task_scan_next(&c, &e)) {
		struct task task = task_view(kind_find(e.kind), &e);
		more = each(arg, e.kind, &task);
	}
	scan_done(&c);
}
