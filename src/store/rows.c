/* Environments and their copies: which there are, which of them can be trusted. See
 * store_private.h. */
#include "store/env_check.h"
#include "store/store_private.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
	for (int i = 0; i < s->sides; i++) {
		r->copy[i].dir = path_join(s->side[i].dir, r->name);
		r->copy[i].state = COPY_UNSEEN;
	}
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

/* Which place of store.named a name has. */
static unsigned
named_place(const char *name)
{
	unsigned h = 0;
	while (*name)
		h = h * 31 + (unsigned char)*name++;
	return h % NAMED;
}

struct rows *
store_rows(struct store *s, const char *name)
{
	/* Asked several times by each request. */
	_Atomic(struct rows *) *place = &s->named[named_place(name)];
	struct rows *r = atomic_load_explicit(place, memory_order_acquire);
	if (r && strcmp(r->name, name) == 0)
		return r;
	r = rows_find(s, str_c(name));
	if (!r) {
		fprintf(stderr, "haneul: store: no environment can be named `%s`\n", name);
		abort();
	}
	atomic_store_explicit(place, r, memory_order_release);
	return r;
}

void
rows_free(struct rows *r)
{
	for (int i = 0; i < SIDES; i++) {
		copy_txns_free(&r->copy[i]);
		lenv_close(&r->copy[i].lenv);
		free(r->copy[i].dir);
	}
	pthread_mutex_destroy(&r->open_lock);
	free(r);
}

int
rows_find_all(struct store *s)
{
	int rc = -ENOENT;
	for (int i = 0; i < s->sides; i++) {
		DIR *d = opendir(s->side[i].dir);
		if (!d)
			continue;
		rc = 0;
		for (struct dirent *e; (e = readdir(d));)
			if (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN)
				rows_find(s, str_c(e->d_name));
		closedir(d);
	}
	return rc;
}

static enum env_verdict
copy_check(struct rows *r, int i, struct env_check *ret)
{
	const struct copy *c = &r->copy[i];
	char *path = path_join(c->dir, "data.mdb");
	*ret = (struct env_check){ .stop = &r->s->hurry };
	enum env_verdict v = env_check(path, ret);
	/* A directory in whose place something else stands. */
	if (v == ENV_UNREADABLE && ret->error == ENOTDIR)
		v = ENV_ABSENT;
	if (v == ENV_DAMAGED || v == ENV_UNREADABLE)
		log_warn("store.damaged", log_c("path", path), log_errno("why", ret->error),
			log_uint("pages", ret->bad_pages), log_uint("values", ret->bad_values));
	free(path);
	return v;
}

static void
damage_count(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->stats.damaged_total++;
	pthread_mutex_unlock(&s->lock);
}

