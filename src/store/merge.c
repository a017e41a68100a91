/* The merge thread: full memtables into LMDB, and log files ahead of need. See store_private.h. */
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A piece of a merge is one LMDB transaction; small enough that its dirty pages take little memory.
 */
#define PIECE_ROWS 4096
#define PIECE_BYTES (8u << 20)
#define RETRY_MS 500
#define SPARES_MS 1000

void
merge_pin_readers(struct store *s, struct rows *r, uint64_t last_seq)
{
	for (bool again = true; again;) {
		again = false;
		pthread_mutex_lock(&s->lock);
		for (struct tx *t = s->readers; t; t = t->next) {
			if (t->snapshot >= last_seq || atomic_load(&t->txns[r->id]))
				continue;
			MDB_txn *txn = rows_txn_acquire(r);
			atomic_store(&t->txns[r->id], txn);
			again |= !txn;
		}
		pthread_mutex_unlock(&s->lock);
		if (again)
			usleep(1000); /* LMDB's reader table is full; readers are short */
	}
}

void
merge_wake(struct store *s, atomic_bool *flag)
{
	atomic_store(flag, true);
	pthread_mutex_lock(&s->lock);
	pthread_cond_signal(&s->merge_cond);
	pthread_mutex_unlock(&s->lock);
}

/* Merges rows of one environment from *at on into one copy; one piece. */
static int
merge_piece(struct lenv *e, struct node **at, uint64_t last_seq)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(e->env, NULL, 0, &txn);
	if (rc)
		return lenv_errno(rc);
	struct node *n = *at, *prev = NULL;
	uint16_t id = n->rows;
	size_t rows = 0, bytes = 0;
	for (; !rc && n && n->rows == id && rows < PIECE_ROWS && bytes < PIECE_BYTES;
		n = node_next(n)) {
		/* The newest version stands first; older ones are history. */
		if (prev && str_eq(node_key(prev), node_key(n)))
			continue;
		rc = n->deleted ? lenv_del(e, txn, node_key(n))
				: lenv_put(e, txn, node_key(n), node_value(n));
		prev = n;
		rows++;
		bytes += n->key_len + n->value_len;
	}
	while (n && prev && n->rows == prev->rows && str_eq(node_key(prev), node_key(n)))
		n = node_next(n);
	bool last = !n || n->rows != id;
	if (!rc)
		rc = lenv_put_meta(e, txn, last ? last_seq : e->seq);
	if (rc)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	if (rc)
		return lenv_errno(rc);
	if (last)
		e->seq = last_seq;
	*at = n;
	return 0;
}

/* What one copy takes of a memtable. */
struct share {
	struct rows *r;
	int side;
	struct node *at; /* afterwards the first row of another environment */
	uint64_t last_seq;
	bool beside; /* on a thread of its own */
	pthread_t thread;
	int rc;
};

static void *
share_merge(void *arg)
{
	struct share *h = arg;
	while (h->at && h->at->rows == h->r->id && !h->rc)
		h->rc = merge_piece(&h->r->copy[h->side].lenv, &h->at, h->last_seq);
	return NULL;
}

/* Into every copy that is open: what fails on one is made good from the other. A large merge waits
 * for the disk more than for the processor: the copies' shares run beside each other. */
static int
merge_rows(struct rows *r, struct node **at, const struct memtable *m)
{
	struct share share[SIDES];
	int n = 0, rc = -EIO;
	struct node *end = NULL;
	bool one = false;
	/* Before anything is written: a copy that nobody saw yet is compared with the one that is
	 * read. */
	if (copies_see(r))
		return -ECANCELED;
	for (int i = 0; i < r->s->sides; i++)
		if (r->copy[i].state == COPY_OPEN)
			share[n++] = (struct share){
				.r = r, .side = i, .at = *at, .last_seq = m->last_seq
			};
	for (int i = 0; i + 1 < n && m->count > PIECE_ROWS; i++)
		share[i].beside =
			pthread_create(&share[i].thread, NULL, share_merge, &share[i]) == 0;
	for (int i = 0; i < n; i++)
		if (!share[i].beside)
			share_merge(&share[i]);
	for (int i = 0; i < n; i++) {
		if (share[i].beside)
			pthread_join(share[i].thread, NULL);
		if (share[i].rc) {
			rc = share[i].rc;
			continue;
		}
		end = share[i].at;
		one = true;
	}
	if (!one)
		return rc;
	for (int i = 0; i < n; i++)
		if (share[i].rc)
			copy_give_up(r, share[i].side);
	*at = end;
	return 0;
}

