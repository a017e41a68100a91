/* Expressions of nf_tables as bytes; see nft.h. */
#include "plane/nft.h"

#include "plane/network_pack.h"
#include "plane/nl.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

/* Two nests are open between these; ends hold where they began. */
struct expr {
	size_t list, data;
};

static struct expr
expr_begin(struct buf *b, const char *name)
{
	struct expr e = { .list = nl_nest(b, NFTA_LIST_ELEM) };
	nl_put_text(b, NFTA_EXPR_NAME, name);
	e.data = nl_nest(b, NFTA_EXPR_DATA);
	return e;
}

static void
expr_end(struct buf *b, struct expr e)
{
	nl_nest_end(b, e.data);
	nl_nest_end(b, e.list);
}

static void
put_reg(struct buf *b, uint16_t type, unsigned reg)
{
	nl_put_be32(b, type, NFT_REG32_00 + reg);
}

static void
put_value(struct buf *b, uint16_t type, const void *bytes, size_t len)
{
	size_t at = nl_nest(b, type);
	nl_put(b, NFTA_DATA_VALUE, bytes, len);
	nl_nest_end(b, at);
}

/* ---- Loads ---- */

void
nft_meta(struct buf *b, unsigned reg, uint32_t key)
{
	struct expr e = expr_begin(b, "meta");
	put_reg(b, NFTA_META_DREG, reg);
	nl_put_be32(b, NFTA_META_KEY, key);
	expr_end(b, e);
}

void
nft_iifname(struct buf *b, unsigned reg)
{
	nft_meta(b, reg, NFT_META_IIFNAME);
}

void
nft_oifname(struct buf *b, unsigned reg)
{
	nft_meta(b, reg, NFT_META_OIFNAME);
}

static void
payload(struct buf *b, unsigned reg, uint32_t base, unsigned offset, unsigned len)
{
	struct expr e = expr_begin(b, "payload");
	put_reg(b, NFTA_PAYLOAD_DREG, reg);
	nl_put_be32(b, NFTA_PAYLOAD_BASE, base);
	nl_put_be32(b, NFTA_PAYLOAD_OFFSET, offset);
	nl_put_be32(b, NFTA_PAYLOAD_LEN, len);
	expr_end(b, e);
}

