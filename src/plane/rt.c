/* Messages of rtnetlink; see rt.h. */
#include "plane/rt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <unistd.h>

/* ---- Links ---- */

#define LINK_GROUP 0x686e

static void
put_end(struct buf *b, const struct rt_end *e, uint32_t mtu)
{
	nl_put_text(b, IFLA_IFNAME, e->name);
	nl_put_u32(b, IFLA_MTU, mtu);
	/* One queue: a pair has one packet at a time, and a queue for each processor of a large
	 * host costs memory. */
	nl_put_u32(b, IFLA_NUM_TX_QUEUES, 1);
	nl_put_u32(b, IFLA_NUM_RX_QUEUES, 1);
	if (!e->any_mac)
		nl_put(b, IFLA_ADDRESS, e->mac, 6);
	if (e->netns_fd >= 0)
		nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)e->netns_fd);
	else
		nl_put_u32(b, IFLA_GROUP, LINK_GROUP);
}

void
rt_links_remove(struct buf *b)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	size_t at = nl_begin(b, RTM_DELLINK, NLM_F_ACK, &i, sizeof(i));
	nl_put_u32(b, IFLA_GROUP, LINK_GROUP);
	nl_end(b, at);
}

void
rt_veth(struct buf *b, const struct rt_end *here, const struct rt_end *there, uint32_t mtu)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = here->index };
	size_t at = nl_begin(b, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	put_end(b, here, mtu);
	size_t info = nl_nest(b, IFLA_LINKINFO);
	nl_put_text(b, IFLA_INFO_KIND, "veth");
	size_t data = nl_nest(b, IFLA_INFO_DATA), peer = nl_nest(b, VETH_INFO_PEER);
	i.ifi_index = there->index;
	buf_add(b, &i, sizeof(i));
	put_end(b, there, mtu);
	nl_nest_end(b, peer);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
	nl_end(b, at);
	i = (struct ifinfomsg){
		.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP
	};
	at = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, &i, sizeof(i));
	nl_put_text(b, IFLA_IFNAME, here->name);
	nl_end(b, at);
}

void
rt_link_remove(struct buf *b, int index)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	nl_end(b, nl_begin(b, RTM_DELLINK, NLM_F_ACK, &i, sizeof(i)));
}

void
rt_link_up(struct buf *b, int index)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP };
	nl_end(b, nl_begin(b, RTM_NEWLINK, NLM_F_ACK, &i, sizeof(i)));
}

void
rt_link_alias(struct buf *b, int index, struct str alias)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	size_t at = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, &i, sizeof(i));
	nl_put(b, IFLA_IFALIAS, alias.p, alias.len);
	nl_end(b, at);
}

struct one_link {
	int index;
	bool sends;
	struct rtnl_link_stats64 stats;
};

static void
keep_link(void *ctx, const struct nlmsghdr *m)
{
	struct one_link *l = ctx;
	const struct nlattr *a[IFLA_STATS64 + 1];
	l->index = ((const struct ifinfomsg *)NLMSG_DATA(m))->ifi_index;
	nl_attrs_of(m, sizeof(struct ifinfomsg), a, IFLA_STATS64);
	const uint8_t *state = nl_data(a[IFLA_OPERSTATE], 1);
	l->sends = state && *state == IF_OPER_UP;
	const void *s = nl_data(a[IFLA_STATS64], offsetof(struct rtnl_link_stats64, rx_errors));
	size_t len = nl_len(a[IFLA_STATS64]);
	if (s)
		memcpy(&l->stats, s, len < sizeof(l->stats) ? len : sizeof(l->stats));
}

static int
get_link(int fd, const char *name, struct one_link *ret)
{
	struct buf b = { 0 };
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	size_t at = nl_begin(&b, RTM_GETLINK, NLM_F_ACK, &i, sizeof(i));
	nl_put_text(&b, IFLA_IFNAME, name);
	nl_end(&b, at);
	*ret = (struct one_link){ 0 };
	struct nl_run r = { .each = keep_link, .ctx = ret };
	int err = nl_run(fd, &b, &r);
	buf_done(&b);
	return err ? err : ret->index ? 0 : -ENODEV;
}

int
rt_link_index(int fd, const char *name)
{
	struct one_link l;
	int err = get_link(fd, name, &l);
	return err ? err : l.index;
}

void
rt_link_ready(int fd, const char *name)
{
	struct one_link l;
	for (int i = 0; i < 200 && !get_link(fd, name, &l) && !l.sends; i++)
		usleep(100);
}

int
rt_link_counters(int fd, const char *name, struct rt_counters *ret)
{
	struct one_link l;
	int err = get_link(fd, name, &l);
	if (!err)
		*ret = (struct rt_counters){ l.stats.rx_bytes, l.stats.rx_packets, l.stats.tx_bytes,
			l.stats.tx_packets };
	return err;
}

