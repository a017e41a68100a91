/* Writing the log, to one side or to two at once: see wal.h. */
#include "store/wal_private.h"

#include "store/io.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

void
wal_begin(struct buf *b)
{
	buf_clear(b);
	memset(buf_reserve(b, sizeof(struct wal_record)), 0, sizeof(struct wal_record));
	b->len = sizeof(struct wal_record);
}

/* The log goes on with the other side; what lies here is made whole by wal_rejoin or the next
 * open. */
static void
side_give_up(struct wal *l, unsigned i)
{
	pthread_mutex_lock(&l->lock);
	struct wal_side *s = l->side[i];
	l->side[i] = NULL;
	bool last = --s->refs == 0;
	pthread_mutex_unlock(&l->lock);
	if (last)
		side_free(s);
}

/* For other threads than the writer's, which may give the side up meanwhile. NULL: not there. */
static struct wal_side *
side_ref(struct wal *l, unsigned i)
{
	pthread_mutex_lock(&l->lock);
	struct wal_side *s = l->side[i];
	if (s)
		s->refs++;
	pthread_mutex_unlock(&l->lock);
	return s;
}

static void
side_unref(struct wal *l, struct wal_side *s)
{
	pthread_mutex_lock(&l->lock);
	bool last = --s->refs == 0;
	pthread_mutex_unlock(&l->lock);
	if (last)
		side_free(s);
}

/* rc: of each side. 0 when one at least succeeded, and then the others are given up. */
static int
sides_settle(struct wal *l, const int rc[WAL_SIDES])
{
	int worst = 0;
	bool one = false;
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		if (!l->side[i])
			continue;
		one |= rc[i] == 0;
		/* A full disk may have room later, so it counts only when there is nothing
		 * worse. */
		if (rc[i] && (!worst || worst == -ENOSPC))
			worst = rc[i];
	}
	for (unsigned i = 0; one && i < WAL_SIDES; i++)
		if (l->side[i] && rc[i])
			side_give_up(l, i);
	return one ? 0 : worst;
}

static struct wal_record *
record_of(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units)
{
	if (first_seq != l->next_seq)
		abort();
	struct wal_record *r = (void *)b->p;
	*r = (struct wal_record){ 0, WAL_RECORD_MAGIC, units, l->next_number, first_seq,
		b->len - sizeof *r };
	return r;
}

/* Some side has it. */
static void
record_counts(struct wal *l, const struct wal_record *r)
{
	l->next_number++;
	l->next_seq += r->units;
	pthread_mutex_lock(&l->lock);
	l->bytes_written += wal_round(sizeof *r + r->payload_bytes);
	pthread_mutex_unlock(&l->lock);
}

int
wal_append(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units)
{
	const struct wal_record *r = record_of(l, b, first_seq, units);
	int rc[WAL_SIDES] = { 0 };
	for (unsigned i = 0; i < WAL_SIDES; i++)
		if (l->side[i])
			rc[i] = side_append(l->side[i], r);
	int all = sides_settle(l, rc);
	if (!all)
		record_counts(l, r);
	return all;
}

static void *
syncer_main(void *arg)
{
	struct wal_syncer *y = arg;
	pthread_mutex_lock(&y->lock);
	while (!y->stop) {
		if (!y->asked) {
			pthread_cond_wait(&y->wake, &y->lock);
			continue;
		}
		pthread_mutex_unlock(&y->lock);
		struct wal_outcome o = side_commit(y->side, y->record);
		pthread_mutex_lock(&y->lock);
		y->outcome = o;
		y->asked = false;
		pthread_mutex_unlock(&y->lock);
		pthread_cond_signal(&y->ready); /* not inside: the writer would wait for the lock */
		pthread_mutex_lock(&y->lock);
	}
	pthread_mutex_unlock(&y->lock);
	return NULL;
}

static void
syncer_start(struct wal_syncer *y)
{
	sigset_t all, old;
	pthread_mutex_init(&y->lock, NULL);
	pthread_cond_init(&y->wake, NULL);
	pthread_cond_init(&y->ready, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&y->thread, NULL, syncer_main, y))
		abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	y->started = true;
}

void
wal_syncer_stop(struct wal_syncer *y)
{
	if (!y->started)
		return;
	pthread_mutex_lock(&y->lock);
	y->stop = true;
	pthread_cond_signal(&y->wake);
	pthread_mutex_unlock(&y->lock);
	pthread_join(y->thread, NULL);
	pthread_mutex_destroy(&y->lock);
	pthread_cond_destroy(&y->wake);
	pthread_cond_destroy(&y->ready);
	y->started = false;
}

