/* Networks of the fake: whole copies of what was applied, and sockets on the loopback in their
 * place. */
#include "plane/fake_impl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *
dup_array(struct arena *a, const void *p, size_t n, size_t each)
{
	void *copy = arena_alloc(a, n * each);
	if (n)
		memcpy(copy, p, n * each);
	return copy;
}
#define DUP(a, field, n) ((field) = dup_array((a), (field), (n), sizeof(*(field))))

static struct plane_acl *
dup_acls(struct arena *a, const struct plane_network *n)
{
	struct plane_acl *x = dup_array(a, n->acls, n->acls_n, sizeof(*x));
	for (uint32_t i = 0; i < n->acls_n; i++) {
		x[i].id = arena_dup(a, x[i].id);
		DUP(a, x[i].rules, x[i].rules_n);
	}
	return x;
}

static struct plane_group *
dup_groups(struct arena *a, const struct plane_network *n)
{
	struct plane_group *x = dup_array(a, n->groups, n->groups_n, sizeof(*x));
	for (uint32_t i = 0; i < n->groups_n; i++) {
		x[i].id = arena_dup(a, x[i].id);
		DUP(a, x[i].rules, x[i].rules_n);
		DUP(a, x[i].others, x[i].others_n);
	}
	return x;
}

static struct plane_route_table *
dup_tables(struct arena *a, const struct plane_network *n)
{
	struct plane_route_table *x = dup_array(a, n->tables, n->tables_n, sizeof(*x));
	for (uint32_t i = 0; i < n->tables_n; i++) {
		x[i].id = arena_dup(a, x[i].id);
		DUP(a, x[i].routes, x[i].routes_n);
	}
	return x;
}

static struct plane_interface *
dup_interfaces(struct arena *a, const struct plane_network *n)
{
	struct plane_interface *x = dup_array(a, n->interfaces, n->interfaces_n, sizeof(*x));
	for (uint32_t i = 0; i < n->interfaces_n; i++) {
		x[i].id = arena_dup(a, x[i].id);
		DUP(a, x[i].ips, x[i].ips_n);
		DUP(a, x[i].groups, x[i].groups_n);
	}
	return x;
}

void
fake_network_dup(struct plane_network *ret, struct arena *a, const struct plane_network *n)
{
	*ret = *n;
	ret->id = arena_dup(a, n->id);
	DUP(a, ret->cidrs, n->cidrs_n);
	ret->acls = dup_acls(a, n);
	ret->groups = dup_groups(a, n);
	ret->tables = dup_tables(a, n);
	ret->interfaces = dup_interfaces(a, n);
	DUP(a, ret->publishes, n->publishes_n);
	struct plane_subnet *subnets = dup_array(a, n->subnets, n->subnets_n, sizeof(*subnets));
	for (uint32_t i = 0; i < n->subnets_n; i++)
		subnets[i].id = arena_dup(a, subnets[i].id);
	ret->subnets = subnets;
	struct plane_nat *nats = dup_array(a, n->nats, n->nats_n, sizeof(*nats));
	for (uint32_t i = 0; i < n->nats_n; i++)
		nats[i].id = arena_dup(a, nats[i].id);
	ret->nats = nats;
	struct plane_peer *peers = dup_array(a, n->peers, n->peers_n, sizeof(*peers));
	for (uint32_t i = 0; i < n->peers_n; i++)
		peers[i] = (struct plane_peer){ arena_dup(a, peers[i].id),
			arena_dup(a, peers[i].network) };
	ret->peers = peers;
}

bool
fake_network_has_interface(const struct plane_network *n, struct str interface)
{
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		if (str_eq(n->interfaces[i].id, interface))
			return true;
	return false;
}

