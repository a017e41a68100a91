/* Copies of environments that are given up, filled and checked: on the merge thread, between its
 * merges, so that nothing else writes LMDB meanwhile. See store_private.h. */
#include "store/env_check.h"
#include "store/store_private.h"

#include "base/log.h"

#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (1u << 20)

static void
progress(struct store *s, uint64_t done, uint64_t expected)
{
	pthread_mutex_lock(&s->lock);
	s->stats.rebuild_bytes = done;
	s->stats.rebuild_bytes_expected = expected;
	pthread_mutex_unlock(&s->lock);
}

static int
file_copy(struct store *s, int from, int to)
{
	struct stat st;
	if (fstat(from, &st) < 0)
		return -errno;
	char *buf = malloc(PIECE);
	if (!buf)
		return -ENOMEM;
	int rc = 0;
	for (off_t at = 0; at < st.st_size && !rc;) {
		size_t n = st.st_size - at < (off_t)PIECE ? (size_t)(st.st_size - at) : PIECE;
		rc = atomic_load(&s->hurry) ? -ECANCELED : io_read_all(from, buf, n, at);
		if (!rc)
			rc = io_write_all(to, buf, n, at);
		at += (off_t)n;
		progress(s, (uint64_t)at, (uint64_t)st.st_size);
	}
	free(buf);
	return !rc && store_io.fdatasync(to) < 0 ? -errno : rc;
}

/* Puts a finished file in the place of a copy's. LMDB's lock file is about the one before. */
static int
file_place(const struct copy *c, const char *path)
{
	char *data = path_join(c->dir, "data.mdb"), *lock = path_join(c->dir, "lock.mdb");
	unlink(lock);
	int rc = rename(path, data) < 0 ? -errno : 0;
	int dir = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc)
		rc = dir < 0 ? -errno : io_sync_dir(dir);
	if (dir >= 0)
		close(dir);
	free(data);
	free(lock);
	return rc;
}

static int
copy_write(struct rows *r, int i, const char *tmp)
{
	char *from_path = path_join(r->copy[!i].dir, "data.mdb");
	int from = open(from_path, O_RDONLY | O_CLOEXEC), rc = from < 0 ? -errno : 0;
	free(from_path);
	if (!rc)
		rc = dir_make_all(r->copy[i].dir);
	int to = rc ? -1 : open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!rc && to < 0)
		rc = -errno;
	if (!rc)
		rc = file_copy(r->s, from, to);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc;
}

/* Fills a copy from the other, which is open and which nobody else writes. */
static int
copy_fill(struct rows *r, int i)
{
	struct store *s = r->s;
	struct copy *c = &r->copy[i];
	char *tmp = path_join(c->dir, "data.mdb.new");
	struct env_check k = { .stop = &s->hurry };
	int rc = copy_write(r, i, tmp);
	enum env_verdict v = rc ? ENV_ABSENT : env_check(tmp, &k);
	if (v == ENV_STOPPED) {
		rc = -ECANCELED;
	} else if (!rc && v != ENV_GOOD) {
		/* What it was filled from is damaged itself: then both are, and put together on the
		 * next open. */
		rows_suspect(r, &r->copy[!i].lenv);
		rc = -EBADMSG;
	}
	if (!rc)
		rc = file_place(c, tmp);
	else
		unlink(tmp);
	free(tmp);
	if (!rc)
		rc = lenv_open(&c->lenv, c->dir, s->o.map_bytes, false, false);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	c->state = COPY_OPEN;
	s->stats.repaired_total++;
	pthread_mutex_unlock(&s->lock);
	log_info("store.filled", log_c("path", c->dir), log_uint("bytes", k.bytes));
	return 0;
}

/* true when no reader has it any more, and it is closed. */
static bool
copy_retired(struct rows *r, struct copy *c)
{
	pthread_mutex_lock(&r->s->lock);
	bool idle = c->active == 0;
	pthread_mutex_unlock(&r->s->lock);
	if (!idle)
		return false;
	/* Nobody takes a transaction of a copy that is not open. */
	copy_txns_free(c);
	lenv_close(&c->lenv);
	pthread_mutex_lock(&r->s->lock);
	c->state = COPY_DOWN;
	pthread_mutex_unlock(&r->s->lock);
	return true;
}

/* true: something is left to do. */
static bool
copies_mend(struct rows *r)
{
	unsigned suspect = atomic_exchange(&r->suspect, 0);
	bool left = false;
	if (copies_see(r)) {
		atomic_fetch_or(&r->suspect, suspect);
		return true;
	}
	for (int i = 0; i < r->s->sides; i++) {
		struct copy *c = &r->copy[i];
		if ((suspect >> i & 1) && c->state == COPY_OPEN && r->s->sides > 1 &&
			r->copy[!i].state == COPY_OPEN)
			copy_give_up(r, i);
		if (c->state == COPY_RETIRING)
			left |= !copy_retired(r, c);
		if (c->state == COPY_DOWN)
			left |= copy_fill(r, i) != 0;
	}
	return left;
}

/* Everything of every environment on both sides, and the log as well. */
static bool
all_whole(struct store *s)
{
	if (rows_find_all(s) || (s->log && wal_sides(s->log) != (1u << s->sides) - 1))
		return false;
	for (int i = 0; i < s->rows_count; i++) {
		struct rows *r = s->rows[i];
		int rc = rows_open(r, false);
		if (rc == -ENOENT)
			continue;
		if (rc || copies_see(r))
			return false;
		for (int k = 0; k < s->sides; k++)
			if (r->copy[k].state != COPY_OPEN)
				return false;
	}
	return true;
}

