#include "plane/publish.h"
#include "os/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* "Machines" are sockets of 127.0.0.2 here. */
#define MACHINE 0x7f000002u

static struct loop *loop;
static struct publish *pub;

static int
bound(uint32_t ip, int type, uint16_t *ret_port)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };
	socklen_t len = sizeof(a);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static uint16_t
free_port(int type)
{
	uint16_t port;
	close(bound(INADDR_LOOPBACK, type, &port));
	return port;
}

static int
to_host(int type, uint16_t port)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	close(fd);
	return -1;
}

static void
stop(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

/* Lets the relay work for a while. */
static void
turn(unsigned ms)
{
	struct loop_timer t = { .fire = stop };
	loop_timer_set(loop, &t, ms);
	loop_run(loop);
}

static bool
readable(int fd)
{
	for (int i = 0; i < 200; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, 0) == 1)
			return true;
		turn(10);
	}
	return false;
}

static void
apply(const struct plane_publish *is, uint32_t n, int expected)
{
	struct plane_network x = { .id = STR("vpc-1"), .publishes = is, .publishes_n = n };
	char why[200] = "";
	assert_int_equal(publish_apply(pub, &x, why, sizeof(why)), expected);
	assert_int_equal(why[0] == 0, expected == 0);
}

static void
up(void)
{
	assert_int_equal(loop_new(&loop), 0);
	pub = publish_new(loop);
}

static void
down(void)
{
	publish_free(pub);
	loop_free(loop);
}

TEST(a_published_port_carries_bytes_both_ways)
{
	up();
	struct plane_publish is = {
		.public_ip = MACHINE, .proto = 6, .host_port = free_port(SOCK_STREAM)
	};
	int machine = bound(MACHINE, SOCK_STREAM, &is.port);
	listen(machine, 8);
	apply(&is, 1, 0);
	apply(&is, 1, 0);
	int client = to_host(SOCK_STREAM, is.host_port);
	assert_true(client >= 0 && readable(machine));
	int peer = accept(machine, NULL, NULL);
	/* More than is held on the way, while nobody reads. */
	size_t sent = 0, got = 0;
	static char block[64 << 10];
	for (int i = 0; i < 400; i++) {
		ssize_t n = send(client, block, sizeof(block), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		turn(1);
	}
	shutdown(client, SHUT_WR);
	for (ssize_t n = 1; n;) {
		assert_true(readable(peer));
		n = recv(peer, block, sizeof(block), 0);
		assert_true(n >= 0);
		got += (size_t)n;
	}
	assert_int_equal(got, sent);
	/* Half-closed: answers still come. */
	assert_int_equal(send(peer, "bye", 3, 0), 3);
	assert_true(readable(client));
	assert_int_equal(recv(client, block, sizeof(block), 0), 3);
	close(peer);
	assert_true(readable(client));
	assert_int_equal(recv(client, block, sizeof(block), 0), 0);
	close(client);
	close(machine);
	down();
}

TEST(published_datagrams_find_their_sender)
{
	up();
	struct plane_publish is = {
		.public_ip = MACHINE, .proto = 17, .host_port = free_port(SOCK_DGRAM)
	};
	int machine = bound(MACHINE, SOCK_DGRAM, &is.port);
	apply(&is, 1, 0);
	int clients[3];
	for (int i = 0; i < 3; i++) {
		char c = (char)('a' + i), got;
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		clients[i] = to_host(SOCK_DGRAM, is.host_port);
		assert_int_equal(send(clients[i], &c, 1, 0), 1);
		assert_true(readable(machine));
		assert_int_equal(recvfrom(machine, &got, 1, 0, (struct sockaddr *)&from, &len), 1);
		assert_int_equal(got, c);
		assert_int_equal(sendto(machine, &c, 1, 0, (struct sockaddr *)&from, len), 1);
	}
	for (int i = 0; i < 3; i++) {
		char got;
		assert_true(readable(clients[i]));
		assert_int_equal(recv(clients[i], &got, 1, 0), 1);
		assert_int_equal(got, 'a' + i);
		close(clients[i]);
	}
	close(machine);
	down();
}

TEST(published_ports_come_and_go)
{
	up();
	uint16_t port;
	int machine = bound(MACHINE, SOCK_STREAM, &port);
	listen(machine, 8);
	struct plane_publish is[2] = { { MACHINE, port, free_port(SOCK_STREAM), 6 },
		{ MACHINE, port, 0, 6 } };
	int taken = bound(INADDR_ANY, SOCK_STREAM, &is[1].host_port);
	listen(taken, 1);
	apply(is, 2, -EADDRINUSE); /* the other one is open all the same */
	int client = to_host(SOCK_STREAM, is[0].host_port);
	assert_true(client >= 0 && readable(machine));
	int peer = accept(machine, NULL, NULL);
	/* Gone: so are its connections. */
	apply(NULL, 0, 0);
	assert_true(readable(client));
	assert_true(recv(client, &port, 1, 0) <= 0);
	assert_int_equal(to_host(SOCK_STREAM, is[0].host_port), -1);
	close(taken);
	apply(is, 2, 0);
	/* Nobody listens behind it: the client is told. */
	close(machine);
	close(client);
	client = to_host(SOCK_STREAM, is[0].host_port);
	assert_true(client >= 0 && readable(client));
	assert_true(recv(client, &port, 1, 0) <= 0);
	publish_remove(pub, STR("vpc-1"));
	close(client);
	close(peer);
	down();
}
