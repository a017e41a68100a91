/* Messages of one nf_tables transaction; see nft_batch.h. */
#include "plane/nft_batch.h"

#include "plane/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>

/* An attribute holds 64 KiB at most; elements are 40 to 130 bytes. */
#define ELEMENTS_A_MESSAGE 400

/* Types as nft(8) names them when it lists a set: 41 ifname, 7 ipv4_addr, 19 mark, 12 inet_proto,
 * 13 inet_service; six bits a field. */
static const struct key_kind {
	uint32_t type, len, flags;
	uint8_t fields[4];
} kinds[] = {
	[NFT_KEY_IFNAME] = { 41, 16, 0, { 0 } },
	[NFT_KEY_IP] = { 7, 4, 0, { 0 } },
	[NFT_KEY_IFNAME_IP] = { 41 << 6 | 7, 20, NFT_SET_CONCAT, { 16, 4 } },
	[NFT_KEY_MARK] = { 19, 4, 0, { 0 } },
	[NFT_KEY_MARK_IFNAME] = { 19 << 6 | 41, 20, NFT_SET_CONCAT, { 4, 16 } },
	[NFT_KEY_IP_RANGE] = { 7, 4, NFT_SET_INTERVAL, { 0 } },
	[NFT_KEY_IP_PROTO_PORT] = { 7 << 12 | 12 << 6 | 13, 12, NFT_SET_INTERVAL | NFT_SET_CONCAT,
		{ 4, 1, 2 } },
};

static size_t
message(struct nft_batch *x, unsigned type, uint16_t flags)
{
	struct nfgenmsg g = { .nfgen_family = x->family, .version = NFNETLINK_V0 };
	x->last =
		nl_begin(x->b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &g, sizeof(g));
	x->n++;
	return x->last;
}

static void
edge(struct nft_batch *x, uint16_t type)
{
	struct nfgenmsg g = { .nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES) };
	nl_end(x->b, nl_begin(x->b, type, 0, &g, sizeof(g)));
}

void
nft_batch_begin(struct nft_batch *x, struct buf *b)
{
	*x = (struct nft_batch){ .b = b };
	edge(x, NFNL_MSG_BATCH_BEGIN);
}

unsigned
nft_batch_end(struct nft_batch *x)
{
	/* One acknowledgement tells that all before it was taken, too. */
	if (x->n)
		((struct nlmsghdr *)(x->b->p + x->last))->nlmsg_flags |= NLM_F_ACK;
	edge(x, NFNL_MSG_BATCH_END);
	return x->n;
}

void
nft_batch_table(struct nft_batch *x, bool add)
{
	size_t at = message(x, add ? NFT_MSG_NEWTABLE : NFT_MSG_DELTABLE, add ? NLM_F_CREATE : 0);
	nl_put_text(x->b, NFTA_TABLE_NAME, x->table);
	nl_end(x->b, at);
}

static void
put_value_kind(struct nft_batch *x, const struct nft_set *s)
{
	bool jumps = s->value == NFT_VALUE_JUMP || s->value == NFT_VALUE_GOTO;
	nl_put_be32(x->b, NFTA_SET_DATA_TYPE,
		jumps                      ? NFT_DATA_VERDICT
		: s->value == NFT_VALUE_IP ? 7
					   : 19);
	nl_put_be32(x->b, NFTA_SET_DATA_LEN, jumps ? 0 : 4);
}

static void
put_fields(struct nft_batch *x, const struct key_kind *k)
{
	size_t desc = nl_nest(x->b, NFTA_SET_DESC), concat = nl_nest(x->b, NFTA_SET_DESC_CONCAT);
	for (const uint8_t *f = k->fields; *f; f++) {
		size_t field = nl_nest(x->b, NFTA_LIST_ELEM);
		nl_put_be32(x->b, NFTA_SET_FIELD_LEN, *f);
		nl_nest_end(x->b, field);
	}
	nl_nest_end(x->b, concat);
	nl_nest_end(x->b, desc);
}

