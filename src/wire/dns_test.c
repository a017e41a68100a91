#include "unit.h"
#include "wire/dns.h"

#include <errno.h>

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define WWW                                                                                        \
	"\x03WwW\x07"                                                                              \
	"example\x03"                                                                              \
	"com\x00"

TEST(dns_reads_a_question)
{
	struct dns_question q;
	struct str query = STR(HEAD WWW "\x00\x01\x00\x01");
	assert_int_equal(dns_question_read(query, &q), 0);
	assert_int_equal(q.id, 0x1234);
	assert_string_equal(q.name, "www.example.com");
	assert_int_equal(q.type, DNS_A);
	assert_true(q.recursion_desired);
	assert_false(q.edns);
	assert_int_equal(q.udp_max, 512);
	assert_int_equal(q.question_end, query.len);
}

TEST(dns_reads_what_the_client_takes)
{
	struct dns_question q;
	struct str query =
		STR("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" WWW "\x00\x1c\x00\x01"
		    "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00");
	assert_int_equal(dns_question_read(query, &q), 0);
	assert_true(q.edns);
	assert_int_equal(q.udp_max, 4096);
}

TEST(dns_refuses_what_is_malformed)
{
	static const struct {
		struct str bytes;
		int result;
	} cases[] = {
		{ { "", 0 }, -EPROTO },
		{ { "\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12 },
			-EPROTO }, /* a reply */
		{ { "\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00", 12 },
			-EINVAL }, /* two questions */
		{ { HEAD, 12 }, -EINVAL },
		{ { HEAD "\x03www", 16 }, -EINVAL },                  /* cut off */
		{ { HEAD "\xc0\x0c\x00\x01\x00\x01", 18 }, -EINVAL }, /* points to itself */
		{ { HEAD "\xc0\x20\x00\x01\x00\x01", 18 }, -EINVAL }, /* points forward */
		{ { HEAD "\x40"
			 "a\x00\x00\x01\x00\x01",
			  19 },
			-EINVAL }, /* a label too long */
		{ { HEAD "\x03"
			 "a.b\x00\x00\x01\x00\x01",
			  21 },
			-EINVAL },
	};
	struct dns_question q;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(dns_question_read(cases[i].bytes, &q), cases[i].result);
}

TEST(dns_writes_a_reply)
{
	struct dns_question q;
	struct dns_reply r;
	uint8_t out[512];
	char name[DNS_NAME_MAX + 1];
	struct str query = STR(HEAD WWW "\x00\x01\x00\x01");
	assert_int_equal(dns_question_read(query, &q), 0);
	dns_reply_begin(&r, out, sizeof(out), query, &q);
	dns_reply_a(&r, STR("www.example.com"), 60, 0x0a000005);
	struct str reply = dns_reply_end(&r, DNS_OK, true);
	assert_int_equal((uint8_t)reply.p[2], 0x85);
	assert_int_equal((uint8_t)reply.p[3], 0x80);
	assert_int_equal(reply.p[7], 1);
	size_t at = dns_name_read(reply, query.len, name);
	assert_string_equal(name, "www.example.com");
	assert_memory_equal(
		reply.p + at, "\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x05", 14);
}

TEST(dns_says_when_it_does_not_fit)
{
	struct dns_question q;
	struct dns_reply r;
	uint8_t out[512];
	struct str query = STR(HEAD WWW "\x00\x01\x00\x01");
	dns_question_read(query, &q);
	dns_reply_begin(&r, out, sizeof(out), query, &q);
	for (int i = 0; i < 100; i++)
		dns_reply_a(&r, STR("www.example.com"), 60, 1);
	struct str reply = dns_reply_end(&r, DNS_OK, false);
	assert_true(reply.len <= sizeof(out));
	assert_true(reply.p[2] & 2);
}

TEST(dns_reverse_names)
{
	uint32_t ip = 0;
	assert_true(dns_reverse_ip(STR("4.3.2.1.in-addr.arpa"), &ip));
	assert_int_equal(ip, 0x01020304);
	assert_false(dns_reverse_ip(STR("3.2.1.in-addr.arpa"), &ip));
	assert_false(dns_reverse_ip(STR("5.4.3.2.1.in-addr.arpa"), &ip));
	assert_false(dns_reverse_ip(STR("256.3.2.1.in-addr.arpa"), &ip));
	assert_false(dns_reverse_ip(STR("example.com"), &ip));
}