bool
rows_mend(struct store *s)
{
	bool left = false, marked = false;
	atomic_store(&s->mend_work, false);
	if (s->sides < 2)
		return false;
	for (int i = 0; i < s->sides; i++)
		marked |= s->side[i].incomplete;
	/* Also those that nobody asked for in this run: they may be missing on one side. */
	if (marked)
		all_whole(s);
	for (int i = 0; i < s->rows_count; i++)
		if (atomic_load(&s->rows[i]->state) == ROWS_OPEN)
			left |= copies_mend(s->rows[i]);
	if (marked && !left && all_whole(s))
		for (int i = 0; i < s->sides; i++)
			side_unmark(s, i);
	/* What could not be done now is asked for again by store_look. */
	return left;
}

void
rows_scrub(struct store *s)
{
	atomic_store(&s->scrub_asked, false);
	rows_find_all(s);
	for (int i = 0; i < s->rows_count && !atomic_load(&s->hurry); i++) {
		struct rows *r = s->rows[i];
		if (rows_open(r, false) || copies_see(r))
			continue;
		for (int k = 0; k < s->sides; k++) {
			if (r->copy[k].state != COPY_OPEN)
				continue;
			struct env_check c = { .stop = &s->hurry };
			char *path = path_join(r->copy[k].dir, "data.mdb");
			/* Pages that nobody uses come from the disk. */
			int fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd >= 0) {
				posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
				close(fd);
			}
			enum env_verdict v = env_check(path, &c);
			if (v != ENV_GOOD && v != ENV_STOPPED) {
				log_warn("store.damaged", log_c("path", path),
					log_uint("pages", c.bad_pages),
					log_uint("values", c.bad_values));
				rows_suspect(r, &r->copy[k].lenv);
			}
			free(path);
			pthread_mutex_lock(&s->lock);
			s->stats.scrubbed_bytes += c.bytes;
			pthread_mutex_unlock(&s->lock);
		}
	}
	pthread_mutex_lock(&s->lock);
	s->stats.scrubs_total++;
	pthread_mutex_unlock(&s->lock);
}

struct salvage {
	struct lenv e;
	MDB_txn *txn;
	unsigned n;
	int rc;
};

static int
salvage_row(void *arg, enum env_db db, struct str key, struct str value)
{
	struct salvage *v = arg;
	v->rc = lenv_put_raw(&v->e, v->txn, db, key, value);
	if (!v->rc && ++v->n % 4096 == 0) {
		v->rc = mdb_txn_commit(v->txn);
		v->txn = NULL;
		if (!v->rc)
			v->rc = mdb_txn_begin(v->e.env, NULL, 0, &v->txn);
	}
	return v->rc;
}

/* Both sides are read when they stand at one position, or that of one is not known; else the one
 * that got further, since the other has rows that were deleted since. */
static int
salvage_read(struct rows *r, struct salvage *v, struct env_check found[SIDES])
{
	char *path[SIDES] = { NULL };
	found[1] = (struct env_check){ 0 };
	for (int i = 0; i < r->s->sides; i++) {
		path[i] = path_join(r->copy[i].dir, "data.mdb");
		found[i] = (struct env_check){ 0 };
		env_check(path[i], &found[i]);
	}
	v->rc = mdb_txn_begin(v->e.env, NULL, 0, &v->txn);
	for (int i = 0; i < r->s->sides && !v->rc; i++) {
		struct env_check c = { .row = salvage_row, .arg = v };
		if (found[i].seq && found[i].seq < found[!i].seq) {
			found[i].counted = false;
			continue;
		}
		env_check(path[i], &c);
	}
	free(path[0]);
	free(path[1]);
	return lenv_errno(v->rc);
}

/* What was put together must have as many rows as the files say that there were. */
static bool
salvage_complete(struct salvage *v, const struct env_check found[SIDES], int sides)
{
	MDB_dbi dbi[ENV_DBS] = { v->e.rows, v->e.longs, v->e.meta };
	for (int i = 0; i < ENV_DBS; i++) {
		MDB_stat st;
		uint64_t expected = 0;
		bool known = false;
		for (int k = 0; k < sides; k++) {
			known |= found[k].counted;
			if (found[k].counted && found[k].entries[i] > expected)
				expected = found[k].entries[i];
		}
		if (!known || mdb_stat(v->txn, dbi[i], &st) || st.ms_entries != expected)
			return false;
	}
	return true;
}

int
rows_salvage(struct rows *r, int to)
{
	struct copy *c = &r->copy[to];
	struct salvage v = { 0 };
	struct env_check found[SIDES];
	char *dir = path_join(c->dir, "salvage"), *tmp = path_join(dir, "data.mdb");
	dir_remove(dir);
	int rc = dir_make_all(dir);
	if (!rc)
		rc = lenv_open(&v.e, dir, r->s->o.map_bytes, false, true);
	if (!rc)
		rc = salvage_read(r, &v, found);
	if (!rc && !salvage_complete(&v, found, r->s->sides)) {
		log_error("store.lost", log_c("environment", r->name));
		rc = -EBADMSG;
	}
	if (v.txn && rc)
		mdb_txn_abort(v.txn);
	else if (v.txn)
		rc = lenv_errno(mdb_txn_commit(v.txn));
	lenv_close(&v.e);
	if (!rc)
		rc = file_place(c, tmp);
	dir_remove(dir);
	free(dir);
	free(tmp);
	if (!rc)
		log_info("store.salvaged", log_c("path", c->dir));
	return rc;
}
