/* Netlink messages out and in; see nl.h. */
#include "plane/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NL_SEND_BYTES (32 << 20) /* a batch is one message to the kernel; larger ones are refused */
#define NL_READ_BYTES (64 << 10)

int
nl_open(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	int one = 1, bytes = NL_SEND_BYTES;
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	if (bind(fd, (struct sockaddr *)&self, sizeof(self))) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* ---- Out ---- */

static void
pad(struct buf *b, size_t len)
{
	size_t more = NLMSG_ALIGN(len) - len;
	if (more)
		buf_add(b, "\0\0\0", more);
}

size_t
nl_begin(struct buf *b, uint16_t type, uint16_t flags, const void *head, size_t head_len)
{
	size_t at = b->len;
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST };
	buf_add(b, &h, sizeof(h));
	buf_add(b, head, head_len);
	pad(b, head_len);
	return at;
}

void
nl_end(struct buf *b, size_t at)
{
	((struct nlmsghdr *)(b->p + at))->nlmsg_len = (uint32_t)(b->len - at);
}

void
nl_put(struct buf *b, uint16_t type, const void *p, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };
	buf_add(b, &a, sizeof(a));
	if (len)
		buf_add(b, p, len);
	pad(b, len);
}

void
nl_put_u8(struct buf *b, uint16_t type, uint8_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void
nl_put_u16(struct buf *b, uint16_t type, uint16_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void
nl_put_u32(struct buf *b, uint16_t type, uint32_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void
nl_put_be32(struct buf *b, uint16_t type, uint32_t v)
{
	nl_put_u32(b, type, htonl(v));
}

void
nl_put_be64(struct buf *b, uint16_t type, uint64_t v)
{
	v = htobe64(v);
	nl_put(b, type, &v, sizeof(v));
}

void
nl_put_text(struct buf *b, uint16_t type, const char *s)
{
	nl_put(b, type, s, strlen(s) + 1);
}

size_t
nl_nest(struct buf *b, uint16_t type)
{
	size_t at = b->len;
	nl_put(b, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void
nl_nest_end(struct buf *b, size_t at)
{
	((struct nlattr *)(b->p + at))->nla_len = (uint16_t)(b->len - at);
}

/* ---- In ---- */

struct reading {
	struct nl_run *r;
	uint32_t first; /* number of the first message */
	unsigned waits; /* acknowledgements and ends of dumps still to come */
	int err;
};

static void
note_error(struct reading *x, const struct nlmsghdr *m)
{
	const struct nlmsgerr *e = NLMSG_DATA(m);
	unsigned n = e->msg.nlmsg_seq - x->first;
	if (!e->error || (x->r->failed && x->r->failed(x->r->ctx, n, e->error)) || x->err)
		return;
	x->err = e->error;
	const struct nlattr *found[NLMSGERR_ATTR_MAX + 1];
	size_t head = sizeof(struct nlmsghdr) + sizeof(*e);
	if (!(m->nlmsg_flags & NLM_F_ACK_TLVS) || m->nlmsg_len < head)
		return;
	nl_attrs((const char *)m + head, m->nlmsg_len - head, found, NLMSGERR_ATTR_MAX);
	const char *said = nl_data(found[NLMSGERR_ATTR_MSG], 1);
	snprintf(x->r->said, sizeof(x->r->said), "%.*s",
		said ? (int)nl_len(found[NLMSGERR_ATTR_MSG]) : 0, said ? said : "");
}

static void
read_one(struct reading *x, const struct nlmsghdr *m)
{
	switch (m->nlmsg_type) {
	case NLMSG_ERROR:
		note_error(x, m);
		x->waits -= x->waits > 0;
		break;
	case NLMSG_DONE:
		x->waits -= x->waits > 0;
		break;
	default:
		if (x->r->each)
			x->r->each(x->r->ctx, m);
	}
}

/* The kernel has done its work when the send returns, so its answers are there; only a dump goes on
 * while it is read. */
static int
read_all(int fd, struct reading *x)
{
	static _Thread_local char *at;
	if (!at)
		at = malloc(NL_READ_BYTES);
	while (x->waits) {
		ssize_t n = recv(fd, at, NL_READ_BYTES, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		size_t left = (size_t)n;
		for (const struct nlmsghdr *m = (void *)at; NLMSG_OK(m, left);
			m = NLMSG_NEXT(m, left))
			read_one(x, m);
	}
	return 0;
}

int
nl_run(int fd, struct buf *b, struct nl_run *r)
{
	static uint32_t seq = 1;
	struct reading x = { .r = r, .first = seq };
	r->said[0] = '\0';
	for (size_t at = 0; at < b->len;) {
		struct nlmsghdr *m = (struct nlmsghdr *)(b->p + at);
		m->nlmsg_seq = seq++;
		x.waits += (m->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP)) != 0;
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	if (!b->len)
		return 0;
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;
	do
		n = sendto(fd, b->p, b->len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	int err = read_all(fd, &x);
	/* Of a batch that failed as a whole more errors may wait than were asked for. */
	char rest[4096];
	while (x.err && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
	return x.err ? x.err : err;
}

int
nl_send(int fd, struct buf *b)
{
	struct nl_run r = { 0 };
	int err = nl_run(fd, b, &r);
	buf_clear(b);
	return err;
}

void
nl_attrs(const void *p, size_t len, const struct nlattr **found, unsigned max)
{
	memset(found, 0, (max + 1) * sizeof(*found));
	const char *at = p;
	while (len >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const void *)at;
		if (a->nla_len < sizeof(*a) || a->nla_len > len)
			return;
		unsigned type = a->nla_type & NLA_TYPE_MASK;
		if (type <= max)
			found[type] = a;
		size_t step = NLA_ALIGN(a->nla_len);
		if (step >= len)
			return;
		at += step;
		len -= step;
	}
}

void
nl_attrs_of(const struct nlmsghdr *m, size_t head_len, const struct nlattr **found, unsigned max)
{
	size_t head = NLMSG_SPACE(head_len);
	nl_attrs((const char *)m + head, m->nlmsg_len > head ? m->nlmsg_len - head : 0, found, max);
}

size_t
nl_len(const struct nlattr *a)
{
	return a ? a->nla_len - (size_t)NLA_HDRLEN : 0;
}

const void *
nl_data(const struct nlattr *a, size_t least)
{
	return a && nl_len(a) >= least ? (const char *)a + NLA_HDRLEN : NULL;
}

uint32_t
nl_get_u32(const struct nlattr *a)
{
	uint32_t v = 0;
	const void *p = nl_data(a, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

uint32_t
nl_get_be32(const struct nlattr *a)
{
	return ntohl(nl_get_u32(a));
}

uint16_t
nl_get_be16(const struct nlattr *a)
{
	uint16_t v = 0;
	const void *p = nl_data(a, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return ntohs(v);
}

uint64_t
nl_get_be64(const struct nlattr *a)
{
	uint64_t v = 0;
	const void *p = nl_data(a, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

void
nl_nested(const struct nlattr *a, const struct nlattr **found, unsigned max)
{
	nl_attrs(a ? (const char *)a + NLA_HDRLEN : "", nl_len(a), found, max);
}
