/* Who calls, and may they. */
#include "aws/authorize.h"
#include "aws/credentials.h"
#include "aws/errors.h"
#include "aws/front.h"
#include "aws/sigv2.h"
#include "base/clock.h"

static int
fail_with(struct front_call *f, const struct sigv4_failure *why)
{
	struct call *c = &f->call;
	if (why->message.p)
		call_fail(c, why->error, "%.*s", STR_FMT(why->message));
	else
		call_fail(c, why->error, NULL);
	for (unsigned i = 0; i < why->fields_n; i++)
		call_fail_field(c, arena_cstr(&f->arena, why->fields[i][0]), why->fields[i][1]);
	return CALL_FAILED;
}

static struct sigv4_request
signed_request(const struct call *c)
{
	return (struct sigv4_request){ c->method, c->raw_path, c->query, c->headers, c->headers_n };
}

int
front_auth_parse(struct front_call *f)
{
	struct call *c = &f->call;
	struct sigv4_request r = signed_request(c);
	struct sigv4_failure why = { 0 };
	struct sigv2_query old;
	/* Browsers do not sign preflights: a presigned address is signed for what follows. */
	if (str_is(c->method, "OPTIONS")) {
		f->auth.form = SIGV4_ANONYMOUS;
		return CALL_OK;
	}
	if (c->service && str_is(str_c(c->service->name), "s3") && sigv2_query_parse(c, &old)) {
		f->auth.form = SIGV4_QUERY;
		f->auth.payload = SIGV4_PAYLOAD_UNSIGNED;
		f->presigned_v2 = true;
		return CALL_OK;
	}
	enum sigv4_style style =
		c->service ? sigv4_style_of(c->service, c->protocol) : SIGV4_STYLE_QUERY;
	if (sigv4_parse(&r, style, &f->arena, &f->auth, &why))
		return fail_with(f, &why);
	if (f->auth.form != SIGV4_ANONYMOUS)
		c->region = f->auth.region;
	return CALL_OK;
}

static int
verify(struct front_call *f, const unsigned char *body_sha256)
{
	struct call *c = &f->call;
	struct sigv4_request r = signed_request(c);
	struct sigv4_failure why = { 0 };
	struct credential found;
	unsigned flags =
		f->home->cloud->well_known_keys && !f->foreign ? CREDENTIALS_WELL_KNOWN : 0;
	struct tx *t = tx_begin_read(c->store);
	bool known = credentials_find(f->auth.access_key, flags, t, &f->arena, &found) == 0;
	struct sigv4_expect expect = { .body_sha256 = body_sha256 };
	if (c->service)
		expect.service = service_signing_name(c->service, f->scope_service);
	int bad = sigv4_verify(&r, &f->auth, known ? &found : NULL, &expect, &f->arena, &why);
	if (!bad) {
		credentials_principal(&found, &f->arena, &c->who);
		credentials_used(&found, c);
	}
	/* Without rows that are there it would be decided on less than what was set. */
	bool damaged = tx_damaged(t);
	tx_end(t);
	if (damaged)
		return front_fail_damaged(f);
	return bad ? fail_with(f, &why) : CALL_OK;
}

static struct str
text_signature(struct call *c, const struct call_signature *s, struct str secret)
{
	struct sigv4_key key;
	char *hex = arena_alloc_raw(c->arena, 64);
	if (!s->date.p)
		return sigv2_sign(c->arena, secret, s->text);
	sigv4_key_derive(secret, s->date, s->region, str_c(c->service->id), &key);
	sigv4_key_sign(&key, s->text, hex);
	return str_of(hex, 64);
}

