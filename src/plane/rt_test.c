#include "plane/rt.h"
#include "plane/fabric_rig.h"
#include "plane/space.h"
#include "unit.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

struct seen {
	int routes, rules, neighbours, links;
};

static void
route(void *ctx, const struct rt_route *r)
{
	struct seen *s = ctx;
	if (r->table != 1234)
		return;
	s->routes++;
	assert_true(r->to.bits == 8 ? r->type == RTN_THROW && !r->index
				    : r->gateway == IP(169, 254, 1, 1) && r->index == 1500);
}

static void
rule(void *ctx, const struct rt_rule *r)
{
	if (r->priority == 77) {
		((struct seen *)ctx)->rules++;
		assert_int_equal(r->mark, 0x400);
		assert_int_equal(r->mask, 0xfc00);
		assert_int_equal(r->table, 1234);
	}
}

static void
neighbour(void *ctx, int index, uint32_t ip, const uint8_t mac[6])
{
	((struct seen *)ctx)->neighbours++;
	assert_int_equal(index, 1500);
	assert_int_equal(ip, IP(169, 254, 1, 1));
	assert_int_equal(mac[5], 9);
}

static void
link_there(void *ctx, int index, const char *name)
{
	((struct seen *)ctx)->links += index == 1500 && !strcmp(name, "left");
}

TEST(what_is_made_is_read_back)
{
	if (!rig_possible())
		test_skip("network namespaces need root");
	char pin[400];
	struct space s;
	struct buf b = { 0 };
	struct seen seen = { 0 };
	snprintf(pin, sizeof(pin), "%s/pin", unit_tmpdir());
	assert_int_equal(space_make(&s, pin, SPACE_HOP), 0);
	struct rt_end left = { .name = "left", .any_mac = true, .netns_fd = -1, .index = 1500 };
	struct rt_end right = { .name = "right", .any_mac = true, .netns_fd = -1 };
	struct rt_route routes[] = { { 1234, { 0, 0 }, RTN_UNICAST, 1500, IP(169, 254, 1, 1), 0 },
		{ 1234, CIDR(10, 0, 0, 0, 8), RTN_THROW, 0, 0, 0 } };
	struct rt_rule mark = { .priority = 77, .mark = 0x400, .mask = 0xfc00, .table = 1234 };
	rt_veth(&b, &left, &right, 9001);
	rt_answer_at_once(&b, 1500);
	rt_neighbour(&b, true, 1500, IP(169, 254, 1, 1), (uint8_t[]){ 2, 0, 0, 0, 0, 9 });
	rt_route(&b, true, &routes[0]);
	rt_route(&b, true, &routes[1]);
	rt_rule(&b, true, &mark);
	assert_int_equal(nl_send(s.rt, &b), 0);
	assert_int_equal(rt_link_index(s.rt, "left"), 1500);
	assert_int_equal(rt_link_index(s.rt, "none"), -ENODEV);
	rt_link_up(&b, rt_link_index(s.rt, "right"));
	assert_int_equal(nl_send(s.rt, &b), 0);
	rt_link_ready(s.rt, "left");
	assert_int_equal(rt_routes(s.rt, route, &seen), 0);
	assert_int_equal(rt_rules(s.rt, rule, &seen), 0);
	assert_int_equal(rt_neighbours(s.rt, neighbour, &seen), 0);
	assert_int_equal(rt_links(s.rt, link_there, &seen), 0);
	assert_int_equal(seen.routes, 2);
	assert_true(seen.rules == 1 && seen.neighbours == 1 && seen.links == 1);
	rt_route(&b, false, &routes[0]);
	rt_route(&b, false, &routes[1]);
	rt_rule(&b, false, &mark);
	rt_neighbour(&b, false, 1500, IP(169, 254, 1, 1), NULL);
	assert_int_equal(nl_send(s.rt, &b), 0);
	seen = (struct seen){ 0 };
	rt_routes(s.rt, route, &seen);
	rt_rules(s.rt, rule, &seen);
	assert_int_equal(seen.routes + seen.rules, 0);
	rt_links_remove(&b);
	assert_int_equal(nl_send(s.rt, &b), 0);
	assert_int_equal(rt_link_index(s.rt, "left"), -ENODEV);
	buf_done(&b);
	space_remove(&s, pin);
}
