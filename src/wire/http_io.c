#include "wire/http_conn.h"

#include "wire/tls_conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SPARE_SMALL 64
#define SPARE_LARGE 16
#define SENDFILE_MAX (1 << 20)
#define VECTORS 16

/* ---- blocks ---- */

struct http_block *
http_block_take(struct http_server *s, size_t need)
{
	size_t size = need + sizeof(struct http_block);
	struct http_block **spare = NULL, *b;
	if (size <= HTTP_BLOCK_SMALL)
		size = HTTP_BLOCK_SMALL, spare = &s->small;
	else if (size <= HTTP_BLOCK_LARGE)
		size = HTTP_BLOCK_LARGE, spare = &s->large;
	if (spare && *spare) {
		b = *spare;
		*spare = b->next;
		*(spare == &s->small ? &s->small_n : &s->large_n) -= 1;
	} else if (!(b = malloc(size))) {
		abort();
	}
	b->next = NULL;
	b->cap = (uint32_t)(size - sizeof(*b));
	b->from = b->to = 0;
	b->fd = -1;
	b->fd_owned = false;
	s->stats.memory_bytes += size;
	return b;
}

void
http_block_give(struct http_server *s, struct http_block *b)
{
	if (!b)
		return;
	size_t size = b->cap + sizeof(*b);
	s->stats.memory_bytes -= size;
	if (b->fd_owned)
		close(b->fd);
	if (size == HTTP_BLOCK_SMALL && s->small_n < SPARE_SMALL) {
		b->next = s->small;
		s->small = b;
		s->small_n++;
	} else if (size == HTTP_BLOCK_LARGE && s->large_n < SPARE_LARGE) {
		b->next = s->large;
		s->large = b;
		s->large_n++;
	} else {
		free(b);
	}
}

/* ---- in ---- */

static ssize_t
recv_plain(struct http_conn *c, char *p, size_t n)
{
	ssize_t r = recv(c->io.fd, p, n, MSG_DONTWAIT);
	if (r < 0 && errno == EINTR)
		return recv_plain(c, p, n);
	if (r < 0) {
		c->readable = false;
		return -errno;
	}
	/* A short read emptied the socket: no need to ask again before epoll says so. */
	if ((size_t)r < n)
		c->readable = false;
	return r;
}

ssize_t
http_io_recv(struct http_conn *c, char *p, size_t n)
{
	ssize_t r = c->tls_conn ? tls_conn_read(c->tls_conn, p, n) : recv_plain(c, p, n);
	if (c->tls_conn && (r < 0 || ((size_t)r < n && !tls_conn_pending(c->tls_conn))))
		c->readable = false;
	if (r > 0) {
		c->s->stats.bytes_in += (uint64_t)r;
		c->progress = true;
	}
	return r;
}

/* ---- out: the queue ---- */

static void
out_append(struct http_conn *c, struct http_block *b)
{
	*c->out_last = b;
	c->out_last = &b->next;
}

static struct http_block *
out_tail(struct http_conn *c)
{
	if (!c->out)
		return NULL;
	return (struct http_block *)((char *)c->out_last - offsetof(struct http_block, next));
}

void
http_out_add(struct http_conn *c, const char *p, size_t n)
{
	struct http_block *b = out_tail(c);
	c->out_bytes += n;
	while (n) {
		if (!b || b->fd >= 0 || b->to == b->cap) {
			b = http_block_take(c->s, n < HTTP_BLOCK_LARGE / 2 ? 1 : HTTP_BLOCK_SMALL);
			out_append(c, b);
		}
		size_t len = b->cap - b->to < n ? b->cap - b->to : n;
		memcpy(b->data + b->to, p, len);
		b->to += (uint32_t)len;
		p += len;
		n -= len;
	}
}

char *
http_out_reserve(struct http_conn *c, size_t n)
{
	struct http_block *b = out_tail(c);
	if (!b || b->fd >= 0 || b->cap - b->to < n)
		return NULL;
	char *p = b->data + b->to;
	b->to += (uint32_t)n;
	c->out_bytes += n;
	return p;
}

void
http_out_add_file(struct http_conn *c, int fd, int64_t offset, int64_t len)
{
	struct http_block *b = malloc(sizeof(*b));
	if (!b)
		abort();
	*b = (struct http_block){ .fd = fd, .file_at = offset, .file_left = len };
	c->s->stats.memory_bytes += sizeof(*b);
	out_append(c, b);
}

void
http_out_own_files(struct http_conn *c)
{
	for (struct http_block *b = c->out; b; b = b->next) {
		if (b->fd < 0 || b->fd_owned)
			continue;
		int fd = fcntl(b->fd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0) {
			http_conn_lose(c);
			return;
		}
		b->fd = fd;
		b->fd_owned = true;
	}
}

bool
http_out_has_file(const struct http_conn *c)
{
	for (const struct http_block *b = c->out; b; b = b->next)
		if (b->fd >= 0)
			return true;
	return false;
}

static void
out_drop_first(struct http_conn *c)
{
	struct http_block *b = c->out;
	c->out = b->next;
	if (!c->out)
		c->out_last = &c->out;
	http_block_give(c->s, b);
}

