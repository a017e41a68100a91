#include "aws/sigv2.h"

#include "unit.h"
#include "wire/http_server.h"

#define SECRET STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

/* RFC 2202, the sixth case has a key that is longer than a block. */
TEST(sigv2_hmac_sha1)
{
	struct arena a;
	char key[80];
	arena_init(&a);
	assert_str(sigv2_sign(&a, STR("Jefe"), STR("what do ya want for nothing?")),
		"7/zfauXrL6LSdBbV8YTfnCWafHk=");
	memset(key, 0xaa, sizeof(key));
	assert_str(sigv2_sign(&a, str_of(key, sizeof(key)),
			   STR("Test Using Larger Than Block-Size Key - Hash Key First")),
		"qkrl4VJy0A6VcFY3zoo7Ve1AIRI=");
	arena_done(&a);
}

/* The example of the documentation for query strings. */
TEST(sigv2_query)
{
	struct arena a;
	struct sigv2_query q;
	arena_init(&a);
	struct call c = { .arena = &a,
		.method = STR("GET"),
		.raw_path = STR("/photos/puppy.jpg"),
		.path = STR("/johnsmith/photos/puppy.jpg"),
		.query = STR("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%"
			     "2BWFzoENXmpNDUsSn8%3D&"
			     "Expires=1175139620") };
	assert_true(sigv2_query_parse(&c, &q));
	assert_int_equal(q.expires_s, 1175139620);
	assert_str(sigv2_string_to_sign(&c), "GET\n\n\n1175139620\n/johnsmith/photos/puppy.jpg");
	assert_str(sigv2_sign(&a, SECRET, sigv2_string_to_sign(&c)), arena_cstr(&a, q.signature));
	arena_done(&a);
}

TEST(sigv2_headers_and_subresources)
{
	struct arena a;
	arena_init(&a);
	struct http_header h[] = { { STR("X-Amz-Meta-B"), STR("2") },
		{ STR("Content-Type"), STR("text/plain") }, { STR("x-amz-acl"), STR("private") } };
	struct call c = { .arena = &a,
		.method = STR("PUT"),
		.raw_path = STR("/"),
		.path = STR("/b"),
		.headers = h,
		.headers_n = 3,
		.query = STR("versionId=v%2B1&acl&x-id=Y&AWSAccessKeyId=K&x-amz-security-token=T%"
			     "2F&Signature=S&Expires=7") };
	assert_str(sigv2_string_to_sign(&c),
		"PUT\n\ntext/plain\n7\nx-amz-acl:private\nx-amz-meta-b:2\nx-amz-security-token:T/"
		"\n/b/?acl&versionId=v+1");
	struct sigv2_query q;
	c.query = STR("AWSAccessKeyId=K&Signature=S");
	assert_false(sigv2_query_parse(&c, &q));
	arena_done(&a);
}
