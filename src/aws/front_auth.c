/* Who calls, and may they. */
#include "aws/authorize.h"
#include "aws/credentials.h"
#include "aws/errors.h"
#include "aws/front.h"
#include "base/text.h"

static int
fail_with(struct front_call *f, const struct sigv4_failure *why)
{
	struct call *c = &f->call;
	call_fail(c, why->error, "%.*s", STR_FMT(why->message));
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
	enum sigv4_style style = c->service ? sigv4_style_of(c->service, c->protocol) : SIGV4_STYLE_QUERY;
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
	unsigned flags = f->home->cloud->well_known_keys ? CREDENTIALS_WELL_KNOWN : 0;
	struct tx *t = tx_begin_read(c->store);
	bool known = credentials_find(f->auth.access_key, flags, t, &f->arena, &found) == 0;
	struct sigv4_expect expect = { .service = c->service ? str_c(c->service->id) : STR_NULL,
		.body_sha256 = body_sha256 };
	int bad = sigv4_verify(&r, &f->auth, known ? &found : NULL, &expect, &f->arena, &why);
	if (!bad)
		credentials_principal(&found, &f->arena, &c->who);
	tx_end(t);
	return bad ? fail_with(f, &why) : CALL_OK;
}

static void
hmac_sha1(struct arena *a, struct str key, struct str text, unsigned char ret[20])
{
	unsigned char pad[64] = { 0 }, hashed[20];
	if (key.len > sizeof(pad)) {
		sha1(key, hashed);
		key = str_of(hashed, sizeof(hashed));
	}
	memcpy(pad, key.p, key.len);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha1(arena_concat(a, str_of(pad, sizeof(pad)), text), ret);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha1(arena_concat(a, str_of(pad, sizeof(pad)), str_of(ret, 20)), ret);
}

static struct str
text_signature(struct call *c, const struct call_signature *s, struct str secret)
{
	struct sigv4_key key;
	unsigned char sum[20];
	char *hex = arena_alloc_raw(c->arena, 64);
	if (!s->date.p) {
		hmac_sha1(c->arena, secret, s->text, sum);
		return base64_text(c->arena, str_of(sum, sizeof(sum)));
	}
	sigv4_key_derive(secret, s->date, s->region, str_c(c->service->id), &key);
	sigv4_key_sign(&key, s->text, hex);
	return str_of(hex, 64);
}

int
call_authenticate(struct call *c, const struct call_signature *s)
{
	struct front_call *f = front_of(c);
	struct credential found;
	unsigned flags = f->home->cloud->well_known_keys ? CREDENTIALS_WELL_KNOWN : 0;
	if (credentials_find(s->access_key, flags, c->tx, c->arena, &found) ||
		found.status != CREDENTIAL_ACTIVE) {
		call_fail(c, &ERR_InvalidClientTokenId, NULL);
		return call_fail_field(c, "AWSAccessKeyId", s->access_key);
	}
	if (found.session && !str_eq_consttime(found.session->token, s->token.p ? s->token : STR("")))
		return call_fail(c, &ERR_InvalidToken, NULL);
	if (found.session && found.session->expires_ms <= c->now_ms)
		return call_fail(c, &ERR_ExpiredToken, NULL);
	if (!found.any_secret && !str_eq_consttime(text_signature(c, s, found.secret), s->signature)) {
		call_fail(c, &ERR_SignatureDoesNotMatch, NULL);
		call_fail_field(c, "AWSAccessKeyId", s->access_key);
		return call_fail_field(c, "StringToSign", s->text);
	}
	credentials_principal(&found, c->arena, &c->who);
	c->account = c->who.account;
	return CALL_OK;
}

int
front_authenticate(struct front_call *f, bool body_complete)
{
	struct call *c = &f->call;
	unsigned char hash[32];
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
	tx_end(t);
	return r;
}
