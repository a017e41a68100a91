#include "aws/touch.h"
#include "unit.h"

static int woken_n;
static struct loop *test_loop;

static void
woken(struct touch_wait *w)
{
	(void)w;
	woken_n++;
	loop_stop(test_loop);
}

TEST(touch_wakes_its_key_once)
{
	struct touch_wait a = { .woken = woken }, b = { .woken = woken };
	woken_n = 0;
	assert_int_equal(loop_new(&test_loop), 0);
	touch_wait_start(&a, test_loop, STR("queue/1"));
	touch_wait_start(&b, test_loop, STR("queue/2"));
	touch_deliver(NULL, STR("queue/1"));
	touch_deliver(NULL, STR("queue/1"));
	assert_false(touch_wait_stop(&a));
	loop_run(test_loop);
	assert_int_equal(woken_n, 1);
	assert_true(touch_wait_stop(&a));
	assert_true(touch_wait_stop(&b));
	touch_deliver(NULL, STR("queue/2"));
	loop_free(test_loop);
	assert_int_equal(woken_n, 1);
}

TEST(touch_all_wakes_whatever_the_key)
{
	struct touch_wait a = { .woken = woken }, b = { .woken = woken, .one = true }, c = b;
	woken_n = 0;
	assert_int_equal(loop_new(&test_loop), 0);
	touch_wait_start(&a, test_loop, STR("queue/1"));
	touch_wait_start(&b, test_loop, STR("queue/2"));
	touch_wait_start(&c, test_loop, STR("queue/2"));
	touch_all();
	while (woken_n < 3)
		loop_run(test_loop);
	assert_true(touch_wait_stop(&a) && touch_wait_stop(&b) && touch_wait_stop(&c));
	loop_free(test_loop);
}