static void
syncer_ask(struct wal_syncer *y, struct wal_side *side, const struct wal_record *r)
{
	if (!y->started)
		syncer_start(y);
	pthread_mutex_lock(&y->lock);
	y->side = side;
	y->record = r;
	y->asked = true;
	pthread_mutex_unlock(&y->lock);
	pthread_cond_signal(&y->wake);
}

static struct wal_outcome
syncer_await(struct wal_syncer *y)
{
	pthread_mutex_lock(&y->lock);
	while (y->asked)
		pthread_cond_wait(&y->ready, &y->lock);
	struct wal_outcome o = y->outcome;
	pthread_mutex_unlock(&y->lock);
	return o;
}

/* The first side here, the other beside it. */
static void
sides_commit(struct wal *l, const struct wal_record *r, struct wal_outcome ret[WAL_SIDES])
{
	unsigned mine = l->side[0] ? 0 : 1;
	bool both = l->side[0] && l->side[1];
	pthread_mutex_lock(&l->lock);
	l->syncs++;
	pthread_mutex_unlock(&l->lock);
	if (both)
		syncer_ask(&l->syncer, l->side[1], r);
	if (l->side[mine])
		ret[mine] = side_commit(l->side[mine], r);
	if (both)
		ret[1] = syncer_await(&l->syncer);
}

int
wal_sync(struct wal *l)
{
	struct wal_outcome o[WAL_SIDES] = { 0 };
	sides_commit(l, NULL, o);
	return sides_settle(l, (int[]){ o[0].rc, o[1].rc });
}

int
wal_commit(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units)
{
	const struct wal_record *r = record_of(l, b, first_seq, units);
	struct wal_outcome o[WAL_SIDES] = { 0 };
	bool unknown = false;
	sides_commit(l, r, o);
	int rc = sides_settle(l, (int[]){ o[0].rc, o[1].rc });
	for (unsigned i = 0; rc && i < WAL_SIDES; i++) {
		if (!l->side[i] || !o[i].written)
			continue;
		unknown = true;
		side_disown_last(l->side[i]);
	}
	if (!rc)
		record_counts(l, r);
	return unknown && rc == -ENOSPC ? -EIO : rc;
}

void
wal_release(struct wal *l, uint64_t seq)
{
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		struct wal_side *s = side_ref(l, i);
		if (!s)
			continue;
		side_release(s, seq);
		side_unref(l, s);
	}
}

bool
wal_wants_file(struct wal *l)
{
	bool wants = false;
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < WAL_SIDES; i++)
		wants |= l->side[i] && side_wants_file(l->side[i]);
	pthread_mutex_unlock(&l->lock);
	return wants;
}

int
wal_prepare(struct wal *l)
{
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		struct wal_side *s = side_ref(l, i);
		if (!s)
			continue;
		side_prepare(s);
		side_unref(l, s);
	}
	return 0;
}

unsigned
wal_sides(struct wal *l)
{
	unsigned bits = 0;
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < WAL_SIDES; i++)
		bits |= (unsigned)(l->side[i] != NULL) << i;
	pthread_mutex_unlock(&l->lock);
	return bits;
}

unsigned
wal_healed(const struct wal *l)
{
	return l->healed;
}

unsigned
wal_look(struct wal *l)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		struct wal_side *s = side_ref(l, i);
		if (!s)
			continue;
		bits |= (unsigned)side_gone(s, l->dirs[i]) << i;
		side_unref(l, s);
	}
	return bits;
}

void
wal_drop(struct wal *l, unsigned side)
{
	if (l->side[side] && l->side[!side])
		side_give_up(l, side);
}

uint64_t
wal_last_seq(const struct wal *l)
{
	return l->next_seq - 1;
}

uint64_t
wal_bytes_written(struct wal *l)
{
	pthread_mutex_lock(&l->lock);
	uint64_t n = l->bytes_written;
	pthread_mutex_unlock(&l->lock);
	return n;
}

uint64_t
wal_syncs(struct wal *l)
{
	pthread_mutex_lock(&l->lock);
	uint64_t n = l->syncs;
	pthread_mutex_unlock(&l->lock);
	return n;
}

uint64_t
wal_disk_bytes(struct wal *l)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		struct wal_side *s = side_ref(l, i);
		if (!s)
			continue;
		n += side_disk_bytes(s);
		side_unref(l, s);
	}
	return n;
}
