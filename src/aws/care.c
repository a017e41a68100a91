#include "aws/care.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define ORPHANS_MAX 65536 /* of one round; the next one takes the rest */

struct orphan {
	char region[33];
	struct blob_id id;
};

struct care {
	struct care_options o;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t cond;
	bool stop, now;
	struct care_stats stats;
	/* The thread's: */
	struct orphan *orphans;
	size_t orphans_n, orphans_cap;
	struct tx *tx; /* of one sweep's look-ups, renewed often */
	unsigned looked;
	bool urgent, remade;
	uint64_t started_us;
};

static bool
stopping(struct care *k)
{
	pthread_mutex_lock(&k->lock);
	bool stop = k->stop;
	pthread_mutex_unlock(&k->lock);
	return stop;
}

static void
state_set(struct care *k, const char *state)
{
	pthread_mutex_lock(&k->lock);
	k->stats.state = state;
	pthread_mutex_unlock(&k->lock);
}

/* Sleeps; ends early when a round is asked for (true) or the care ends. */
static bool
care_wait(struct care *k, uint32_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&k->lock);
	while (!k->stop && !k->now && pthread_cond_timedwait(&k->cond, &k->lock, &until) == 0)
		;
	bool now = k->now;
	pthread_mutex_unlock(&k->lock);
	return now;
}

static bool
is_named(struct care *k, struct str region, struct blob_id id)
{
	/* A long-held snapshot would keep LMDB from using its pages again. */
	if (k->tx && ++k->looked % 256 == 0) {
		tx_end(k->tx);
		k->tx = NULL;
	}
	if (!k->tx)
		k->tx = tx_begin_read(k->o.store);
	return k->o.named(k->o.store, k->tx, region, id);
}

/* Never says that a blob may go: who is unnamed is noted, and asked about again later. */
static bool
orphan_note(void *arg, struct str region, struct blob_id id)
{
	struct care *k = arg;
	if (k->orphans_n == ORPHANS_MAX || region.len > 32 || is_named(k, region, id))
		return true;
	if (k->orphans_n == k->orphans_cap) {
		k->orphans_cap = k->orphans_cap ? k->orphans_cap * 2 : 64;
		k->orphans = realloc(k->orphans, k->orphans_cap * sizeof(*k->orphans));
		if (!k->orphans)
			abort();
	}
	struct orphan *o = &k->orphans[k->orphans_n++];
	*o = (struct orphan){ .id = id };
	memcpy(o->region, region.p, region.len);
	return true;
}

static void
look_up_done(struct care *k)
{
	if (k->tx)
		tx_end(k->tx);
	k->tx = NULL;
}

static void
orphans_remove(struct care *k)
{
	uint64_t n = 0;
	struct blob_id last = { { 0 } };
	for (size_t i = 0; i < k->orphans_n && !stopping(k); i++) {
		struct orphan *o = &k->orphans[i];
		struct str region = str_c(o->region);
		if (is_named(k, region, o->id))
			continue;
		blob_remove_now(k->o.blobs, region, o->id);
		/* Each shard was met: as a rule one after the other in different zones. */
		n += i == 0 || memcmp(&last, &o->id, sizeof(last)) != 0;
		last = o->id;
	}
	look_up_done(k);
	k->orphans_n = 0;
	pthread_mutex_lock(&k->lock);
	k->stats.orphans_total += n;
	pthread_mutex_unlock(&k->lock);
	if (n)
		log_info("care.orphans", log_uint("removed", n));
}

/* The files of a process before this one, when this one is young. */
static uint32_t
orphan_age(const struct care *k)
{
	uint64_t up_s = (clock_mono_us() - k->started_us) / 1000000 + 1;
	return up_s < k->o.orphan_age_s ? (uint32_t)up_s : k->o.orphan_age_s;
}

static int
orphan_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct orphan));
}

static void
sweep(struct care *k)
{
	state_set(k, "sweeping");
	blobs_sweep(k->o.blobs, orphan_age(k), orphan_note, k);
	look_up_done(k);
	if (!k->orphans_n)
		return;
	qsort(k->orphans, k->orphans_n, sizeof(*k->orphans), orphan_order);
	if (!k->urgent)
		care_wait(k, k->o.grace_ms);
	orphans_remove(k);
}

/* With a look of its own: what was committed since the walk began counts. */
static bool
is_named_now(void *arg, struct str region, struct blob_id id)
{
	struct care *k = arg;
	look_up_done(k);
	bool named = is_named(k, region, id);
	look_up_done(k);
	return named;
}