void
nft_saddr(struct buf *b, unsigned reg)
{
	payload(b, reg, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
}

void
nft_daddr(struct buf *b, unsigned reg)
{
	payload(b, reg, NFT_PAYLOAD_NETWORK_HEADER, 16, 4);
}

void
nft_arp_sender(struct buf *b, unsigned reg)
{
	payload(b, reg, NFT_PAYLOAD_NETWORK_HEADER, 14, 4);
}

void
nft_transport(struct buf *b, unsigned reg, unsigned offset, unsigned len)
{
	payload(b, reg, NFT_PAYLOAD_TRANSPORT_HEADER, offset, len);
}

void
nft_ct_state(struct buf *b, unsigned reg)
{
	struct expr e = expr_begin(b, "ct");
	put_reg(b, NFTA_CT_DREG, reg);
	nl_put_be32(b, NFTA_CT_KEY, NFT_CT_STATE);
	expr_end(b, e);
}

void
nft_fib_oifname(struct buf *b, unsigned reg)
{
	struct expr e = expr_begin(b, "fib");
	put_reg(b, NFTA_FIB_DREG, reg);
	nl_put_be32(b, NFTA_FIB_RESULT, NFT_FIB_RESULT_OIFNAME);
	nl_put_be32(b, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR | NFTA_FIB_F_MARK);
	expr_end(b, e);
}

void
nft_mask(struct buf *b, unsigned reg, uint32_t mask)
{
	static const uint32_t zero;
	struct expr e = expr_begin(b, "bitwise");
	put_reg(b, NFTA_BITWISE_SREG, reg);
	put_reg(b, NFTA_BITWISE_DREG, reg);
	nl_put_be32(b, NFTA_BITWISE_LEN, 4);
	put_value(b, NFTA_BITWISE_MASK, &mask, 4);
	put_value(b, NFTA_BITWISE_XOR, &zero, 4);
	expr_end(b, e);
}

/* ---- Tests ---- */

void
nft_cmp(struct buf *b, unsigned reg, uint32_t op, const void *bytes, size_t len)
{
	struct expr e = expr_begin(b, "cmp");
	put_reg(b, NFTA_CMP_SREG, reg);
	nl_put_be32(b, NFTA_CMP_OP, op);
	put_value(b, NFTA_CMP_DATA, bytes, len);
	expr_end(b, e);
}

void
nft_cmp_u8(struct buf *b, unsigned reg, uint8_t v)
{
	nft_cmp(b, reg, NFT_CMP_EQ, &v, 1);
}

void
nft_cmp_u32(struct buf *b, unsigned reg, uint32_t op, uint32_t v)
{
	nft_cmp(b, reg, op, &v, 4);
}

static void
is_name(struct buf *b, const char *name)
{
	char full[IFNAMSIZ] = { 0 };
	memcpy(full, name, strnlen(name, IFNAMSIZ - 1));
	nft_cmp(b, 0, NFT_CMP_EQ, full, sizeof(full));
}

void
nft_is_iif(struct buf *b, const char *name)
{
	nft_iifname(b, 0);
	is_name(b, name);
}

void
nft_is_oif(struct buf *b, const char *name)
{
	nft_oifname(b, 0);
	is_name(b, name);
}

static void
lookup(struct buf *b, unsigned reg, const char *set, int to_reg, bool inverted)
{
	struct expr e = expr_begin(b, "lookup");
	nl_put_text(b, NFTA_LOOKUP_SET, set);
	put_reg(b, NFTA_LOOKUP_SREG, reg);
	if (to_reg >= 0)
		put_reg(b, NFTA_LOOKUP_DREG, (unsigned)to_reg);
	if (inverted)
		nl_put_be32(b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	expr_end(b, e);
}

void
nft_in_set(struct buf *b, unsigned reg, const char *set, bool inverted)
{
	lookup(b, reg, set, -1, inverted);
}

static void
is_inside(struct buf *b, struct plane_cidr c)
{
	uint32_t ip = htonl(c.ip);
	if (c.bits < 32)
		nft_mask(b, 0, htonl(plane_mask(c.bits)));
	nft_cmp(b, 0, NFT_CMP_EQ, &ip, 4);
}

void
nft_is_source(struct buf *b, struct plane_cidr c)
{
	if (!c.bits)
		return;
	nft_saddr(b, 0);
	is_inside(b, c);
}

void
nft_is_destination(struct buf *b, struct plane_cidr c)
{
	if (!c.bits)
		return;
	nft_daddr(b, 0);
	is_inside(b, c);
}

void
nft_is_proto(struct buf *b, uint8_t proto)
{
	nft_meta(b, 0, NFT_META_L4PROTO);
	nft_cmp_u8(b, 0, proto);
}

void
nft_is_port(struct buf *b, uint16_t from, uint16_t to)
{
	uint16_t low = htons(from), high = htons(to);
	nft_transport(b, 0, 2, 2);
	if (from == to) {
		nft_cmp(b, 0, NFT_CMP_EQ, &low, 2);
		return;
	}
	nft_cmp(b, 0, NFT_CMP_GTE, &low, 2);
	nft_cmp(b, 0, NFT_CMP_LTE, &high, 2);
}

void
nft_is_established(struct buf *b)
{
	nft_ct_state(b, 0);
	nft_mask(b, 0, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
	nft_cmp_u32(b, 0, NFT_CMP_NEQ, 0);
}

void
nft_is_match(struct buf *b, struct plane_match m)
{
	if (m.proto == PLANE_ANY)
		return;
	nft_is_proto(b, (uint8_t)m.proto);
	if (m.proto == 1) {
		if (m.from >= 0) {
			nft_transport(b, 0, 0, 1);
			nft_cmp_u8(b, 0, (uint8_t)m.from);
		}
		if (m.from >= 0 && m.to >= 0) {
			nft_transport(b, 0, 1, 1);
			nft_cmp_u8(b, 0, (uint8_t)m.to);
		}
	} else if ((m.proto == 6 || m.proto == 17 || m.proto == 132) && m.from >= 0 &&
		   (m.from > 0 || m.to < 65535)) {
		nft_is_port(b, (uint16_t)m.from, (uint16_t)m.to);
	}
}

void
nft_limit(struct buf *b, uint32_t a_second)
{
	struct expr e = expr_begin(b, "limit");
	nl_put_be64(b, NFTA_LIMIT_RATE, a_second);
	nl_put_be64(b, NFTA_LIMIT_UNIT, 1);
	nl_put_be32(b, NFTA_LIMIT_BURST, a_second);
	nl_put_be32(b, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	expr_end(b, e);
}

/* ---- Acts ---- */

void
nft_map(struct buf *b, unsigned reg, const char *map, unsigned to_reg)
{
	lookup(b, reg, map, (int)to_reg, false);
}

void
nft_vmap(struct buf *b, unsigned reg, const char *map)
{
	struct expr e = expr_begin(b, "lookup");
	nl_put_text(b, NFTA_LOOKUP_SET, map);
	put_reg(b, NFTA_LOOKUP_SREG, reg);
	nl_put_be32(b, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	expr_end(b, e);
}

void
nft_set_mark(struct buf *b, unsigned reg)
{
	struct expr e = expr_begin(b, "meta");
	put_reg(b, NFTA_META_SREG, reg);
	nl_put_be32(b, NFTA_META_KEY, NFT_META_MARK);
	expr_end(b, e);
}

void
nft_verdict(struct buf *b, int32_t verdict, const char *chain)
{
	struct expr e = expr_begin(b, "immediate");
	nl_put_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	size_t data = nl_nest(b, NFTA_IMMEDIATE_DATA), v = nl_nest(b, NFTA_DATA_VERDICT);
	nl_put_be32(b, NFTA_VERDICT_CODE, (uint32_t)verdict);
	if (chain)
		nl_put_text(b, NFTA_VERDICT_CHAIN, chain);
	nl_nest_end(b, v);
	nl_nest_end(b, data);
	expr_end(b, e);
}

void
nft_ip(struct buf *b, unsigned reg, uint32_t ip)
{
	uint32_t be = htonl(ip);
	struct expr e = expr_begin(b, "immediate");
	put_reg(b, NFTA_IMMEDIATE_DREG, reg);
	put_value(b, NFTA_IMMEDIATE_DATA, &be, 4);
	expr_end(b, e);
}

void
nft_nat(struct buf *b, uint32_t type, unsigned reg)
{
	struct expr e = expr_begin(b, "nat");
	nl_put_be32(b, NFTA_NAT_TYPE, type);
	nl_put_be32(b, NFTA_NAT_FAMILY, NFPROTO_IPV4);
	put_reg(b, NFTA_NAT_REG_ADDR_MIN, reg);
	expr_end(b, e);
}

void
nft_masquerade(struct buf *b)
{
	expr_end(b, expr_begin(b, "masq"));
}

void
nft_log(struct buf *b, uint16_t group, const char *prefix)
{
	struct expr e = expr_begin(b, "log");
	nl_put_u16(b, NFTA_LOG_GROUP, htons(group));
	nl_put_text(b, NFTA_LOG_PREFIX, prefix);
	nl_put_be32(b, NFTA_LOG_SNAPLEN, 96);
	expr_end(b, e);
}
