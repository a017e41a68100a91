/* Opening, closing, environments, figures: see store.h and store_private.h. */
#include "store/store_private.h"

#include "base/log.h"

#include "store/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_DIR "_log" /* no environment can have that name */

/* The check of a large file takes a while: it begins with the store, beside everything else, and
 * not with the first call that needs the environment. */
static void *
ahead_main(void *arg)
{
	struct store *s = arg;
	pthread_mutex_lock(&s->lock);
	int n = s->rows_count;
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < n && !atomic_load(&s->hurry); i++)
		if (rows_large(s->rows[i]))
			rows_open(s->rows[i], false);
	return NULL;
}

/* Whoever cannot have it opens what is needed when it is needed. */
static void
ahead_start(struct store *s)
{
	bool large = false;
	if (!s->log || rows_find_all(s))
		return;
	for (int i = 0; i < s->rows_count; i++)
		large |= rows_large(s->rows[i]);
	s->ahead = large && pthread_create(&s->ahead_thread, NULL, ahead_main, s) == 0;
}

/* Signals are the main thread's. */
static int
threads_start(struct store *s)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&s->merge_thread, NULL, merge_main, s);
	if (!rc) {
		rc = pthread_create(&s->writer_thread, NULL, writer_main, s);
		if (rc)
			abort();
		ahead_start(s);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

static void
store_free(struct store *s)
{
	for (int i = 0; i < s->rows_count; i++)
		rows_free(s->rows[i]);
	while (s->spare_tx) {
		struct tx *t = s->spare_tx;
		s->spare_tx = t->next;
		tx_free(t);
	}
	if (s->wtx)
		tx_free(s->wtx);
	view_free(s->view);
	buf_done(&s->group);
	arena_done(&s->group_arena);
	free(s->undo);
	sides_close(s);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_mutex_destroy(&s->reset_lock);
	pthread_mutex_destroy(&s->mark_lock);
	pthread_cond_destroy(&s->queue_cond);
	pthread_cond_destroy(&s->merge_cond);
	pthread_cond_destroy(&s->room_cond);
	free(s);
}

static struct store *
store_new(const struct store_options *o)
{
	struct store *s = calloc(1, sizeof *s);
	if (!s || !(s->side[0].dir = strdup(o->dir)))
		abort();
	s->o = *o;
	s->o.dir = s->side[0].dir;
	s->sides = 1;
	if (o->second_dir && o->durability != STORE_EPHEMERAL) {
		if (!(s->side[1].dir = strdup(o->second_dir)))
			abort();
		s->sides = 2;
	}
	s->o.second_dir = s->side[1].dir;
	for (int i = 0; i < SIDES; i++)
		s->side[i].lock_fd = -1;
	if (!s->o.memtable_bytes)
		s->o.memtable_bytes = 16u << 20;
	if (!s->o.map_bytes)
		s->o.map_bytes = 1ull << 40;
	s->queue_tail = &s->queue;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->queue_lock, NULL);
	pthread_mutex_init(&s->reset_lock, NULL);
	pthread_mutex_init(&s->mark_lock, NULL);
	pthread_cond_init(&s->queue_cond, &attr);
	pthread_cond_init(&s->merge_cond, &attr);
	pthread_cond_init(&s->room_cond, &attr);
	pthread_condattr_destroy(&attr);
	arena_init(&s->group_arena);
	struct memtable *m = memtable_new();
	s->view = view_new(&m, 1);
	memtable_unref(m);
	s->wtx = tx_new(s, true);
	return s;
}

static int
wal_of_store(struct store *s, bool fresh)
{
	struct wal_options o = { .relaxed = s->o.durability == STORE_RELAXED, .fresh = fresh };
	char *dirs[SIDES] = { NULL };
	for (int i = 0; i < s->sides; i++)
		o.dirs[i] = dirs[i] = path_join(s->side[i].dir, LOG_DIR);
	int rc = wal_open(&s->log, &o, group_replay, s);
	free(dirs[0]);
	free(dirs[1]);
	if (rc)
		return rc;
	s->visible = wal_last_seq(s->log);
	for (int i = 0; i < s->sides; i++) {
		if (!(wal_healed(s->log) >> i & 1))
			continue;
		s->stats.damaged_total++;
		s->stats.repaired_total++;
		log_warn("store.log_healed", log_c("path", s->side[i].dir));
	}
	return 0;
}

/* Reads back what is there. */
static int
state_load(struct store *s, int *ret_holder)
{
	bool fresh;
	int rc = sides_open(s, ret_holder, &fresh);
	if (!rc && s->o.durability != STORE_EPHEMERAL)
		rc = wal_of_store(s, fresh);
	if (!rc)
		rc = sides_settle_version(s);
	for (int i = 0; i < s->sides; i++)
		if (s->side[i].incomplete)
			atomic_store(&s->mend_work, true);
	return rc;
}

int
store_open(struct store **ret_store, const struct store_options *o, int *ret_holder)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, store_io_faults_from_env);
	struct store *s = store_new(o);
	int rc = state_load(s, ret_holder);
	if (!rc)
		rc = threads_start(s);
	if (rc) {
		if (s->log)
			wal_close(s->log, false);
		store_free(s);
		return rc;
	}
	*ret_store = s;
	return 0;
}

