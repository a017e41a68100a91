/*
 * ec2_rig: unit tests speak to the service through loopback calls, in the query form, on a clock of
 * their own, over the fake plane where one is set. Tests only; one rig at a time.
 */
#ifndef HANEUL_SVC_EC2_EC2_RIG_H
#define HANEUL_SVC_EC2_EC2_RIG_H

#include "aws/loopback.h"
#include "base/clock.h"
#include "base/xml.h"
#include "svc/ec2/resource.h"
#include "unit.h"

#define RIG_START_MS INT64_C(1767323045000)

struct rig {
	struct cloud *cloud;
	struct arena arena;
	const char *account;
	int status;
	struct str body;
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
	r->account = "111122223333";
	assert_int_equal(cloud_open(&r->cloud, &o, why, sizeof(why)), 0);
	clock_set_speed(0);
	clock_set(RIG_START_MS);
}

static inline void
rig_close(struct rig *r)
{
	cloud_close(r->cloud);
	arena_done(&r->arena);
	clock_set_speed(1);
	clock_set(clock_real_ms());
}

/* "CreateVpc", "CidrBlock=10.0.0.0/16&…": the reply's text, its status in r->status. */
static inline struct str
rig_call(struct rig *r, const char *op, const char *fmt, ...)
{
	struct loopback_reply reply;
	va_list ap;
	va_start(ap, fmt);
	struct str in = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	struct str body = arena_printf(&r->arena, "Action=%s&Version=2016-11-15%s%.*s", op,
		in.len ? "&" : "", STR_FMT(in));
	loopback_call(r->cloud, &r->arena, r->account, "ec2", "POST", "/",
		"content-type: application/x-www-form-urlencoded", body, &reply);
	r->status = reply.status;
	r->body = reply.body;
	return reply.body;
}

static inline struct str
rig_ok(struct rig *r, struct str body)
{
	if (r->status != 200)
		print_error("%.*s\n", STR_FMT(r->body));
	assert_int_equal(r->status, 200);
	return body;
}
#define rig_do(r, ...) rig_ok((r), rig_call((r), __VA_ARGS__))

/* The text of the n-th (from 0) element <name>…</name> of the reply; "" when there is none. */
static inline const char *
rig_nth(struct rig *r, const char *name, unsigned n)
{
	struct str rest = r->body, open = arena_printf(&r->arena, "<%s>", name);
	for (;; n--) {
		long at = str_find_str(rest, open);
		if (at < 0)
			return "";
		rest = str_slice(rest, (size_t)at + open.len, rest.len);
		if (n)
			continue;
		long end = str_find(rest, '<');
		return arena_cstr(&r->arena, str_slice(rest, 0, end < 0 ? rest.len : (size_t)end));
	}
}
#define rig_text(r, name) rig_nth((r), (name), 0)

static inline unsigned
rig_count(struct rig *r, const char *name)
{
	unsigned n = 0;
	struct str rest = r->body, open = arena_printf(&r->arena, "<%s>", name);
	for (long at; (at = str_find_str(rest, open)) >= 0; n++)
		rest = str_slice(rest, (size_t)at + open.len, rest.len);
	return n;
}

#define rig_fails(r, code)                                                                         \
	do {                                                                                       \
		assert_true((r)->status >= 400);                                                   \
		assert_string_equal(rig_text((r), "Code"), (code));                                \
	} while (0)

#endif
