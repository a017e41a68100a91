#include "main/running.h"
#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "main/command.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPLY_MAX (64u << 20)

static void
file_path(const char *data, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s/running.json", data);
}

bool
running_write(const char *data, const struct running *r)
{
	char path[1100], tmp[1110];
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_key(&w, STR("pid"));
	json_write_i64(&w, r->pid);
	json_write_key(&w, STR("port"));
	json_write_i64(&w, r->port);
	json_write_key(&w, STR("host"));
	json_write_str(&w, str_c(r->host));
	json_write_key(&w, STR("endpoint"));
	json_write_str(&w, str_c(r->endpoint));
	json_write_key(&w, STR("strict"));
	json_write_bool(&w, r->strict);
	json_write_object_end(&w);
	buf_add_c(&b, '\n');
	file_path(data, path, sizeof(path));
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, b.p, b.len) == (ssize_t)b.len;
	if (fd >= 0)
		close(fd);
	buf_done(&b);
	return ok && rename(tmp, path) == 0;
}

void
running_remove(const char *data)
{
	char path[1100];
	file_path(data, path, sizeof(path));
	unlink(path);
}

static bool
parse_file(struct str text, struct running *ret)
{
	struct arena a;
	int64_t pid = 0, port = 0;
	arena_init(&a);
	struct json *j = json_parse(&a, text, 0, NULL);
	bool ok =
		json_i64(json_get_lit(j, "pid"), &pid) && json_i64(json_get_lit(j, "port"), &port);
	ret->pid = (int)pid;
	ret->port = (int)port;
	snprintf(ret->host, sizeof(ret->host), "%.*s", STR_FMT(json_get_text(j, STR("host"))));
	snprintf(ret->endpoint, sizeof(ret->endpoint), "%.*s",
		STR_FMT(json_get_text(j, STR("endpoint"))));
	json_bool(json_get_lit(j, "strict"), &ret->strict);
	arena_done(&a);
	return ok && ret->pid > 0;
}

bool
running_find(const char *data, struct running *ret)
{
	char path[1100], text[2048];
	memset(ret, 0, sizeof(*ret));
	file_path(data, path, sizeof(path));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	if (n <= 0 || !parse_file(str_of(text, (size_t)n), ret))
		return false;
	snprintf(ret->data, sizeof(ret->data), "%s", data);
	return kill(ret->pid, 0) == 0 || errno == EPERM;
}

static int
dial(const struct running *r)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char port[16];
	const char *host = strcmp(r->host, "0.0.0.0") == 0 ? "127.0.0.1"
			   : strcmp(r->host, "::") == 0    ? "::1"
							   : r->host;
	snprintf(port, sizeof(port), "%d", r->port);
	if (getaddrinfo(host, port, &hints, &found))
		return -EHOSTUNREACH;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), e = 0;
	struct timeval limit = { .tv_sec = 600 }; /* a reset removes many files */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen))
		e = -errno;
	freeaddrinfo(found);
	if (e && fd >= 0)
		close(fd);
	return e ? e : fd;
}

static void
sign(const struct running *r, struct arena *a, const char *method, const char *path,
	struct str body, struct buf *out)
{
	struct str key, secret;
	struct http_header host = { STR("host"), arena_printf(a, "%s:%d", r->host, r->port) };
	unsigned char hash[32];
	struct sigv4_signed s;
	if (credentials_root_load(r->data, STR("000000000000")) ||
		!credentials_root_get(&key, &secret))
		return;
	sha256(body, hash);
	struct sigv4_request q = { str_c(method), str_c(path), STR(""), &host, 1 };
	struct sigv4_signer signer = { .access_key = key,
		.secret = secret,
		.token = STR_NULL,
		.region = STR("us-east-1"),
		.service = STR("haneul"),
		.now_ms = clock_real_ms(),
		.payload = SIGV4_PAYLOAD_BODY,
		.body_sha256 = hash };
	sigv4_sign(&q, &signer, a, &s);
	for (unsigned i = 0; i < s.headers_n; i++)
		buf_printf(out, "%.*s: %.*s\r\n", STR_FMT(s.headers[i].name),
			STR_FMT(s.headers[i].value));
}

int
running_request(const struct running *r, const char *method, const char *path, const char *body,
	struct buf *ret)
{
	struct arena a;
	struct buf out = { 0 };
	char tmp[65536];
	int fd = dial(r), status = 0;
	if (fd < 0)
		return fd;
	arena_init(&a);
	struct str data = str_c(body ? body : "");
	buf_printf(&out,
		"%s %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\nContent-Length: %zu\r\n",
		method, path, r->host, r->port, data.len);
	if (r->strict)
		sign(r, &a, method, path, data, &out);
	buf_add_lit(&out, "\r\n");
	buf_add_str(&out, data);
	if (send(fd, out.p, out.len, MSG_NOSIGNAL) != (ssize_t)out.len)
		status = -EIO;
	buf_clear(ret);
	for (ssize_t n; !status && ret->len < REPLY_MAX && (n = recv(fd, tmp, sizeof(tmp), 0)) > 0;)
		buf_add(ret, tmp, (size_t)n);
	close(fd);
	long end = str_find_str(buf_str(ret), STR("\r\n\r\n"));
	if (!status && (end < 0 || ret->len < 12))
		status = -EIO;
	if (!status) {
		status = (int)strtol(ret->p + 9, NULL, 10);
		buf_consume(ret, (size_t)end + 4);
	}
	buf_done(&out);
	arena_done(&a);
	return status;
}

static struct settings the_settings;

const struct settings *
running_settings(void)
{
	return &the_settings;
}

const char *
running_data(const char *command, int *argc, char **argv)
{
	struct buf why = { 0 };
	const char *data = take_option(argc, argv, "--data");
	char *flags[2] = { "--data", (char *)data };
	if (!settings_load(&the_settings, data ? 2 : 0, flags, &why)) {
		usage_error(command, "%s", why.p);
		buf_done(&why);
		return NULL;
	}
	return the_settings.data;
}
