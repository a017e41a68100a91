#include "plane/wire.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(messages_stay_whole_whatever_their_size)
{
	int fds[2], fd;
	struct buf b = { 0 };
	static const size_t sizes[] = { 0, 1, 60 << 10, (60 << 10) + 1, 5 << 20 };
	assert_int_equal(wire_pair(fds), 0);
	for (unsigned i = 0; i < 5; i++) {
		char *p = malloc(sizes[i] + 1);
		memset(p, 'a' + (int)i, sizes[i]);
		int pass = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_int_equal(wire_send(fds[0], str_of(p, sizes[i]), pass), 0);
		close(pass);
		assert_int_equal(wire_recv(fds[1], &b, &fd), 1);
		assert_true(str_eq(buf_str(&b), str_of(p, sizes[i])));
		assert_true(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
		close(fd);
		free(p);
	}
	close(fds[0]);
	assert_int_equal(wire_recv(fds[1], &b, &fd), 0);
	close(fds[1]);
	buf_done(&b);
}

TEST(a_packet_of_another_kind_is_refused)
{
	int fds[2], fd;
	struct buf b = { 0 };
	assert_int_equal(wire_pair(fds), 0);
	assert_int_equal(send(fds[0], "\1", 1, 0), 1); /* promises a descriptor */
	assert_int_equal(wire_recv(fds[1], &b, &fd), -EBADMSG);
	assert_int_equal(send(fds[0], "\7abc", 4, 0), 4);
	assert_int_equal(wire_recv(fds[1], &b, &fd), -EBADMSG);
	close(fds[0]);
	close(fds[1]);
	buf_done(&b);
}
