#include "plane/fabric_rules.h"
#include "plane/fabric_rig.h"
#include "plane/nft.h"
#include "unit.h"

#include <linux/netfilter.h>

static const uint16_t numbers[] = { 1, 2, 3, 4 };
static const struct fabric_numbers k = { numbers, numbers };

static void
compile(struct nft_rules *r, struct arena *a, const struct rig_net *x)
{
	nft_rules_init(r, a, "t");
	fabric_rules_router(r, &x->n, &k);
}

static unsigned
messages(const struct nft_rules *from, const struct nft_rules *to)
{
	struct buf b = { 0 };
	unsigned n = nft_rules_change(&b, from, to);
	assert_int_equal(n == 0, b.len == 0);
	buf_done(&b);
	return n;
}

static const struct nft_set *
set_named(const struct nft_rules *r, const char *prefix)
{
	for (uint32_t i = 0; i < r->sets_n; i++)
		if (!strncmp(r->sets[i]->name, prefix, strlen(prefix)))
			return r->sets[i];
	return NULL;
}

static const struct nft_chain *
chain_named(const struct nft_rules *r, const char *name)
{
	for (uint32_t i = 0; i < r->chains_n; i++)
		if (!strcmp(r->chains[i]->name, name))
			return r->chains[i];
	return NULL;
}

TEST(only_the_difference_is_sent)
{
	static struct rig_net x, y;
	struct arena a = { 0 };
	struct nft_rules r, s;
	rig_net(&x, "vpc-a", IP(10, 0, 0, 0));
	rig_net(&y, "vpc-a", IP(10, 0, 0, 0));
	for (uint32_t i = 0; i < 4; i++) {
		rig_interface(&x, i, 0, 10 + i);
		rig_interface(&y, i, 0, 10 + i);
	}
	compile(&r, &a, &x);
	compile(&s, &a, &y);
	assert_int_equal(messages(&r, &s), 0);
	assert_true(messages(NULL, &s) > 40);
	/* One interface more: an element for each set that it is in, no chain and no rule. */
	nft_rules_done(&s);
	rig_interface(&y, 4, 1, 10);
	compile(&s, &a, &y);
	assert_int_equal(messages(&r, &s),
		6); /* sender (of packets, of ARP), groups out and in, zone, members */
	assert_int_equal(messages(&s, &r), 6);
	assert_int_equal(r.chains_n, s.chains_n);
	nft_rules_done(&r);
	nft_rules_done(&s);
	arena_done(&a);
}

TEST(interfaces_with_the_same_groups_share_chains)
{
	static struct rig_net x;
	struct arena a = { 0 };
	struct nft_rules r;
	rig_net(&x, "vpc-a", IP(10, 0, 0, 0));
	for (uint32_t i = 0; i < 8; i++)
		rig_interface(&x, i, 0, 10 + i);
	x.interfaces[7].flow_log = true;
	compile(&r, &a, &x);
	unsigned combos = 0;
	for (uint32_t i = 0; i < r.chains_n; i++)
		combos += !strncmp(r.chains[i]->name, "in-all-", 7);
	assert_int_equal(combos, 2); /* one of them logs what it refuses */
	assert_int_equal(set_named(&r, "groups-in")->n, 8);
	assert_int_equal(set_named(&r, "senders")->n, 8);
	nft_rules_done(&r);
	arena_done(&a);
}

TEST(many_rules_become_one_lookup)
{
	static struct rig_net x;
	static struct plane_group_rule many[600];
	struct arena a = { 0 };
	struct nft_rules r;
	rig_net(&x, "vpc-a", IP(10, 0, 0, 0));
	rig_interface(&x, 0, 0, 10);
	for (int i = 0; i < 600; i++)
		many[i] = (struct plane_group_rule){ { i % 2 ? 6 : 17, i, i },
			{ IP(192, 168, 0, 0) | (unsigned)i, 32 }, PLANE_NONE, false };
	x.groups[0].rules = many;
	x.groups[0].rules_n = 600;
	compile(&r, &a, &x);
	assert_int_equal(chain_named(&r, "in-sg-0")->n, 1);
	assert_int_equal(set_named(&r, "in-sg-0-")->n, 600);
	/* Few are rules of their own. */
	x.groups[0].rules_n = 3;
	nft_rules_done(&r);
	compile(&r, &a, &x);
	assert_int_equal(chain_named(&r, "in-sg-0")->n, 3);
	assert_null(set_named(&r, "in-sg-0-"));
	nft_rules_done(&r);
	arena_done(&a);
}

TEST(open_acls_cost_nothing)
{
	static struct rig_net x;
	struct arena a = { 0 };
	struct nft_rules r;
	rig_net(&x, "vpc-a", IP(10, 0, 0, 0));
	rig_interface(&x, 0, 0, 10);
	compile(&r, &a, &x);
	assert_null(chain_named(&r, "acls"));
	assert_int_equal(chain_named(&r, "leave")->n, 2);
	x.acl_rules[0][0].cidr = CIDR(10, 0, 0, 0, 8);
	nft_rules_done(&r);
	compile(&r, &a, &x);
	assert_non_null(chain_named(&r, "acl-in-acl-0"));
	assert_null(chain_named(&r, "acl-out-acl-0"));
	nft_rules_done(&r);
	arena_done(&a);
}
