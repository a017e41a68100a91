#include "svc/ec2/inside_dns.h"

#include "base/ids.h"
#include "os/loop.h"
#include "svc/ec2/metadata.h"
#include "wire/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUERY_MAX 4096
#define FORWARDS_MAX 64
#define CLIENTS_MAX 32
#define FORWARD_MS 2000
#define CLIENT_MS 5000
#define UDP_BURST 32

struct client;

/* A query that the host's resolver was asked. */
struct forward {
	struct loop_io io; /* its own socket: io.fd is -1 while it is free */
	struct loop_timer timer;
	struct inside_dns *dns;
	struct sockaddr_in peer; /* who asked over UDP */
	struct client *client;   /* who asked over TCP; NULL: UDP */
	uint16_t id, sent_id;
	unsigned char query[512];
	size_t query_len;
};
/* A TCP connection: one query at a time. */
struct client {
	struct loop_io io; /* io.fd is -1 while it is free */
	struct loop_timer timer;
	struct inside_dns *dns;
	unsigned char in[2 + QUERY_MAX], out[2 + QUERY_MAX];
	size_t in_len, out_len, out_at;
	bool waiting; /* for a forwarded answer */
};
struct inside_dns {
	struct loop *loop;
	const struct ec2_inside *view;
	struct loop_io udp, tcp;
	struct forward forwards[FORWARDS_MAX];
	struct client *clients[CLIENTS_MAX];
};

static void client_send(struct client *c, struct str text);

/* The first resolver of the host; false: it has none. */
static bool
host_resolver(struct sockaddr_in *ret)
{
	char line[256];
	FILE *f = fopen("/etc/resolv.conf", "re");
	bool found = false;
	while (f && !found && fgets(line, sizeof(line), f)) {
		struct str s = str_trim(str_c(line));
		char ip[64];
		if (!str_starts(s, STR("nameserver ")))
			continue;
		snprintf(ip, sizeof(ip), "%.*s", STR_FMT(str_trim(str_slice(s, 11, s.len))));
		*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(53) };
		found = inet_pton(AF_INET, ip, &ret->sin_addr) == 1;
	}
	if (f)
		fclose(f);
	return found;
}

/* ---- answers */

static void
udp_send(struct inside_dns *d, const struct sockaddr_in *to, struct str text)
{
	if (d->udp.fd >= 0 && text.len)
		(void)!sendto(d->udp.fd, text.p, text.len, MSG_DONTWAIT,
			(const struct sockaddr *)to, sizeof(*to));
}

static void
fail(struct inside_dns *d, struct str query, const struct sockaddr_in *peer, struct client *client)
{
	unsigned char out[QUERY_MAX];
	struct dns_question q;
	struct dns_reply r;
	if (dns_question_read(query, &q) == -EPROTO)
		return;
	dns_reply_begin(&r, out, sizeof(out), query, &q);
	struct str text = dns_reply_end(&r, DNS_SERVER_FAILED, false);
	if (client)
		client_send(client, text);
	else
		udp_send(d, peer, text);
}

/* ---- forwarding */

static void
forward_end(struct forward *f)
{
	loop_timer_cancel(f->dns->loop, &f->timer);
	loop_unwatch(f->dns->loop, &f->io);
	close(f->io.fd);
	f->io.fd = -1;
	if (f->client)
		f->client->waiting = false;
}

static void
forward_late(struct loop_timer *t)
{
	struct forward *f = (struct forward *)((char *)t - offsetof(struct forward, timer));
	struct client *client = f->client;
	forward_end(f);
	fail(f->dns, str_of(f->query, f->query_len), &f->peer, client);
}

static void
forward_ready(struct loop_io *io, uint32_t events)
{
	struct forward *f = (struct forward *)((char *)io - offsetof(struct forward, io));
	unsigned char in[QUERY_MAX];
	ssize_t n = recv(io->fd, in, sizeof(in), MSG_DONTWAIT);
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	struct client *client = f->client;
	if (n < 12) {
		forward_end(f);
		fail(f->dns, str_of(f->query, f->query_len), &f->peer, client);
		return;
	}
	/* Somebody else's, or a forged one: the right one may still come. */
	if (in[0] != f->sent_id >> 8 || in[1] != (f->sent_id & 255))
		return;
	in[0] = (unsigned char)(f->id >> 8);
	in[1] = (unsigned char)f->id;
	forward_end(f);
	if (client)
		client_send(client, str_of(in, (size_t)n));
	else
		udp_send(f->dns, &f->peer, str_of(in, (size_t)n));
}