static int
copy_open(struct rows *r, int i, bool make)
{
	struct copy *c = &r->copy[i];
	struct store *s = r->s;
	int rc = make ? dir_make_all(c->dir) : 0;
	if (!rc)
		rc = lenv_open(
			&c->lenv, c->dir, s->o.map_bytes, s->o.durability == STORE_EPHEMERAL, make);
	if (rc) {
		log_error("store.open", log_c("path", c->dir), log_errno("why", -rc));
		return rc;
	}
	pthread_mutex_lock(&s->lock);
	c->state = COPY_OPEN;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void
copy_down(struct rows *r, int i)
{
	struct store *s = r->s;
	side_mark(s, i);
	pthread_mutex_lock(&s->lock);
	r->copy[i].state = COPY_DOWN;
	s->stats.damaged_total++;
	pthread_mutex_unlock(&s->lock);
	merge_wake(s, &s->mend_work);
}

/* What is there to be read: the copy of the first side, as long as that one is whole, else the one
 * that got further. -1: none, and the verdict of each. */
static int
copy_choose(struct rows *r, enum env_verdict v[SIDES])
{
	struct store *s = r->s;
	struct env_check c[SIDES];
	int best = -1;
	for (int i = 0; i < s->sides; i++) {
		v[i] = copy_check(r, i, &c[i]);
		bool usable = v[i] == ENV_GOOD || v[i] == ENV_OLD;
		if (usable && (best < 0 || c[i].seq > c[best].seq))
			best = i;
		if (i == 0 && usable && !s->side[0].incomplete)
			break;
	}
	return best;
}

/* Makes a copy on each side that takes one. */
static int
copies_make(struct rows *r)
{
	int rc = 0, live = -1;
	for (int i = 0; i < r->s->sides; i++) {
		char *path = path_join(r->copy[i].dir, "data.mdb");
		unlink(path);
		free(path);
		int e = copy_open(r, i, true);
		if (!e && live < 0)
			live = i;
		if (e)
			rc = rc ? rc : e;
	}
	for (int i = 0; i < r->s->sides && live >= 0; i++)
		if (r->copy[i].state != COPY_OPEN)
			copy_down(r, i);
	r->live = live >= 0 ? live : 0;
	return live >= 0 ? 0 : rc;
}

static int
copies_open_once(struct rows *r, bool make, bool *ret_gone)
{
	struct store *s = r->s;
	enum env_verdict v[SIDES] = { ENV_ABSENT, ENV_ABSENT };
	bool ephemeral = s->o.durability == STORE_EPHEMERAL;
	*ret_gone = false;
	int best = ephemeral ? -1 : copy_choose(r, v);
	if (v[0] == ENV_STOPPED || v[1] == ENV_STOPPED)
		return -ECANCELED;
	bool absent = v[0] == ENV_ABSENT && (s->sides == 1 || v[1] == ENV_ABSENT);
	if (best < 0 && absent)
		return make ? copies_make(r) : -ENOENT;
	int rc = 0;
	if (best < 0 || v[best] == ENV_OLD) {
		int to = best < 0 ? 0 : best;
		if (best < 0)
			damage_count(s);
		rc = rows_salvage(r, to);
		best = to;
	}
	if (!rc)
		rc = copy_open(r, best, false);
	*ret_gone = rc == -ENOENT;
	if (rc)
		return rc;
	r->live = best;
	for (int i = 0; i < best; i++)
		copy_down(r, i);
	return 0;
}

/* A directory may go between the look at it and the opening: then the other side is asked. That a
 * copy went is never taken for an environment that was never made, which would hide its rows. */
static int
copies_open(struct rows *r, bool make)
{
	bool gone = false;
	int rc = copies_open_once(r, make, &gone);
	if (gone)
		rc = copies_open_once(r, make, &gone);
	return gone ? -EIO : rc;
}

int
rows_open(struct rows *r, bool make)
{
	int state = atomic_load(&r->state), rc = 0;
	if (state == ROWS_LOST)
		return -EBADMSG;
	if (state == ROWS_OPEN || (state == ROWS_ABSENT && !make))
		return state == ROWS_OPEN ? 0 : -ENOENT;
	pthread_mutex_lock(&r->open_lock);
	if (atomic_load(&r->state) != ROWS_OPEN) {
		rc = copies_open(r, make);
		if (rc == 0)
			atomic_store(&r->state, ROWS_OPEN);
		else if (rc == -ENOENT)
			atomic_store(&r->state, ROWS_ABSENT);
		else if (rc == -EBADMSG)
			atomic_store(&r->state, ROWS_LOST);
	}
	pthread_mutex_unlock(&r->open_lock);
	return rc;
}

int
copies_see(struct rows *r)
{
	for (int i = 0; i < r->s->sides; i++) {
		struct env_check c;
		if (r->copy[i].state != COPY_UNSEEN)
			continue;
		enum env_verdict v = copy_check(r, i, &c);
		if (v == ENV_STOPPED)
			return -ECANCELED;
		if (v != ENV_GOOD || c.seq != r->copy[r->live].lenv.seq || copy_open(r, i, false))
			copy_down(r, i);
	}
	return 0;
}

bool
rows_large(const struct rows *r)
{
	bool large = false;
	for (int i = 0; i < r->s->sides; i++) {
		char *path = path_join(r->copy[i].dir, "data.mdb");
		struct stat st;
		large |= stat(path, &st) == 0 && (uint64_t)st.st_size >= env_check_large;
		free(path);
	}
	return large;
}

void
rows_suspect(struct rows *r, const struct lenv *e)
{
	atomic_fetch_or(&r->suspect, 1u << (e == &r->copy[1].lenv));
	merge_wake(r->s, &r->s->mend_work);
}

void
copy_give_up(struct rows *r, int i)
{
	struct store *s = r->s;
	side_mark(s, i);
	pthread_mutex_lock(&s->lock);
	if (r->live == i)
		r->live = !i;
	r->copy[i].state = COPY_RETIRING;
	s->stats.damaged_total++;
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->mend_work, true);
}
