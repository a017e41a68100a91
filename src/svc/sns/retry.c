#include "svc/sns/retry.h"

#include "base/buf.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define RETRIES_MAX 100
#define DELAY_MAX_S 3600

struct retry {
	int64_t min_s, max_s, retries, immediate, at_min, at_max;
	int64_t per_s; /* of the throttle policy; 0: none */
	struct str function;
};
static const struct retry fallback = { 20, 20, 3, 0, 0, 0, 0, { "linear", 6 } };

static int
fail(char why[SNS_WHY_MAX], const char *text)
{
	snprintf(why, SNS_WHY_MAX, "%s", text);
	return -EINVAL;
}

static bool
take(const struct json *j, const char *name, int64_t lo, int64_t hi, int64_t *ret)
{
	const struct json *v = json_get(j, str_c(name));
	return !v || (json_i64(v, ret) && *ret >= lo && *ret <= hi);
}

static int
read_retry(const struct json *j, struct retry *r, char why[SNS_WHY_MAX])
{
	if (!json_is(j, JSON_OBJECT))
		return fail(why, "healthyRetryPolicy must be an object");
	if (!take(j, "minDelayTarget", 1, DELAY_MAX_S, &r->min_s) ||
		!take(j, "maxDelayTarget", 1, DELAY_MAX_S, &r->max_s))
		return fail(why, "healthyRetryPolicy.minDelayTarget and maxDelayTarget must be "
				 "from 1 to 3600");
	if (r->min_s > r->max_s)
		return fail(why, "healthyRetryPolicy.minDelayTarget must be less than or equal to "
				 "maxDelayTarget");
	if (!take(j, "numRetries", 0, RETRIES_MAX, &r->retries) ||
		!take(j, "numNoDelayRetries", 0, RETRIES_MAX, &r->immediate) ||
		!take(j, "numMinDelayRetries", 0, RETRIES_MAX, &r->at_min) ||
		!take(j, "numMaxDelayRetries", 0, RETRIES_MAX, &r->at_max))
		return fail(why, "healthyRetryPolicy: numbers of retries must be from 0 to 100");
	if (r->immediate + r->at_min + r->at_max > r->retries)
		return fail(why, "healthyRetryPolicy.numRetries must be greater than or equal to "
				 "the sum of the phases");
	struct str f = json_get_text(j, STR("backoffFunction"));
	if (f.p)
		r->function = f;
	if (!str_is(r->function, "linear") && !str_is(r->function, "arithmetic") &&
		!str_is(r->function, "geometric") && !str_is(r->function, "exponential"))
		return fail(why, "healthyRetryPolicy.backoffFunction must be arithmetic, "
				 "exponential, geometric or linear");
	return 0;
}

static bool
is_content_type(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
			return false;
	return s.len > 0 && s.len <= 200 && str_find(s, '/') > 0;
}

static int
check_part(const struct json *j, const char *healthy, char why[SNS_WHY_MAX])
{
	struct retry r = fallback;
	const struct json *policy = json_get(j, str_c(healthy)),
			  *throttle = json_get_lit(j, "throttlePolicy"),
			  *request = json_get_lit(j, "requestPolicy");
	int64_t n = 1;
	if (policy && policy->kind != JSON_NULL && read_retry(policy, &r, why))
		return -EINVAL;
	if (throttle && !take(throttle, "maxReceivesPerSecond", 1, INT64_MAX, &n))
		return fail(why, "throttlePolicy.maxReceivesPerSecond must be at least 1");
	struct str type = json_get_text(request, STR("headerContentType"));
	if (request && type.p && !is_content_type(type))
		return fail(why, "requestPolicy.headerContentType is not a content type");
	return 0;
}

int
sns_retry_check(struct arena *a, struct str json, bool topic, char why[SNS_WHY_MAX])
{
	struct json *j = json_parse(a, json, 0, NULL);
	if (!json_is(j, JSON_OBJECT))
		return fail(why, "failed to parse JSON.");
	const struct json *http = json_get_lit(j, "http");
	if (!topic)
		return check_part(j, "healthyRetryPolicy", why);
	if (!http)
		return fail(why, "http must be specified");
	struct retry r = fallback;
	const struct json *policy = json_get_lit(http, "defaultHealthyRetryPolicy"),
			  *throttle = json_get_lit(http, "defaultThrottlePolicy"),
			  *request = json_get_lit(http, "defaultRequestPolicy");
	if (policy && read_retry(policy, &r, why))
		return -EINVAL;
	if (throttle && !take(throttle, "maxReceivesPerSecond", 1, INT64_MAX, &r.per_s))
		return fail(why, "defaultThrottlePolicy.maxReceivesPerSecond must be at least 1");
	struct str type = json_get_text(request, STR("headerContentType"));
	if (type.p && !is_content_type(type))
		return fail(why, "defaultRequestPolicy.headerContentType is not a content type");
	return 0;
}