void
nft_batch_set(struct nft_batch *x, const struct nft_set *s, bool add)
{
	const struct key_kind *k = &kinds[s->key];
	size_t at = message(
		x, add ? NFT_MSG_NEWSET : NFT_MSG_DELSET, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nl_put_text(x->b, NFTA_SET_TABLE, x->table);
	nl_put_text(x->b, NFTA_SET_NAME, s->name);
	if (add) {
		nl_put_be32(x->b, NFTA_SET_FLAGS, k->flags | (s->value ? NFT_SET_MAP : 0));
		nl_put_be32(x->b, NFTA_SET_KEY_TYPE, k->type);
		nl_put_be32(x->b, NFTA_SET_KEY_LEN, k->len);
		nl_put_be32(x->b, NFTA_SET_ID, ++x->sets_n);
		if (s->value)
			put_value_kind(x, s);
		if (k->fields[0])
			put_fields(x, k);
	}
	nl_end(x->b, at);
}

void
nft_batch_chain(struct nft_batch *x, const struct nft_chain *c, bool add)
{
	size_t at = message(
		x, add ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nl_put_text(x->b, NFTA_CHAIN_TABLE, x->table);
	nl_put_text(x->b, NFTA_CHAIN_NAME, c->name);
	if (add && c->hook) {
		size_t hook = nl_nest(x->b, NFTA_CHAIN_HOOK);
		nl_put_be32(x->b, NFTA_HOOK_HOOKNUM, c->hook->number);
		nl_put_be32(x->b, NFTA_HOOK_PRIORITY, (uint32_t)c->hook->priority);
		nl_nest_end(x->b, hook);
		nl_put_be32(x->b, NFTA_CHAIN_POLICY, c->hook->drops ? NF_DROP : NF_ACCEPT);
		nl_put_text(x->b, NFTA_CHAIN_TYPE, c->hook->type);
	}
	nl_end(x->b, at);
}

void
nft_batch_flush(struct nft_batch *x, const struct nft_chain *c)
{
	size_t at = message(x, NFT_MSG_DELRULE, 0);
	nl_put_text(x->b, NFTA_RULE_TABLE, x->table);
	nl_put_text(x->b, NFTA_RULE_CHAIN, c->name);
	nl_end(x->b, at);
}

void
nft_batch_rule(struct nft_batch *x, const struct nft_chain *c, struct str rule)
{
	size_t at = message(x, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_put_text(x->b, NFTA_RULE_TABLE, x->table);
	nl_put_text(x->b, NFTA_RULE_CHAIN, c->name);
	size_t list = nl_nest(x->b, NFTA_RULE_EXPRESSIONS);
	buf_add_str(x->b, rule);
	nl_nest_end(x->b, list);
	nl_end(x->b, at);
}

/* ---- Elements ---- */

static void
put_key(struct nft_batch *x, uint16_t type, const void *bytes, size_t len)
{
	size_t at = nl_nest(x->b, type);
	nl_put(x->b, NFTA_DATA_VALUE, bytes, len);
	nl_nest_end(x->b, at);
}

static void
put_element_value(struct nft_batch *x, const struct nft_set *s, const struct nft_element *e)
{
	size_t data = nl_nest(x->b, NFTA_SET_ELEM_DATA);
	if (e->chain) {
		size_t v = nl_nest(x->b, NFTA_DATA_VERDICT);
		nl_put_be32(x->b, NFTA_VERDICT_CODE,
			(uint32_t)(s->value == NFT_VALUE_GOTO ? NFT_GOTO : NFT_JUMP));
		nl_put_text(x->b, NFTA_VERDICT_CHAIN, e->chain);
		nl_nest_end(x->b, v);
	} else {
		uint32_t v = s->value == NFT_VALUE_IP ? htonl(e->value) : e->value;
		nl_put(x->b, NFTA_DATA_VALUE, &v, 4);
	}
	nl_nest_end(x->b, data);
}

static void
open_list(struct nft_batch *x, const struct nft_set *s, bool add)
{
	if (x->elements_at &&
		(x->set != s || x->adds != add || x->elements_n >= ELEMENTS_A_MESSAGE))
		nft_batch_elements_end(x);
	if (x->elements_at)
		return;
	x->set = s;
	x->adds = add;
	x->elements_n = 0;
	x->elements_at = message(x, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
		add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nl_put_text(x->b, NFTA_SET_ELEM_LIST_TABLE, x->table);
	nl_put_text(x->b, NFTA_SET_ELEM_LIST_SET, s->name);
	x->list_at = nl_nest(x->b, NFTA_SET_ELEM_LIST_ELEMENTS);
}

/* A range of addresses is two elements of the kernel's tree: its first address, and the first one
 * behind it. */
static void
put_range_end(struct nft_batch *x, const struct nft_element *e)
{
	uint32_t last, behind;
	memcpy(&last, e->end, 4);
	if (last == UINT32_MAX)
		return;
	behind = htonl(ntohl(last) + 1);
	size_t at = nl_nest(x->b, NFTA_LIST_ELEM);
	put_key(x, NFTA_SET_ELEM_KEY, &behind, 4);
	nl_put_be32(x->b, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	nl_nest_end(x->b, at);
}

void
nft_batch_element(
	struct nft_batch *x, const struct nft_set *s, const struct nft_element *e, bool add)
{
	open_list(x, s, add);
	size_t at = nl_nest(x->b, NFTA_LIST_ELEM);
	put_key(x, NFTA_SET_ELEM_KEY, e->key, kinds[s->key].len);
	if (s->key == NFT_KEY_IP_PROTO_PORT)
		put_key(x, NFTA_SET_ELEM_KEY_END, e->end, sizeof(e->end));
	if (s->value && add)
		put_element_value(x, s, e);
	nl_nest_end(x->b, at);
	if (s->key == NFT_KEY_IP_RANGE)
		put_range_end(x, e);
	x->elements_n++;
}

void
nft_batch_elements_end(struct nft_batch *x)
{
	if (!x->elements_at)
		return;
	nl_nest_end(x->b, x->list_at);
	nl_end(x->b, x->elements_at);
	x->elements_at = 0;
}

int
nft_rules_send(int fd, struct buf *batch, char *said, size_t cap)
{
	struct nl_run r = { 0 };
	int err = nl_run(fd, batch, &r);
	buf_clear(batch);
	if (err)
		snprintf(said, cap, "the kernel refused the rules: %s (%s)", strerror(-err),
			r.said[0] ? r.said : "no further word");
	return err;
}