/* Takes n sent bytes off the front of the queue. */
static void
out_consume(struct http_conn *c, size_t n)
{
	c->out_bytes -= n;
	c->s->stats.bytes_out += n;
	c->progress = true;
	while (n) {
		struct http_block *b = c->out;
		size_t len = b->to - b->from;
		if (n < len) {
			b->from += (uint32_t)n;
			return;
		}
		n -= len;
		out_drop_first(c);
	}
}

/* ---- out: sending ---- */

static ssize_t
send_failed(struct http_conn *c, int err)
{
	if (err == EAGAIN || err == EWOULDBLOCK)
		c->writable = false;
	else if (err != EINTR)
		http_conn_lose(c);
	return 0;
}

/* How much of v went out; 0 also when the socket is full or the connection was lost. */
static size_t
send_vectors(struct http_conn *c, struct iovec *v, unsigned n, bool more)
{
	ssize_t r;
	if (c->tls_conn) {
		r = tls_conn_write(c->tls_conn, v[0].iov_base, v[0].iov_len);
		return (size_t)(r < 0 ? send_failed(c, (int)-r) : r);
	}
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
	if (n == 1) {
		r = send(c->io.fd, v[0].iov_base, v[0].iov_len, flags);
	} else {
		struct msghdr m = { .msg_iov = v, .msg_iovlen = n };
		r = sendmsg(c->io.fd, &m, flags);
	}
	return (size_t)(r < 0 ? send_failed(c, errno) : r);
}

/* The data blocks at the front of the queue as vectors; *ret_file: a file range follows them. */
static unsigned
out_vectors(struct http_conn *c, struct iovec *v, size_t *ret_bytes, bool *ret_file)
{
	unsigned n = 0;
	struct http_block *b = c->out;
	*ret_bytes = 0;
	for (; b && b->fd < 0 && n < VECTORS; b = b->next) {
		v[n++] = (struct iovec){ b->data + b->from, b->to - b->from };
		*ret_bytes += b->to - b->from;
	}
	*ret_file = b && b->fd >= 0;
	return n;
}

/* TLS needs the bytes in memory: the next piece of the file becomes a block before it. A record
 * that OpenSSL could not send must be offered again unchanged, so it is never read twice. */
static bool
file_to_block(struct http_conn *c, struct http_block *f)
{
	struct http_block *b = http_block_take(c->s, 1);
	size_t want = f->file_left < b->cap ? (size_t)f->file_left : b->cap;
	ssize_t r = pread(f->fd, b->data, want, f->file_at);
	if (r <= 0) {
		http_block_give(c->s, b);
		http_conn_lose(c);
		return false;
	}
	b->to = (uint32_t)r;
	c->out_bytes += (size_t)r;
	f->file_at += r;
	f->file_left -= r;
	b->next = f;
	c->out = b;
	return true;
}

static bool
send_file(struct http_conn *c)
{
	struct http_block *f = c->out;
	if (!f->file_left) {
		out_drop_first(c);
		return true;
	}
	if (c->tls_conn)
		return file_to_block(c, f);
	off_t at = f->file_at;
	size_t want = f->file_left < SENDFILE_MAX ? (size_t)f->file_left : SENDFILE_MAX;
	ssize_t r = sendfile(c->io.fd, f->fd, &at, want);
	if (r < 0)
		return send_failed(c, errno);
	if (r == 0) { /* the file is shorter than promised */
		http_conn_lose(c);
		return false;
	}
	f->file_at += r;
	f->file_left -= r;
	c->s->stats.bytes_out += (uint64_t)r;
	c->progress = true;
	return true;
}

bool
http_io_flush(struct http_conn *c)
{
	bool sent = false;
	for (int turns = 0; c->out && c->writable && !c->lost; turns++) {
		if (turns == 8) { /* others wait too */
			http_conn_later(c);
			break;
		}
		if (c->out->fd >= 0) {
			sent |= send_file(c);
			continue;
		}
		struct iovec v[VECTORS];
		size_t bytes;
		bool file;
		unsigned n = out_vectors(c, v, &bytes, &file);
		size_t done = send_vectors(c, v, n, file);
		out_consume(c, done);
		sent |= done > 0;
		if (done < bytes && !c->tls_conn)
			c->writable = false; /* epoll says when there is room again */
	}
	return sent;
}

void
http_out_add_direct(struct http_conn *c, const char *p, size_t n)
{
	if (c->writable && !c->lost && !c->tls_conn && !http_out_has_file(c)) {
		struct iovec v[VECTORS + 1];
		size_t queued;
		bool file;
		unsigned vectors = out_vectors(c, v, &queued, &file);
		if (vectors < VECTORS) {
			v[vectors] = (struct iovec){ (void *)(uintptr_t)p, n };
			size_t done = send_vectors(c, v, vectors + 1, false);
			size_t mine = done > queued ? done - queued : 0;
			if (done < queued + n)
				c->writable = false;
			out_consume(c, done - mine);
			c->s->stats.bytes_out += mine;
			p += mine;
			n -= mine;
		}
	}
	http_out_add(c, p, n);
}

void
http_io_shutdown(struct http_conn *c)
{
	if (c->tls_conn)
		tls_conn_close_notify(c->tls_conn);
	shutdown(c->io.fd, SHUT_WR);
}
