#include "svc/sns/smtp.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 15
#define REPLY_MAX 4096
#define LINE 57 /* bytes that make 76 characters */

struct session {
	int fd;
	char in[REPLY_MAX];
	size_t in_len;
	char *why;
};

static int
fail(struct session *s, int error, const char *what)
{
	snprintf(s->why, SMTP_WHY_MAX, "%s", what);
	return error;
}

static bool
is_address(struct str a)
{
	for (size_t i = 0; i < a.len; i++)
		if ((unsigned char)a.p[i] <= ' ' || a.p[i] == 0x7f || a.p[i] == '<' ||
			a.p[i] == '>')
			return false;
	return a.len > 2 && a.len < 255 && str_find(a, '@') > 0;
}

static void
add_base64_lines(struct buf *b, struct str s)
{
	for (size_t at = 0; at < s.len; at += LINE) {
		base64_add(b, str_slice(s, at, at + LINE));
		buf_add_lit(b, "\r\n");
	}
}

void
smtp_write(const struct smtp_mail *m, struct buf *out)
{
	char date[TIME_TEXT_MAX];
	struct str d = time_format(m->time_ms, TIME_HTTP, date);
	buf_printf(out, "From: AWS Notifications <%.*s>\r\nTo: <%.*s>\r\nSubject: =?UTF-8?B?",
		STR_FMT(m->from), STR_FMT(m->to));
	base64_add(out, m->subject);
	buf_printf(out,
		"?=\r\nDate: %.*s +0000\r\nMessage-ID: <%.*s@sns.haneul>\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: "
		"base64\r\n\r\n",
		STR_FMT(str_slice(d, 0, d.len - 4)), STR_FMT(m->message_id));
	add_base64_lines(out, m->body);
}

static int
dial(struct session *s, struct str relay)
{
	char host[256], port[8] = "25";
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	struct timeval wait = { .tv_sec = WAIT_S };
	long colon = str_rfind(relay, ':');
	struct str name = colon >= 0 ? str_slice(relay, 0, (size_t)colon) : relay;
	if (colon >= 0)
		snprintf(port, sizeof(port), "%.*s",
			STR_FMT(str_slice(relay, (size_t)colon + 1, relay.len)));
	snprintf(host, sizeof(host), "%.*s", STR_FMT(name));
	if (getaddrinfo(host, port, &hints, &found))
		return fail(s, -EHOSTUNREACH, "the relay's name is not known");
	int r = -EHOSTUNREACH;
	for (struct addrinfo *ai = found; ai && r; ai = ai->ai_next) {
		s->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (s->fd < 0)
			continue;
		setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		r = connect(s->fd, ai->ai_addr, ai->ai_addrlen) ? -errno : 0;
		if (r) {
			close(s->fd);
			s->fd = -1;
		}
	}
	freeaddrinfo(found);
	return r ? fail(s, r, "the relay does not accept connections") : 0;
}

static int
put(struct session *s, struct str text)
{
	while (text.len) {
		ssize_t n = send(s->fd, text.p, text.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(s, n < 0 ? -errno : -EPIPE, "the relay stopped listening");
		text = str_slice(text, (size_t)n, text.len);
	}
	return 0;
}

/* The last line of a reply: "250 ok"; lines before it are "250-…". */
static int
expect(struct session *s, char first)
{
	for (;;) {
		struct str have = str_of(s->in, s->in_len);
		long end = str_find(have, '\n');
		if (end >= 0) {
			struct str line = str_slice(have, 0, (size_t)end);
			bool last = line.len < 4 || line.p[3] != '-',
			     good = line.len >= 3 && line.p[0] == first;
			if (last && !good)
				snprintf(s->why, SMTP_WHY_MAX, "the relay answered: %.*s",
					STR_FMT(str_trim(str_slice(line, 0, 120))));
			memmove(s->in, s->in + end + 1, s->in_len - (size_t)end - 1);
			s->in_len -= (size_t)end + 1;
			if (last)
				return good ? 0 : -EPROTO;
			continue;
		}
		if (s->in_len == sizeof(s->in))
			return fail(s, -EPROTO, "the relay's answer has no end");
		ssize_t n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - s->in_len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(s, n < 0 ? -errno : -EPIPE, "the relay does not answer");
		s->in_len += (size_t)n;
	}
}

static int
command(struct session *s, char want, const char *fmt, struct str argument)
{
	struct buf b = { 0 };
	buf_add(&b, fmt, strlen(fmt));
	if (argument.p) {
		buf_add_str(&b, argument);
		buf_add_c(&b, '>');
	}
	buf_add_lit(&b, "\r\n");
	int r = put(s, buf_str(&b));
	buf_done(&b);
	return r ? r : expect(s, want);
}

static int
talk(struct session *s, const struct smtp_mail *m)
{
	struct buf b = { 0 };
	int r = expect(s, '2');
	if (!r)
		r = command(s, '2', "EHLO haneul", STR_NULL);
	if (!r)
		r = command(s, '2', "MAIL FROM:<", m->from);
	if (!r)
		r = command(s, '2', "RCPT TO:<", m->to);
	if (!r)
		r = command(s, '3', "DATA", STR_NULL);
	if (r)
		return r;
	smtp_write(m, &b);
	buf_add_lit(&b, ".\r\n");
	r = put(s, buf_str(&b));
	buf_done(&b);
	if (!r)
		r = expect(s, '2');
	if (!r)
		command(s, '2', "QUIT", STR_NULL);
	return r;
}

int
smtp_send(struct str relay, const struct smtp_mail *m, char why[SMTP_WHY_MAX])
{
	struct session s = { .fd = -1, .why = why };
	why[0] = 0;
	if (!is_address(m->from) || !is_address(m->to))
		return fail(&s, -EINVAL, "the address is not valid");
	int r = dial(&s, relay);
	if (!r)
		r = talk(&s, m);
	if (s.fd >= 0)
		close(s.fd);
	return r;
}