int
call_authenticate(struct call *c, const struct call_signature *s)
{
	struct front_call *f = front_of(c);
	struct credential found;
	unsigned flags =
		f->home->cloud->well_known_keys && !f->foreign ? CREDENTIALS_WELL_KNOWN : 0;
	if (credentials_find(s->access_key, flags, c->tx, c->arena, &found) ||
		found.status != CREDENTIAL_ACTIVE) {
		call_fail(c, &ERR_InvalidClientTokenId, NULL);
		return call_fail_field(c, "AWSAccessKeyId", s->access_key);
	}
	if (found.session &&
		!str_eq_consttime(found.session->token, s->token.p ? s->token : STR("")))
		return call_fail(c, &ERR_InvalidToken, NULL);
	if (found.session && found.session->expires_ms <= c->now_ms)
		return call_fail(c, &ERR_ExpiredToken, NULL);
	if (!found.any_secret &&
		!str_eq_consttime(text_signature(c, s, found.secret), s->signature)) {
		call_fail(c, &ERR_SignatureDoesNotMatch, NULL);
		call_fail_field(c, "AWSAccessKeyId", s->access_key);
		return call_fail_field(c, "StringToSign", s->text);
	}
	credentials_principal(&found, c->arena, &c->who);
	c->account = c->who.account;
	return CALL_OK;
}

static int
authenticate_v2(struct front_call *f)
{
	struct call *c = &f->call;
	struct sigv2_query q;
	char text[TIME_TEXT_MAX];
	sigv2_query_parse(c, &q);
	int64_t expires_ms = q.expires_s > INT64_MAX / 1000 ? INT64_MAX : q.expires_s * 1000;
	if (expires_ms < c->now_ms && expires_ms < clock_real_ms()) {
		call_fail(c, &ERR_AccessDenied, "Request has expired");
		call_fail_field(c, "Expires",
			arena_dup(c->arena, time_format(expires_ms, TIME_ISO8601, text)));
		return call_fail_field(c, "ServerTime",
			arena_dup(c->arena, time_format(c->now_ms, TIME_ISO8601, text)));
	}
	struct call_signature s = { .text = sigv2_string_to_sign(c), .access_key = q.access_key,
		.signature = q.signature, .token = q.token };
	c->tx = tx_begin_read(c->store);
	int r = call_authenticate(c, &s);
	tx_end(c->tx);
	c->tx = NULL;
	f->authenticated = r == CALL_OK;
	return r;
}

int
front_authenticate(struct front_call *f, bool body_complete)
{
	struct call *c = &f->call;
	unsigned char hash[32];
	if (f->presigned_v2)
		return authenticate_v2(f);
	if (f->auth.form == SIGV4_ANONYMOUS) {
		credentials_anonymous(&c->who);
		c->account = STR("");
		f->authenticated = true;
		return CALL_OK;
	}
	if (f->auth.payload == SIGV4_PAYLOAD_BODY) {
		if (!body_complete)
			return CALL_PARKED;
		sha256(f->wire.body, hash);
	}
	if (verify(f, hash) != CALL_OK)
		return CALL_FAILED;
	c->account = c->who.account;
	f->authenticated = true;
	return CALL_OK;
}

int
front_auth_body(struct front_call *f, const unsigned char digest[32])
{
	struct sigv4_failure why = { 0 };
	if (sigv4_body_matches(&f->auth, digest, &f->arena, &why))
		return fail_with(f, &why);
	return CALL_OK;
}

int
front_authorize(struct front_call *f)
{
	struct call *c = &f->call;
	if (c->op->flags & (OP_FLAG_OWN_AUTH | OP_FLAG_ANONYMOUS))
		return CALL_OK;
	if (c->who.anonymous)
		return call_fail(c, &ERR_MissingAuthenticationToken, NULL);
	if (c->op->flags & OP_FLAG_NO_PERMISSION)
		return CALL_OK;
	struct tx *t = tx_begin_read(c->store);
	c->tx = t;
	int r = authorize_op(c, f->in);
	c->tx = NULL;
	if (tx_damaged(t))
		r = front_fail_damaged(f);
	tx_end(t);
	if (r == CALL_OK && c->service->hooks && c->service->hooks->authorized)
		r = c->service->hooks->authorized(c, f->in);
	return r;
}
