/*
 * The store's one or two directories: made, locked, marked. Each holds everything: the log, a copy
 * of each environment, `version` (the layout's number, then an id that both bear), `lock`.
 *
 * A directory that is being filled from the other holds a file `incomplete` until it is whole:
 * should the other be lost meanwhile, opening says so instead of showing half a store.
 */
#include "store/store_private.h"

#include "base/log.h"

#include "store/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "incomplete"

char *
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

int
dir_remove(const char *dir)
{
	return nftw(dir, path_remove, 16, FTW_DEPTH | FTW_PHYS) < 0 ? -errno : 0;
}

static int
dir_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : io_sync_dir(fd);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* *ret_n: so many of its levels had to be made below the first. */
static int
dirs_make(const char *path, unsigned *ret_n)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	char *up = strdup(path), *slash = up ? strrchr(up, '/') : NULL;
	int rc = -ENOENT;
	if (slash && slash > up) {
		*slash = 0;
		rc = dirs_make(up, ret_n);
		if (!rc && mkdir(path, 0700) < 0 && errno != EEXIST)
			rc = -errno;
		*ret_n += !rc;
	}
	free(up);
	return rc;
}

/* First all are made, then all are synced: the first sync's commit of the journal takes everything
 * along, and the others find nothing left to do. Nothing counts before the last of them. */
int
dir_make_all(const char *path)
{
	unsigned n = 0;
	int rc = dirs_make(path, &n);
	char *up = strdup(path);
	if (!up)
		abort();
	for (; n && !rc; n--) {
		*strrchr(up, '/') = 0;
		rc = dir_sync(up);
	}
	free(up);
	return rc;
}

/* A lock by flock: gone with the process, however it ends. The pid within is for people. */
static int
side_lock(struct side *d, int *ret_holder)
{
	char *path = path_join(d->dir, "lock"), pid[32] = "";
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (d->lock_fd < 0)
		return -errno;
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		ssize_t n = pread(d->lock_fd, pid, sizeof pid - 1, 0);
		if (ret_holder && n > 0)
			*ret_holder = (int)strtol(pid, NULL, 10);
		return rc;
	}
	int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (ftruncate(d->lock_fd, 0) < 0 || pwrite(d->lock_fd, pid, (size_t)len, 0) != len)
		return -errno;
	return 0;
}

struct side_version {
	long number; /* 0: the directory is new; -1: what an ephemeral run left behind */
	char id[33];
};

static int
version_read(const struct side *d, struct side_version *ret)
{
	char *path = path_join(d->dir, "version"), text[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	free(path);
	*ret = (struct side_version){ 0 };
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n < 0)
		rc = -errno;
	else if (strncmp(text, "ephemeral", 9) == 0)
		ret->number = -1;
	else if (sscanf(text, "%ld %32[0-9a-f]", &ret->number, ret->id) < 1 || ret->number < 1)
		rc = -EBADMSG;
	close(fd);
	return rc;
}

/* A whole file, durably, in place of what was there. */
static int
file_put(const char *dir, const char *name, const char *text)
{
	char *path = path_join(dir, name), *tmp;
	if (asprintf(&tmp, "%s.new", path) < 0)
		abort();
	size_t len = strlen(text);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
	    rc = fd < 0 ? -errno : 0;
	if (!rc && (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0 || rename(tmp, path) < 0))
		rc = errno ? -errno : -EIO;
	if (!rc)
		rc = dir_sync(dir);
	if (fd >= 0)
		close(fd);
	free(path);
	free(tmp);
	return rc;
}

static int
version_write(const struct store *s, int i)
{
	char text[64];
	if (s->o.durability == STORE_EPHEMERAL)
		snprintf(text, sizeof text, "ephemeral\n");
	else
		snprintf(text, sizeof text, "%d %s\n", LAYOUT_VERSION, s->id);
	return file_put(s->side[i].dir, "version", text);
}

/* What an ephemeral run left is nothing: its subdirectories go; the lock is ours. */
static int
leftovers_remove(const char *dir)
{
	DIR *d = opendir(dir);
	int rc = d ? 0 : -errno;
	for (struct dirent *e; d && !rc && (e = readdir(d));) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		char *path = path_join(dir, e->d_name);
		rc = dir_remove(path);
		free(path);
	}
	if (d)
		closedir(d);
	return rc;
}

void
side_mark(struct store *s, int i)
{
	if (s->sides < 2)
		return;
	pthread_mutex_lock(&s->mark_lock);
	/* Nothing better can be done when it fails: a directory that takes no file fills up no
	 * further either. */
	if (!s->side[i].incomplete && file_put(s->side[i].dir, MARK, "") == 0)
		s->side[i].incomplete = true;
	pthread_mutex_unlock(&s->mark_lock);
}

void
side_unmark(struct store *s, int i)
{
	char *path = path_join(s->side[i].dir, MARK);
	pthread_mutex_lock(&s->mark_lock);
	if (s->side[i].incomplete && (unlink(path) == 0 || errno == ENOENT) &&
		dir_sync(s->side[i].dir) == 0)
		s->side[i].incomplete = false;
	pthread_mutex_unlock(&s->mark_lock);
	free(path);
}

static bool
side_marked(const struct side *d)
{
	char *path = path_join(d->dir, MARK);
	bool marked = access(path, F_OK) == 0;
	free(path);
	return marked;
}

