/* The metadata service as HTTP: methods, tokens, and the one page that has to be made. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/uri.h"
#include "svc/ec2/metadata.h"
#include "svc/sts/sts.h"
#include "wire/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define ROLE_PREFIX "meta-data/iam/security-credentials/"
#define ROLE_SESSION_S 21600
#define HOPS 64

static void
answer(struct http_exchange *x, int status, struct str body)
{
	struct http_header h[] = { { STR("Content-Type"), STR("text/plain") },
		{ STR("Server"), STR("EC2ws") } };
	http_reply_simple(x, status, h, 2, body);
}

static uint32_t
peer_ip(const struct http_request *r)
{
	return r->peer.ss_family == AF_INET
		       ? ntohl(((const struct sockaddr_in *)&r->peer)->sin_addr.s_addr)
		       : 0;
}

/* ---- keys of a role: a session of STS, durable before it is told; told again until it is near its
 * end. */

struct keys {
	struct store_unit unit;
	struct loop_job job;
	struct loop *loop;
	struct http_exchange *x; /* NULL: who asked has left */
	struct arena arena;
	struct str region, account, role_arn, instance;
	struct str text;
	bool refused;
	int status;
};

static struct str
keys_text(struct call *c, const struct sts_credentials *k)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_member_str(&w, "Code", STR("Success"));
	json_write_member_str(&w, "LastUpdated", time_text(c->arena, c->now_ms, TIME_ISO8601));
	json_write_member_str(&w, "Type", STR("AWS-HMAC"));
	json_write_member_str(&w, "AccessKeyId", k->AccessKeyId);
	json_write_member_str(&w, "SecretAccessKey", k->SecretAccessKey);
	json_write_member_str(&w, "Token", k->SessionToken);
	json_write_member_str(
		&w, "Expiration", time_text(c->arena, k->Expiration.ms, TIME_ISO8601));
	json_write_object_end(&w);
	struct str text = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

static int
keys_run(struct store_unit *u, struct tx *t)
{
	struct keys *k = (struct keys *)((char *)u - offsetof(struct keys, unit));
	struct call c;
	ec2_inner_call(&c, t, &k->arena, k->region, k->account);
	struct sts_credentials *got = sts_service_session(
		&c, k->role_arn, STR("ec2.amazonaws.com"), k->instance, ROLE_SESSION_S);
	k->refused = !got;
	k->text = got ? keys_text(&c, got) : STR("");
	return got ? 0 : -EACCES;
}

static void
keys_returned(struct loop_job *job)
{
	struct keys *k = (struct keys *)((char *)job - offsetof(struct keys, job));
	/* What AWS's own service says when the role cannot be assumed. */
	static const struct str failed = {
		"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the "
		"role. "
		"Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/"
		"troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.\"}",
		187
	};
	if (k->x)
		answer(k->x,
			k->refused  ? 200
			: k->status ? 500
				    : 200,
			k->refused ? str_c(failed.p) : k->text);
	arena_done(&k->arena);
	free(k);
}

static void
keys_done(struct store_unit *u, int status)
{
	struct keys *k = (struct keys *)((char *)u - offsetof(struct keys, unit));
	k->status = status;
	k->job.run = keys_returned;
	loop_post(k->loop, &k->job);
}

static void
keys_left(struct http_exchange *x, void *user)
{
	(void)x;
	((struct keys *)user)->x = NULL;
}

static void
keys_make(struct http_exchange *x, struct call *c, const struct ec2_metadata *m)
{
	struct keys *k = calloc(1, sizeof(*k));
	if (!k) {
		answer(x, 500, STR(""));
		return;
	}
	arena_init(&k->arena);
	k->loop = http_loop_of(x);
	k->x = x;
	k->region = arena_dup(&k->arena, c->region);
	k->account = arena_dup(&k->arena, c->account);
	k->role_arn = arena_dup(&k->arena, m->role_arn);
	k->instance = arena_dup(&k->arena, m->instance->InstanceId);
	k->unit.run = keys_run;
	k->unit.done = keys_done;
	http_set_user(x, k, keys_left);
	store_submit(c->store, &k->unit);
}

