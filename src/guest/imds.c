/* The metadata service: one request, one connection, IMDSv2. */
#include "guest/guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define IMDS_IP 0xa9fea9feu
#define IMDS_WAIT_MS 2000

static int
connect_to(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(IMDS_IP)
	};
	int err = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(err);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		err = errno;
	struct pollfd p = { fd, POLLOUT, 0 };
	if (!err && poll(&p, 1, IMDS_WAIT_MS) <= 0)
		err = ETIMEDOUT;
	if (!err)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		close(fd);
		return -err;
	}
	return fd;
}

static const char *
find_head_end(const char *bytes, size_t len)
{
	for (size_t i = 0; i + 4 <= len; i++)
		if (memcmp(bytes + i, "\r\n\r\n", 4) == 0)
			return bytes + i + 4;
	return NULL;
}

int
imds_parse(const char *bytes, size_t len, bool closed, size_t *ret_body, size_t *ret_body_len)
{
	const char *body = find_head_end(bytes, len);
	if (!body || len < 12 || memcmp(bytes, "HTTP/1.", 7) != 0)
		return -1;
	int status = 0;
	for (unsigned i = 9; i < 12; i++) {
		if (bytes[i] < '0' || bytes[i] > '9')
			return -1;
		status = status * 10 + bytes[i] - '0';
	}
	size_t have = len - (size_t)(body - bytes), want = 0;
	bool told = false;
	for (const char *line = bytes;
		line < body - 2 && (line = memchr(line, '\n', (size_t)(body - 2 - line)));) {
		line++;
		if ((size_t)(body - line) > 15 && strncasecmp(line, "content-length:", 15) == 0) {
			told = true;
			for (const char *s = line + 15; s < body && *s != '\r'; s++)
				if (*s >= '0' && *s <= '9' && want <= IMDS_MAX)
					want = want * 10 + (size_t)(*s - '0');
		}
	}
	if (want > IMDS_MAX || (told ? have < want : !closed))
		return -1;
	*ret_body = (size_t)(body - bytes);
	*ret_body_len = told ? want : have;
	return status;
}

static int
exchange(const char *request, char **ret_body, size_t *ret_len)
{
	int fd = connect_to(), status = -1;
	if (fd < 0)
		return fd;
	char *all = malloc(IMDS_MAX + 4096);
	size_t n = 0, at, body_len;
	if (!all || send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		status = -EIO;
	for (bool closed = false; all && status == -1 && !closed && n < IMDS_MAX + 4096;) {
		struct pollfd p = { fd, POLLIN, 0 };
		if (poll(&p, 1, IMDS_WAIT_MS) <= 0)
			break;
		ssize_t got = recv(fd, all + n, IMDS_MAX + 4096 - n, 0);
		closed = got <= 0;
		n += closed ? 0 : (size_t)got;
		status = imds_parse(all, n, closed, &at, &body_len);
	}
	close(fd);
	if (status > 0) {
		memmove(all, all + at, body_len);
		all[body_len] = 0;
		*ret_body = all;
		*ret_len = body_len;
		return status;
	}
	free(all);
	return status == -1 ? -ETIMEDOUT : status;
}

int
imds_get(const char *path, char **ret_body, size_t *ret_len)
{
	char request[1024], *token = NULL;
	size_t len;
	int status = exchange(
		"PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\nContent-Length: 0\r\n"
		"X-aws-ec2-metadata-token-ttl-seconds: 300\r\nConnection: close\r\n\r\n",
		&token, &len);
	if (status != 200 || len > 512 || strpbrk(token, "\r\n")) {
		if (status > 0)
			free(token);
		return status < 0 ? status : -EACCES;
	}
	snprintf(request, sizeof(request),
		"GET /latest/%s HTTP/1.1\r\nHost: 169.254.169.254\r\nX-aws-ec2-metadata-token: %s\r\nConnection: close\r\n\r\n",
		path, token);
	free(token);
	return exchange(request, ret_body, ret_len);
}
