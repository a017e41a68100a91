/*
 * Figures of networks (src/plane/fabric.h) on this machine, as root: what an interface with its
 * rules costs, bandwidth between two machines against a bare veth pair, and the first packet of a
 * connection under 10 and 1,000 rules. All in namespaces of its own; prints lines, keeps nothing.
 */
#include "plane/fabric.h"
#include "plane/rt.h"
#include "plane/space.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INTERFACES 500
#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static char why[256];
static struct plane_ip_pair ips[INTERFACES];
static struct plane_interface interfaces[INTERFACES];
static char names[INTERFACES][16];
static const uint32_t group0[] = { 0 }, group1[] = { 1 };
static struct plane_group_rule rules[1000];
static const struct plane_group_rule open_rules[] = { { { PLANE_ANY, -1, -1 }, { 0, 0 }, PLANE_NONE,
							      true },
	{ { PLANE_ANY, -1, -1 }, { 0, 0 }, 0, false } };
static const struct plane_acl_rule acl_rules[] = { { { PLANE_ANY, -1, -1 }, { 0, 0 }, false, true },
	{ { PLANE_ANY, -1, -1 }, { 0, 0 }, true, true } };
static struct plane_group groups[2] = { { .id = { "sg-0", 4 }, .rules = open_rules, .rules_n = 2 },
	{ .id = { "sg-1", 4 }, .rules = rules, .rules_n = 1 } };
static const struct plane_acl acl = { .id = { "acl-0", 5 }, .rules = acl_rules, .rules_n = 2 };
static const struct plane_route_table table = { .id = { "rtb-0", 5 } };
static const struct plane_subnet subnet = { .id = { "subnet-0", 8 },
	.cidr = { IP(10, 0, 0, 0), 20 } };
static const struct plane_cidr cidr = { IP(10, 0, 0, 0), 16 };
static struct plane_network net = { .id = { "vpc-0", 5 },
	.cidrs = &cidr,
	.cidrs_n = 1,
	.acls = &acl,
	.acls_n = 1,
	.groups = groups,
	.groups_n = 2,
	.tables = &table,
	.tables_n = 1,
	.subnets = &subnet,
	.subnets_n = 1,
	.interfaces = interfaces };

static double
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
must(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "%s: %s %s\n", what, strerror(-err), why);
	exit(1);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double
median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_value);
	return v[n / 2];
}

static int
new_space(void)
{
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	must(unshare(CLONE_NEWNET) ? -errno : 0, "unshare");
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	space_leave(back);
	return fd;
}

static int
socket_in(int ns, int type)
{
	int back = space_enter(&(struct space){ ns, -1, -1 });
	must(back, "setns");
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	space_leave(back);
	return fd;
}

static struct sockaddr_in
address(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)
	};
}

static int
listener(int ns, uint16_t port)
{
	int fd = socket_in(ns, SOCK_STREAM), one = 1;
	struct sockaddr_in a = address(0, port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 64) ? -errno : 0, "listen");
	return fd;
}

/* ---- An interface with its rules ---- */

static int machines[INTERFACES];

static double
add_interface(uint32_t i)
{
	snprintf(names[i], sizeof(names[i]), "eni-%u", i);
	ips[i].private_ip = IP(10, 0, 0, 10) + i;
	interfaces[i] = (struct plane_interface){ .id = str_c(names[i]),
		.mac = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i },
		.ips = &ips[i],
		.ips_n = 1,
		.groups = group0,
		.groups_n = 1,
		.source_check = true };
	machines[i] = new_space();
	struct fabric_plug p = { .network = net.id,
		.interface = interfaces[i].id,
		.netns_fd = machines[i],
		.ifname = "eth0" };
	double began = now_us();
	net.interfaces_n = i + 1;
	must(fabric_apply(&net, why, sizeof(why)), "apply");
	must(fabric_plug(&p, why, sizeof(why)), "plug");
	return now_us() - began;
}

static void
bench_interfaces(void)
{
	static double took[INTERFACES];
	for (uint32_t i = 0; i < INTERFACES; i++)
		took[i] = add_interface(i);
	printf("interface with its rules, set up, median of the first 50: %.2f ms; of the 50 up to %d: %.2f ms\n",
		median(took + 1, 50) / 1e3, INTERFACES, median(took + INTERFACES - 50, 50) / 1e3);
}

/* ---- Bandwidth ---- */

struct stream {
	int fd;
	double seconds;
	uint64_t bytes;
};

