/* Connections and datagrams through published ports; see publish_flow.h. */
#include "plane/publish_flow.h"

#include "plane/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD_BYTES (16 << 10) /* in each direction, while the other side does not take it */
#define SILENT_MS 60000
#define SWEEP_MS 10000
#define AT_ONCE 32

struct half {
	struct loop_io io; /* where bytes come from; fd -1: closed */
	struct flow *flow;
	char *held;        /* read here, not yet written to the other side */
	size_t from, to;
	bool ended, shut;  /* the end was read; it was passed on */
};
struct flow {
	struct flow *next;
	struct publish_flows *all;
	const void *owner;
	struct half near, far; /* the client's, the machine's */
	bool connecting;
	/* UDP: near.io.fd is the port's and not watched here. */
	bool udp;
	struct sockaddr_in client;
	uint64_t used_ms;
};

static void
half_close(struct flow *f, struct half *h)
{
	if (h->io.fd < 0)
		return;
	loop_unwatch(f->all->loop, &h->io);
	close(h->io.fd);
	h->io.fd = -1;
	free(h->held);
}

static void
flow_end(struct flow *f)
{
	struct flow **at = &f->all->first;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->all->n--;
	if (!f->udp)
		half_close(f, &f->near);
	half_close(f, &f->far);
	free(f);
}

static struct flow *
flow_new(struct publish_flows *all, const void *owner)
{
	if (all->n >= PUBLISH_MAX)
		return NULL;
	struct flow *f = calloc(1, sizeof(*f));
	*f = (struct flow){
		.next = all->first, .all = all, .owner = owner, .used_ms = loop_now_ms(all->loop)
	};
	f->near.io.fd = f->far.io.fd = -1;
	f->near.flow = f->far.flow = f;
	all->first = f;
	all->n++;
	return f;
}

/* ---- TCP ---- */

/* One side to the other as far as both go. false: the connection is broken. */
static bool
pump(struct half *a, struct half *b)
{
	for (int i = 0; i < AT_ONCE; i++) {
		if (a->from == a->to && !a->ended) {
			ssize_t n = recv(a->io.fd, a->held, HELD_BYTES, 0);
			if (n < 0)
				return errno == EAGAIN || errno == EINTR;
			a->ended = n == 0;
			a->from = 0;
			a->to = (size_t)n;
		}
		if (a->from < a->to) {
			ssize_t n =
				send(b->io.fd, a->held + a->from, a->to - a->from, MSG_NOSIGNAL);
			if (n < 0)
				return errno == EAGAIN || errno == EINTR;
			a->from += (size_t)n;
		}
		if (a->ended && a->from == a->to) {
			if (!a->shut)
				shutdown(b->io.fd, SHUT_WR);
			a->shut = true;
			return true;
		}
	}
	return true;
}

static void
rearm(struct flow *f, struct half *a, const struct half *b)
{
	uint32_t events =
		(a->from == a->to && !a->ended ? EPOLLIN : 0u) | (b->from < b->to ? EPOLLOUT : 0u);
	if (f->connecting)
		events = a == &f->far ? EPOLLOUT : 0;
	if (events == a->io.events)
		return;
	a->io.events = events;
	loop_rearm(f->all->loop, &a->io);
}