static void
threads_stop(struct store *s)
{
	pthread_mutex_lock(&s->queue_lock);
	s->closing = true;
	pthread_cond_signal(&s->queue_cond);
	pthread_mutex_unlock(&s->queue_lock);
	pthread_join(s->writer_thread, NULL);
	store_hurry(s);
	pthread_mutex_lock(&s->lock);
	s->merge_stop = true;
	pthread_cond_signal(&s->merge_cond);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->merge_thread, NULL);
	if (s->ahead)
		pthread_join(s->ahead_thread, NULL);
}

void
store_hurry(struct store *s)
{
	atomic_store(&s->hurry, true);
}

/* Everything into LMDB, so that the next open reads no log. */
static int
merge_all(struct store *s)
{
	int rc = 0;
	if (s->view->tables[0]->count > 0 && s->view->count < VIEW_MAX)
		view_freeze(s);
	while (!rc && s->view->count > 1)
		rc = merge_oldest(s);
	if (!rc && s->view->tables[0]->count > 0)
		rc = -EAGAIN;
	return rc;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	threads_stop(s);
	bool ephemeral = s->o.durability == STORE_EPHEMERAL;
	int rc = s->read_only;
	/* After a failed log the files stay as they are: the next open finds out what holds. */
	while (!ephemeral && !rc && (rc = merge_all(s)) == -EAGAIN)
		rc = 0;
	if (s->log)
		wal_close(s->log, rc == 0);
	if (ephemeral)
		dir_remove(s->side[0].dir);
	store_free(s);
}

static uint64_t
copy_disk_bytes(const struct copy *c)
{
	char *path = path_join(c->dir, "data.mdb");
	struct stat st;
	uint64_t n = stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
	free(path);
	return n;
}

/* false: somebody took its file away, or put another in its place. Under the lock: it is not
 * closed. */
static bool
copy_in_place(const struct copy *c)
{
	char *path = path_join(c->dir, "data.mdb");
	struct stat named, held;
	int fd = -1;
	bool same = mdb_env_get_fd(c->lenv.env, &fd) == 0 && fstat(fd, &held) == 0 &&
		    stat(path, &named) == 0 && named.st_ino == held.st_ino &&
		    named.st_dev == held.st_dev;
	free(path);
	return same;
}

static unsigned
copies_look(struct store *s, struct rows *r, bool *ret_down)
{
	unsigned gone = 0;
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < s->sides; i++) {
		struct copy *c = &r->copy[i];
		*ret_down |= c->state == COPY_DOWN || c->state == COPY_RETIRING;
		if (c->state == COPY_OPEN && !copy_in_place(c))
			gone |= 1u << i;
	}
	pthread_mutex_unlock(&s->lock);
	return gone;
}

void
store_look(struct store *s)
{
	if (!s->log || s->sides < 2)
		return;
	pthread_mutex_lock(&s->lock);
	int n = s->rows_count;
	bool down = s->side[0].incomplete || s->side[1].incomplete;
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < n; i++) {
		struct rows *r = s->rows[i];
		unsigned gone = atomic_load(&r->state) == ROWS_OPEN ? copies_look(s, r, &down) : 0;
		for (int k = 0; k < s->sides; k++)
			if (gone >> k & 1)
				rows_suspect(r, &r->copy[k].lenv);
	}
	if (wal_look(s->log) || wal_sides(s->log) != (1u << s->sides) - 1) {
		pthread_mutex_lock(&s->queue_lock);
		atomic_store(&s->log_work, true);
		pthread_cond_signal(&s->queue_cond);
		pthread_mutex_unlock(&s->queue_lock);
	}
	if (down)
		merge_wake(s, &s->mend_work);
}

void
store_scrub(struct store *s)
{
	if (s->log)
		merge_wake(s, &s->scrub_asked);
}

static void
side_stats(struct store *s, int i, struct store_side_stats *ret)
{
	ret->there = i < s->sides;
	ret->log = ret->there && (!s->log || wal_sides(s->log) >> i & 1);
	ret->whole = ret->log && !s->side[i].incomplete;
	pthread_mutex_lock(&s->lock);
	for (int k = 0; ret->there && k < s->rows_count; k++) {
		enum copy_state state = s->rows[k]->copy[i].state;
		if (atomic_load(&s->rows[k]->state) != ROWS_OPEN)
			continue;
		ret->environments++;
		ret->environments_down += state == COPY_DOWN || state == COPY_RETIRING;
	}
	pthread_mutex_unlock(&s->lock);
	ret->whole &= ret->environments_down == 0;
}

void
store_stats_get(struct store *s, struct store_stats *ret_stats)
{
	pthread_mutex_lock(&s->lock);
	*ret_stats = s->stats;
	for (int i = 0; i < s->view->count; i++)
		ret_stats->memtable_bytes += s->view->tables[i]->bytes;
	int n = s->rows_count;
	pthread_mutex_unlock(&s->lock);
	/* Environments are only ever added. */
	for (int i = 0; i < n; i++)
		for (int k = 0; k < s->sides; k++)
			ret_stats->disk_bytes += copy_disk_bytes(&s->rows[i]->copy[k]);
	for (int i = 0; i < SIDES; i++)
		side_stats(s, i, &ret_stats->side[i]);
	if (s->log) {
		ret_stats->log_bytes = wal_bytes_written(s->log);
		ret_stats->syncs_total = wal_syncs(s->log);
		ret_stats->disk_bytes += wal_disk_bytes(s->log);
	}
}