struct walk {
	union {
		void (*link)(void *ctx, int index, const char *name);
		void (*route)(void *ctx, const struct rt_route *r);
		void (*rule)(void *ctx, const struct rt_rule *r);
		void (*neighbour)(void *ctx, int index, uint32_t ip, const uint8_t mac[6]);
	} each;
	void *ctx;
};

static int
dump(int fd, uint16_t type, const void *head, size_t len,
	void (*each)(void *ctx, const struct nlmsghdr *m), struct walk *w)
{
	struct buf b = { 0 };
	nl_end(&b, nl_begin(&b, type, NLM_F_DUMP, head, len));
	struct nl_run r = { .each = each, .ctx = w };
	int err = nl_run(fd, &b, &r);
	buf_done(&b);
	return err;
}

static void
tell_link(void *ctx, const struct nlmsghdr *m)
{
	struct walk *w = ctx;
	const struct ifinfomsg *i = NLMSG_DATA(m);
	const struct nlattr *a[IFLA_IFNAME + 1];
	nl_attrs_of(m, sizeof(*i), a, IFLA_IFNAME);
	const char *name = nl_data(a[IFLA_IFNAME], 2);
	if (m->nlmsg_type == RTM_NEWLINK && name && !(i->ifi_flags & IFF_LOOPBACK))
		w->each.link(w->ctx, i->ifi_index, name);
}

int
rt_links(int fd, void (*each)(void *ctx, int index, const char *name), void *ctx)
{
	struct walk w = { .each.link = each, .ctx = ctx };
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	return dump(fd, RTM_GETLINK, &i, sizeof(i), tell_link, &w);
}

/* ---- Addresses and neighbours ---- */

void
rt_address(struct buf *b, int index, uint32_t ip, uint8_t bits)
{
	struct ifaddrmsg i = {
		.ifa_family = AF_INET, .ifa_prefixlen = bits, .ifa_index = (uint32_t)index
	};
	size_t at =
		nl_begin(b, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &i, sizeof(i));
	nl_put_be32(b, IFA_LOCAL, ip);
	nl_put_be32(b, IFA_ADDRESS, ip);
	nl_put_u32(b, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
	nl_end(b, at);
}

void
rt_neighbour(struct buf *b, bool add, int index, uint32_t ip, const uint8_t mac[6])
{
	struct ndmsg n = {
		.ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT
	};
	size_t at = nl_begin(b, add ? RTM_NEWNEIGH : RTM_DELNEIGH,
		(uint16_t)(NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0)), &n, sizeof(n));
	nl_put_be32(b, NDA_DST, ip);
	if (add)
		nl_put(b, NDA_LLADDR, mac, 6);
	nl_end(b, at);
}

/* The default is 0.8 s, and is the host's to set: a new namespace does not have one of its own. */
void
rt_answer_at_once(struct buf *b, int index)
{
	struct ndtmsg t = { .ndtm_family = AF_INET };
	uint64_t zero = 0;
	size_t at = nl_begin(b, RTM_SETNEIGHTBL, NLM_F_ACK, &t, sizeof(t));
	nl_put_text(b, NDTA_NAME, "arp_cache");
	size_t parms = nl_nest(b, NDTA_PARMS);
	nl_put_u32(b, NDTPA_IFINDEX, (uint32_t)index);
	nl_put(b, NDTPA_PROXY_DELAY, &zero, sizeof(zero));
	nl_nest_end(b, parms);
	nl_end(b, at);
}

static void
tell_neighbour(void *ctx, const struct nlmsghdr *m)
{
	struct walk *w = ctx;
	const struct ndmsg *n = NLMSG_DATA(m);
	const struct nlattr *a[NDA_LLADDR + 1];
	nl_attrs_of(m, sizeof(*n), a, NDA_LLADDR);
	const uint8_t *mac = nl_data(a[NDA_LLADDR], 6);
	if (m->nlmsg_type == RTM_NEWNEIGH && (n->ndm_state & NUD_PERMANENT) && mac && a[NDA_DST])
		w->each.neighbour(w->ctx, n->ndm_ifindex, nl_get_be32(a[NDA_DST]), mac);
}

int
rt_neighbours(
	int fd, void (*each)(void *ctx, int index, uint32_t ip, const uint8_t mac[6]), void *ctx)
{
	struct walk w = { .each.neighbour = each, .ctx = ctx };
	struct ndmsg n = { .ndm_family = AF_INET };
	return dump(fd, RTM_GETNEIGH, &n, sizeof(n), tell_neighbour, &w);
}