/* Locks the directory and reads what it says of itself. */
static int
side_begin(struct side *d, int *ret_holder, struct side_version *ret_version)
{
	int rc = dir_make_all(d->dir);
	if (!rc)
		rc = side_lock(d, ret_holder);
	if (!rc)
		rc = version_read(d, ret_version);
	if (!rc)
		d->incomplete = side_marked(d);
	return rc;
}

static void
id_make(char ret[33])
{
	unsigned char raw[16];
	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		abort();
	for (unsigned i = 0; i < sizeof raw; i++)
		snprintf(ret + 2 * i, 3, "%02x", raw[i]);
}

/* The second directory is left alone when it cannot be used: the store runs on the first one. */
static int
second_begin(struct store *s, const struct side_version *first, struct side_version *ret,
	int *ret_holder)
{
	struct side *d = &s->side[1];
	int rc = side_begin(d, ret_holder, ret);
	if (rc == -EBUSY)
		return rc;
	bool usable = !rc && ret->number >= 0;
	/* Of a newer layout nothing is known, not even where its id stands: sides_open says so. */
	bool known = first->number <= LAYOUT_VERSION && ret->number <= LAYOUT_VERSION;
	if (usable && known && first->number > 0 && ret->number > 0 &&
		strcmp(first->id, ret->id) != 0)
		return -EXDEV;
	if (!usable) {
		log_error(
			"store.second", log_c("path", d->dir), log_errno("why", rc ? -rc : EINVAL));
		*ret = (struct side_version){ 0 };
		s->sides = 1;
	}
	return 0;
}

/* Which of the two counts, and which is to be filled from the other. */
static int
sides_compare(struct store *s, const struct side_version v[SIDES])
{
	for (int i = 0; i < s->sides; i++) {
		bool there = v[i].number > 0, other = s->sides > 1 && v[!i].number > 0;
		if (there && s->side[i].incomplete && (!other || s->side[!i].incomplete))
			return -EOWNERDEAD;
		if (!there && other) {
			log_warn("store.rebuild", log_c("path", s->side[i].dir),
				log_c("from", s->side[!i].dir));
			side_mark(s, i);
		}
	}
	return 0;
}

int
sides_open(struct store *s, int *ret_holder, bool *ret_fresh)
{
	struct side_version v[SIDES] = { { 0 } };
	bool ephemeral = s->o.durability == STORE_EPHEMERAL;
	int rc = side_begin(&s->side[0], ret_holder, &v[0]);
	if (!rc && s->sides > 1)
		rc = second_begin(s, &v[0], &v[1], ret_holder);
	if (rc)
		return rc;
	if (v[0].number > LAYOUT_VERSION || v[1].number > LAYOUT_VERSION)
		return -EPROTO;
	/* An ephemeral store is removed on close: never one that somebody kept. */
	if (ephemeral && v[0].number > 0)
		return -EEXIST;
	if (v[0].number < 0)
		rc = leftovers_remove(s->side[0].dir);
	*ret_fresh = v[0].number <= 0 && v[1].number <= 0;
	memcpy(s->id, v[0].id[0] ? v[0].id : v[1].id, sizeof s->id);
	if (!s->id[0])
		id_make(s->id);
	return rc ? rc : sides_compare(s, v);
}

int
sides_settle_version(struct store *s)
{
	for (int i = 0; i < s->sides; i++) {
		struct side_version v;
		int rc = version_read(&s->side[i], &v);
		if (rc || v.number != LAYOUT_VERSION || strcmp(v.id, s->id) != 0 ||
			s->o.durability == STORE_EPHEMERAL)
			rc = version_write(s, i);
		/* The first one must; a second one that fails is not whole. */
		if (rc && i == 0)
			return rc;
		if (rc)
			side_mark(s, i);
	}
	return 0;
}

void
sides_close(struct store *s)
{
	for (int i = 0; i < SIDES; i++) {
		if (s->side[i].lock_fd >= 0)
			close(s->side[i].lock_fd);
		free(s->side[i].dir);
	}
}

/* A directory that was taken away begins anew, as one that is being filled. */
static int
side_begin_anew(struct store *s, int i)
{
	struct side *d = &s->side[i];
	int holder, rc = dir_make_all(d->dir);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->mark_lock);
	d->incomplete = side_marked(d);
	pthread_mutex_unlock(&s->mark_lock);
	side_mark(s, i);
	rc = side_lock(d, &holder);
	return rc ? rc : version_write(s, i);
}

void
sides_log_mend(struct store *s)
{
	unsigned gone = wal_look(s->log);
	atomic_store(&s->log_work, false);
	for (int i = 0; i < s->sides; i++) {
		if (gone >> i & 1)
			wal_drop(s->log, (unsigned)i);
		if (wal_sides(s->log) >> i & 1)
			continue;
		int rc = side_begin_anew(s, i);
		if (!rc)
			rc = wal_rejoin(s->log, (unsigned)i);
		pthread_mutex_lock(&s->lock);
		s->stats.damaged_total++;
		s->stats.repaired_total += !rc;
		pthread_mutex_unlock(&s->lock);
		log_warn("store.log_side", log_c("path", s->side[i].dir),
			log_errno("rejoined", -rc));
	}
	merge_wake(s, &s->mend_work);
}
