/*
 * dynamodb_rig: unit tests speak to the service through loopback calls, on a clock of their own.
 * Tests only; one rig at a time. JSON is written with ' for ".
 */
#ifndef HANEUL_SVC_DYNAMODB_DYNAMODB_RIG_H
#define HANEUL_SVC_DYNAMODB_DYNAMODB_RIG_H

#include "aws/loopback.h"
#include "base/clock.h"
#include "base/json.h"
#include "svc/dynamodb/dynamodb.h"
#include "unit.h"

struct rig {
	struct cloud *cloud;
	struct arena arena;
	int status;
	struct str body;
	struct json *out;
};

static inline void
rig_open(struct rig *r)
{
	char why[256] = "";
	struct cloud_options o = { .data_dir = unit_tmpdir(),
		.version = "test",
		.durability = STORE_EPHEMERAL,
		.loops_n = 1 };
	memset(r, 0, sizeof(*r));
	arena_init(&r->arena);
	assert_int_equal(cloud_open(&r->cloud, &o, why, sizeof(why)), 0);
	clock_set_speed(0);
	clock_set(INT64_C(1767323045000));
}

static inline void
rig_close(struct rig *r)
{
	cloud_close(r->cloud);
	arena_done(&r->arena);
	clock_set_speed(1);
	clock_set(clock_real_ms());
}

static inline struct json *
rig_call(struct rig *r, const char *op, const char *fmt, ...)
{
	struct loopback_reply reply;
	va_list ap;
	va_start(ap, fmt);
	struct str in = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	char *text = arena_cstr(&r->arena, in);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	struct str headers = arena_printf(&r->arena,
		"x-amz-target: DynamoDB_20120810.%s\ncontent-type: application/x-amz-json-1.0", op);
	loopback_call(r->cloud, &r->arena, "111122223333", "dynamodb", "POST", "/",
		arena_cstr(&r->arena, headers), str_of(text, in.len), &reply);
	r->status = reply.status;
	r->body = reply.body;
	r->out = json_parse(&r->arena, reply.body, 0, NULL);
	return r->out;
}

static inline void
rig_ok(struct rig *r)
{
	if (r->status != 200)
		print_error("%.*s\n", STR_FMT(r->body));
	assert_int_equal(r->status, 200);
}
#define rig_do(r, ...) (rig_call((r), __VA_ARGS__), rig_ok(r))

/* The sentence of a failure. */
static inline const char *
rig_message(struct rig *r)
{
	struct str s = json_get_text(r->out, STR("message"));
	if (!s.p)
		s = json_get_text(r->out, STR("Message"));
	return r->status == 200 || !s.p ? "" : arena_cstr(&r->arena, s);
}

static inline const char *
rig_body(struct rig *r)
{
	char *text = arena_cstr(&r->arena, r->body);
	for (char *p = text; *p; p++)
		if (*p == '"')
			*p = '\'';
	return text;
}

#define RIG_TABLE                                                                                  \
	"{'TableName':'tab','KeySchema':[{'AttributeName':'h','KeyType':'HASH'},{'AttributeName':" \
	"'r','KeyType':"                                                                           \
	"'RANGE'}],'AttributeDefinitions':[{'AttributeName':'h','AttributeType':'S'},{'"           \
	"AttributeName':'r',"                                                                      \
	"'AttributeType':'N'},{'AttributeName':'g','AttributeType':'S'}],'BillingMode':'PAY_PER_"  \
	"REQUEST',"                                                                                \
	"'GlobalSecondaryIndexes':[{'IndexName':'gix','KeySchema':[{'AttributeName':'g','KeyType'" \
	":'HASH'}],"                                                                               \
	"'Projection':{'ProjectionType':'KEYS_ONLY'}}]}"

#endif