/* ---- requests */

static const struct ec2_instance_metadata_options_response *
options(const struct ec2_metadata *m)
{
	static const struct ec2_instance_metadata_options_response usual = {
		.HttpPutResponseHopLimit = { 2, true }
	};
	return m->instance->MetadataOptions ? m->instance->MetadataOptions : &usual;
}

static void
token_give(struct http_exchange *x, struct call *c, const struct ec2_metadata *m)
{
	const struct http_request *r = http_request_of(x);
	struct str ttl = http_request_header(r, STR("x-aws-ec2-metadata-token-ttl-seconds"));
	int64_t ttl_s, hops = options(m)->HttpPutResponseHopLimit.v;
	/* A token never goes to who asks through a proxy. */
	if (http_request_header(r, STR("x-forwarded-for")).p) {
		answer(x, 403, STR("Forbidden"));
		return;
	}
	if (!ttl.p || !str_to_i64(ttl, &ttl_s) || ttl_s < 1 || ttl_s > EC2_TOKEN_TTL_MAX_S) {
		answer(x, 400, STR("Bad Request"));
		return;
	}
	struct str token = ec2_metadata_token(c->arena, m->instance->InstanceId, c->now_ms, ttl_s);
	struct http_header h[] = { { STR("Content-Type"), STR("text/plain") },
		{ STR("Server"), STR("EC2ws") },
		{ STR("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"), ttl } };
	http_set_hops(x, hops >= 1 && hops <= 64 ? (int)hops : 1);
	http_reply_simple(x, 200, h, 3, token);
}

static bool
token_fits(struct http_exchange *x, struct call *c, const struct ec2_metadata *m)
{
	struct str token = http_request_header(http_request_of(x), STR("x-aws-ec2-metadata-token"));
	int64_t left_s;
	if (!token.p)
		return !str_is(options(m)->HttpTokens, "required");
	return ec2_metadata_token_valid(token, m->instance->InstanceId, c->now_ms, &left_s);
}

static struct str
path_of(struct http_exchange *x)
{
	struct str path = uri_decode(http_arena_of(x), http_request_of(x)->path, 0);
	while (str_starts(path, STR("/")))
		path = str_slice(path, 1, path.len);
	return path;
}

static void
page_give(struct http_exchange *x, struct call *c, const struct ec2_metadata *m)
{
	struct ec2_pages pages;
	struct str path = path_of(x), rest = path, text;
	str_cut(&rest, '/');
	ec2_pages_make(c, m, &pages);
	http_set_hops(x, HOPS);
	if (rest.p && m->role_name.len && str_starts(rest, STR(ROLE_PREFIX)) &&
		str_eq(str_slice(rest, strlen(ROLE_PREFIX), rest.len), m->role_name))
		keys_make(x, c, m);
	else if (ec2_pages_get(&pages, path, &text))
		answer(x, 200, text);
	else
		answer(x, 404, STR("Not Found"));
}

static void
decide(struct http_exchange *x, struct call *c, const struct ec2_metadata *m)
{
	const struct http_request *r = http_request_of(x);
	bool get = str_is(r->method, "GET") || str_is(r->method, "HEAD");
	if (str_is(options(m)->HttpEndpoint, "disabled"))
		answer(x, 403, STR("Forbidden"));
	else if (str_is(r->method, "PUT") && str_is(path_of(x), "latest/api/token"))
		token_give(x, c, m);
	else if (!get)
		answer(x, 405, STR("Method Not Allowed"));
	else if (!token_fits(x, c, m))
		answer(x, 401, STR("Unauthorized"));
	else
		page_give(x, c, m);
}

void
ec2_metadata_serve(struct http_exchange *x, struct store *s, struct str region, struct str account,
	struct str vpc)
{
	struct ec2_metadata m = { 0 };
	struct call c;
	struct tx *t = tx_begin_read(s);
	ec2_inner_call(&c, t, http_arena_of(x), region, account);
	if (ec2_metadata_find(&c, vpc, peer_ip(http_request_of(x)), &m))
		decide(x, &c, &m);
	else
		answer(x, 404, STR("Not Found"));
	tx_end(t);
}
