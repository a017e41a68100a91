/* The writer's thread: groups of units, each group one record and one sync. See store.h. */
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

void
view_freeze(struct store *s)
{
	struct memtable *tables[VIEW_MAX] = { memtable_new() };
	struct view *dead;
	pthread_mutex_lock(&s->lock);
	struct view *old = s->view;
	old->tables[0]->last_seq = s->visible;
	memcpy(tables + 1, old->tables, sizeof(tables[0]) * (size_t)old->count);
	s->view = view_new(tables, old->count + 1);
	view_unref_locked(old, &dead);
	pthread_cond_signal(&s->merge_cond);
	pthread_mutex_unlock(&s->lock);
	memtable_unref(tables[0]);
	view_free(dead);
}

static int
relaxed_sync(struct store *s)
{
	int rc = wal_sync(s->log);
	s->unsynced = false;
	if (rc)
		s->read_only = rc;
	return rc;
}

/* A full memtable makes room for a new one, or waits until the merge has; an error when the merge
 * cannot. */
static int
room_make(struct store *s)
{
	int rc = 0;
	pthread_mutex_lock(&s->lock);
	bool full = s->view->tables[0]->bytes >= s->o.memtable_bytes;
	pthread_mutex_unlock(&s->lock);
	if (!full)
		return 0;
	/* Relaxed: a merged unit that the log lost would let its number be given again. */
	if (s->unsynced)
		rc = relaxed_sync(s);
	pthread_mutex_lock(&s->lock);
	while (!rc && s->view->count == VIEW_MAX) {
		rc = s->merge_error;
		if (!rc)
			pthread_cond_wait(&s->room_cond, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	if (!rc)
		view_freeze(s);
	return rc;
}

/* Moves the unit's rows into the memtable and the record. */
static void
unit_keep(struct store *s, uint64_t seq)
{
	struct memtable *stage = s->wtx->stage;
	struct memtable *m = s->reset_table ? s->reset_table : s->wtx->view->tables[0];
	unit_encode(s, &s->group, stage, s->reset_table != NULL);
	for (struct node *n = memtable_first(stage); n; n = node_next(n)) {
		if (s->undo_count == s->undo_cap) {
			s->undo_cap = s->undo_cap ? s->undo_cap * 2 : 256;
			s->undo = realloc(s->undo, s->undo_cap * sizeof(struct node *));
			if (!s->undo)
				abort();
		}
		s->undo[s->undo_count++] =
			memtable_add(m, n->rows, node_key(n), seq, n->deleted, node_value(n));
	}
}

/* true when the unit wrote something that is kept. *ret_status is what its done will hear. */
static bool
unit_run(struct store *s, struct store_unit *u, uint64_t seq, int *ret_status)
{
	struct tx *t = s->wtx;
	size_t touches = t->touches_count;
	t->failed = 0;
	tx_forget_seen(t);
	int rc = u->run(u, t);
	if (t->scans)
		scans_close_all(t);
	if (atomic_exchange(&t->damaged, false))
		t->failed = -EIO;
	*ret_status = rc && t->failed != -EIO ? 0 : t->failed;
	if (!rc)
		rc = t->failed;
	bool wrote = !rc && (t->stage->count > 0 || s->reset_table);
	if (wrote)
		unit_keep(s, seq);
	if (rc) {
		t->touches_count = touches;
		pthread_mutex_lock(&s->lock);
		s->stats.undone_total++;
		pthread_mutex_unlock(&s->lock);
	}
	if (t->stage->count > 0)
		memtable_reset(t->stage);
	return wrote;
}

static void
group_undo(struct store *s)
{
	while (s->undo_count > 0)
		memtable_remove(s->wtx->view->tables[0], s->undo[--s->undo_count]);
	s->wtx->touches_count = 0;
}

/* Makes the group durable. -errno: it is as if the group had never been; after anything but a full
 * disk nothing is known about the log any more, and nothing more is written to it. */
static int
group_commit(struct store *s, uint32_t kept)
{
	int rc = 0;
	if (kept == 0)
		return 0;
	if (s->log) {
		/* Older log files go soon after a reset: it must not be lost behind them. */
		bool later = s->o.durability == STORE_RELAXED && !s->reset_table;
		rc = later ? wal_append(s->log, &s->group, s->visible + 1, kept)
			   : wal_commit(s->log, &s->group, s->visible + 1, kept);
		if (rc && rc != -ENOSPC)
			s->read_only = rc;
		else if (!rc && later)
			s->unsynced = true;
	}
	if (rc)
		return rc;
	struct view *dead = NULL;
	pthread_mutex_lock(&s->lock);
	s->visible += kept;
	if (s->reset_table)
		reset_install_locked(s, &dead);
	s->stats.groups_total++;
	if (s->log && s->view->count < VIEW_MAX && wal_wants_file(s->log))
		pthread_cond_signal(&s->merge_cond);
	pthread_mutex_unlock(&s->lock);
	view_free(dead);
	return 0;
}

static int
str_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
touches_tell(struct store *s)
{
	struct tx *t = s->wtx;
	if (s->o.touched && t->touches_count > 0) {
		qsort(t->touches, t->touches_count, sizeof *t->touches, str_order);
		for (size_t i = 0; i < t->touches_count; i++)
			if (i == 0 || !str_eq(t->touches[i], t->touches[i - 1]))
				s->o.touched(s->o.touched_arg, t->touches[i]);
	}
	t->touches_count = 0;
	if (s->group_arena.blocks)
		arena_reset(&s->group_arena);
}

/* Runs a group from the front of *units; the rest stays there. */
static void
group_run(struct store *s, struct store_unit **units)
{
	struct store_unit *first = *units, *u = first;
	uint32_t kept = 0, ran = 0, max = s->o.durability == STORE_SYNC_EACH ? 1 : GROUP_UNITS_MAX;
	bool resets = first == s->reset_unit;
	int rc = s->read_only ? s->read_only : resets ? merge_await(s) : room_make(s);
	if (resets) {
		max = 1;
		reset_begin(s);
	}
	pthread_mutex_lock(&s->lock);
	tx_attach(s->wtx);
	pthread_mutex_unlock(&s->lock);
	wal_begin(&s->group);
	for (; u && ran < max && s->group.len < GROUP_BYTES_MAX; u = u->next, ran++) {
		if (ran > 0 && u == s->reset_unit)
			break; /* alone in its group */
		if (!rc && unit_run(s, u, s->visible + 1 + kept, &s->status[ran]))
			kept++;
	}
	*units = u;
	if (!rc) {
		rc = group_commit(s, kept);
		if (rc && !resets)
			group_undo(s);
	}
	s->undo_count = 0;
	tx_detach(s->wtx);
	if (resets)
		reset_end(s);
	pthread_mutex_lock(&s->lock);
	s->stats.units_total += ran;
	s->stats.read_only = s->read_only != 0;
	pthread_mutex_unlock(&s->lock);
	int *status = s->status;
	for (struct store_unit *at = first, *next; at != u; at = next, status++) {
		next = at->next;
		at->done(at, rc ? rc : *status);
	}
	touches_tell(s);
	if (s->group.cap > 1u << 20) {
		buf_done(&s->group);
		buf_init(&s->group);
	}
}

/* What was submitted, oldest first; NULL at the end, or when a sync is due. */
static struct store_unit *
units_take(struct store *s, bool *ret_end)
{
	struct timespec until;
	int rc = 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += RELAXED_SYNC_MS * 1000000l;
	until.tv_sec += until.tv_nsec / 1000000000l;
	until.tv_nsec %= 1000000000l;
	pthread_mutex_lock(&s->queue_lock);
	while (!s->queue && !s->closing && rc == 0 && !atomic_load(&s->log_work)) {
		s->writer_waits = true;
		rc = s->unsynced ? pthread_cond_timedwait(&s->queue_cond, &s->queue_lock, &until)
				 : pthread_cond_wait(&s->queue_cond, &s->queue_lock);
		s->writer_waits = false;
	}
	struct store_unit *u = s->queue;
	s->queue = NULL;
	s->queue_tail = &s->queue;
	*ret_end = !u && s->closing;
	pthread_mutex_unlock(&s->queue_lock);
	return u;
}

static uint64_t
mono_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void *
writer_main(void *arg)
{
	struct store *s = arg;
	uint64_t synced_ms = mono_ms();
	for (bool end = false; !end;) {
		struct store_unit *u = units_take(s, &end);
		if (atomic_load(&s->log_work))
			sides_log_mend(s);
		while (u)
			group_run(s, &u);
		if (s->unsynced && (end || mono_ms() - synced_ms >= RELAXED_SYNC_MS)) {
			relaxed_sync(s);
			synced_ms = mono_ms();
		}
	}
	return NULL;
}

void
store_submit_list(struct store *s, struct store_unit *first)
{
	struct store_unit **end = &first->next;
	while (*end)
		end = &(*end)->next;
	pthread_mutex_lock(&s->queue_lock);
	*s->queue_tail = first;
	s->queue_tail = end;
	bool wake = s->writer_waits;
	pthread_mutex_unlock(&s->queue_lock);
	if (wake)
		pthread_cond_signal(&s->queue_cond);
}

void
store_submit(struct store *s, struct store_unit *u)
{
	u->next = NULL;
	store_submit_list(s, u);
}

struct write_wait {
	struct store_unit u;
	int (*run)(struct tx *t, void *arg);
	void *arg;
	int rc, status;
	bool finished;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

static int
write_run(struct store_unit *u, struct tx *t)
{
	struct write_wait *w = (struct write_wait *)u;
	return w->rc = w->run(t, w->arg);
}

static void
write_done(struct store_unit *u, int status)
{
	struct write_wait *w = (struct write_wait *)u;
	pthread_mutex_lock(&w->lock);
	w->status = status;
	w->finished = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

int
store_write(struct store *s, int (*run)(struct tx *t, void *arg), void *arg)
{
	struct write_wait w = { .u = { NULL, write_run, write_done }, .run = run, .arg = arg };
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.cond, NULL);
	store_submit(s, &w.u);
	pthread_mutex_lock(&w.lock);
	while (!w.finished)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.lock);
	return w.status ? w.status : w.rc;
}
