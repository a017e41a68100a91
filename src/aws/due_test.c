#include "aws/later_test_util.h"

#include <stdatomic.h>
#include <stdlib.h>

struct ran {
	struct later *later;
	char text[4096];
	atomic_uint n;
	unsigned want;
	int64_t next_ms;
	unsigned fail;
};

static bool
ran_enough(void *arg)
{
	struct ran *r = arg;
	struct due_stats s;
	due_stats_get(r->later->due, &s);
	return r->n >= r->want && s.next_ms == r->next_ms;
}

static void
ran_wait(struct ran *r, unsigned want, int64_t next_ms)
{
	r->want = want;
	r->next_ms = next_ms;
	later_until(r->later, ran_enough, r);
}

static int
note(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct ran *r = arg;
	(void)t;
	size_t at = strlen(r->text);
	snprintf(r->text + at, sizeof(r->text) - at, "%.*s@%lld=%.*s ", STR_FMT(id),
		(long long)(due_ms - T0), STR_FMT(payload));
	r->n++;
	return 0;
}

static int
every_hour(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	due_add(t, STR("hourly"), id, due_ms + 3600000, payload);
	return note(t, id, due_ms, payload, arg);
}

static int
fails_first(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct ran *r = arg;
	due_add(t, STR("note"), STR("left-behind"), T0, STR(""));
	if (r->fail) {
		r->fail--;
		return -1;
	}
	due_cancel(t, STR("note"), STR("left-behind"));
	return note(t, id, due_ms, payload, arg);
}

static void
ran_setup(struct ran *r, struct later *l)
{
	later_setup(l);
	*r = (struct ran){ .later = l };
	due_handle("note", note, r);
	due_handle("hourly", every_hour, r);
	due_handle("fails", fails_first, r);
}

static int
add_some(struct tx *t, void *arg)
{
	(void)arg;
	due_add(t, STR("note"), STR("c"), T0 + 3000, STR("3"));
	due_add(t, STR("note"), STR("a"), T0 + 1000, STR("1"));
	due_add(t, STR("note"), STR("b"), T0 + 2000, STR("2"));
	due_add(t, STR("note"), STR("moved"), T0 + 500, STR("old"));
	due_add(t, STR("note"), STR("moved"), T0 + 2500, STR("new"));
	due_add(t, STR("note"), STR("cancelled"), T0 + 1500, STR(""));
	due_cancel(t, STR("note"), STR("cancelled"));
	return 0;
}

TEST(due_runs_in_order_as_the_clock_moves)
{
	struct later l;
	struct ran r;
	ran_setup(&r, &l);
	l.due = due_start(l.store, l.loop);
	assert_int_equal(store_write(l.store, add_some, NULL), 0);
	ran_wait(&r, 0, T0 + 1000);
	assert_string_equal(r.text, "");
	clock_advance(2000);
	clock_moved();
	ran_wait(&r, 2, T0 + 2500);
	assert_string_equal(r.text, "a@1000=1 b@2000=2 ");
	clock_advance(5000);
	clock_moved();
	ran_wait(&r, 4, INT64_MAX);
	assert_string_equal(r.text, "a@1000=1 b@2000=2 moved@2500=new c@3000=3 ");
	later_close(&l);
}

static int
add_earlier(struct tx *t, void *arg)
{
	(void)arg;
	due_add(t, STR("note"), STR("now"), T0, STR(""));
	return 0;
}

TEST(due_wakes_for_an_earlier_row)
{
	struct later l;
	struct ran r;
	ran_setup(&r, &l);
	l.due = due_start(l.store, l.loop);
	ran_wait(&r, 0, INT64_MAX);
	store_write(l.store, add_some, NULL);
	ran_wait(&r, 0, T0 + 1000);
	store_write(l.store, add_earlier, NULL);
	ran_wait(&r, 1, T0 + 1000);
	assert_string_equal(r.text, "now@0= ");
	later_close(&l);
}

static int
cancel_first(struct tx *t, void *arg)
{
	(void)arg;
	due_cancel(t, STR("note"), STR("a"));
	return 0;
}

static int
add_between(struct tx *t, void *arg)
{
	(void)arg;
	due_add(t, STR("note"), STR("between"), T0 + 1200, STR(""));
	return 0;
}

TEST(due_finds_a_row_added_behind_a_cancelled_one)
{
	struct later l;
	struct ran r;
	ran_setup(&r, &l);
	l.due = due_start(l.store, l.loop);
	store_write(l.store, add_some, NULL);
	ran_wait(&r, 0, T0 + 1000);
	store_write(l.store, cancel_first, NULL);
	clock_advance(1100);
	clock_moved();
	ran_wait(&r, 0, T0 + 2000);
	store_write(l.store, add_between, NULL);
	ran_wait(&r, 0, T0 + 1200);
	clock_advance(100);
	clock_moved();
	ran_wait(&r, 1, T0 + 2000);
	assert_string_equal(r.text, "between@1200= ");
	later_close(&l);
}

