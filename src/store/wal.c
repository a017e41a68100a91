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

int
wal_append(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units)
{
	uint64_t bytes = wal_round(b->len);
	int rc[WAL_SIDES] = { 0 };
	if (first_seq != l->next_seq)
		abort();
	struct wal_record r = { 0, WAL_RECORD_MAGIC, units, l->next_number, first_seq,
		b->len - sizeof r };
	memset(buf_reserve(b, bytes - b->len), 0, bytes - b->len);
	memcpy(b->p, &r, sizeof r);
	for (unsigned i = 0; i < WAL_SIDES; i++)
		if (l->side[i])
			rc[i] = side_append(l->side[i], (struct wal_record *)(void *)b->p);
	int all = sides_settle(l, rc);
	if (all)
		return all;
	l->next_number++;
	l->next_seq += units;
	pthread_mutex_lock(&l->lock);
	l->bytes_written += bytes;
	pthread_mutex_unlock(&l->lock);
	return 0;
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
		int rc = store_io.fdatasync(y->fd) < 0 ? -errno : 0;
		pthread_mutex_lock(&y->lock);
		y->rc = rc;
		y->asked = false;
		pthread_cond_signal(&y->ready);
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
syncer_ask(struct wal_syncer *y, int fd)
{
	if (!y->started)
		syncer_start(y);
	pthread_mutex_lock(&y->lock);
	y->fd = fd;
	y->asked = true;
	pthread_cond_signal(&y->wake);
	pthread_mutex_unlock(&y->lock);
}

static int
syncer_await(struct wal_syncer *y)
{
	pthread_mutex_lock(&y->lock);
	while (y->asked)
		pthread_cond_wait(&y->ready, &y->lock);
	int rc = y->rc;
	pthread_mutex_unlock(&y->lock);
	return rc;
}

void
wal_sync_begin(struct wal *l)
{
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		if (!l->side[i] || l->side[i]->fd < 0)
			continue;
		syncer_ask(&l->syncer[i], l->side[i]->fd);
		l->syncing |= 1u << i;
	}
	pthread_mutex_lock(&l->lock);
	l->syncs++;
	pthread_mutex_unlock(&l->lock);
}

int
wal_sync_end(struct wal *l)
{
	int rc[WAL_SIDES] = { 0 };
	for (unsigned i = 0; i < WAL_SIDES; i++)
		if (l->syncing >> i & 1)
			rc[i] = syncer_await(&l->syncer[i]);
	l->syncing = 0;
	return sides_settle(l, rc);
}

/* The first side here, the other beside it. */
int
wal_sync(struct wal *l)
{
	int rc[WAL_SIDES] = { 0 };
	unsigned mine = l->side[0] ? 0 : 1;
	bool both = l->side[0] && l->side[1];
	if (!l->side[mine] || l->side[mine]->fd < 0)
		return 0;
	pthread_mutex_lock(&l->lock);
	l->syncs++;
	pthread_mutex_unlock(&l->lock);
	if (both)
		syncer_ask(&l->syncer[1], l->side[1]->fd);
	rc[mine] = store_io.fdatasync(l->side[mine]->fd) < 0 ? -errno : 0;
	if (both)
		rc[1] = syncer_await(&l->syncer[1]);
	return sides_settle(l, rc);
}

void
wal_disown_last(struct wal *l)
{
	for (unsigned i = 0; i < WAL_SIDES; i++)
		if (l->side[i])
			side_disown_last(l->side[i]);
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