static bool
scrub_progress(struct blobs_scrub *s)
{
	struct care *k = s->arg;
	pthread_mutex_lock(&k->lock);
	struct care_stats *t = &k->stats;
	t->blobs = s->blobs;
	t->bytes = s->bytes;
	t->damaged = s->damaged;
	t->repaired = s->repaired;
	t->lost = s->lost;
	t->files_seen = 0;
	for (unsigned i = 0; i < 3; i++) {
		t->zone_files[i] = s->zone_files[i];
		t->zone_bytes[i] = s->zone_bytes[i];
		t->files_seen += s->zone_files[i];
	}
	bool stop = k->stop;
	pthread_mutex_unlock(&k->lock);
	return !stop;
}

static void
scrub(struct care *k, bool rebuild)
{
	uint64_t files[3] = { 0 };
	struct blobs_scrub s = { .progress = scrub_progress, .named = is_named_now, .arg = k,
		.bytes_a_second = rebuild || k->urgent ? 0 : k->o.bytes_a_second };
	state_set(k, rebuild ? "rebuilding" : "scrubbing");
	blobs_count(k->o.blobs, files);
	pthread_mutex_lock(&k->lock);
	k->stats.files_expected = files[0] + files[1] + files[2];
	k->stats.files_seen = 0;
	pthread_mutex_unlock(&k->lock);
	int err = blobs_scrub(k->o.blobs, &s);
	scrub_progress(&s);
	if (s.damaged || s.lost || err)
		log_warn("care.scrub", log_uint("blobs", s.blobs), log_uint("damaged", s.damaged),
			log_uint("repaired", s.repaired), log_uint("lost", s.lost),
			log_int("status", err));
}

/* Bits. */
static unsigned
zones_missing(struct care *k)
{
	unsigned missing = 0;
	for (unsigned i = 0; i < 3; i++)
		missing |= (unsigned)blobs_zone_missing(k->o.blobs, i) << i;
	return missing;
}

static void
care_round(struct care *k)
{
	pthread_mutex_lock(&k->lock);
	k->urgent = k->now;
	k->now = false;
	k->stats.began_ms = clock_real_ms();
	pthread_mutex_unlock(&k->lock);
	if (k->o.look)
		k->o.look(k->o.look_arg, true);
	/* What is missing first: until it is back, a second loss is one too many. */
	if (zones_missing(k) || k->remade) {
		blobs_zones_make(k->o.blobs);
		scrub(k, true);
	}
	k->remade = false;
	if (!stopping(k))
		sweep(k);
	if (!stopping(k))
		scrub(k, false);
	pthread_mutex_lock(&k->lock);
	k->stats.state = "idle";
	k->stats.ended_ms = clock_real_ms();
	k->stats.rounds_total++;
	pthread_mutex_unlock(&k->lock);
}

static void *
care_main(void *arg)
{
	struct care *k = arg;
	unsigned was_missing = 0;
	while (!stopping(k)) {
		uint64_t next_us = clock_mono_us() + (uint64_t)k->o.period_ms * 1000;
		care_round(k);
		for (;;) {
			/* A zone whose disk is gone stays missing: then only the rounds come by. */
			unsigned missing = zones_missing(k), news = missing & ~was_missing;
			was_missing = missing;
			k->remade |= blobs_zone_remade(k->o.blobs);
			if (news || k->remade || stopping(k) || clock_mono_us() >= next_us ||
				care_wait(k, k->o.look_ms))
				break;
			if (k->o.look)
				k->o.look(k->o.look_arg, false);
		}
	}
	return NULL;
}

struct care *
care_start(const struct care_options *o)
{
	struct care *k = calloc(1, sizeof(*k));
	if (!k)
		abort();
	k->o = *o;
	k->stats.state = "idle";
	k->started_us = clock_mono_us();
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->cond, &attr);
	pthread_condattr_destroy(&attr);
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&k->thread, NULL, care_main, k))
		abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return k;
}

void
care_stop(struct care *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_signal(&k->cond);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->cond);
	free(k->orphans);
	free(k);
}

void
care_now(struct care *k)
{
	pthread_mutex_lock(&k->lock);
	k->now = true;
	pthread_cond_signal(&k->cond);
	pthread_mutex_unlock(&k->lock);
}

void
care_stats_get(struct care *k, struct care_stats *ret_stats)
{
	pthread_mutex_lock(&k->lock);
	*ret_stats = k->stats;
	pthread_mutex_unlock(&k->lock);
}