static void *
pour(void *arg)
{
	struct stream *s = arg;
	static char block[128 << 10];
	double until = now_us() + s->seconds * 1e6;
	while (now_us() < until && send(s->fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
		;
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

/* Gigabits a second from one to the other. */
static double
bandwidth(int from, int to, uint32_t ip)
{
	int server = listener(to, 5001), client = socket_in(from, SOCK_STREAM);
	struct sockaddr_in a = address(ip, 5001);
	must(connect(client, (struct sockaddr *)&a, sizeof(a)) ? -errno : 0, "connect");
	int peer = accept(server, NULL, NULL);
	struct stream s = { .fd = client, .seconds = 1 };
	static char block[256 << 10];
	pthread_t t;
	double began = now_us();
	pthread_create(&t, NULL, pour, &s);
	for (ssize_t n; (n = recv(peer, block, sizeof(block), 0)) > 0;)
		s.bytes += (uint64_t)n;
	double took = now_us() - began;
	pthread_join(t, NULL);
	close(client);
	close(peer);
	close(server);
	return (double)s.bytes * 8 / took / 1e3;
}

static void
bare_pair(int left, int right)
{
	struct space l, r;
	struct buf b = { 0 };
	must(space_of(&l, left), "space");
	must(space_of(&r, right), "space");
	struct rt_end here = { .name = "bare", .any_mac = true, .netns_fd = -1, .index = 900 };
	struct rt_end there = { .name = "bare", .any_mac = true, .netns_fd = right };
	rt_veth(&b, &here, &there, 9001);
	struct rt_route to = { 254, { IP(192, 168, 0, 0), 24 }, 1, 900, 0, 0 };
	rt_address(&b, 900, IP(192, 168, 0, 1), 24);
	rt_route(&b, true, &to);
	must(nl_send(l.rt, &b), "veth");
	int index = rt_link_index(r.rt, "bare");
	rt_link_up(&b, index);
	to.index = index;
	rt_address(&b, index, IP(192, 168, 0, 2), 24);
	rt_route(&b, true, &to);
	must(nl_send(r.rt, &b), "veth");
	rt_link_ready(l.rt, "bare");
	buf_done(&b);
	space_close(&l);
	space_close(&r);
}

static void
bench_bandwidth(void)
{
	double bare[5], routed[5];
	bare_pair(machines[0], machines[1]);
	for (int i = 0; i < 5; i++) {
		bare[i] = bandwidth(machines[0], machines[1], IP(192, 168, 0, 2));
		routed[i] = bandwidth(machines[0], machines[1], IP(10, 0, 0, 11));
	}
	double x = median(bare, 5), y = median(routed, 5);
	printf("bandwidth between two machines: %.1f Gbit/s; a bare veth pair: %.1f; ratio %.2f\n",
		y, x, y / x);
}

/* ---- First packet ---- */

static double
first_packets(int from, int server, uint16_t port)
{
	double took[2000];
	struct sockaddr_in a = address(IP(10, 0, 0, 11), port);
	char c;
	for (int i = 0; i < 2000; i++) {
		int fd = socket_in(from, SOCK_DGRAM);
		double began = now_us();
		must(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) == 1 ? 0 : -errno,
			"send");
		struct pollfd p = { .fd = server, .events = POLLIN };
		must(poll(&p, 1, 1000) == 1 && recv(server, &c, 1, 0) == 1 ? 0 : -ETIMEDOUT,
			"first packet");
		took[i] = now_us() - began;
		close(fd);
	}
	return median(took, 2000);
}

/* A rule matches only at the very end of the list. */
static void
set_rules(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		rules[i] = (struct plane_group_rule){ { 17, (int32_t)(20000 + i),
							      (int32_t)(20000 + i) },
			{ IP(172, 16, 0, 0) + i, 32 }, PLANE_NONE, false };
	rules[n - 1] = (struct plane_group_rule){ { 17, 7000, 7000 }, { IP(10, 0, 0, 0), 20 },
		PLANE_NONE, false };
	groups[1].rules_n = n;
	interfaces[1].groups = group1;
	must(fabric_apply(&net, why, sizeof(why)), "apply");
}

static void
bench_first_packet(void)
{
	double few[5], many[5];
	int server = socket_in(machines[1], SOCK_DGRAM);
	struct sockaddr_in a = address(0, 7000);
	must(bind(server, (struct sockaddr *)&a, sizeof(a)) ? -errno : 0, "bind");
	for (int i = 0; i < 5; i++) {
		set_rules(10);
		few[i] = first_packets(machines[0], server, 7000);
		set_rules(1000);
		many[i] = first_packets(machines[0], server, 7000);
	}
	double x = median(few, 5), y = median(many, 5);
	printf("first packet of a connection, 10 rules: %.1f us; 1,000 rules: %.1f us; ratio %.2f\n",
		x, y, y / x);
	double began = now_us();
	set_rules(999);
	printf("a group of 1,000 rules replaced: %.2f ms\n", (now_us() - began) / 1e3);
	close(server);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: fabric_bench DIRECTORY\n");
		return 2;
	}
	must(unshare(CLONE_NEWNET) ? -errno : 0, "a network namespace of its own");
	char run[512];
	snprintf(run, sizeof(run), "%s/run", argv[1]);
	struct fabric_options o = { .data_dir = argv[1], .run_dir = run };
	must(fabric_open(&o, why, sizeof(why)), "open");
	bench_interfaces();
	bench_bandwidth();
	bench_first_packet();
	fabric_close();
	must(fabric_open(&o, why, sizeof(why)), "open");
	double began = now_us();
	must(fabric_apply(&net, why, sizeof(why)), "take over");
	printf("a network of %d interfaces taken over by another process: %.1f ms\n", INTERFACES,
		(now_us() - began) / 1e3);
	began = now_us();
	must(fabric_remove_all(why, sizeof(why)), "remove");
	printf("all of it removed: %.0f ms\n", (now_us() - began) / 1e3);
	return 0;
}
