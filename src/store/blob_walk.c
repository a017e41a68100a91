#include "store/blobs_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct walk {
	bool (*visit)(void *arg, const struct blob_visit *v);
	void *arg;
	struct str region;
	unsigned zone, roots; /* bits: zones whose directory this is */
	bool over;
	int err; /* the first one */
};

static void
walk_file(struct walk *w, int dir, const char *name)
{
	struct str text = str_c(name);
	struct blob_visit v = {
		.region = w->region, .tmp = str_ends(text, STR(".tmp")), .dir = dir, .name = name
	};
	/* Other names are not ours. */
	if (!blob_id_parse(str_slice(text, 0, v.tmp ? text.len - 4 : text.len), &v.id))
		return;
	v.zone = w->zone;
	v.shard = zones_shard(v.id, w->zone);
	w->over = !w->visit(w->arg, &v);
}

/* Calls `each` for each entry of the directory `name` in `at`. What vanished meanwhile is fine. */
static void
walk_dir(struct walk *w, int at, const char *name,
	void (*each)(struct walk *w, int dir, const char *name))
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (errno != ENOENT && errno != ENOTDIR && !w->err)
			w->err = -errno;
		if (fd >= 0)
			close(fd);
		return;
	}
	struct dirent *e;
	while (!w->over && (e = readdir(d)))
		if (e->d_name[0] != '.')
			each(w, fd, e->d_name);
	closedir(d);
}

static void
walk_leaf(struct walk *w, int dir, const char *name)
{
	walk_dir(w, dir, name, walk_file);
}

static void
walk_zone(struct walk *w, int dir, const char *name)
{
	if (!str_starts(str_c(name), STR("zone-")) || name[5] < 'a' || name[5] > 'c' || name[6])
		return;
	w->zone = (unsigned)(name[5] - 'a');
	if (!(w->roots >> w->zone & 1))
		return;
	walk_dir(w, dir, name, walk_leaf);
}

static void
walk_region(struct walk *w, int dir, const char *name)
{
	w->region = str_c(name);
	if (zones_region_valid(w->region))
		walk_dir(w, dir, name, walk_zone);
}

int
blobs_walk(struct zones *z, bool (*visit)(void *arg, const struct blob_visit *v), void *arg)
{
	struct walk w = { .visit = visit, .arg = arg };
	unsigned done = 0;
	for (unsigned i = 0; i < BLOB_ZONES && !w.over; i++) {
		if (done >> i & 1)
			continue;
		w.roots = 0;
		for (unsigned k = i; k < BLOB_ZONES; k++)
			if (strcmp(zones_dir(z, k), zones_dir(z, i)) == 0)
				w.roots |= 1u << k;
		done |= w.roots;
		walk_dir(&w, AT_FDCWD, zones_dir(z, i), walk_region);
	}
	return w.err;
}

static bool
count_file(void *arg, const struct blob_visit *v)
{
	((uint64_t *)arg)[v->zone] += !v->tmp;
	return true;
}

int
blobs_count(struct blobs *b, uint64_t ret_files[3])
{
	memset(ret_files, 0, BLOB_ZONES * sizeof(*ret_files));
	return blobs_walk(b->zones, count_file, ret_files);
}

static bool
region_misses(const char *root, const char *region, char zone)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s/zone-%c", root, region, zone);
	return n > 0 && n < (int)sizeof(path) && access(path, F_OK) && errno == ENOENT;
}

bool
blobs_zone_missing(struct blobs *b, unsigned zone)
{
	bool missing = false;
	for (unsigned i = 0; i < BLOB_ZONES && !missing; i++) {
		DIR *d = opendir(zones_dir(b->zones, i));
		for (struct dirent *e; d && !missing && (e = readdir(d));)
			missing = zones_region_valid(str_c(e->d_name)) &&
				  region_misses(zones_dir(b->zones, zone), e->d_name, "abc"[zone]);
		if (d)
			closedir(d);
	}
	return missing;
}

void
blobs_zones_make(struct blobs *b)
{
	for (unsigned i = 0; i < BLOB_ZONES; i++) {
		DIR *d = opendir(zones_dir(b->zones, i));
		for (struct dirent *e; d && (e = readdir(d));)
			if (zones_region_valid(str_c(e->d_name)))
				zones_make(b->zones, e->d_name);
		if (d)
			closedir(d);
	}
}

bool
blobs_zone_remade(struct blobs *b)
{
	return zones_remade(b->zones);
}

struct sweep {
	time_t before;
	bool (*named)(void *arg, struct str region, struct blob_id id);
	void *arg;
	int err;
};

static bool
sweep_file(void *arg, const struct blob_visit *v)
{
	struct sweep *s = arg;
	struct stat st;
	if (fstatat(v->dir, v->name, &st, AT_SYMLINK_NOFOLLOW) || st.st_mtime > s->before)
		return true;
	if (!v->tmp && s->named(s->arg, v->region, v->id))
		return true;
	if (unlinkat(v->dir, v->name, 0) && errno != ENOENT && !s->err)
		s->err = -errno;
	return true;
}

int
blobs_sweep(struct blobs *b, uint32_t min_age_s,
	bool (*named)(void *arg, struct str region, struct blob_id id), void *arg)
{
	struct sweep s = { time(NULL) - (time_t)min_age_s, named, arg, 0 };
	int err = blobs_walk(b->zones, sweep_file, &s);
	return err ? err : s.err;
}
