/* Transactions: snapshots, single reads and staged writes. See store.h and store_private.h. */
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SPARE_TX_MAX 16

struct view *
view_new(struct memtable *const *tables, int count)
{
	struct view *v = calloc(1, sizeof *v);
	if (!v)
		abort();
	v->refs = 1;
	v->count = count;
	for (int i = 0; i < count; i++)
		v->tables[i] = memtable_ref(tables[i]);
	return v;
}

void
view_unref_locked(struct view *v, struct view **ret_dead)
{
	*ret_dead = --v->refs == 0 ? v : NULL;
}

void
view_free(struct view *v)
{
	for (int i = 0; v && i < v->count; i++)
		memtable_unref(v->tables[i]);
	free(v);
}

struct tx *
tx_new(struct store *s, bool writer)
{
	struct tx *t = calloc(1, sizeof *t);
	if (!t)
		abort();
	t->s = s;
	t->writer = writer;
	arena_init(&t->keep);
	if (writer)
		t->stage = memtable_new();
	return t;
}

void
tx_free(struct tx *t)
{
	scans_free_all(t);
	arena_done(&t->keep);
	memtable_unref(t->stage);
	free(t->touches);
	free(t);
}

void
tx_attach(struct tx *t)
{
	t->view = t->s->view;
	t->view->refs++;
	t->snapshot = t->writer ? SEQ_MAX : t->s->visible;
	t->depth = 0;
	t->floored = false;
	while (t->depth < t->view->count && !t->floored)
		t->floored = t->view->tables[t->depth++]->floor != 0;
}

MDB_txn *
rows_txn_acquire(struct rows *r)
{
	MDB_txn *txn;
	while (r->pool_count > 0) {
		txn = r->pool[--r->pool_count];
		if (mdb_txn_renew(txn) == 0)
			return txn;
		mdb_txn_abort(txn);
	}
	return mdb_txn_begin(r->lenv.env, NULL, MDB_RDONLY, &txn) == 0 ? txn : NULL;
}

void
rows_txns_free(struct rows *r)
{
	while (r->pool_count > 0)
		mdb_txn_abort(r->pool[--r->pool_count]);
}

MDB_txn *
tx_lmdb(struct tx *t, struct rows *r)
{
	MDB_txn *txn = atomic_load_explicit(&t->txns[r->id], memory_order_acquire);
	while (!txn) {
		if (atomic_load(&r->state) == ROWS_UNKNOWN) {
			int rc = rows_open(r, false);
			if (rc && rc != -ENOENT)
				abort();
		}
		pthread_mutex_lock(&t->s->lock);
		/* The merge may have begun one for us meanwhile. */
		txn = atomic_load(&t->txns[r->id]);
		if (!txn) {
			txn = atomic_load(&r->state) == ROWS_OPEN ? rows_txn_acquire(r)
								  : TXN_ABSENT;
			atomic_store(&t->txns[r->id], txn);
		}
		pthread_mutex_unlock(&t->s->lock);
		if (!txn)
			usleep(1000); /* every reader slot is taken: one gets free soon */
	}
	return txn == TXN_ABSENT ? NULL : txn;
}

void
tx_detach(struct tx *t)
{
	struct store *s = t->s;
	struct view *dead;
	if (t->scans)
		scans_close_all(t);
	if (t->keep.blocks)
		arena_reset(&t->keep);
	MDB_txn *used[ROWS_MAX];
	int n = 0;
	pthread_mutex_lock(&s->lock);
	if (!t->writer) {
		*(t->prev ? &t->prev->next : &s->readers) = t->next;
		if (t->next)
			t->next->prev = t->prev;
	}
	view_unref_locked(t->view, &dead);
	for (int i = 0; i < s->rows_count; i++) {
		MDB_txn *txn = atomic_load_explicit(&t->txns[i], memory_order_relaxed);
		atomic_store_explicit(&t->txns[i], NULL, memory_order_relaxed);
		if (!txn || txn == TXN_ABSENT)
			continue;
		/* Cheap: it clears this reader's place in LMDB's table. */
		mdb_txn_reset(txn);
		struct rows *r = s->rows[i];
		if (r->pool_count < TXN_POOL_MAX) {
			r->pool[r->pool_count++] = txn;
			continue;
		}
		used[n++] = txn;
	}
	pthread_mutex_unlock(&s->lock);
	while (n > 0)
		mdb_txn_abort(used[--n]);
	view_free(dead);
	t->view = NULL;
}

struct tx *
tx_begin_read(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct tx *t = s->spare_tx;
	if (t) {
		s->spare_tx = t->next;
		s->spare_count--;
	} else {
		t = tx_new(s, false);
	}
	t->prev = NULL;
	t->next = s->readers;
	if (t->next)
		t->next->prev = t;
	s->readers = t;
	tx_attach(t);
	pthread_mutex_unlock(&s->lock);
	return t;
}

void
tx_end(struct tx *t)
{
	if (!t)
		return;
	struct store *s = t->s;
	tx_detach(t);
	pthread_mutex_lock(&s->lock);
	bool keep = s->spare_count < SPARE_TX_MAX;
	if (keep) {
		t->next = s->spare_tx;
		s->spare_tx = t;
		s->spare_count++;
	}
	pthread_mutex_unlock(&s->lock);
	if (!keep)
		tx_free(t);
}

bool
tx_is_writer(const struct tx *t)
{
	return t->writer;
}

struct store *
tx_store(const struct tx *t)
{
	return t->s;
}

static bool
key_fits(struct str key)
{
	return key.p && key.len > 0 && key.len <= STORE_KEY_MAX;
}

bool
tx_get(struct tx *t, struct rows *r, struct str key, struct str *ret_value)
{
	struct node *n = NULL;
	if (!key_fits(key))
		return false;
	if (t->writer && t->stage->count > 0)
		n = memtable_get(t->stage, r->id, key, SEQ_MAX);
	for (int i = 0; !n && i < t->depth; i++)
		n = memtable_get(t->view->tables[i], r->id, key, t->snapshot);
	if (n) {
		if (!n->deleted)
			*ret_value = node_value(n);
		return !n->deleted;
	}
	MDB_txn *txn = t->floored ? NULL : tx_lmdb(t, r);
	return txn && lenv_get(&r->lenv, txn, key, ret_value);
}

static void
stage(struct tx *t, struct rows *r, struct str key, bool deleted, struct str value)
{
	if (!t->writer)
		abort();
	if (!key_fits(key) || value.len > VALUE_MAX) {
		t->failed = -EINVAL;
		return;
	}
	struct node *n = memtable_get(t->stage, r->id, key, SEQ_MAX);
	if (n)
		memtable_replace(t->stage, n, deleted, value);
	else
		memtable_add(t->stage, r->id, key, 0, deleted, value);
}

void
tx_put(struct tx *t, struct rows *r, struct str key, struct str value)
{
	stage(t, r, key, false, value);
}

void
tx_delete(struct tx *t, struct rows *r, struct str key)
{
	stage(t, r, key, true, STR_NULL);
}

void
tx_touch(struct tx *t, struct str key)
{
	if (!t->writer)
		abort();
	if (t->touches_count == t->touches_cap) {
		t->touches_cap = t->touches_cap ? t->touches_cap * 2 : 64;
		t->touches = realloc(t->touches, t->touches_cap * sizeof *t->touches);
		if (!t->touches)
			abort();
	}
	t->touches[t->touches_count++] = arena_dup(&t->s->group_arena, key);
}
