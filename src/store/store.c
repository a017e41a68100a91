/* Opening, closing, environments, figures: see store.h and store_private.h. */
#include "store/store_private.h"

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

#define LAYOUT_VERSION 1
#define LOG_DIR "_log" /* no environment can have that name */

static char *
path_join(const char *dir, const char *name)
{
	char *p;
	if (asprintf(&p, "%s/%s", dir, name) < 0)
		abort();
	return p;
}

static int
path_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int
dir_remove(const char *dir)
{
	return nftw(dir, path_remove, 16, FTW_DEPTH | FTW_PHYS) < 0 ? -errno : 0;
}

/* A lock by flock: gone with the process, however it ends. The pid within is for people. */
static int
dir_lock(struct store *s, int *ret_holder)
{
	char *path = path_join(s->dir, "lock"), pid[32] = "";
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (s->lock_fd < 0)
		return -errno;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		ssize_t n = pread(s->lock_fd, pid, sizeof pid - 1, 0);
		if (ret_holder && n > 0)
			*ret_holder = (int)strtol(pid, NULL, 10);
		return rc;
	}
	int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, (size_t)len, 0) != len)
		return -errno;
	return 0;
}

/* The layout's version; 0 when the directory is new; -1 for what an ephemeral run left behind. */
static int
version_read(const struct store *s, long *ret_version)
{
	char *path = path_join(s->dir, "version"), text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	free(path);
	*ret_version = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n < 0)
		rc = -errno;
	else if (strncmp(text, "ephemeral", 9) == 0)
		*ret_version = -1;
	else if ((*ret_version = strtol(text, NULL, 10)) < 1)
		rc = -EBADMSG;
	close(fd);
	return rc;
}

static int
version_write(const struct store *s)
{
	char text[32];
	char *path = path_join(s->dir, "version"), *tmp = path_join(s->dir, "version.new");
	int len = s->o.durability == STORE_EPHEMERAL
			  ? snprintf(text, sizeof text, "ephemeral\n")
			  : snprintf(text, sizeof text, "%d\n", LAYOUT_VERSION);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
	    rc = fd < 0 ? -errno : 0;
	int dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && (write(fd, text, (size_t)len) != len || fsync(fd) < 0 || rename(tmp, path) < 0 ||
			   dir_fd < 0 || fsync(dir_fd) < 0))
		rc = errno ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	if (dir_fd >= 0)
		close(dir_fd);
	free(path);
	free(tmp);
	return rc;
}

/* What an ephemeral run left is nothing: its subdirectories go; the lock is ours. */
static int
leftovers_remove(struct store *s)
{
	DIR *d = opendir(s->dir);
	int rc = d ? 0 : -errno;
	for (struct dirent *e; d && !rc && (e = readdir(d));) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		char *path = path_join(s->dir, e->d_name);
		rc = dir_remove(path);
		free(path);
	}
	if (d)
		closedir(d);
	return rc;
}

static bool
rows_name_ok(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return name.len > 0 && name.len <= 32 && !str_is(name, "lock") && !str_is(name, "version");
}

static struct rows *
rows_new(struct store *s, struct str name)
{
	struct rows *r = calloc(1, sizeof *r);
	if (!r)
		abort();
	r->s = s;
	memcpy(r->name, name.p, name.len);
	r->dir = path_join(s->dir, r->name);
	r->id = (uint16_t)s->rows_count;
	pthread_mutex_init(&r->open_lock, NULL);
	s->rows[s->rows_count++] = r;
	return r;
}

struct rows *
rows_find(struct store *s, struct str name)
{
	struct rows *r = NULL;
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < s->rows_count && !r; i++)
		if (str_eq(name, str_c(s->rows[i]->name)))
			r = s->rows[i];
	if (!r && rows_name_ok(name) && s->rows_count < ROWS_MAX)
		r = rows_new(s, name);
	pthread_mutex_unlock(&s->lock);
	return r;
}

struct rows *
store_rows(struct store *s, const char *name)
{
	struct rows *r = rows_find(s, str_c(name));
	if (!r) {
		fprintf(stderr, "haneul: store: no environment can be named `%s`\n", name);
		abort();
	}
	return r;
}