/* A description that refers to what it does not hold is a mistake of the caller. */
static void
check(const struct plane_network *n)
{
	for (uint32_t i = 0; i < n->subnets_n; i++)
		assert(n->subnets[i].acl < n->acls_n && n->subnets[i].table < n->tables_n);
	for (uint32_t i = 0; i < n->interfaces_n; i++) {
		assert(n->interfaces[i].subnet < n->subnets_n && n->interfaces[i].ips_n > 0);
		for (uint32_t g = 0; g < n->interfaces[i].groups_n; g++)
			assert(n->interfaces[i].groups[g] < n->groups_n);
	}
	for (uint32_t i = 0; i < n->groups_n; i++)
		for (uint32_t k = 0; k < n->groups[i].rules_n; k++)
			assert(n->groups[i].rules[k].group == PLANE_NONE ||
				n->groups[i].rules[k].group < n->groups_n);
	for (uint32_t i = 0; i < n->nats_n; i++)
		assert(n->nats[i].subnet < n->subnets_n);
	for (uint32_t i = 0; i < n->tables_n; i++)
		for (uint32_t k = 0; k < n->tables[i].routes_n; k++) {
			const struct plane_route *r = &n->tables[i].routes[k];
			assert(r->target != PLANE_TO_NAT || r->index < n->nats_n);
			assert(r->target != PLANE_TO_PEER || r->index < n->peers_n);
			assert(r->target != PLANE_TO_INTERFACE || r->index < n->interfaces_n);
		}
}

void
fake_network_apply(FAKE_REQUEST, const struct plane_network *n)
{
	struct fake *f = fake_of(p);
	char id[PLANE_ID_MAX + 1];
	fake_id(id, n->id);
	check(n);
	struct fake_answer *a = fake_begin(p, r, "network_apply", n->id);
	if (!a)
		return;
	struct fake_network_row *row = calloc(1, sizeof(*row));
	assert(row);
	arena_init(&row->arena);
	fake_network_dup(&row->n, &row->arena, n);
	fake_network_free(map_take(&f->networks, n->id));
	map_put(&f->networks, row->n.id, row);
	fake_end(f, a);
}

void
fake_network_free(struct fake_network_row *n)
{
	if (!n)
		return;
	arena_done(&n->arena);
	free(n);
}

void
fake_network_remove(FAKE_REQUEST, struct str network)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "network_remove", network);
	if (!a)
		return;
	void *v;
	for (size_t at = 0; map_next(&f->machines, &at, NULL, &v);)
		if (str_eq(((struct fake_machine_row *)v)->pub.m.network, network))
			fake_refuse(a, -EBUSY, "The machine %s is in the network %.*s.",
				((struct fake_machine_row *)v)->id, STR_FMT(network));
	if (!a->status)
		fake_network_free(map_take(&f->networks, network));
	fake_end(f, a);
}

static int
loopback_socket(int type, uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&at, len) || (type == SOCK_STREAM && listen(fd, 128)) ||
		getsockname(fd, (struct sockaddr *)&at, &len)) {
		int err = -errno;
		close(fd);
		return err;
	}
	*ret_port = ntohs(at.sin_port);
	return fd;
}

void
fake_network_socket(FAKE_REQUEST, struct str network, uint32_t ip, uint16_t port, int type)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "network_socket", network);
	if (!a)
		return;
	struct fake_socket *s = calloc(1, sizeof(*s));
	assert(s);
	if (!map_get(&f->networks, network))
		fake_refuse(a, -ENOENT, "The network %.*s is not there.", STR_FMT(network));
	else if ((a->fd = loopback_socket(type, &s->real_port)) < 0)
		fake_refuse(a, a->fd, "No socket.");
	if (a->status) {
		free(s);
	} else {
		fake_id(s->network, network);
		s->ip = ip;
		s->port = port;
		s->next = f->sockets;
		f->sockets = s;
	}
	fake_end(f, a);
}

uint16_t
fake_socket_port(struct plane *p, const char *network, uint32_t ip, uint16_t port)
{
	for (struct fake_socket *s = fake_of(p)->sockets; s; s = s->next)
		if (strcmp(s->network, network) == 0 && s->ip == ip && s->port == port)
			return s->real_port;
	return 0;
}

const struct plane_network *
fake_network(struct plane *p, const char *id)
{
	struct fake_network_row *row = map_get(&fake_of(p)->networks, str_c(id));
	return row ? &row->n : NULL;
}

unsigned
fake_networks_n(struct plane *p)
{
	return (unsigned)fake_of(p)->networks.n;
}
