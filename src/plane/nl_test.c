#include "plane/nl.h"
#include "unit.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

TEST(attributes_come_back_as_they_were_put)
{
	struct buf b = { 0 };
	struct ifinfomsg head = { 0 };
	size_t m = nl_begin(&b, RTM_NEWLINK, 0, &head, sizeof(head));
	nl_put_be32(&b, 1, 0x01020304);
	nl_put_text(&b, 2, "name");
	size_t nest = nl_nest(&b, 3);
	nl_put_be64(&b, 1, 77);
	nl_put_u8(&b, 2, 9);
	nl_nest_end(&b, nest);
	nl_end(&b, m);
	const struct nlattr *a[4], *inner[3];
	nl_attrs_of((struct nlmsghdr *)b.p, sizeof(head), a, 3);
	assert_int_equal(nl_get_be32(a[1]), 0x01020304);
	assert_string_equal(nl_data(a[2], 5), "name");
	assert_null(nl_data(a[2], 6));
	nl_nested(a[3], inner, 2);
	assert_int_equal(nl_get_be64(inner[1]), 77);
	assert_int_equal(nl_len(inner[2]), 1);
	assert_null(a[0]);
	/* Cut short or with a length that lies: nothing is read behind the end. */
	size_t whole = b.len;
	for (size_t len = 0; len < whole - NLMSG_SPACE(sizeof(head)); len++)
		nl_attrs(b.p + NLMSG_SPACE(sizeof(head)), len, a, 3);
	((struct nlattr *)(b.p + NLMSG_SPACE(sizeof(head))))->nla_len = 0xffff;
	nl_attrs_of((struct nlmsghdr *)b.p, sizeof(head), a, 3);
	assert_null(a[1]);
	buf_done(&b);
}

static bool
forgive(void *ctx, unsigned n, int err)
{
	assert_int_equal(n, *(unsigned *)ctx);
	assert_true(err == -ENODEV || err == -EPERM);
	++*(unsigned *)ctx;
	return true;
}

TEST(each_error_is_told_or_forgiven)
{
	struct buf b = { 0 };
	int fd = nl_open(NETLINK_ROUTE);
	assert_true(fd >= 0);
	struct ifinfomsg none = { .ifi_index = 0x7ffffff0 };
	for (int i = 0; i < 3; i++)
		nl_end(&b, nl_begin(&b, RTM_DELLINK, NLM_F_ACK, &none, sizeof(none)));
	unsigned n = 0;
	struct nl_run r = { .failed = forgive, .ctx = &n };
	assert_int_equal(nl_run(fd, &b, &r), 0);
	assert_int_equal(n, 3);
	assert_true(nl_send(fd, &b) < 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(nl_send(fd, &b), 0); /* nothing */
	close(fd);
	buf_done(&b);
}