static bool
connected(struct flow *f)
{
	int err = 0;
	socklen_t len = sizeof(err);
	getsockopt(f->far.io.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	f->connecting = false;
	return !err;
}

static void
tcp_ready(struct loop_io *io, uint32_t events)
{
	struct flow *f = ((struct half *)((char *)io - offsetof(struct half, io)))->flow;
	if (f->connecting && (io != &f->far.io || !(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))) {
		/* The client went before the machine answered. */
		if (events & (EPOLLERR | EPOLLHUP))
			flow_end(f);
		return;
	}
	bool fine = (!f->connecting || connected(f)) && pump(&f->near, &f->far) &&
		    pump(&f->far, &f->near);
	/* A reset leaves nothing to read and would wake us for ever. */
	bool reset = (events & EPOLLERR) || ((events & EPOLLHUP) && f->near.ended && f->far.ended);
	if (!fine || reset || (f->near.shut && f->far.shut)) {
		flow_end(f);
		return;
	}
	f->used_ms = loop_now_ms(f->all->loop);
	rearm(f, &f->near, &f->far);
	rearm(f, &f->far, &f->near);
}

static int
watch(struct flow *f, struct half *h, int fd, uint32_t events,
	void (*ready)(struct loop_io *io, uint32_t events))
{
	h->io = (struct loop_io){ .fd = fd, .events = events, .ready = ready };
	if (!f->udp)
		h->held = malloc(HELD_BYTES);
	return loop_watch(f->all->loop, &h->io);
}

void
publish_flow_tcp(struct publish_flows *all, const void *owner, int fd, const struct sockaddr_in *to)
{
	struct flow *f = flow_new(all, owner);
	int far = f ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
	if (far < 0 ||
		(connect(far, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS)) {
		if (far >= 0)
			close(far);
		close(fd);
		if (f)
			flow_end(f);
		return;
	}
	f->connecting = true;
	if (watch(f, &f->near, fd, 0, tcp_ready) || watch(f, &f->far, far, EPOLLOUT, tcp_ready))
		flow_end(f);
}

/* ---- UDP ---- */

static void
answer_ready(struct loop_io *io, uint32_t events)
{
	struct flow *f = ((struct half *)((char *)io - offsetof(struct half, io)))->flow;
	static char datagram[65536];
	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n = recv(io->fd, datagram, sizeof(datagram), 0);
		if (n < 0)
			return; /* also what an unreachable port told: the next datagram tries again */
		f->used_ms = loop_now_ms(f->all->loop);
		(void)!sendto(f->near.io.fd, datagram, (size_t)n, 0, (struct sockaddr *)&f->client,
			sizeof(f->client));
	}
}

static struct flow *
udp_flow(struct publish_flows *all, const void *owner, int port, const struct sockaddr_in *client,
	const struct sockaddr_in *to)
{
	for (struct flow *f = all->first; f; f = f->next)
		if (f->udp && f->owner == owner && f->client.sin_port == client->sin_port &&
			f->client.sin_addr.s_addr == client->sin_addr.s_addr)
			return f;
	struct flow *f = flow_new(all, owner);
	if (!f)
		return NULL;
	f->udp = true;
	f->client = *client;
	f->near.io.fd = port;
	int far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (far >= 0 && !connect(far, (const struct sockaddr *)to, sizeof(*to)) &&
		!watch(f, &f->far, far, EPOLLIN, answer_ready))
		return f;
	if (far >= 0 && f->far.io.fd < 0)
		close(far);
	flow_end(f);
	return NULL;
}

void
publish_flow_udp(struct publish_flows *all, const void *owner, int fd, const struct sockaddr_in *to)
{
	static char datagram[65536];
	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_in client;
		socklen_t len = sizeof(client);
		ssize_t n = recvfrom(
			fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&client, &len);
		struct flow *f = n < 0 ? NULL : udp_flow(all, owner, fd, &client, to);
		if (n < 0)
			return;
		if (!f)
			continue;
		f->used_ms = loop_now_ms(all->loop);
		(void)!send(f->far.io.fd, datagram, (size_t)n, MSG_NOSIGNAL);
	}
}

/* ---- Ends ---- */

void
publish_flows_end(struct publish_flows *all, const void *owner)
{
	for (struct flow *f = all->first, *next; f; f = next) {
		next = f->next;
		if (f->owner == owner)
			flow_end(f);
	}
}

/* Silent UDP ends; TCP ends by itself, but not one whose machine never answers. */
static void
sweep(struct loop_timer *t)
{
	struct publish_flows *all =
		(struct publish_flows *)((char *)t - offsetof(struct publish_flows, sweep));
	uint64_t now = loop_now_ms(all->loop);
	for (struct flow *f = all->first, *next; f; f = next) {
		next = f->next;
		if ((f->udp || f->connecting) && now - f->used_ms > SILENT_MS)
			flow_end(f);
	}
	loop_timer_set(all->loop, t, SWEEP_MS);
}

void
publish_flows_init(struct publish_flows *all, struct loop *l)
{
	*all = (struct publish_flows){ .loop = l, .sweep.fire = sweep };
	loop_timer_set(l, &all->sweep, SWEEP_MS);
}

void
publish_flows_done(struct publish_flows *all)
{
	while (all->first)
		flow_end(all->first);
	loop_timer_cancel(all->loop, &all->sweep);
}
