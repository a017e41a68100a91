#include "aws/loopback.h"
#include "aws/errors.h"
#include "aws/front.h"
#include "base/clock.h"

#include <assert.h>

#define HEADERS_MAX 64

static unsigned
split_headers(struct arena *a, const char *text, struct http_header *h)
{
	unsigned n = 0;
	struct str rest = str_c(text);
	while (rest.p && rest.len && n < HEADERS_MAX - 4) {
		struct str line = str_cut(&rest, '\n');
		struct str name = str_cut(&line, ':');
		h[n++] = (struct http_header){ arena_dup(a, name), arena_dup(a, str_trim(line)) };
	}
	return n;
}

static unsigned
add_signature(struct arena *a, const char *account, const char *service, struct http_header *h,
	unsigned n)
{
	char now[TIME_TEXT_MAX];
	struct str stamp = arena_dup(a, time_format(clock_real_ms(), TIME_BASIC, now));
	if (!*account)
		return n;
	h[n++] = (struct http_header){ STR("x-amz-date"), stamp };
	h[n++] = (struct http_header){ STR("x-amz-content-sha256"), STR("UNSIGNED-PAYLOAD") };
	h[n++] = (struct http_header){ STR("authorization"),
		arena_printf(a,
			"AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, "
			"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=%064d",
			account, stamp.p, service, 0) };
	return n;
}

static void
fill(struct front_call *f, struct arena *a, const char *method, const char *target, struct str body,
	struct http_header *h, unsigned n)
{
	struct call *c = &f->call;
	struct str query = str_c(target);
	struct str path = str_cut(&query, '?');
	h[n++] = (struct http_header){ STR("host"), STR("127.0.0.1:4566") };
	c->method = f->wire.method = str_c(method);
	c->path = c->raw_path = arena_dup(a, path);
	c->query = query.p ? arena_dup(a, query) : STR("");
	c->host = STR("127.0.0.1:4566");
	for (unsigned i = 0; i < n - 1; i++)
		if (str_eq_nocase(h[i].name, STR("host")))
			c->host = h[i].value, n--;
	c->headers = h;
	c->headers_n = n;
	c->source_ip = STR("127.0.0.1");
	c->user_agent = STR("loopback");
	f->wire.body = body.p ? body : STR("");
}

static int
run_unit(struct tx *t, void *arg)
{
	struct front_call *f = arg;
	f->result = front_handle(f, t);
	return f->result;
}

static int
run_written(struct front_call *f)
{
	int r = store_write(f->call.store, run_unit, f);
	if (r == CALL_OK && f->call.complete)
		front_complete_now(f);
	return r < 0 && f->result == CALL_OK ? call_fail(&f->call, &ERR_InternalFailure, NULL)
					     : f->result;
}

static int
prepare(struct front_call *f)
{
	struct call *c = &f->call;
	struct body *b = &f->ingest.body;
	struct digests d;
	f->wire.stream = f->call.body = b;
	if (front_decode(f) != CALL_OK || front_authorize(f) != CALL_OK)
		return CALL_FAILED;
	if (c->op->prepare) {
		struct tx *t = tx_begin_read(c->store);
		c->tx = t;
		int r = c->op->prepare(c, f->in, f->out);
		c->tx = NULL;
		tx_end(t);
		if (r != CALL_OK)
			return r;
	}
	struct str data = f->wire.body;
	if (c->body_source) {
		assert(c->body_source->inline_data.p);
		data = str_slice(c->body_source->inline_data, c->body_source->from,
			c->body_source->from + c->body_source->len);
	}
	digests_init(&d, c->body_digests);
	digests_add(&d, data);
	digests_final(&d, &b->digests);
	b->inline_data = arena_dup(&f->arena, data);
	b->size = b->len = data.len;
	b->region = c->region;
	return CALL_OK;
}

static int
run(struct front_call *f)
{
	struct call *c = &f->call;
	f->body_started = true;
	if (front_route_service(f) != CALL_OK || front_auth_parse(f) != CALL_OK ||
		front_route_op(f) != CALL_OK)
		return CALL_FAILED;
	if (front_authenticate(f, true) != CALL_OK)
		return CALL_FAILED;
	if (!c->op || !c->op->handler)
		return call_fail(c, c->op ? &ERR_NotImplemented : &ERR_InvalidAction, NULL);
	if (c->op->kind == OP_STREAMS_IN
			? prepare(f) != CALL_OK
			: front_decode(f) != CALL_OK || front_authorize(f) != CALL_OK)
		return CALL_FAILED;
	if (c->op->kind == OP_READS || c->op->kind == OP_STREAMS_OUT) {
		struct tx *t = tx_begin_read(c->store);
		if (front_needs_writer(f, t)) {
			tx_end(t);
			return run_written(f);
		}
		f->result = front_handle(f, t);
		struct body *b = f->result == CALL_OK ? f->reply.stream : NULL;
		assert(!b || b->inline_data.p || b->size == 0);
		if (b && b->inline_data.p && !str_is(c->method, "HEAD"))
			buf_add_str(&f->reply.body,
				str_slice(b->inline_data, b->from, b->from + b->len));
		tx_end(t);
		return f->result;
	}
	return run_written(f);
}

static void
collect(struct front_call *f, struct arena *a, struct loopback_reply *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->status = f->reply.status;
	ret->body = arena_dup(a, buf_str(&f->reply.body));
	for (unsigned i = 0; i < f->reply.headers_n && ret->headers_n < 64; i++, ret->headers_n++)
		for (int k = 0; k < 2; k++)
			ret->headers[ret->headers_n][k] = arena_dup(a, f->reply.headers[i][k]);
	for (unsigned i = 0; i < f->call.reply_headers_n && ret->headers_n < 64;
		i++, ret->headers_n++)
		for (int k = 0; k < 2; k++)
			ret->headers[ret->headers_n][k] = arena_dup(a, f->call.reply_headers[i][k]);
}

void
loopback_call(struct cloud *cloud, struct arena *a, const char *account, const char *service,
	const char *method, const char *target, const char *headers, struct str body,
	struct loopback_reply *ret)
{
	struct front_call *f = front_call_new(&cloud->loops[0]);
	struct http_header *h = arena_array(&f->arena, struct http_header, HEADERS_MAX);
	unsigned n =
		add_signature(&f->arena, account, service, h, split_headers(&f->arena, headers, h));
	front_prepare_call(f, cloud);
	fill(f, &f->arena, method, target, body, h, n);
	front_name_request(&f->call);
	if (run(f) != CALL_OK) {
		buf_clear(&f->reply.body);
		f->reply.headers_n = 0;
		codec_encode_error(&f->call, &f->reply);
	}
	collect(f, a, ret);
	f->handed_over = true;
	front_call_done(f);
}

struct str
loopback_header(const struct loopback_reply *r, const char *name)
{
	for (unsigned i = 0; i < r->headers_n; i++)
		if (str_eq_nocase(r->headers[i][0], str_c(name)))
			return r->headers[i][1];
	return STR_NULL;
}