/* ---- Routes and rules ---- */

void
rt_route(struct buf *b, bool add, const struct rt_route *r)
{
	struct rtmsg m = { .rtm_family = AF_INET,
		.rtm_dst_len = r->to.bits,
		.rtm_type = r->type,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC };
	m.rtm_scope = r->type == RTN_LOCAL      ? RT_SCOPE_HOST
		      : r->gateway || !r->index ? RT_SCOPE_UNIVERSE
						: RT_SCOPE_LINK;
	if (!add)
		m.rtm_scope = RT_SCOPE_NOWHERE;
	if (r->gateway)
		m.rtm_flags = RTNH_F_ONLINK;
	size_t at = nl_begin(b, add ? RTM_NEWROUTE : RTM_DELROUTE,
		(uint16_t)(NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0)), &m, sizeof(m));
	nl_put_u32(b, RTA_TABLE, r->table);
	if (r->to.bits)
		nl_put_be32(b, RTA_DST, r->to.ip);
	if (r->index)
		nl_put_u32(b, RTA_OIF, (uint32_t)r->index);
	if (r->gateway)
		nl_put_be32(b, RTA_GATEWAY, r->gateway);
	if (r->from)
		nl_put_be32(b, RTA_PREFSRC, r->from);
	nl_end(b, at);
}

static void
tell_route(void *ctx, const struct nlmsghdr *m)
{
	struct walk *w = ctx;
	const struct rtmsg *i = NLMSG_DATA(m);
	const struct nlattr *a[RTA_TABLE + 1];
	if (m->nlmsg_type != RTM_NEWROUTE || i->rtm_protocol != RTPROT_STATIC)
		return;
	nl_attrs_of(m, sizeof(*i), a, RTA_TABLE);
	struct rt_route r = { .table = a[RTA_TABLE] ? nl_get_u32(a[RTA_TABLE]) : i->rtm_table,
		.type = i->rtm_type };
	r.to = (struct plane_cidr){ nl_get_be32(a[RTA_DST]), i->rtm_dst_len };
	r.index = (int)nl_get_u32(a[RTA_OIF]);
	r.gateway = nl_get_be32(a[RTA_GATEWAY]);
	r.from = nl_get_be32(a[RTA_PREFSRC]);
	w->each.route(w->ctx, &r);
}

int
rt_routes(int fd, void (*each)(void *ctx, const struct rt_route *r), void *ctx)
{
	struct walk w = { .each.route = each, .ctx = ctx };
	struct rtmsg i = { .rtm_family = AF_INET };
	return dump(fd, RTM_GETROUTE, &i, sizeof(i), tell_route, &w);
}

void
rt_rule(struct buf *b, bool add, const struct rt_rule *r)
{
	struct fib_rule_hdr h = { .family = AF_INET,
		.action = FR_ACT_TO_TBL,
		.table = RT_TABLE_UNSPEC,
		.src_len = r->from ? 32 : 0 };
	size_t at = nl_begin(b, add ? RTM_NEWRULE : RTM_DELRULE,
		(uint16_t)(NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0)), &h, sizeof(h));
	nl_put_u32(b, FRA_PRIORITY, r->priority);
	nl_put_u32(b, FRA_TABLE, r->table);
	if (r->mask) {
		nl_put_u32(b, FRA_FWMARK, r->mark);
		nl_put_u32(b, FRA_FWMASK, r->mask);
	}
	if (r->from)
		nl_put_be32(b, FRA_SRC, r->from);
	nl_end(b, at);
}

static void
tell_rule(void *ctx, const struct nlmsghdr *m)
{
	struct walk *w = ctx;
	const struct fib_rule_hdr *h = NLMSG_DATA(m);
	const struct nlattr *a[FRA_FWMASK + 1];
	if (m->nlmsg_type != RTM_NEWRULE)
		return;
	nl_attrs_of(m, sizeof(*h), a, FRA_FWMASK);
	struct rt_rule r = { .priority = nl_get_u32(a[FRA_PRIORITY]),
		.mark = nl_get_u32(a[FRA_FWMARK]),
		.mask = nl_get_u32(a[FRA_FWMASK]),
		.table = a[FRA_TABLE] ? nl_get_u32(a[FRA_TABLE]) : h->table,
		.from = nl_get_be32(a[FRA_SRC]) };
	w->each.rule(w->ctx, &r);
}

int
rt_rules(int fd, void (*each)(void *ctx, const struct rt_rule *r), void *ctx)
{
	struct walk w = { .each.rule = each, .ctx = ctx };
	struct fib_rule_hdr h = { .family = AF_INET };
	return dump(fd, RTM_GETRULE, &h, sizeof(h), tell_rule, &w);
}