static int
merge_table(struct store *s, struct memtable *m)
{
	struct node *n = memtable_first(m);
	int rc = m->floor ? reset_merge(s, m) : 0;
	while (n && !rc) {
		struct rows *r = s->rows[n->rows];
		rc = rows_open(r, true);
		if (rc)
			return rc;
		merge_pin_readers(s, r, m->last_seq);
		rc = merge_rows(r, &n, m);
	}
	return rc;
}

/* The view without its oldest memtable. */
static void
view_drop_oldest(struct store *s)
{
	struct view *dead;
	pthread_mutex_lock(&s->lock);
	struct view *old = s->view;
	s->view = view_new(old->tables, old->count - 1);
	view_unref_locked(old, &dead);
	s->stats.merges_total++;
	pthread_cond_signal(&s->room_cond);
	pthread_mutex_unlock(&s->lock);
	view_free(dead);
}

int
merge_oldest(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct memtable *m = memtable_ref(s->view->tables[s->view->count - 1]);
	bool floored = false;
	for (int i = 0; i + 1 < s->view->count; i++)
		floored |= s->view->tables[i]->floor != 0;
	pthread_mutex_unlock(&s->lock);
	/* What a reset took away need not be merged. */
	int rc = floored ? 0 : merge_table(s, m);
	if (!rc) {
		uint64_t seq = m->last_seq;
		view_drop_oldest(s);
		if (s->log)
			wal_release(s->log, seq);
	}
	memtable_unref(m);
	return rc;
}

static struct timespec
in_ms(long ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms % 1000 * 1000000l;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000l;
	t.tv_nsec %= 1000000000l;
	return t;
}

static bool
is_idle(struct store *s)
{
	return !s->merge_stop && s->view->count == 1 && !(s->log && wal_wants_file(s->log)) &&
	       !atomic_load(&s->mend_work) && !atomic_load(&s->scrub_asked);
}

/* Under s->lock. What merged tables left for the next ones is kept for a moment only. */
static void
idle(struct store *s)
{
	struct timespec until = in_ms(SPARES_MS);
	bool spares = true;
	while (is_idle(s)) {
		s->merge_idle = true;
		if (!spares) {
			pthread_cond_wait(&s->merge_cond, &s->lock);
		} else if (pthread_cond_timedwait(&s->merge_cond, &s->lock, &until) == ETIMEDOUT) {
			spares = false;
			pthread_mutex_unlock(&s->lock);
			memtable_spares_free();
			pthread_mutex_lock(&s->lock);
		}
		s->merge_idle = false;
	}
}

/* Waits for work; false: stop. After a failure it tries again a little later. */
static bool
merge_wait(struct store *s, int error, bool pause)
{
	struct timespec until = in_ms(RETRY_MS);
	pthread_mutex_lock(&s->lock);
	s->merge_error = error;
	if (error)
		pthread_cond_signal(&s->room_cond);
	if (pause && !s->merge_stop)
		pthread_cond_timedwait(&s->merge_cond, &s->lock, &until);
	idle(s);
	bool stop = s->merge_stop;
	pthread_mutex_unlock(&s->lock);
	return !stop;
}

void *
merge_main(void *arg)
{
	struct store *s = arg;
	int error = 0;
	bool pause = false;
	while (merge_wait(s, error, pause)) {
		pause = s->log && wal_prepare(s->log) != 0;
		if (atomic_load(&s->mend_work))
			rows_mend(s);
		if (atomic_load(&s->scrub_asked))
			rows_scrub(s);
		pthread_mutex_lock(&s->lock);
		bool work = s->view->count > 1;
		pthread_mutex_unlock(&s->lock);
		error = work ? merge_oldest(s) : 0;
		pause |= error != 0;
	}
	return NULL;
}