static struct forward *
forward_free_one(struct inside_dns *d)
{
	for (unsigned i = 0; i < FORWARDS_MAX; i++)
		if (d->forwards[i].io.fd < 0)
			return &d->forwards[i];
	return NULL;
}

/* false: it cannot be asked; the caller answers. */
static bool
forward_start(struct inside_dns *d, struct str query, uint16_t id, const struct sockaddr_in *peer,
	struct client *client)
{
	struct sockaddr_in to;
	struct forward *f = forward_free_one(d);
	unsigned char out[512];
	if (!f || query.len > sizeof(out) || !host_resolver(&to))
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	random_bytes(&f->sent_id, sizeof(f->sent_id));
	memcpy(out, query.p, query.len);
	memcpy(f->query, query.p, query.len);
	f->query_len = query.len;
	out[0] = (unsigned char)(f->sent_id >> 8);
	out[1] = (unsigned char)f->sent_id;
	f->io = (struct loop_io){ .fd = fd, .events = EPOLLIN, .ready = forward_ready };
	f->id = id;
	f->client = client;
	f->peer = peer ? *peer : (struct sockaddr_in){ 0 };
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || send(fd, out, query.len, 0) < 0 ||
		loop_watch(d->loop, &f->io)) {
		close(fd);
		f->io.fd = -1;
		return false;
	}
	loop_timer_set(d->loop, &f->timer, FORWARD_MS);
	if (client)
		client->waiting = true;
	return true;
}

/* One query from either side. */
static void
query_take(struct inside_dns *d, struct str query, const struct sockaddr_in *peer,
	struct client *client)
{
	unsigned char out[QUERY_MAX];
	struct dns_question q;
	struct dns_reply reply;
	struct str text;
	int r = dns_question_read(query, &q);
	size_t cap = client ? sizeof(out) : q.udp_max < DNS_UDP_MAX ? q.udp_max : DNS_UDP_MAX;
	if (r == -EPROTO)
		return;
	if (r) {
		dns_reply_begin(&reply, out, sizeof(out), query, &q);
		text = dns_reply_end(&reply, DNS_FORMAT_ERROR, false);
	} else {
		text = ec2_resolve(d->view, query, &q, out, cap);
		if (!text.len) {
			if (!forward_start(d, query, q.id, peer, client))
				fail(d, query, peer, client);
			return;
		}
	}
	if (client)
		client_send(client, text);
	else
		udp_send(d, peer, text);
}

static void
udp_ready(struct loop_io *io, uint32_t events)
{
	struct inside_dns *d = (struct inside_dns *)((char *)io - offsetof(struct inside_dns, udp));
	(void)events;
	for (int i = 0; i < UDP_BURST; i++) {
		unsigned char in[QUERY_MAX];
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(
			io->fd, in, sizeof(in), MSG_DONTWAIT, (struct sockaddr *)&peer, &len);
		if (n < 0)
			return;
		query_take(d, str_of(in, (size_t)n), &peer, NULL);
	}
}

/* ---- TCP */

static void
client_close(struct client *c)
{
	struct inside_dns *d = c->dns;
	for (unsigned i = 0; i < FORWARDS_MAX; i++)
		if (d->forwards[i].io.fd >= 0 && d->forwards[i].client == c)
			forward_end(&d->forwards[i]);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (d->clients[i] == c)
			d->clients[i] = NULL;
	loop_timer_cancel(d->loop, &c->timer);
	loop_unwatch(d->loop, &c->io);
	close(c->io.fd);
	free(c);
}

static void
client_late(struct loop_timer *t)
{
	client_close((struct client *)((char *)t - offsetof(struct client, timer)));
}

