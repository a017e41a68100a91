/*
 * Flows: connections that end, connections that last (each minute), and refused packets, of
 * interfaces that are logged. A router that has one gets two sockets inside it, which one epoll
 * gathers.
 */
#include "plane/conntrack.h"
#include "plane/fabric_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_S 60
#define MESSAGES_MAX 4096 /* of one socket in one reading: the rest waits for the next */

int
fabric_flow_open(void)
{
	struct itimerspec each = { { PERIOD_S, 0 }, { PERIOD_S, 0 } };
	fabric.flow_epoll = epoll_create1(EPOLL_CLOEXEC);
	fabric.flow_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fabric.flow_epoll < 0 || fabric.flow_timer < 0 ||
		timerfd_settime(fabric.flow_timer, 0, &each, NULL))
		return -errno;
	struct epoll_event e = { .events = EPOLLIN };
	return epoll_ctl(fabric.flow_epoll, EPOLL_CTL_ADD, fabric.flow_timer, &e) ? -errno : 0;
}

void
fabric_flow_close(void)
{
	if (fabric.flow_epoll >= 0)
		close(fabric.flow_epoll);
	if (fabric.flow_timer >= 0)
		close(fabric.flow_timer);
	fabric.flow_epoll = fabric.flow_timer = -1;
}

int
fabric_flow_fd(void)
{
	return fabric.flow_epoll;
}

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- Sockets ---- */

static int
listen_connections(int fd)
{
	int group = NFNLGRP_CONNTRACK_DESTROY;
	return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ? -errno
											  : 0;
}

static int
listen_refused(int fd)
{
	struct buf b = { 0 };
	struct nfgenmsg g = { .nfgen_family = AF_INET, .res_id = htons(FABRIC_LOG_GROUP) };
	struct nfulnl_msg_config_cmd bind = { NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(96),
		.copy_mode = NFULNL_COPY_PACKET };
	size_t at =
		nl_begin(&b, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_ACK, &g, sizeof(g));
	nl_put(&b, NFULA_CFG_CMD, &bind, sizeof(bind));
	nl_put(&b, NFULA_CFG_MODE, &mode, sizeof(mode));
	nl_put_be32(&b, NFULA_CFG_TIMEOUT, 5); /* hundredths of a second that messages may gather */
	nl_end(&b, at);
	int err = nl_send(fd, &b);
	buf_done(&b);
	return err;
}

