#include "aws/metering.h"

#include "unit.h"

#define HOUR_MS INT64_C(3600000)

static struct store *
open_store(void)
{
	struct store *s;
	struct store_options o = {
		.dir = unit_tmpdir(), .durability = STORE_EPHEMERAL, .map_bytes = 1ull << 32
	};
	assert_int_equal(store_open(&s, &o, NULL), 0);
	return s;
}

static const struct metering_key a_key = { STR("111122223333"), STR("s3"), STR("bucket"),
	STR("STANDARD") };

struct change {
	struct store *s;
	int64_t bytes, now_ms;
};

static int
change_run(struct tx *t, void *arg)
{
	struct change *c = arg;
	metering_gauge(t, c->s, &a_key, c->bytes, c->bytes < 0 ? -1 : 1, c->now_ms);
	return 0;
}

static void
change(struct store *s, int64_t bytes, int64_t now_ms)
{
	struct change c = { s, bytes, now_ms };
	assert_int_equal(store_write(s, change_run, &c), 0);
}

static bool
amount_take(void *arg, const struct metering_amount *a)
{
	struct metering_amount *ret = arg;
	ret->bytes = a->bytes;
	ret->things = a->things;
	ret->byte_hours = a->byte_hours;
	return true;
}

static void
amount_is(struct store *s, int64_t now_ms, uint64_t bytes, uint64_t things, double byte_hours)
{
	struct metering_amount got = { 0 };
	struct tx *t = tx_begin_read(s);
	metering_amounts(t, s, now_ms, amount_take, &got);
	tx_end(t);
	assert_int_equal(got.bytes, bytes);
	assert_int_equal(got.things, things);
	assert_true(got.byte_hours > byte_hours - 1 && got.byte_hours < byte_hours + 1);
}

TEST(amounts_become_byte_hours)
{
	struct store *s = open_store();
	int64_t start = 1000 * HOUR_MS + HOUR_MS / 2;
	change(s, 3600, start);
	amount_is(s, start, 3600, 1, 0);
	amount_is(s, start + HOUR_MS, 3600, 1, 3600);
	change(s, 7200, start + HOUR_MS / 4); /* a quarter of an hour of the first alone */
	amount_is(s, start + HOUR_MS, 10800, 2, 900 + 8100);
	change(s, -10800, start + 100 * HOUR_MS);
	amount_is(s, start + 200 * HOUR_MS, 0, 1, 900 + 10800 * 99.75);
	store_close(s);
}

static bool
count_take(void *arg, const struct metering_requests *r)
{
	*(uint64_t *)arg += r->n;
	return str_is(r->key.resource, "bucket");
}

TEST(counts_gather_and_are_written)
{
	struct store *s = open_store();
	uint64_t n = 0;
	for (int i = 0; i < 1000; i++)
		metering_count(s, &a_key, 1, 5 * HOUR_MS + i * 100);
	metering_flush(s);
	struct tx *t = tx_begin_read(s);
	metering_counts(t, s, count_take, &n);
	tx_end(t);
	assert_int_equal(n, 1000);
	store_close(s);
}
