/* Emptying the store while it runs: see "A reset" in store_private.h. */
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>

int
merge_await(struct store *s)
{
	int rc = 0;
	pthread_mutex_lock(&s->lock);
	while (!rc && s->view->count > 1) {
		rc = s->merge_error;
		if (!rc)
			pthread_cond_wait(&s->room_cond, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void
reset_begin(struct store *s)
{
	s->reset_table = memtable_new();
	s->reset_table->floor = s->visible + 1;
}

void
reset_install_locked(struct store *s, struct view **ret_dead)
{
	struct view *old = s->view;
	struct memtable *tables[2] = { s->reset_table, old->tables[0] };
	old->tables[0]->last_seq = s->reset_table->floor - 1;
	s->view = view_new(tables, 2);
	view_unref_locked(old, ret_dead);
}

void
reset_end(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	bool installed = s->view->tables[0] == s->reset_table;
	pthread_mutex_unlock(&s->lock);
	memtable_unref(s->reset_table);
	s->reset_table = NULL;
	s->reset_unit = NULL;
	/* Merged at once, so that the disk gets its room back. */
	if (installed)
		view_freeze(s);
}

static int
copy_clear(struct lenv *e, uint64_t seq)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(e->env, NULL, 0, &txn);
	if (rc)
		return lenv_errno(rc);
	rc = lenv_clear(e, txn);
	if (!rc)
		rc = lenv_put_meta(e, txn, seq);
	if (rc)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	if (!rc)
		e->seq = seq;
	return lenv_errno(rc);
}

static int
rows_clear(struct rows *r, uint64_t seq)
{
	int failed[SIDES] = { 0 }, rc = -EIO;
	if (copies_see(r))
		return -ECANCELED;
	for (int i = 0; i < r->s->sides; i++) {
		if (r->copy[i].state == COPY_OPEN &&
			(failed[i] = copy_clear(&r->copy[i].lenv, seq)) == 0)
			rc = 0;
	}
	if (rc)
		return failed[0] ? failed[0] : rc;
	for (int i = 0; i < r->s->sides; i++)
		if (failed[i])
			copy_give_up(r, i);
	return 0;
}

/* The position becomes the last one before the floor: what the reset kept is merged, or replayed,
 * above it. */
static int
clear_below(struct store *s, uint64_t floor, bool readers)
{
	int rc = rows_find_all(s);
	pthread_mutex_lock(&s->lock);
	int n = s->rows_count;
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < n && !rc; i++) {
		struct rows *r = s->rows[i];
		rc = rows_open(r, false);
		if (rc == -ENOENT) {
			rc = 0;
			continue;
		}
		if (rc || r->copy[r->live].lenv.seq >= floor)
			continue;
		if (readers)
			merge_pin_readers(s, r, floor);
		rc = rows_clear(r, floor - 1);
	}
	return rc;
}

int
reset_merge(struct store *s, struct memtable *m)
{
	return clear_below(s, m->floor, true);
}

int
reset_replay(struct store *s, uint64_t seq)
{
	struct memtable *m = memtable_new();
	view_free(s->view);
	s->view = view_new(&m, 1);
	memtable_unref(m);
	return clear_below(s, seq, false);
}

struct reset_wait {
	struct store_unit u;
	int (*keep)(struct tx *t, void *arg);
	void *arg;
	int rc, status;
	bool finished;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

static int
reset_run(struct store_unit *u, struct tx *t)
{
	struct reset_wait *w = (struct reset_wait *)u;
	return w->rc = w->keep ? w->keep(t, w->arg) : 0;
}

static void
reset_done(struct store_unit *u, int status)
{
	struct reset_wait *w = (struct reset_wait *)u;
	pthread_mutex_lock(&w->lock);
	w->status = status;
	w->finished = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

int
store_reset(struct store *s, int (*keep)(struct tx *t, void *arg), void *arg)
{
	struct reset_wait w = { .u = { NULL, reset_run, reset_done }, .keep = keep, .arg = arg };
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.cond, NULL);
	pthread_mutex_lock(&s->reset_lock);
	s->reset_unit = &w.u;
	store_submit(s, &w.u);
	pthread_mutex_lock(&w.lock);
	while (!w.finished)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_mutex_unlock(&s->reset_lock);
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.lock);
	return w.status ? w.status : w.rc;
}
