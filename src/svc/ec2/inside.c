/*
 * What this program offers inside networks: for each network that is up the metadata service, a
 * resolver and the API, all as sockets of its router on the first loop. Who is told of a network
 * again opens only what is missing.
 */
#include "aws/cloud.h"
#include "base/log.h"
#include "os/loop.h"
#include "plane/plane.h"
#include "svc/ec2/inside_dns.h"
#include "svc/ec2/metadata.h"
#include "wire/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SOCKET_METADATA,
	SOCKET_API_4566,
	SOCKET_API_80,
	SOCKET_API_443,
	SOCKET_DNS_UDP,
	SOCKET_DNS_TCP,
	SOCKETS_N
};

static const struct {
	uint32_t ip;
	uint16_t port;
	int type;
} wanted[SOCKETS_N] = {
	[SOCKET_METADATA] = { PLANE_IP_METADATA, 80, SOCK_STREAM },
	[SOCKET_API_4566] = { PLANE_IP_SERVICES, 4566, SOCK_STREAM },
	[SOCKET_API_80] = { PLANE_IP_SERVICES, 80, SOCK_STREAM },
	[SOCKET_API_443] = { PLANE_IP_SERVICES, 443, SOCK_STREAM },
	[SOCKET_DNS_UDP] = { PLANE_IP_RESOLVER, 53, SOCK_DGRAM },
	[SOCKET_DNS_TCP] = { PLANE_IP_RESOLVER, 53, SOCK_STREAM },
};

struct network;
struct asked {
	struct plane_request request; /* first */
	struct network *network;
	unsigned which;
};
struct network {
	struct network *next;
	struct ec2_inside view;
	struct http_server *metadata;
	struct inside_dns *dns;
	struct asked asked[SOCKETS_N];
	int fds[SOCKETS_N]; /* -1: not open. Whoever listens on it owns it */
	unsigned asked_n;   /* requests whose answer is still to come */
	bool gone;
};

/* All on the first loop. */
static struct {
	struct cloud *cloud;
	struct loop *loop;
	struct network *networks;
} inside;

static struct network *
network_find(struct str vpc)
{
	struct network *n = inside.networks;
	while (n && (n->gone || !str_eq(str_c(n->view.vpc), vpc)))
		n = n->next;
	return n;
}

static void
network_free(struct network *n)
{
	struct network **at = &inside.networks;
	while (*at && *at != n)
		at = &(*at)->next;
	if (*at)
		*at = n->next;
	for (unsigned i = SOCKET_API_4566; i <= SOCKET_API_443; i++)
		if (n->fds[i] >= 0)
			cloud_unlisten_fd(inside.cloud, n->fds[i]);
	inside_dns_free(n->dns);
	if (n->metadata)
		http_server_free(n->metadata);
	free(n);
}

static void
metadata_begin(struct http_exchange *x, void *arg)
{
	struct network *n = arg;
	ec2_metadata_serve(x, n->view.store, str_c(n->view.region), str_c(n->view.account),
		str_c(n->view.vpc));
}

static int
metadata_listen(struct network *n, int fd)
{
	struct http_handler h = { .begin = metadata_begin, .arg = n };
	struct http_limits limits;
	http_limits_default(&limits);
	/* Machines are strangers: what one network may hold is bounded. */
	limits.head_bytes = 8192;
	limits.headers_n = 40;
	limits.connections_n = 1000;
	limits.memory_bytes = 8u << 20;
	int r = http_server_new(&n->metadata, inside.loop, &h, &limits);
	return r ? r : http_server_listen(n->metadata, fd, NULL);
}

static int
take(struct network *n, unsigned which, int fd)
{
	switch (which) {
	case SOCKET_METADATA:
		return metadata_listen(n, fd);
	case SOCKET_DNS_UDP:
		return inside_dns_udp(n->dns, fd);
	case SOCKET_DNS_TCP:
		return inside_dns_tcp(n->dns, fd);
	default:
		return cloud_listen_fd(inside.cloud, fd);
	}
}

static void
socket_answered(struct plane_request *request, const struct plane_answer *a)
{
	struct asked *q = (struct asked *)request;
	struct network *n = q->network;
	int r = a->status;
	q->network = NULL; /* may be asked for again */
	n->asked_n--;
	if (n->gone) {
		if (a->fd >= 0)
			close(a->fd);
		if (!n->asked_n)
			network_free(n);
		return;
	}
	if (!r && a->fd >= 0) {
		r = take(n, q->which, a->fd);
		if (r)
			close(a->fd);
		else
			n->fds[q->which] = a->fd;
	}
	if (r)
		log_warn("ec2.inside", log_c("vpc", n->view.vpc), log_errno("why", r),
			log_c("said", a->why));
}

static void
network_ask(struct network *n)
{
	struct plane *p = plane_current();
	for (unsigned i = 0; i < SOCKETS_N && p && p->ops->network_socket; i++) {
		if (n->fds[i] >= 0 || n->asked[i].network)
			continue;
		n->asked[i] = (struct asked){ { socket_answered }, n, i };
		n->asked_n++;
		p->ops->network_socket(p, &n->asked[i].request, str_c(n->view.vpc), wanted[i].ip,
			wanted[i].port, wanted[i].type);
	}
}

void
ec2_inside_up(struct str region, struct str account, struct str vpc)
{
	struct network *n = network_find(vpc);
	if (!inside.loop || !plane_current())
		return;
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n || !(n->dns = inside_dns_new(inside.loop, &n->view))) {
			free(n);
			return;
		}
		snprintf(n->view.region, sizeof(n->view.region), "%.*s", STR_FMT(region));
		snprintf(n->view.account, sizeof(n->view.account), "%.*s", STR_FMT(account));
		snprintf(n->view.vpc, sizeof(n->view.vpc), "%.*s", STR_FMT(vpc));
		n->view.store = cloud_store(inside.cloud);
		for (unsigned i = 0; i < SOCKETS_N; i++)
			n->fds[i] = -1;
		n->next = inside.networks;
		inside.networks = n;
	}
	network_ask(n);
}

void
ec2_inside_down(struct str vpc)
{
	struct network *n = network_find(vpc);
	if (!n)
		return;
	n->gone = true;
	if (!n->asked_n)
		network_free(n);
}

void
ec2_inside_run(struct cloud *cloud, struct loop *first)
{
	inside.cloud = cloud;
	inside.loop = first;
}

void
ec2_inside_down_all(void)
{
	for (struct network *n = inside.networks, *next; n; n = next) {
		next = n->next;
		ec2_inside_down(str_c(n->view.vpc));
	}
}

void
ec2_inside_stop(void)
{
	while (inside.networks)
		network_free(inside.networks);
	inside.cloud = NULL;
	inside.loop = NULL;
}
EC2_STOP(ec2_inside_stop);
