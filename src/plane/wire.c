/* Packets with a leading byte: 0, the bytes follow; 1, they are in the first descriptor. */
#include "plane/wire.h"

#include "plane/pack.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PACKET_MAX (60u << 10)
#define FDS_MAX 2

int
wire_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) ? -errno : 0;
}

static int
memory_of(struct str bytes)
{
	int fd = memfd_create("haneul-message", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (size_t n = 0; n < bytes.len;) {
		ssize_t w = pwrite(fd, bytes.p + n, bytes.len - n, (off_t)n);
		if (w <= 0) {
			close(fd);
			return w < 0 ? -errno : -EIO;
		}
		n += (size_t)w;
	}
	return fd;
}

static int
send_packet(int socket_fd, struct iovec *iov, size_t iov_n, const int *fds, unsigned fds_n)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = iov_n };
	if (fds_n) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fds_n);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds_n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_n);
	}
	ssize_t n;
	do
		n = sendmsg(socket_fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int
wire_send(int socket_fd, struct str bytes, int fd)
{
	char kind = bytes.len > PACKET_MAX;
	struct iovec iov[2] = { { &kind, 1 }, { (void *)bytes.p, bytes.len } };
	int fds[FDS_MAX], r;
	unsigned n = 0;
	if (kind) {
		int memory = memory_of(bytes);
		if (memory < 0)
			return memory;
		fds[n++] = memory;
	}
	if (fd >= 0)
		fds[n++] = fd;
	r = send_packet(socket_fd, iov, kind ? 1 : 2, fds, n);
	if (kind)
		close(fds[0]);
	return r;
}

static unsigned
take_fds(struct msghdr *m, int *fds)
{
	unsigned n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < got; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (n < FDS_MAX)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static int
read_memory(int fd, struct buf *ret)
{
	struct stat st;
	if (fstat(fd, &st) || st.st_size > (off_t)PACK_MAX)
		return -EBADMSG;
	for (off_t n = 0; n < st.st_size;) {
		ssize_t got = pread(fd, buf_reserve(ret, (size_t)(st.st_size - n)),
			(size_t)(st.st_size - n), n);
		if (got <= 0)
			return -EBADMSG;
		ret->len += (size_t)got;
		n += got;
	}
	return 1;
}

int
wire_recv(int socket_fd, struct buf *ret, int *ret_fd)
{
	static char
		packet[PACKET_MAX +
			2]; /* one thread of a process receives: the agent, a keeper, the server's first loop */
	union {
		char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int fds[FDS_MAX], r = 1;
	ssize_t n;
	*ret_fd = -1;
	buf_clear(ret);
	do
		n = recvmsg(socket_fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? errno == ECONNRESET ? 0 : -errno : 0;
	unsigned fds_n = take_fds(&m, fds), used = 0;
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || (packet[0] == 1 && fds_n == 0) ||
		(packet[0] != 0 && packet[0] != 1))
		r = -EBADMSG;
	else if (packet[0] == 1)
		r = read_memory(fds[used++], ret);
	else
		buf_add(ret, packet + 1, (size_t)n - 1);
	if (used)
		close(fds[0]);
	if (r == 1 && used < fds_n)
		*ret_fd = fds[used++];
	for (; used < fds_n; used++)
		close(fds[used]);
	return r;
}
