#include "aws/codec_impl.h"
#include "base/digest.h"
#include "base/text.h"
#include "unit.h"

#include <errno.h>

/* The smallest message of AWS's description of the format: no headers, no payload. */
TEST(event_message_without_anything)
{
	struct buf b = { 0 };
	unsigned char want[16];
	event_message_write(&b, NULL, 0, STR(""));
	assert_true(hex_decode(STR("000000100000000005c248eb7d98c8ff"), want, 16));
	assert_int_equal(b.len, 16);
	assert_memory_equal(b.p, want, 16);
	buf_done(&b);
}

TEST(event_message_reads_what_it_writes)
{
	struct buf b = { 0 };
	const struct event_header h[] = {
		{ .name = STR("t"), .type = 0 },
		{ .name = STR("f"), .type = 1 },
		{ .name = STR("byte"), .type = 2, .number = -5 },
		{ .name = STR("short"), .type = 3, .number = -300 },
		{ .name = STR("int"), .type = 4, .number = 70000 },
		{ .name = STR("long"), .type = 5, .number = INT64_MIN },
		{ .name = STR("blob"), .type = 6, .text = STR("\0\1\2") },
		{ .name = STR(":event-type"), .type = 7, .text = STR("Records") },
		{ .name = STR("time"), .type = 8, .number = 1767323045678 },
		{ .name = STR("uuid"), .type = 9, .text = STR("0123456789abcdef") },
	};
	event_message_write(&b, h, 10, STR("payload"));
	event_message_write(&b, h, 1, STR(""));
	struct event_header got[16];
	struct str rest = buf_str(&b), payload;
	unsigned n;
	assert_int_equal(event_message_read(&rest, got, 16, &n, &payload), 1);
	assert_int_equal(n, 10);
	assert_str(payload, "payload");
	for (unsigned i = 0; i < n; i++) {
		assert_true(str_eq(got[i].name, h[i].name));
		assert_int_equal(got[i].type, h[i].type);
		assert_true(got[i].number == h[i].number);
		assert_true(str_eq(got[i].text, h[i].text));
	}
	assert_int_equal(event_message_read(&rest, got, 16, &n, &payload), 1);
	assert_int_equal(n, 1);
	assert_int_equal(event_message_read(&rest, got, 16, &n, &payload), 0);
	buf_done(&b);
}

TEST(event_message_refuses_damage)
{
	struct buf b = { 0 };
	const struct event_header h[] = { { .name = STR("a"), .type = 7, .text = STR("b") } };
	struct event_header got[4];
	struct str payload;
	unsigned n;
	event_message_write(&b, h, 1, STR("payload"));
	for (size_t i = 0; i < b.len; i++) {
		b.p[i] ^= 1;
		struct str rest = buf_str(&b);
		assert_int_equal(event_message_read(&rest, got, 4, &n, &payload), -EBADMSG);
		b.p[i] ^= 1;
	}
	for (size_t i = 0; i < b.len; i++) {
		struct str rest = str_of(b.p, i);
		assert_int_equal(event_message_read(&rest, got, 4, &n, &payload), 0);
		assert_int_equal(rest.len, i);
	}
	buf_done(&b);
}

/* A header of length beyond the message, with checksums that are right. */
TEST(event_message_refuses_lying_headers)
{
	unsigned char m[24] = { 0, 0, 0, 24, 0, 0, 0, 8, 0, 0, 0, 0, 1, 'a', 7, 0xff, 0xff, 0, 0,
		0 };
	uint32_t c = crc32_ieee(0, str_of(m, 8));
	for (int i = 0; i < 4; i++)
		m[8 + i] = (unsigned char)(c >> (24 - 8 * i));
	c = crc32_ieee(0, str_of(m, 20));
	for (int i = 0; i < 4; i++)
		m[20 + i] = (unsigned char)(c >> (24 - 8 * i));
	struct event_header got[4];
	struct str rest = str_of(m, 24), payload;
	unsigned n;
	assert_int_equal(event_message_read(&rest, got, 4, &n, &payload), -EBADMSG);
}

TEST(event_of_a_union)
{
	struct records {
		struct str payload;
		struct opt_i64 sequence;
	} records = { STR("a,b\n"), OPT_I64(3) };
	struct stats {
		struct opt_i64 bytes;
	} stats = { OPT_I64(9) };
	static const struct shape blob = { .name = "B", .kind = SHAPE_BLOB },
				  number = { .name = "N", .kind = SHAPE_LONG };
	static const struct field rf[] = {
		{ "Payload", "Payload", NULL, &blob, FIELD_EVENT_PAYLOAD,
			offsetof(struct records, payload), 0, LOC_BODY },
		{ "Sequence", "Sequence", NULL, &number, FIELD_EVENT_HEADER,
			offsetof(struct records, sequence), 0, LOC_BODY },
	};
	static const struct field sf[] = {
		{ "Bytes", "Bytes", NULL, &number, 0, offsetof(struct stats, bytes), 0, LOC_BODY },
	};
	static const struct shape rs = {
		.name = "RecordsEvent", .kind = SHAPE_STRUCT, .fields = rf, .fields_n = 2
	};
	static const struct shape ss = {
		.name = "Stats", .kind = SHAPE_STRUCT, .fields = sf, .fields_n = 1
	};
	static const struct field uf[] = {
		{ "Records", "Records", NULL, &rs, 0, 0, 0, LOC_BODY },
		{ "Stats", "Stats", NULL, &ss, 0, 8, 0, LOC_BODY },
	};
	static const struct shape events = {
		.name = "Events", .kind = SHAPE_EVENTS, .fields = uf, .fields_n = 2
	};
	struct call c = { .protocol = PROTO_REST_XML };
	struct event_header got[8];
	struct buf b = { 0 };
	struct str payload;
	unsigned n;
	codec_event_write(&c, &events, "Records", &records, &b);
	codec_event_write(&c, &events, "Stats", &stats, &b);
	struct str rest = buf_str(&b);
	assert_int_equal(event_message_read(&rest, got, 8, &n, &payload), 1);
	assert_int_equal(n, 4);
	assert_str(got[1].text, "Records");
	assert_true(got[2].number == 3);
	assert_str(got[3].text, "application/octet-stream");
	assert_str(payload, "a,b\n");
	assert_int_equal(event_message_read(&rest, got, 8, &n, &payload), 1);
	assert_str(payload, "<Stats><Bytes>9</Bytes></Stats>");
	buf_done(&b);
}