/* false: the client is gone. */
static bool
client_flush(struct client *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send(c->io.fd, c->out + c->out_at, c->out_len - c->out_at,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN) {
			client_close(c);
			return false;
		}
		if (n < 0)
			break;
		c->out_at += (size_t)n;
	}
	uint32_t events = c->out_at < c->out_len ? EPOLLOUT : EPOLLIN;
	if (c->io.events != events) {
		c->io.events = events;
		loop_rearm(c->dns->loop, &c->io);
	}
	return true;
}

/* Never frees the client: what fails now is noticed by its next event. */
static void
client_send(struct client *c, struct str text)
{
	if (text.len > QUERY_MAX)
		return;
	c->out[0] = (unsigned char)(text.len >> 8);
	c->out[1] = (unsigned char)text.len;
	memcpy(c->out + 2, text.p, text.len);
	c->out_len = 2 + text.len;
	c->out_at = 0;
	c->io.events = EPOLLOUT;
	loop_rearm(c->dns->loop, &c->io);
}

static void
client_ready(struct loop_io *io, uint32_t events)
{
	struct client *c = (struct client *)((char *)io - offsetof(struct client, io));
	if (events & EPOLLOUT) {
		client_flush(c);
		return;
	}
	ssize_t n = recv(io->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		client_close(c);
		return;
	}
	c->in_len += n > 0 ? (size_t)n : 0;
	size_t want = c->in_len >= 2 ? 2 + ((size_t)c->in[0] << 8 | c->in[1]) : 2;
	if (want > sizeof(c->in)) {
		client_close(c);
		return;
	}
	if (c->in_len < want || c->in_len < 2 || c->waiting || c->out_at < c->out_len)
		return;
	loop_timer_set(c->dns->loop, &c->timer, CLIENT_MS);
	unsigned char query[QUERY_MAX];
	memcpy(query, c->in + 2, want - 2);
	memmove(c->in, c->in + want, c->in_len - want);
	c->in_len -= want;
	query_take(c->dns, str_of(query, want - 2), NULL, c);
}

static void
tcp_ready(struct loop_io *io, uint32_t events)
{
	struct inside_dns *d = (struct inside_dns *)((char *)io - offsetof(struct inside_dns, tcp));
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	unsigned i = 0;
	(void)events;
	if (fd < 0)
		return;
	while (i < CLIENTS_MAX && d->clients[i])
		i++;
	struct client *c = i < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->dns = d;
	c->io = (struct loop_io){ .fd = fd, .events = EPOLLIN, .ready = client_ready };
	c->timer.fire = client_late;
	if (loop_watch(d->loop, &c->io)) {
		close(fd);
		free(c);
		return;
	}
	d->clients[i] = c;
	loop_timer_set(d->loop, &c->timer, CLIENT_MS);
}

/* ---- life */

struct inside_dns *
inside_dns_new(struct loop *l, const struct ec2_inside *view)
{
	struct inside_dns *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->loop = l;
	d->view = view;
	d->udp.fd = d->tcp.fd = -1;
	for (unsigned i = 0; i < FORWARDS_MAX; i++) {
		d->forwards[i].io.fd = -1;
		d->forwards[i].dns = d;
		d->forwards[i].timer.fire = forward_late;
	}
	return d;
}

void
inside_dns_free(struct inside_dns *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (d->clients[i])
			client_close(d->clients[i]);
	for (unsigned i = 0; i < FORWARDS_MAX; i++)
		if (d->forwards[i].io.fd >= 0)
			forward_end(&d->forwards[i]);
	struct loop_io *const sockets[] = { &d->udp, &d->tcp };
	for (unsigned i = 0; i < 2; i++)
		if (sockets[i]->fd >= 0) {
			loop_unwatch(d->loop, sockets[i]);
			close(sockets[i]->fd);
		}
	free(d);
}

static int
watch(struct inside_dns *d, struct loop_io *io, int fd,
	void (*ready)(struct loop_io *io, uint32_t events))
{
	*io = (struct loop_io){ .fd = fd, .events = EPOLLIN, .ready = ready };
	int r = loop_watch(d->loop, io);
	if (r)
		io->fd = -1;
	return r;
}

int
inside_dns_udp(struct inside_dns *d, int fd)
{
	return watch(d, &d->udp, fd, udp_ready);
}

int
inside_dns_tcp(struct inside_dns *d, int listen_fd)
{
	return watch(d, &d->tcp, listen_fd, tcp_ready);
}
