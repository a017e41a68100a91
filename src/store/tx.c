/* Transactions: snapshots, single reads and staged writes. See store.h and store_private.h. */
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SPARE_TX_MAX 16
#define SEEN_TRIES 5000 /* of a millisecond */

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
	free(t->others);
	free(t->touches);
	free(t);
}

void
tx_forget_seen(struct tx *t)
{
	for (int i = 0; i < SEEN_N; i++)
		t->seen[i].key_len = 0;
}

static struct tx_seen *
seen_find(struct tx *t, uint16_t rows, struct str key)
{
	for (struct tx_seen *e = t->seen; e < t->seen + SEEN_N; e++)
		if (e->key_len == key.len && e->rows == rows && memcmp(e->key, key.p, key.len) == 0)
			return e;
	return NULL;
}

/* value.p NULL: the row is not there. */
static void
seen_keep(struct tx *t, uint16_t rows, struct str key, struct str value)
{
	if (key.len > SEEN_KEY)
		return;
	struct tx_seen *e = &t->seen[t->seen_next++ % SEEN_N];
	e->rows = rows;
	e->key_len = (uint32_t)key.len;
	e->value = value;
	memcpy(e->key, key.p, key.len);
}

void
tx_attach(struct tx *t)
{
	tx_forget_seen(t);
	t->view = t->s->view;
	t->view->refs++;
	t->snapshot = t->writer ? SEQ_MAX : t->s->visible;
	t->damaged = false;
	t->depth = 0;
	t->floored = false;
	while (t->depth < t->view->count && !t->floored)
		t->floored = t->view->tables[t->depth++]->floor != 0;
}

static MDB_txn *
copy_txn_acquire(struct copy *c)
{
	MDB_txn *txn;
	while (c->pool_count > 0) {
		txn = c->pool[--c->pool_count];
		if (mdb_txn_renew(txn) == 0) {
			c->active++;
			return txn;
		}
		mdb_txn_abort(txn);
	}
	if (mdb_txn_begin(c->lenv.env, NULL, MDB_RDONLY, &txn))
		return NULL;
	c->active++;
	return txn;
}

MDB_txn *
rows_txn_acquire(struct rows *r)
{
	return copy_txn_acquire(&r->copy[r->live]);
}

void
copy_txns_free(struct copy *c)
{
	while (c->pool_count > 0)
		mdb_txn_abort(c->pool[--c->pool_count]);
}

/* The copy that a transaction reads. */
static struct copy *
txn_copy(struct rows *r, MDB_txn *txn)
{
	return &r->copy[r->copy[1].lenv.env && mdb_txn_env(txn) == r->copy[1].lenv.env];
}

/* Under store.lock. false: the pool has no room, the caller ends it. */
static bool
txn_give_back(struct rows *r, MDB_txn *txn)
{
	struct copy *c = txn_copy(r, txn);
	/* Cheap: it clears this reader's place in LMDB's table. */
	mdb_txn_reset(txn);
	c->active--;
	if (c->pool_count == TXN_POOL_MAX)
		return false;
	c->pool[c->pool_count++] = txn;
	return true;
}

