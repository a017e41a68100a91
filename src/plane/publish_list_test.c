#include "plane/publish_list.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>

TEST(published_ports_are_read)
{
	struct publish_entry e;
	struct str list =
		STR("8080=web:80, 53=i-0123:5353/udp,9000-9999,7000,22=100.64.0.9:22/tcp");
	assert_int_equal(publish_list_next(&list, &e), 1);
	assert_true(e.from == 8080 && e.port == 80 && e.proto == IPPROTO_TCP);
	assert_true(str_is(e.target, "web"));
	assert_int_equal(publish_list_next(&list, &e), 1);
	assert_true(e.from == 53 && e.port == 5353 && e.proto == IPPROTO_UDP);
	assert_int_equal(publish_list_next(&list, &e), 1);
	assert_true(e.from == 9000 && e.to == 9999 && !e.target.len);
	assert_int_equal(publish_list_next(&list, &e), 1);
	assert_true(e.from == 7000 && e.to == 7000 && !e.target.len);
	assert_int_equal(publish_list_next(&list, &e), 1);
	assert_true(str_is(e.target, "100.64.0.9") && e.port == 22);
	assert_int_equal(publish_list_next(&list, &e), 0);
	list = STR("9080:80 9053:53/udp,1:2");
	assert_int_equal(publish_wish_next(&list, &e), 1);
	assert_int_equal(publish_wish_next(&list, &e), 1);
	assert_true(e.from == 9053 && e.port == 53 && e.proto == IPPROTO_UDP);
	assert_int_equal(publish_wish_next(&list, &e), 1);
	assert_int_equal(publish_wish_next(&list, &e), 0);
}

TEST(bad_ports_are_told_and_passed_over)
{
	static const char *const bad[] = { "0=web:80", "80=web", "80=:80", "x", "65536", "9-8",
		"80=web:0", "80=web:80/sctp", "80=web:", "-", "=", "1-",
		"80=web:99999999999999999999" };
	struct publish_entry e;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str list = str_c(bad[i]);
		assert_int_equal(publish_list_next(&list, &e), -EINVAL);
		assert_int_equal(publish_list_next(&list, &e), 0);
	}
	struct str wish = STR("80 8080:80:80 1:1/tcp");
	assert_int_equal(publish_wish_next(&wish, &e), -EINVAL);
	assert_int_equal(publish_wish_next(&wish, &e), -EINVAL);
	assert_int_equal(publish_wish_next(&wish, &e), 1);
	assert_true(publish_list_allows(STR("x,80=web:80,9000-9010"), 9010));
	assert_false(publish_list_allows(STR("x,80=web:80,9000-9010"), 80));
	assert_false(publish_list_allows(STR(""), 80));
}
