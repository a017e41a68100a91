#include "aws/care.h"

#include "base/buf.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

struct rig {
	char dir[64];
	struct loop *loop;
	struct pool *pool;
	struct blobs *blobs;
	struct store *store;
	struct blob_result result;
};

static struct blob_id kept;

static void
shell(const char *cmd)
{
	assert_int_equal(system(cmd), 0);
}

static bool
only_kept(struct store *s, struct tx *t, struct str region, struct blob_id id)
{
	(void)s;
	(void)t;
	(void)region;
	return memcmp(&id, &kept, sizeof(id)) == 0;
}

static void
put_done(void *arg, const struct blob_result *r)
{
	struct rig *g = arg;
	g->result = *r;
	loop_stop(g->loop);
}

static struct blob_id
put(struct rig *g, const char *text)
{
	struct blob_writer *w;
	assert_int_equal(
		blob_writer_open(g->blobs, g->loop, STR("us-east-1"), BLOB_STANDARD, 0, -1, &w), 0);
	blob_writer_add(w, str_c(text), NULL, NULL);
	blob_writer_finish(w, put_done, g);
	loop_run(g->loop);
	assert_int_equal(g->result.status, 0);
	return g->result.id;
}

static void
rig_open(struct rig *g)
{
	char sub[96];
	*g = (struct rig){ .dir = "/tmp/haneul-care-XXXXXX" };
	assert_non_null(mkdtemp(g->dir));
	assert_int_equal(loop_new(&g->loop), 0);
	assert_int_equal(pool_new(&g->pool, 1), 0);
	snprintf(sub, sizeof(sub), "%s/blobs", g->dir);
	struct blobs_options o = { .dir = sub, .pool = g->pool };
	assert_int_equal(blobs_open(&g->blobs, &o), 0);
	char rows[96];
	snprintf(rows, sizeof(rows), "%s/rows", g->dir);
	struct store_options so = { .dir = rows, .durability = STORE_EPHEMERAL };
	assert_int_equal(store_open(&g->store, &so, NULL), 0);
}

static void
rig_close(struct rig *g)
{
	char cmd[160];
	pool_free(g->pool);
	blobs_close(g->blobs);
	store_close(g->store);
	loop_free(g->loop);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", g->dir);
	shell(cmd);
}

static void
round_await(struct care *k, uint64_t rounds)
{
	struct care_stats s;
	unsigned tries = 0;
	do {
		usleep(500);
		care_stats_get(k, &s);
	} while (s.rounds_total < rounds && tries++ < 10000);
	assert_true(s.rounds_total >= rounds);
}

TEST(care_removes_orphans_and_fills_a_lost_zone_again)
{
	struct rig g;
	struct care_stats s;
	char cmd[160];
	uint64_t files[3];
	rig_open(&g);
	put(&g, "nobody names this one");
	kept = put(&g, "a row names this one");
	struct care_options o = { .store = g.store,
		.blobs = g.blobs,
		.named = only_kept,
		.period_ms = 3600000,
		.grace_ms = 1,
		.look_ms = 1 };
	struct care *k = care_start(&o);
	round_await(k, 1);
	care_stats_get(k, &s);
	assert_int_equal(s.orphans_total, 1);
	blobs_count(g.blobs, files);
	assert_int_equal(files[0] + files[1] + files[2], 2);

	for (unsigned i = 0; i < 3; i++) {
		uint64_t rounds = s.rounds_total;
		snprintf(cmd, sizeof(cmd), "rm -rf %s/blobs/us-east-1/zone-%c", g.dir, "abc"[i]);
		shell(cmd);
		round_await(k, rounds + 1);
		care_stats_get(k, &s);
		assert_int_equal(s.lost, 0);
	}
	blobs_count(g.blobs, files);
	assert_int_equal(files[0] + files[1] + files[2], 2);
	care_stop(k);
	rig_close(&g);
}

TEST(care_accepts_writes_while_a_zone_fails)
{
	struct rig g;
	char sub[96];
	struct blobs_stats s;
	rig_open(&g);
	blobs_close(g.blobs);
	snprintf(sub, sizeof(sub), "%s/blobs", g.dir);
	struct blobs_options o = {
		.dir = sub, .pool = g.pool, .zone_dirs = { NULL, "/dev/null/none", NULL }
	};
	assert_int_equal(blobs_open(&g.blobs, &o), 0);
	/* Where the shards go follows from the random id: of eight some meet the zone that
	 * fails. */
	for (unsigned i = 0; i < 8; i++)
		put(&g, "two copies, or one until the zone is back");
	pool_free(g.pool);
	blobs_stats_get(g.blobs, &s);
	assert_true(s.degraded_total > 0);
	assert_int_equal(s.lost_total, 0);
	blobs_close(g.blobs);
	assert_int_equal(pool_new(&g.pool, 1), 0);
	o.zone_dirs[1] = NULL;
	assert_int_equal(blobs_open(&g.blobs, &o), 0);
	struct blobs_scrub scrub = { 0 };
	assert_int_equal(blobs_scrub(g.blobs, &scrub), 0);
	assert_int_equal(scrub.blobs, 8);
	assert_int_equal(scrub.repaired, s.degraded_total);
	uint64_t files[3];
	blobs_count(g.blobs, files);
	assert_int_equal(files[0] + files[1] + files[2], 16);
	rig_close(&g);
}

TEST(only_what_a_row_names_counts_as_lost)
{
	struct rig g;
	struct care_stats s;
	struct blobs_stats total;
	char cmd[160];
	rig_open(&g);
	put(&g, "nobody names this one: a crash cut it off");
	kept = put(&g, "a row names this one");
	snprintf(cmd, sizeof(cmd), "find %s/blobs -type f -exec truncate -s 100 {} +", g.dir);
	shell(cmd);
	struct care_options o = { .store = g.store,
		.blobs = g.blobs,
		.named = only_kept,
		.period_ms = 3600000,
		.grace_ms = 1,
		.look_ms = 1,
		.orphan_age_s = 3600 };
	struct care *k = care_start(&o);
	round_await(k, 1);
	care_stats_get(k, &s);
	blobs_stats_get(g.blobs, &total);
	assert_int_equal(s.lost, 1);
	assert_int_equal(total.lost_total, 1);
	care_stop(k);
	rig_close(&g);
}
