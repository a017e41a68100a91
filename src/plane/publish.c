/* Ports of the host that lead into networks; see publish.h. */
#include "plane/publish.h"

#include "os/loop.h"
#include "plane/publish_flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A port that is open. */
struct port {
	struct port *next;
	struct publish *p;
	char *network;
	struct plane_publish is;
	struct loop_io io;
	bool kept; /* by the description that is being applied */
};
struct publish {
	struct loop *loop;
	struct port *ports;
	struct publish_flows flows;
};

static struct sockaddr_in
address(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)
	};
}

static void
tcp_ready(struct loop_io *io, uint32_t events)
{
	struct port *t = (struct port *)((char *)io - offsetof(struct port, io));
	struct sockaddr_in to = address(t->is.public_ip, t->is.port);
	(void)events;
	for (int i = 0; i < 16; i++) {
		int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		publish_flow_tcp(&t->p->flows, t, fd, &to);
	}
}

static void
udp_ready(struct loop_io *io, uint32_t events)
{
	struct port *t = (struct port *)((char *)io - offsetof(struct port, io));
	struct sockaddr_in to = address(t->is.public_ip, t->is.port);
	(void)events;
	publish_flow_udp(&t->p->flows, t, io->fd, &to);
}

static int
port_open(struct publish *p, struct str network, const struct plane_publish *is)
{
	int one = 1, type = is->proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	struct sockaddr_in at = address(INADDR_ANY, is->host_port);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
		(type == SOCK_STREAM && listen(fd, 128))) {
		int err = -errno;
		close(fd);
		return err;
	}
	struct port *t = calloc(1, sizeof(*t));
	*t = (struct port){ .next = p->ports,
		.p = p,
		.network = strndup(network.p, network.len),
		.is = *is,
		.kept = true };
	t->io = (struct loop_io){
		.fd = fd, .events = EPOLLIN, .ready = type == SOCK_STREAM ? tcp_ready : udp_ready
	};
	p->ports = t;
	return loop_watch(p->loop, &t->io);
}

static void
port_close(struct publish *p, struct port **at)
{
	struct port *t = *at;
	*at = t->next;
	publish_flows_end(&p->flows, t);
	loop_unwatch(p->loop, &t->io);
	close(t->io.fd);
	free(t->network);
	free(t);
}

static bool
same(const struct plane_publish *a, const struct plane_publish *b)
{
	return a->public_ip == b->public_ip && a->port == b->port && a->host_port == b->host_port &&
	       a->proto == b->proto;
}

static bool
keep_open(struct publish *p, struct str network, const struct plane_publish *is)
{
	for (struct port *t = p->ports; t; t = t->next)
		if (same(&t->is, is) && str_eq(str_c(t->network), network))
			return t->kept = true;
	return false;
}

/* Those of the network that the description did not name. */
static void
close_others(struct publish *p, struct str network)
{
	for (struct port **at = &p->ports; *at;) {
		if (str_eq(str_c((*at)->network), network) && !(*at)->kept)
			port_close(p, at);
		else
			at = &(*at)->next;
	}
}

int
publish_apply(struct publish *p, const struct plane_network *n, char *why, size_t cap)
{
	int first = 0;
	for (struct port *t = p->ports; t; t = t->next)
		t->kept = false;
	for (uint32_t i = 0; i < n->publishes_n; i++)
		keep_open(p, n->id, &n->publishes[i]);
	/* What goes makes room for what comes. */
	close_others(p, n->id);
	for (uint32_t i = 0; i < n->publishes_n; i++) {
		const struct plane_publish *is = &n->publishes[i];
		bool known = is->proto == IPPROTO_TCP || is->proto == IPPROTO_UDP;
		int err = !known ? -EINVAL : keep_open(p, n->id, is) ? 0 : port_open(p, n->id, is);
		if (err && !first) {
			first = err;
			snprintf(why, cap, "port %u of this host cannot be published: %s",
				is->host_port, strerror(-err));
		}
	}
	return first;
}

void
publish_remove(struct publish *p, struct str network)
{
	struct plane_network none = { .id = network };
	char why[1];
	publish_apply(p, &none, why, sizeof(why));
}

struct publish *
publish_new(struct loop *l)
{
	struct publish *p = calloc(1, sizeof(*p));
	p->loop = l;
	publish_flows_init(&p->flows, l);
	return p;
}

void
publish_free(struct publish *p)
{
	if (!p)
		return;
	while (p->ports)
		port_close(p, &p->ports);
	publish_flows_done(&p->flows);
	free(p);
}