/* Writes one set of numbers under the given name, and a content type when there is one. */
static struct str
policy_text(struct arena *a, const struct retry *r, struct str type, bool topic)
{
	struct buf b = { 0 };
	buf_printf(&b,
		"%s{\"minDelayTarget\":%lld,\"maxDelayTarget\":%lld,\"numRetries\":%lld,"
		"\"numMaxDelayRetries\":%lld,"
		"\"numNoDelayRetries\":%lld,\"numMinDelayRetries\":%lld,\"backoffFunction\":",
		topic ? "{\"http\":{\"defaultHealthyRetryPolicy\":" : "{\"healthyRetryPolicy\":",
		(long long)r->min_s, (long long)r->max_s, (long long)r->retries,
		(long long)r->at_max, (long long)r->immediate, (long long)r->at_min);
	json_add_quoted(&b, r->function);
	buf_add_lit(&b, "}");
	if (!topic)
		buf_add_lit(&b, ",\"sicklyRetryPolicy\":null");
	if (r->per_s)
		buf_printf(&b, ",\"%s\":{\"maxReceivesPerSecond\":%lld}",
			topic ? "defaultThrottlePolicy" : "throttlePolicy", (long long)r->per_s);
	else if (!topic)
		buf_add_lit(&b, ",\"throttlePolicy\":null");
	buf_printf(&b,
		topic ? ",\"disableSubscriptionOverrides\":false,\"defaultRequestPolicy\":{"
			"\"headerContentType\":"
		      : ",\"guaranteed\":false,\"requestPolicy\":{\"headerContentType\":");
	json_add_quoted(&b, type);
	buf_printf(&b, topic ? "}}}" : "}}");
	struct str text = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return text;
}

static void
overlay(const struct json *retry, const struct json *throttle, const struct json *request,
	struct retry *r, struct str *type)
{
	char why[SNS_WHY_MAX];
	int64_t per_s = 0;
	struct str t = json_get_text(request, STR("headerContentType"));
	if (take(throttle, "maxReceivesPerSecond", 1, INT64_MAX, &per_s) && per_s)
		r->per_s = per_s;
	struct retry next = *r;
	if (retry && retry->kind == JSON_OBJECT && !read_retry(retry, &next, why))
		*r = next;
	if (t.p)
		*type = t;
}

struct str
sns_retry_effective(struct arena *a, struct str topic, struct str subscription)
{
	struct retry r = fallback;
	struct str type = STR("text/plain; charset=UTF-8");
	bool fixed = false;
	if (topic.len) {
		const struct json *http = json_get_lit(json_parse(a, topic, 0, NULL), "http");
		overlay(json_get_lit(http, "defaultHealthyRetryPolicy"),
			json_get_lit(http, "defaultThrottlePolicy"),
			json_get_lit(http, "defaultRequestPolicy"), &r, &type);
		json_bool(json_get_lit(http, "disableSubscriptionOverrides"), &fixed);
	}
	if (subscription.len && !fixed) {
		const struct json *j = json_parse(a, subscription, 0, NULL);
		overlay(json_get_lit(j, "healthyRetryPolicy"), json_get_lit(j, "throttlePolicy"),
			json_get_lit(j, "requestPolicy"), &r, &type);
	}
	return policy_text(a, &r, type, !subscription.p);
}

struct str
sns_retry_content_type(struct arena *a, struct str effective)
{
	const struct json *j = json_parse(a, effective, 0, NULL);
	struct str type = json_get_text(json_get_lit(j, "requestPolicy"), STR("headerContentType"));
	return type.p ? type : STR("text/plain; charset=UTF-8");
}

int64_t
sns_retry_per_second(struct arena *a, struct str effective)
{
	int64_t n = 0;
	const struct json *j = json_parse(a, effective, 0, NULL);
	return take(json_get_lit(j, "throttlePolicy"), "maxReceivesPerSecond", 1, INT64_MAX, &n)
		       ? n
		       : 0;
}

/* Where on the way from the shortest to the longest delay the k-th of n backoff retries is: 0..1.
 */
static double
curve(struct str function, int64_t k, int64_t n)
{
	double x = n > 1 ? (double)k / (double)(n - 1) : 0;
	if (str_is(function, "exponential"))
		return (exp2(x * 6) - 1) / 63;
	if (str_is(function, "geometric"))
		return (pow(1.5, x * 6) - 1) / (pow(1.5, 6) - 1);
	return str_is(function, "arithmetic") ? x * (x + 1) / 2 : x;
}

int64_t
sns_retry_delay_ms(struct arena *a, struct str effective, uint32_t failed)
{
	struct retry r = fallback;
	struct str type;
	const struct json *j = json_parse(a, effective, 0, NULL);
	overlay(json_get_lit(j, "healthyRetryPolicy"), NULL, NULL, &r, &type);
	int64_t k = (int64_t)failed - 1, backoff = r.retries - r.immediate - r.at_min - r.at_max;
	if (k >= r.retries)
		return -1;
	if (k < r.immediate)
		return 0;
	if ((k -= r.immediate) < r.at_min)
		return r.min_s * 1000;
	if ((k -= r.at_min) < backoff)
		return (int64_t)(((double)r.min_s + (double)(r.max_s - r.min_s) *
							    curve(r.function, k, backoff)) *
				 1000);
	return r.max_s * 1000;
}