static int
add_hourly(struct tx *t, void *arg)
{
	(void)arg;
	due_add(t, STR("hourly"), STR("h"), T0 + 3600000, STR(""));
	due_add(t, STR("note"), STR("n"), T0 + 2 * 3600000 + 1, STR(""));
	return 0;
}

TEST(due_catches_up_in_order_after_a_long_advance)
{
	struct later l;
	struct ran r;
	ran_setup(&r, &l);
	l.due = due_start(l.store, l.loop);
	store_write(l.store, add_hourly, NULL);
	ran_wait(&r, 0, T0 + 3600000);
	clock_advance(30 * 24 * 3600000ll);
	clock_moved();
	ran_wait(&r, 721, T0 + 721 * 3600000ll);
	assert_int_equal(r.n, 721);
	assert_true(
		str_starts(str_c(r.text), STR("h@3600000= h@7200000= n@7200001= h@10800000= ")));
	later_close(&l);
}

static int
add_failing(struct tx *t, void *arg)
{
	(void)arg;
	due_add(t, STR("fails"), STR("f"), T0, STR("x"));
	due_add(t, STR("note"), STR("n"), T0, STR(""));
	return 0;
}

TEST(due_puts_off_what_fails)
{
	struct later l;
	struct ran r;
	struct due_stats s;
	ran_setup(&r, &l);
	r.fail = 2;
	l.due = due_start(l.store, l.loop);
	store_write(l.store, add_failing, NULL);
	ran_wait(&r, 1, T0 + 1000);
	assert_string_equal(r.text, "n@0= ");
	clock_advance(1000);
	clock_moved();
	ran_wait(&r, 1, T0 + 1000 + 2000);
	clock_advance(2000);
	clock_moved();
	ran_wait(&r, 2, INT64_MAX);
	assert_string_equal(r.text, "n@0= f@3000=x ");
	due_stats_get(l.due, &s);
	assert_int_equal(s.failed_total, 2);
	assert_int_equal(s.run_total, 2);
	later_close(&l);
}

static int
add_unknown(struct tx *t, void *arg)
{
	(void)arg;
	due_add(t, STR("nobody"), STR("u"), T0, STR("kept"));
	due_add(t, STR("note"), STR("n"), T0 + 1, STR(""));
	return 0;
}

static int
nothing(struct tx *t, void *arg)
{
	(void)t, (void)arg;
	return 0;
}

TEST(due_keeps_aside_what_nobody_handles)
{
	struct later l;
	struct ran r;
	ran_setup(&r, &l);
	l.due = due_start(l.store, l.loop);
	clock_advance(10);
	store_write(l.store, add_unknown, NULL);
	ran_wait(&r, 1, INT64_MAX);
	due_stop(l.due);
	assert_int_equal(store_write(l.store, nothing, NULL), 0);
	due_free(l.due);
	due_handle("nobody", note, &r);
	l.due = due_start(l.store, l.loop);
	ran_wait(&r, 2, INT64_MAX);
	assert_string_equal(r.text, "n@1= u@0=kept ");
	later_close(&l);
}

static int
change_clock(struct tx *t, void *arg)
{
	clock_rows_change(t, arg, 5000, 0);
	return 0;
}

TEST(due_rows_and_the_clock_outlive_a_restart)
{
	struct later l;
	struct ran r;
	ran_setup(&r, &l);
	later_close(&l);
	clock_set_speed(0);
	clock_set(T0);
	later_open(&l, STORE_FULL);
	store_write(l.store, add_some, NULL);
	store_write(l.store, change_clock, l.store);
	assert_int_equal(clock_now_ms(), T0 + 5000);
	later_close(&l);

	later_open(&l, STORE_FULL);
	assert_int_equal(clock_rows_load(l.store), 0);
	assert_int_equal(clock_now_ms(), T0 + 5000);
	assert_true(clock_speed() == 0);
	l.due = due_start(l.store, l.loop);
	ran_wait(&r, 4, INT64_MAX);
	assert_string_equal(r.text, "a@1000=1 b@2000=2 moved@2500=new c@3000=3 ");
	later_close(&l);
}

TEST(clock_waits_scale_with_its_speed)
{
	clock_set_speed(0);
	clock_set(T0);
	assert_true(clock_wait_ms(T0) == 0);
	assert_true(clock_wait_ms(T0 + 1) == UINT64_MAX);
	clock_set_speed(1000);
	uint64_t wait = clock_wait_ms(clock_now_ms() + 1000000);
	assert_true(wait > 900 && wait <= 1000);
	clock_set_speed(1);
	assert_true(clock_wait_ms(clock_now_ms() + 864000000) == 3600 * 1000);
	clock_set(clock_real_ms());
}
