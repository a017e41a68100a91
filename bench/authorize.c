/*
 * authorize: how long a decision takes for a user whose policies are compiled already.
 *
 *	authorize DIR [STATEMENTS]
 *
 * Prints the median and the 99th percentile of a decision, in nanoseconds, in JSON: of one that the
 * last statement allows, with every statement in its way looked at.
 */
#include "aws/authorize.h"
#include "aws/loopback.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ACCOUNT "111122223333"
#define TIMES 100000
#define IN_A_POLICY 10

static struct cloud *cloud;

static void
iam(struct arena *a, const char *fmt, ...)
{
	struct loopback_reply reply;
	va_list ap;
	va_start(ap, fmt);
	struct str body = arena_vprintf(a, fmt, ap);
	va_end(ap);
	loopback_call(cloud, a, ACCOUNT, "iam", "POST", "/",
		"content-type: application/x-www-form-urlencoded", body, &reply);
	if (reply.status == 200)
		return;
	fprintf(stderr, "authorize: %.*s\n", STR_FMT(reply.body));
	exit(1);
}

/* Ten statements to a policy; none but the last of all speaks of the bucket that is asked for. */
static void
policies_attach(struct arena *a, int statements)
{
	iam(a, "Action=CreateUser&Version=2010-05-08&UserName=u");
	for (int n = 0, policy = 0; n < statements; policy++) {
		struct str text = STR("");
		for (int k = 0; k < IN_A_POLICY && n < statements; k++, n++)
			text = arena_printf(a,
				"%.*s%s{\"Effect\":\"Allow\",\"Action\":[\"s3:Get*\",\"s3:List*\"],\"Resource\":\"arn:aws:s3:::%s%d/*\","
				"\"Condition\":{\"StringEquals\":{\"aws:username\":\"u\"}}}",
				STR_FMT(text), k ? "," : "",
				n + 1 == statements ? "bucket-" : "other-",
				n + 1 == statements ? 0 : n);
		iam(a, "Action=CreatePolicy&Version=2010-05-08&PolicyName=p%d&PolicyDocument={\"Version\":\"2012-10-17\",\"Statement\":[%.*s]}",
			policy, STR_FMT(text));
		iam(a,
			"Action=AttachUserPolicy&Version=2010-05-08&UserName=u&PolicyArn=arn:aws:iam::" ACCOUNT
			":policy/p%d",
			policy);
	}
}

static uint64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int
by_value(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
	return a < b ? -1 : a > b;
}

static void
measure(struct arena *a)
{
	static uint64_t ns[TIMES];
	struct policy_result r;
	struct call c = { .arena = a,
		.store = cloud_store(cloud),
		.account = STR(ACCOUNT),
		.region = STR("us-east-1"),
		.source_ip = STR("127.0.0.1"),
		.user_agent = STR("bench"),
		.now_ms = clock_now_ms(),
		.who = { .account = STR(ACCOUNT),
			.arn = STR("arn:aws:iam::" ACCOUNT ":user/u"),
			.user_id = STR("AIDA"),
			.name = STR("u") } };
	struct authorize_question q = { .action = "s3:GetObject",
		.resource = STR("arn:aws:s3:::bucket-0/key"),
		.resource_account = STR(ACCOUNT) };
	for (int i = 0; i < TIMES; i++) {
		uint64_t began = now_ns();
		c.tx = tx_begin_read(c.store);
		authorize_evaluate(&c, &q, &r);
		tx_end(c.tx);
		ns[i] = now_ns() - began;
		if (r.decision != POLICY_ALLOWED)
			abort();
		arena_reset(a);
	}
	qsort(ns, TIMES, sizeof(*ns), by_value);
	printf("{\"p50_ns\": %llu, \"p99_ns\": %llu}\n", (unsigned long long)ns[TIMES / 2],
		(unsigned long long)ns[TIMES * 99 / 100]);
}

int
main(int argc, char **argv)
{
	char why[256] = "";
	struct cloud_options o = { .data_dir = argc > 1 ? argv[1] : "",
		.version = "bench",
		.durability = STORE_EPHEMERAL,
		.loops_n = 1 };
	struct arena a;
	int64_t statements = 50;
	arena_init(&a);
	if (argc < 2 || (argc > 2 && !str_to_i64(str_c(argv[2]), &statements)) ||
		cloud_open(&cloud, &o, why, sizeof(why))) {
		fprintf(stderr, "authorize: %s\n", why);
		return 1;
	}
	policies_attach(&a, (int)statements);
	measure(&a);
	cloud_close(cloud);
	arena_done(&a);
	return 0;
}
