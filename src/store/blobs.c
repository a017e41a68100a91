#include "store/blobs_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int
blobs_open(struct blobs **ret_blobs, const struct blobs_options *o)
{
	if (mkdir(o->dir, 0700) && errno != EEXIST)
		return -errno;
	struct blobs *b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->zones = zones_new(o->dir, !o->no_sync);
	b->pool = o->pool;
	*ret_blobs = b;
	return 0;
}

void
blobs_close(struct blobs *b)
{
	if (!b)
		return;
	zones_free(b->zones);
	free(b);
}

struct removal {
	struct pool_job job;
	struct zones *zones;
	struct blob_id id;
	char region[BLOB_REGION_MAX + 1];
};

static void
removal_run(struct pool_job *job)
{
	struct removal *r = (struct removal *)job;
	/* What a failure leaves behind has no row, so a later sweep takes it. */
	zones_remove(r->zones, str_c(r->region), r->id);
}

static void
removal_done(struct pool_job *job)
{
	free(job);
}

void
blob_remove(struct blobs *b, struct str region, struct blob_id id)
{
	if (!zones_region_valid(region))
		return;
	struct removal *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	r->job.run = removal_run;
	r->job.done = removal_done;
	r->zones = b->zones;
	r->id = id;
	memcpy(r->region, region.p, region.len);
	pool_submit(b->pool, &r->job);
}

struct sweep {
	time_t before;
	bool (*named)(void *arg, struct str region, struct blob_id id);
	void *arg;
	struct str region;
	int err; /* the first one */
};

static void
sweep_file(struct sweep *s, int dir, const char *name)
{
	struct blob_id id;
	struct stat st;
	struct str text = str_c(name);
	bool tmp = str_ends(text, STR(".tmp"));
	/* Other names are not ours. */
	if (!blob_id_parse(str_slice(text, 0, tmp ? text.len - 4 : text.len), &id))
		return;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_mtime > s->before)
		return;
	if (!tmp && s->named(s->arg, s->region, id))
		return;
	if (unlinkat(dir, name, 0) && errno != ENOENT && !s->err)
		s->err = -errno;
}

/* Calls visit for each entry of the directory `name` in `at`. What vanished meanwhile is fine. */
static void
sweep_dir(struct sweep *s, int at, const char *name, void (*visit)(struct sweep *s, int dir, const char *name))
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (errno != ENOENT && errno != ENOTDIR && !s->err)
			s->err = -errno;
		if (fd >= 0)
			close(fd);
		return;
	}
	struct dirent *e;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			visit(s, fd, e->d_name);
	closedir(d);
}

static void
sweep_leaf(struct sweep *s, int dir, const char *name)
{
	sweep_dir(s, dir, name, sweep_file);
}

static void
sweep_zone(struct sweep *s, int dir, const char *name)
{
	if (str_starts(str_c(name), STR("zone-")))
		sweep_dir(s, dir, name, sweep_leaf);
}

static void
sweep_region(struct sweep *s, int dir, const char *name)
{
	s->region = str_c(name);
	if (zones_region_valid(s->region))
		sweep_dir(s, dir, name, sweep_zone);
}

int
blobs_sweep(struct blobs *b, uint32_t min_age_s, bool (*named)(void *arg, struct str region, struct blob_id id),
	void *arg)
{
	struct sweep s = { .before = time(NULL) - (time_t)min_age_s, .named = named, .arg = arg };
	sweep_dir(&s, AT_FDCWD, zones_dir(b->zones), sweep_region);
	return s.err;
}
