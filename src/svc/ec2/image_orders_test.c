#include "svc/ec2/image_orders.h"

#include "svc/ec2/plane_rig.h"

#include <errno.h>

struct asked {
	struct arena arena;
	const char *body;
	struct buf reply;
	int result;
};

static int
take(struct tx *t, void *arg)
{
	struct asked *a = arg;
	struct call c;
	ec2_inner_call(&c, t, &a->arena, STR("us-east-1"), STR("111122223333"));
	a->result = ec2_orders_take(&c, str_c(a->body), &a->reply);
	return a->result == CALL_OK ? 0 : -EINVAL;
}

static bool
is_taken(struct plane_rig *p, const char *body)
{
	struct asked a = { .body = body };
	arena_init(&a.arena);
	store_write(cloud_store(p->r.cloud), take, &a);
	arena_done(&a.arena);
	buf_done(&a.reply);
	return a.result == CALL_OK;
}

static bool
shows(struct plane_rig *p, const char *what)
{
	struct buf b = { 0 };
	struct arena a;
	struct call c;
	const char *type;
	arena_init(&a);
	struct tx *t = tx_begin_read(cloud_store(p->r.cloud));
	ec2_inner_call(&c, t, &a, STR("us-east-1"), STR("111122223333"));
	assert_true(ec2_orders_show(&c, &b, &type));
	bool there = str_find_str(buf_str(&b), str_c(what)) >= 0;
	tx_end(t);
	arena_done(&a);
	buf_done(&b);
	return there;
}

TEST(ec2_an_order_pulls_an_image_and_is_done_once_it_is_listed)
{
	struct plane_rig p;
	plane_rig_open(&p);
	assert_true(is_taken(&p, "{\"do\":\"pull\",\"image\":\"ubuntu\"}"));
	assert_true(shows(&p, "\"state\":\"running\""));
	plane_rig_settle(&p);
	assert_true(shows(&p, "\"state\":\"done\""));
	assert_true(shows(&p, "haneul/ubuntu"));
	assert_true(is_taken(&p, "{\"do\":\"pull\",\"image\":\"nothing\"}"));
	plane_rig_settle(&p);
	assert_true(shows(&p, "\"state\":\"failed\""));
	assert_true(shows(&p, "Nothing is known of an image nothing."));
	plane_rig_close(&p);
}

TEST(ec2_orders_that_name_foreign_files_are_refused)
{
	static const char *const bad[] = { "", "{}", "{\"do\":\"format\"}",
		"{\"do\":\"import\",\"image\":\"mine\",\"spool\":\"../../../etc/shadow\"}",
		"{\"do\":\"import\",\"image\":\"mine\",\"spool\":\"short\"}",
		"{\"do\":\"import\",\"image\":\"ami-mine\",\"spool\":\"0123456789abcdef\"}",
		"{\"do\":\"import\",\"image\":\"../x\",\"spool\":\"0123456789abcdef\"}",
		"{\"do\":\"import\",\"image\":\"tiny\",\"spool\":\"0123456789abcdef\"}",
		"{\"do\":\"export\",\"image\":\"ami-0123456789abcdef0\",\"spool\":\"0123456789abcdef\"}",
		"{\"do\":\"remove\",\"image\":\"tiny\"}", "{\"do\":\"pull\",\"image\":\"a/b\"}" };
	struct plane_rig p;
	plane_rig_open(&p);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(is_taken(&p, bad[i]));
	/* Well-formed, but nothing lies in the spool. */
	assert_true(is_taken(
		&p, "{\"do\":\"import\",\"image\":\"mine\",\"spool\":\"0123456789abcdef\"}"));
	plane_rig_settle(&p);
	assert_true(shows(&p, "interrupted"));
	plane_rig_close(&p);
}

TEST(ec2_old_orders_make_room_for_new_ones)
{
	struct plane_rig p;
	plane_rig_open(&p);
	for (unsigned i = 0; i < 40; i++) {
		assert_true(is_taken(&p, "{\"do\":\"list\"}"));
		plane_rig_settle(&p);
	}
	plane_rig_close(&p);
}