MDB_txn *
tx_lmdb(struct tx *t, struct rows *r, const struct lenv **ret_lenv)
{
	MDB_txn *txn = atomic_load_explicit(&t->txns[r->id], memory_order_acquire);
	while (!txn) {
		int state = atomic_load(&r->state);
		if (state == ROWS_UNKNOWN || state == ROWS_LOST) {
			int rc = rows_open(r, false);
			if (rc == -ECANCELED) { /* nothing is lost, but this call is */
				atomic_store(&t->damaged, true);
				return NULL;
			}
			if (rc && rc != -ENOENT) {
				tx_damage(t);
				return NULL;
			}
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
	if (txn == TXN_ABSENT)
		return NULL;
	*ret_lenv = &txn_copy(r, txn)->lenv;
	return txn;
}

/* The merge thread checks and opens a copy that nobody needed so far; rows_suspect woke it. */
static void
copy_await_seen(struct store *s, const struct copy *c)
{
	for (unsigned i = 0; i < SEEN_TRIES; i++) {
		pthread_mutex_lock(&s->lock);
		bool unseen = c->state == COPY_UNSEEN;
		pthread_mutex_unlock(&s->lock);
		if (!unseen)
			return;
		usleep(1000);
	}
}

MDB_txn *
tx_lmdb_other(struct tx *t, struct rows *r, const struct lenv *from, const struct lenv **ret_lenv)
{
	struct copy *c = &r->copy[from == &r->copy[0].lenv];
	rows_suspect(r, from);
	copy_await_seen(t->s, c);
	if (!t->others && !(t->others = calloc(ROWS_MAX, sizeof(MDB_txn *))))
		abort();
	MDB_txn *txn = t->others[r->id];
	if (txn && mdb_txn_env(txn) != c->lenv.env)
		return NULL; /* damage in this one as well */
	pthread_mutex_lock(&t->s->lock);
	if (!txn && c->state == COPY_OPEN)
		t->others[r->id] = txn = copy_txn_acquire(c);
	pthread_mutex_unlock(&t->s->lock);
	*ret_lenv = &c->lenv;
	return txn;
}

void
tx_damage(struct tx *t)
{
	atomic_store(&t->damaged, true);
	pthread_mutex_lock(&t->s->lock);
	t->s->stats.lost_total++;
	pthread_mutex_unlock(&t->s->lock);
}

bool
tx_damaged(const struct tx *t)
{
	return atomic_load(&t->damaged);
}

/* Under store.lock. */
static int
others_give_back(struct tx *t, MDB_txn *used[], int n)
{
	for (int i = 0; i < t->s->rows_count; i++) {
		if (t->others[i] && !txn_give_back(t->s->rows[i], t->others[i]))
			used[n++] = t->others[i];
		t->others[i] = NULL;
	}
	return n;
}

/* false: it is kept for the next snapshot. */
static bool
detach(struct tx *t)
{
	struct store *s = t->s;
	struct view *dead;
	if (t->scans)
		scans_close_all(t);
	if (t->keep.blocks)
		arena_reset(&t->keep);
	MDB_txn *used[2 * ROWS_MAX];
	int n = 0;
	pthread_mutex_lock(&s->lock);
	if (t->others)
		n = others_give_back(t, used, n);
	if (!t->writer) {
		*(t->prev ? &t->prev->next : &s->readers) = t->next;
		if (t->next)
			t->next->prev = t->prev;
	}
	view_unref_locked(t->view, &dead);
	for (int i = 0; i < s->rows_count; i++) {
		MDB_txn *txn = atomic_load_explicit(&t->txns[i], memory_order_relaxed);
		if (!txn)
			continue;
		atomic_store_explicit(&t->txns[i], NULL, memory_order_relaxed);
		if (txn != TXN_ABSENT && !txn_give_back(s->rows[i], txn))
			used[n++] = txn;
	}
	t->view = NULL;
	bool keep = !t->writer && n == 0 && s->spare_count < SPARE_TX_MAX;
	if (keep) {
		t->next = s->spare_tx;
		s->spare_tx = t;
		s->spare_count++;
	}
	pthread_mutex_unlock(&s->lock);
	while (n > 0)
		mdb_txn_abort(used[--n]);
	view_free(dead);
	return !keep;
}

void
tx_detach(struct tx *t)
{
	detach(t);
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
	if (t && detach(t))
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

/* What the other copy has; told as damage when that is no better. */
static enum lenv_found
get_other(struct tx *t, struct rows *r, const struct lenv *from, struct str key,
	struct str *ret_value)
{
	const struct lenv *e;
	MDB_txn *txn = tx_lmdb_other(t, r, from, &e);
	enum lenv_found found = txn ? lenv_get(e, txn, key, ret_value) : LENV_DAMAGED;
	if (found == LENV_DAMAGED)
		tx_damage(t);
	return found;
}

/* The row as it is without what the unit at hand staged; p NULL: not there. */
static struct str
get_kept(struct tx *t, struct rows *r, struct str key, bool *ret_sound)
{
	struct node *n = NULL;
	struct str value = STR_NULL;
	const struct lenv *e;
	*ret_sound = true;
	for (int i = 0; !n && i < t->depth; i++)
		n = memtable_get(t->view->tables[i], r->id, key, t->snapshot);
	if (n)
		return n->deleted ? STR_NULL : node_value(n);
	MDB_txn *txn = t->floored ? NULL : tx_lmdb(t, r, &e);
	if (!txn)
		return STR_NULL;
	enum lenv_found found = lenv_get(e, txn, key, &value);
	if (found == LENV_DAMAGED)
		found = get_other(t, r, e, key, &value);
	*ret_sound = found != LENV_DAMAGED;
	return found == LENV_FOUND ? value : STR_NULL;
}

bool
tx_get(struct tx *t, struct rows *r, struct str key, struct str *ret_value)
{
	struct node *n = NULL;
	struct str value;
	bool sound;
	if (!key_fits(key))
		return false;
	if (t->writer && t->stage->count > 0)
		n = memtable_get(t->stage, r->id, key, SEQ_MAX);
	struct tx_seen *e = n ? NULL : seen_find(t, r->id, key);
	if (n) {
		value = n->deleted ? STR_NULL : node_value(n);
	} else if (e) {
		value = e->value;
	} else {
		value = get_kept(t, r, key, &sound);
		if (sound)
			seen_keep(t, r->id, key, value);
	}
	if (value.p)
		*ret_value = value;
	return value.p != NULL;
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
