/* Connections by netlink; see conntrack.h. */
#include "plane/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

static void
read_side(const struct nlattr *tuple, const struct nlattr *counters, struct connection_side *ret,
	uint8_t *ret_proto)
{
	const struct nlattr *t[CTA_TUPLE_PROTO + 1], *ip[CTA_IP_V4_DST + 1],
		*p[CTA_PROTO_ICMP_CODE + 1], *c[CTA_COUNTERS_BYTES + 1];
	nl_nested(tuple, t, CTA_TUPLE_PROTO);
	nl_nested(t[CTA_TUPLE_IP], ip, CTA_IP_V4_DST);
	nl_nested(t[CTA_TUPLE_PROTO], p, CTA_PROTO_ICMP_CODE);
	nl_nested(counters, c, CTA_COUNTERS_BYTES);
	ret->from_ip = nl_get_be32(ip[CTA_IP_V4_SRC]);
	ret->to_ip = nl_get_be32(ip[CTA_IP_V4_DST]);
	ret->from_port = nl_get_be16(p[CTA_PROTO_SRC_PORT]);
	ret->to_port = nl_get_be16(p[CTA_PROTO_DST_PORT]);
	ret->packets = nl_get_be64(c[CTA_COUNTERS_PACKETS]);
	ret->bytes = nl_get_be64(c[CTA_COUNTERS_BYTES]);
	const uint8_t *proto = nl_data(p[CTA_PROTO_NUM], 1);
	*ret_proto = proto ? *proto : 0;
}

bool
connection_read(const struct nlmsghdr *m, struct connection *ret)
{
	const struct nfgenmsg *g = NLMSG_DATA(m);
	const struct nlattr *a[CTA_TIMESTAMP + 1], *t[CTA_TIMESTAMP_STOP + 1];
	unsigned type = m->nlmsg_type & 255;
	if (m->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK ||
		(type != IPCTNL_MSG_CT_NEW && type != IPCTNL_MSG_CT_DELETE) ||
		m->nlmsg_len < NLMSG_SPACE(sizeof(*g)) || g->nfgen_family != AF_INET)
		return false;
	nl_attrs_of(m, sizeof(*g), a, CTA_TIMESTAMP);
	*ret = (struct connection){ 0 };
	read_side(a[CTA_TUPLE_REPLY], a[CTA_COUNTERS_REPLY], &ret->back, &ret->proto);
	read_side(a[CTA_TUPLE_ORIG], a[CTA_COUNTERS_ORIG], &ret->there, &ret->proto);
	nl_nested(a[CTA_TIMESTAMP], t, CTA_TIMESTAMP_STOP);
	ret->start_ms = (int64_t)(nl_get_be64(t[CTA_TIMESTAMP_START]) / 1000000);
	ret->end_ms = (int64_t)(nl_get_be64(t[CTA_TIMESTAMP_STOP]) / 1000000);
	ret->tuple = str_of(nl_data(a[CTA_TUPLE_ORIG], 0), nl_len(a[CTA_TUPLE_ORIG]));
	return a[CTA_TUPLE_ORIG] && a[CTA_TUPLE_REPLY];
}

struct walk {
	void (*each)(void *ctx, const struct connection *c);
	void *ctx;
};

static void
tell(void *ctx, const struct nlmsghdr *m)
{
	struct walk *w = ctx;
	struct connection c;
	if (connection_read(m, &c))
		w->each(w->ctx, &c);
}

int
connections_each(int fd, bool zero, void (*each)(void *ctx, const struct connection *c), void *ctx)
{
	struct buf b = { 0 };
	struct walk w = { each, ctx };
	struct nfgenmsg g = { .nfgen_family = AF_INET };
	unsigned type = zero ? IPCTNL_MSG_CT_GET_CTRZERO : IPCTNL_MSG_CT_GET;
	nl_end(&b, nl_begin(&b, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), NLM_F_DUMP, &g,
			   sizeof(g)));
	struct nl_run r = { .each = tell, .ctx = &w };
	int err = nl_run(fd, &b, &r);
	buf_done(&b);
	return err;
}

void
connection_forget(struct buf *b, const struct connection *c)
{
	struct nfgenmsg g = { .nfgen_family = AF_INET };
	size_t at = nl_begin(
		b, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_ACK, &g, sizeof(g));
	size_t tuple = nl_nest(b, CTA_TUPLE_ORIG);
	buf_add_str(b, c->tuple);
	nl_nest_end(b, tuple);
	nl_end(b, at);
}
