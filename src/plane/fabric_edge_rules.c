/* Tables of the edge, of NAT gateways and of the host; see fabric_rules.h. */
#include "plane/fabric.h"
#include "plane/fabric_rules.h"
#include "plane/nft.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

static const struct nft_hook hook_raw = { "filter", NF_INET_PRE_ROUTING, -300, true };
static const struct nft_hook hook_forward = { "filter", NF_INET_FORWARD, 0, true };
static const struct nft_hook hook_input = { "filter", NF_INET_LOCAL_IN, 0, true };
static const struct nft_hook hook_input_open = { "filter", NF_INET_LOCAL_IN, 0, false };
static const struct nft_hook hook_snat = { "nat", NF_INET_POST_ROUTING, 100, false };

static void
end(struct nft_rules *r, struct nft_chain *c, int32_t verdict)
{
	nft_verdict(&r->rule, verdict, NULL);
	nft_rule_end(r, c);
}

static void
is_echo(struct buf *b)
{
	nft_is_match(b, (struct plane_match){ .proto = 1, .from = 8, .to = -1 });
}

/* A router speaks only for its own public addresses; the host is trusted. */
static void
edge_source(struct nft_rules *r, const struct fabric_public *all, uint32_t n)
{
	struct nft_set *s = nft_set_new(r, STR("public"), NFT_KEY_IFNAME_IP, NFT_VALUE_NONE);
	for (uint32_t i = 0; i < n; i++) {
		struct nft_element *e = nft_set_add(r, s);
		nft_key_ifname(e, 0, all[i].link);
		nft_key_ip(e, 16, all[i].ip);
	}
	struct nft_chain *c = nft_chain_new(r, STR("source"), &hook_raw);
	nft_is_iif(nft_rule(r), "host");
	end(r, c, NF_ACCEPT);
	nft_is_iif(nft_rule(r), "lo");
	end(r, c, NF_ACCEPT);
	struct buf *b = nft_rule(r);
	nft_iifname(b, 0);
	nft_saddr(b, 4);
	nft_in_set(b, 0, s->name, false);
	end(r, c, NF_ACCEPT);
}

/* Where machines must not get by their internet gateway, even where the host forwards: private and
 * special ranges. */
static const struct plane_cidr not_internet[] = {
	{ 0x00000000, 8 },
	{ 0x0a000000, 8 },
	{ 0x64400000, 10 },
	{ 0x7f000000, 8 },
	{ 0xa9fe0000, 16 },
	{ 0xac100000, 12 },
	{ 0xc0a80000, 16 },
	{ 0xe0000000, 3 },
};

void
fabric_rules_edge(struct nft_rules *r, struct plane_cidr range, const struct fabric_public *all,
	uint32_t n, uint8_t uplink)
{
	edge_source(r, all, n);
	struct nft_chain *c = nft_chain_new(r, STR("forward"), &hook_forward);
	nft_is_iif(nft_rule(r), "host");
	end(r, c, NF_ACCEPT);
	nft_is_established(nft_rule(r));
	end(r, c, NF_ACCEPT);
	/* To each other. */
	struct buf *b = nft_rule(r);
	nft_is_destination(b, range);
	nft_oifname(b, 0);
	static const char host[IFNAMSIZ] = "host";
	nft_cmp(b, 0, NFT_CMP_NEQ, host, sizeof(host));
	end(r, c, NF_ACCEPT);
	for (unsigned i = 0; i < sizeof(not_internet) / sizeof(*not_internet); i++) {
		nft_is_destination(nft_rule(r), not_internet[i]);
		end(r, c, NF_DROP);
	}
	if (uplink != FABRIC_UPLINK_OFF) {
		nft_rule(r);
		end(r, c, NF_ACCEPT);
	}
	c = nft_chain_new(r, STR("input"), &hook_input);
	is_echo(nft_rule(r));
	end(r, c, NF_ACCEPT);
	if (uplink == FABRIC_UPLINK_MASQUERADE) {
		/* What starts here gets one address, by which the host tells it from answers to its
		 * own connections. */
		c = nft_chain_new(r, STR("out"), &hook_snat);
		b = nft_rule(r);
		nft_is_oif(b, "host");
		nft_ip(b, 0, range.ip + 3);
		nft_nat(b, NFT_NAT_SNAT, 0);
		nft_rule_end(r, c);
	}
	nft_rules_seal(r);
}

void
fabric_rules_nat(struct nft_rules *r, uint32_t private_ip)
{
	struct nft_chain *c = nft_chain_new(r, STR("out"), &hook_snat);
	struct buf *b = nft_rule(r);
	nft_is_oif(b, "eth0");
	nft_ip(b, 0, private_ip);
	nft_nat(b, NFT_NAT_SNAT, 0);
	nft_rule_end(r, c);
	/* Nobody opens a connection to a NAT gateway. */
	c = nft_chain_new(r, STR("input"), &hook_input);
	nft_is_established(nft_rule(r));
	end(r, c, NF_ACCEPT);
	nft_rules_seal(r);
}

void
fabric_rules_host(struct nft_rules *r, const char *link, struct plane_cidr range, uint8_t uplink)
{
	struct plane_cidr out = { range.ip + 3, 32 };
	struct nft_chain *c;
	struct buf *b;
	if (uplink == FABRIC_UPLINK_MASQUERADE) {
		/* To addresses of the host itself: dropped before its own rules could lead it
		 * elsewhere. */
		c = nft_chain_new(r, STR("input"), &hook_input_open);
		b = nft_rule(r);
		nft_is_iif(b, link);
		nft_is_source(b, out);
		end(r, c, NF_DROP);
		c = nft_chain_new(r, STR("out"), &hook_snat);
		b = nft_rule(r);
		nft_is_source(b, out);
		nft_masquerade(b);
		nft_rule_end(r, c);
	} else {
		c = nft_chain_new(r, STR("input"), &hook_input_open);
		b = nft_rule(r);
		nft_is_iif(b, link);
		nft_ct_state(b, 0);
		nft_mask(b, 0, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
		nft_cmp_u32(b, 0, NFT_CMP_EQ, 0);
		end(r, c, NF_DROP);
	}
	nft_rules_seal(r);
}