int
rows_open(struct rows *r, bool make)
{
	int state = atomic_load(&r->state), rc = 0;
	if (state == ROWS_OPEN || (state == ROWS_ABSENT && !make))
		return state == ROWS_OPEN ? 0 : -ENOENT;
	pthread_mutex_lock(&r->open_lock);
	if (atomic_load(&r->state) != ROWS_OPEN) {
		struct store *s = r->s;
		bool no_sync = s->o.durability == STORE_EPHEMERAL;
		rc = lenv_open(&r->lenv, r->dir, s->o.map_bytes, no_sync, make);
		if (rc == 0)
			atomic_store(&r->state, ROWS_OPEN);
		else if (rc == -ENOENT)
			atomic_store(&r->state, ROWS_ABSENT);
		else
			fprintf(stderr, "haneul: store: %s: %s\n", r->dir, strerror(-rc));
	}
	pthread_mutex_unlock(&r->open_lock);
	return rc;
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
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

static void
store_free(struct store *s)
{
	for (int i = 0; i < s->rows_count; i++) {
		struct rows *r = s->rows[i];
		rows_txns_free(r);
		lenv_close(&r->lenv);
		pthread_mutex_destroy(&r->open_lock);
		free(r->dir);
		free(r);
	}
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
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_mutex_destroy(&s->reset_lock);
	pthread_cond_destroy(&s->queue_cond);
	pthread_cond_destroy(&s->merge_cond);
	pthread_cond_destroy(&s->room_cond);
	free(s->dir);
	free(s);
}

static struct store *
store_new(const struct store_options *o)
{
	struct store *s = calloc(1, sizeof *s);
	if (!s || !(s->dir = strdup(o->dir)))
		abort();
	s->o = *o;
	s->o.dir = s->dir;
	if (!s->o.memtable_bytes)
		s->o.memtable_bytes = 16u << 20;
	if (!s->o.map_bytes)
		s->o.map_bytes = 1ull << 40;
	s->lock_fd = -1;
	s->queue_tail = &s->queue;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->queue_lock, NULL);
	pthread_mutex_init(&s->reset_lock, NULL);
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

/* The directory is locked. Reads back what is there. */
static int
state_load(struct store *s)
{
	long version;
	bool ephemeral = s->o.durability == STORE_EPHEMERAL;
	int rc = version_read(s, &version);
	if (rc)
		return rc;
	if (version > LAYOUT_VERSION)
		return -EPROTO;
	/* An ephemeral store is removed on close: never one that somebody kept. */
	if (ephemeral && version > 0)
		return -EEXIST;
	if (version < 0)
		rc = leftovers_remove(s);
	char *log_dir = path_join(s->dir, LOG_DIR);
	if (!rc && !ephemeral)
		rc = wal_open(&s->log, log_dir, s->o.durability == STORE_RELAXED, version <= 0,
			group_replay, s);
	free(log_dir);
	if (rc)
		return rc;
	if (s->log)
		s->visible = wal_last_seq(s->log);
	return version > 0 ? 0 : version_write(s);
}

int
store_open(struct store **ret_store, const struct store_options *o, int *ret_holder)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, store_io_faults_from_env);
	if (mkdir(o->dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	struct store *s = store_new(o);
	int rc = dir_lock(s, ret_holder);
	if (!rc)
		rc = state_load(s);
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
	pthread_mutex_lock(&s->lock);
	s->merge_stop = true;
	pthread_cond_signal(&s->merge_cond);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->merge_thread, NULL);
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
		dir_remove(s->dir);
	store_free(s);
}

static uint64_t
rows_disk_bytes(const struct rows *r)
{
	char *path = path_join(r->dir, "data.mdb");
	struct stat st;
	uint64_t n = stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
	free(path);
	return n;
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
		ret_stats->disk_bytes += rows_disk_bytes(s->rows[i]);
	if (s->log) {
		ret_stats->log_bytes = wal_bytes_written(s->log);
		ret_stats->syncs_total = wal_syncs(s->log);
		ret_stats->disk_bytes += wal_disk_bytes(s->log);
	}
}