static int
watch_one(struct router *r, int (*start)(int fd))
{
	int back = space_enter(&r->space);
	if (back < 0)
		return -1;
	int fd = nl_open(NETLINK_NETFILTER);
	space_leave(back);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = r };
	if (fd >= 0 && (start(fd) || epoll_ctl(fabric.flow_epoll, EPOLL_CTL_ADD, fd, &e))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool
any_logged(const struct plane_network *n)
{
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		if (n->interfaces[i].flow_log)
			return true;
	return false;
}

void
fabric_flow_watch(struct router *r)
{
	if (!any_logged(&r->now->n)) {
		fabric_flow_unwatch(r);
		return;
	}
	if (r->flow_ct >= 0)
		return;
	r->flow_ct = watch_one(r, listen_connections);
	r->flow_log = watch_one(r, listen_refused);
	r->flow_read_ms = (uint64_t)now_ms();
}

void
fabric_flow_unwatch(struct router *r)
{
	/* Closing takes them out of the epoll. */
	if (r->flow_ct >= 0)
		close(r->flow_ct);
	if (r->flow_log >= 0)
		close(r->flow_log);
	r->flow_ct = r->flow_log = -1;
}

/* ---- Reading ---- */

struct reading {
	struct router *r;
	void (*each)(void *ctx, const struct plane_flow *f);
	void *ctx;
};

static const struct plane_interface *
logged_with(const struct router *r, uint32_t ip)
{
	const struct plane_network *n = &r->now->n;
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		for (uint32_t k = 0; n->interfaces[i].flow_log && k < n->interfaces[i].ips_n; k++)
			if (n->interfaces[i].ips[k].private_ip == ip)
				return &n->interfaces[i];
	return NULL;
}

static void
tell(struct reading *x, const struct plane_interface *i, struct plane_flow f,
	const struct connection_side *s, bool inbound)
{
	if (!i || !s->packets)
		return;
	f.interface = i->id;
	f.packets = s->packets;
	f.bytes = s->bytes;
	f.inbound = inbound;
	x->each(x->ctx, &f);
}

/* Two records for each end that is logged, one for a direction, with the addresses that this end
 * sees. */
static void
tell_connection(void *ctx, const struct connection *c)
{
	struct reading *x = ctx;
	struct plane_flow f = { .network = str_c(x->r->id),
		.proto = c->proto,
		.accepted = true,
		.start_ms = c->start_ms,
		.end_ms = c->end_ms };
	if (f.start_ms < (int64_t)x->r->flow_read_ms)
		f.start_ms = (int64_t)x->r->flow_read_ms;
	if (!f.end_ms)
		f.end_ms = now_ms();
	/* As AWS: what goes to the router itself (names, metadata) is not logged. */
	if (fabric_own_address(&x->r->now->n, c->back.from_ip))
		return;
	if (f.start_ms > f.end_ms)
		f.start_ms = f.end_ms;
	for (int end = 0; end < 2; end++) {
		const struct connection_side *s = end ? &c->back : &c->there;
		const struct plane_interface *i = logged_with(x->r, s->from_ip);
		/* The side that answers sees who asked, as the answer's destination says it. */
		f.from_ip = s->from_ip;
		f.from_port = s->from_port;
		f.to_ip = end ? c->there.from_ip : s->to_ip;
		f.to_port = end ? c->there.from_port : s->to_port;
		tell(x, i, f, s, false);
		struct plane_flow g = f;
		g.from_ip = f.to_ip;
		g.from_port = f.to_port;
		g.to_ip = f.from_ip;
		g.to_port = f.from_port;
		tell(x, i, g, end ? &c->there : &c->back, true);
	}
}

static void
tell_refused(struct reading *x, const struct nlmsghdr *m)
{
	const struct nlattr *a[NFULA_PREFIX + 1];
	nl_attrs_of(m, sizeof(struct nfgenmsg), a, NFULA_PREFIX);
	const char *prefix = nl_data(a[NFULA_PREFIX], 2);
	const struct iphdr *ip = nl_data(a[NFULA_PAYLOAD], sizeof(*ip));
	if (!prefix || !ip)
		return;
	bool inbound = prefix[0] == 'i';
	struct plane_flow f = { .network = str_c(x->r->id),
		.from_ip = ntohl(ip->saddr),
		.to_ip = ntohl(ip->daddr),
		.proto = ip->protocol,
		.inbound = inbound,
		.packets = 1,
		.bytes = ntohs(ip->tot_len),
		.start_ms = now_ms() };
	const struct plane_interface *i = logged_with(x->r, inbound ? f.to_ip : f.from_ip);
	const uint16_t *ports = (const void *)((const char *)ip + ip->ihl * 4u);
	if (nl_len(a[NFULA_PAYLOAD]) >= ip->ihl * 4u + 4 &&
		(f.proto == 6 || f.proto == 17 || f.proto == 132)) {
		f.from_port = ntohs(ports[0]);
		f.to_port = ntohs(ports[1]);
	}
	f.end_ms = f.start_ms;
	if (!i)
		return;
	f.interface = i->id;
	x->each(x->ctx, &f);
}

static void
read_messages(struct reading *x, int fd)
{
	static _Alignas(8) char at[64 << 10];
	for (int n = 0; n < MESSAGES_MAX; n++) {
		ssize_t got = recv(fd, at, sizeof(at), MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == ENOBUFS))
			continue; /* ENOBUFS: some were lost */
		if (got <= 0)
			return;
		size_t left = (size_t)got;
		for (const struct nlmsghdr *m = (void *)at; NLMSG_OK(m, left);
			m = NLMSG_NEXT(m, left)) {
			struct connection c;
			if (m->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
				tell_refused(x, m);
			else if (connection_read(m, &c))
				tell_connection(x, &c);
		}
	}
}

static void
read_lasting(struct reading *x)
{
	int nft = space_nft(&x->r->space);
	if (nft >= 0)
		connections_each(nft, true, tell_connection, x);
	x->r->flow_read_ms = (uint64_t)now_ms();
}

void
fabric_flow_read(void (*each)(void *ctx, const struct plane_flow *f), void *ctx)
{
	uint64_t times;
	bool period = read(fabric.flow_timer, &times, sizeof(times)) == sizeof(times);
	size_t at = 0;
	struct str id;
	void *v;
	while (map_next(&fabric.routers, &at, &id, &v)) {
		struct reading x = { v, each, ctx };
		if (x.r->flow_ct < 0 || !x.r->now)
			continue;
		read_messages(&x, x.r->flow_ct);
		if (x.r->flow_log >= 0)
			read_messages(&x, x.r->flow_log);
		if (period)
			read_lasting(&x);
	}
}

/* ---- Connections of addresses that are somebody else's now, or nobody's ---- */

struct forgetting {
	struct map_u64 gone;
	struct buf b;
};

static void
forget_one(void *ctx, const struct connection *c)
{
	struct forgetting *f = ctx;
	const uint32_t ips[] = { c->there.from_ip, c->there.to_ip, c->back.from_ip, c->back.to_ip };
	for (unsigned i = 0; i < 4; i++)
		if (map_u64_get(&f->gone, ips[i])) {
			connection_forget(&f->b, c);
			return;
		}
}

static bool
forgive_all(void *ctx, unsigned n, int err)
{
	(void)ctx, (void)n, (void)err;
	return true;
}

static uint32_t
public_of(const struct plane_interface *i, uint32_t private_ip, bool *ret_found)
{
	for (uint32_t k = 0; i && k < i->ips_n; k++)
		if (i->ips[k].private_ip == private_ip) {
			*ret_found = true;
			return i->ips[k].public_ip;
		}
	*ret_found = false;
	return 0;
}

static void
find_gone(struct forgetting *f, const struct plane_network *was, const struct plane_network *now,
	struct arena *a)
{
	struct map by_id;
	map_init(&by_id, a);
	for (uint32_t i = 0; i < now->interfaces_n; i++)
		map_put(&by_id, now->interfaces[i].id, (void *)&now->interfaces[i]);
	for (uint32_t i = 0; i < was->interfaces_n; i++) {
		const struct plane_interface *x = &was->interfaces[i];
		for (uint32_t k = 0; k < x->ips_n; k++) {
			bool found;
			uint32_t public =
				public_of(map_get(&by_id, x->id), x->ips[k].private_ip, &found);
			if (!found)
				map_u64_put(&f->gone, x->ips[k].private_ip, f);
			if (x->ips[k].public_ip && x->ips[k].public_ip != public)
				map_u64_put(&f->gone, x->ips[k].public_ip, f);
		}
	}
}

int
fabric_forget_connections(
	struct router *r, const struct plane_network *was, const struct plane_network *now)
{
	struct arena a = { 0 };
	struct forgetting f = { 0 };
	map_u64_init(&f.gone, &a);
	find_gone(&f, was, now, &a);
	int nft = space_nft(&r->space);
	if (f.gone.n && nft >= 0 && !connections_each(nft, false, forget_one, &f) && f.b.len) {
		struct nl_run run = { .failed = forgive_all };
		nl_run(nft, &f.b, &run);
	}
	buf_done(&f.b);
	arena_done(&a);
	return nft < 0 ? nft : 0;
}
