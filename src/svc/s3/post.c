/*
 * POST of a browser's form: the form becomes the headers of a PutObject, which does the rest. Forms
 * are gathered in memory, so they end at the front's limit of gathered bodies.
 */
#include "aws/codec.h"
#include "aws/validate.h"
#include "base/buf.h"
#include "base/xml.h"
#include "svc/s3/access.h"
#include "svc/s3/post_form.h"
#include "svc/s3/route.h"
#include "wire/http_server.h"

struct post {
	struct s3_form form;
	struct str bucket, key;
	struct s3_put_object_in in;
	struct s3_put_object_out out;
	bool virtual_host;
};

static int
argument_missing(struct call *c, const char *sentence, const char *name, const char *value)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", str_c(name));
	return call_fail_field(c, "ArgumentValue", str_c(value));
}

static int
form_read(struct call *c, struct s3_form *f)
{
	switch (s3_form_parse(call_request_header(c, STR("content-type")), call_body(c), f)) {
	case S3_FORM_OK:
		break;
	case S3_FORM_TOO_LARGE:
		return call_fail(c, &S3_MaxPostPreDataLengthExceededError, NULL);
	case S3_FORM_NOT_MULTIPART:
		return call_fail(c, &S3_RequestIsNotMultiPartContent, NULL);
	case S3_FORM_MALFORMED:
		return call_fail(c, &S3_MalformedPOSTRequest, NULL);
	}
	if (f->files_n != 1)
		return argument_missing(c, "POST requires exactly one file upload per request.",
			"file", f->files_n ? "2" : "0");
	s3_form_expand(c->arena, f);
	if (!s3_form_get(f, STR("key")).len)
		return argument_missing(c,
			"Bucket POST must contain a field named 'key'.  If it is specified, please "
			"check the order of "
			"the fields.",
			"key", "");
	return CALL_OK;
}

/* ---- who ---- */

static int
field_missing(struct call *c, const char *name)
{
	const char *sentence = arena_printf(c->arena,
		"Bucket POST must contain a field named '%s'.  If it is specified, please check "
		"the order of the fields.",
		name)
				       .p;
	return argument_missing(c, sentence, name, "");
}

static int
scope_read(struct call *c, const struct s3_form *f, struct call_signature *s)
{
	struct str scope = s3_form_get(f, STR("x-amz-credential"));
	if (!scope.p)
		return field_missing(c, "X-Amz-Credential");
	if (!s3_form_get(f, STR("x-amz-date")).p)
		return field_missing(c, "X-Amz-Date");
	if (!str_is(s3_form_get(f, STR("x-amz-algorithm")), "AWS4-HMAC-SHA256"))
		return argument_missing(c, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
			"X-Amz-Algorithm", "");
	s->access_key = str_cut(&scope, '/');
	s->date = scope.p ? str_cut(&scope, '/') : STR_NULL;
	s->region = scope.p ? str_cut(&scope, '/') : STR_NULL;
	struct str service = scope.p ? str_cut(&scope, '/') : STR_NULL;
	if (str_is(service, "s3") && str_is(scope, "aws4_request") && s->date.len == 8)
		return CALL_OK;
	return argument_missing(c,
		"Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; "
		"expecting "
		"\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
		"X-Amz-Credential", "");
}

/* Version 4, or 2, which SDKs choose for us-east-1 unless told otherwise. */
static int
form_authenticate(struct call *c, const struct s3_form *f)
{
	struct call_signature s = { .text = s3_form_get(f, STR("policy")),
		.signature = s3_form_get(f, STR("x-amz-signature")),
		.token = s3_form_get(f, STR("x-amz-security-token")),
		.access_key = s3_form_get(f, STR("AWSAccessKeyId")) };
	bool old = s.access_key.p && !s.signature.p;
	if (!s.text.p)
		return s.signature.p || old ? field_missing(c, "policy") : CALL_OK;
	if (old)
		s.signature = s3_form_get(f, STR("signature"));
	if (!s.signature.p)
		return field_missing(c, old ? "signature" : "X-Amz-Signature");
	if (!old && scope_read(c, f, &s))
		return CALL_FAILED;
	return call_authenticate(c, &s);
}

static int
form_judge(struct call *c, const struct post *p)
{
	struct s3_form_verdict v;
	struct str document = s3_form_get(&p->form, STR("policy"));
	if (!document.p)
		return CALL_OK;
	s3_form_judge(c->arena, &p->form, p->bucket, document, c->now_ms, &v);
	if (!v.code)
		return CALL_OK;
	bool large = strcmp(v.code, "EntityTooLarge") == 0,
	     small = strcmp(v.code, "EntityTooSmall") == 0;
	const struct api_error *e = large   ? &S3_EntityTooLarge
				    : small ? &S3_EntityTooSmall
				    : strcmp(v.code, "AccessDenied") == 0
					    ? &S3_AccessDenied
					    : &S3_InvalidPolicyDocument;
	call_fail(c, e, "%.*s", STR_FMT(v.message));
	if (!large && !small)
		return CALL_FAILED;
	call_fail_field(c, "ProposedSize", arena_printf(c->arena, "%zu", p->form.file.len));
	return call_fail_field(c, large ? "MaxSizeAllowed" : "MinSizeAllowed",
		arena_printf(c->arena, "%lld", (long long)v.limit));
}

/* ---- the form as a PutObject ---- */

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

static bool
is_header(struct str name)
{
	static const char *const plain[] = { "cache-control", "content-type", "content-disposition",
		"content-encoding", "content-language", "content-md5", "expires" };
	static const char *const signing[] = { "x-amz-signature", "x-amz-credential",
		"x-amz-algorithm", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256" };
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (str_eq_nocase(name, str_c(plain[i])))
			return true;
	for (size_t i = 0; i < sizeof(signing) / sizeof(*signing); i++)
		if (str_eq_nocase(name, str_c(signing[i])))
			return false;
	return starts_nocase(name, STR("x-amz-"));
}

/* <Tagging> becomes the query that PutObject takes. */
static int
tagging_text(struct call *c, struct str xml, struct str *ret)
{
	struct xml *root = xml_parse(c->arena, xml, 8, NULL), *set = xml_child(root, STR("TagSet"));
	struct buf b = { 0 };
	if (!set)
		return call_fail(c, &S3_MalformedXML, NULL);
	for (struct xml *t = xml_child(set, STR("Tag")); t; t = xml_next(t, STR("Tag"))) {
		if (b.len)
			buf_add_c(&b, '&');
		uri_add(&b, xml_child_text(t, STR("Key")), 0);
		buf_add_c(&b, '=');
		uri_add(&b, xml_child_text(t, STR("Value")), 0);
	}
	*ret = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return CALL_OK;
}

/* Values go to replies and conditions as headers do: one line each. */
static bool
one_line(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == 0)
			return false;
	return true;
}

static int
form_headers(struct call *c, const struct s3_form *f)
{
	struct http_header *h = arena_array(c->arena, struct http_header, f->n + c->headers_n);
	unsigned n = 0;
	for (unsigned i = 0; i < f->n; i++) {
		struct str name = f->v[i].name, value = f->v[i].value;
		if (str_eq_nocase(name, STR("acl")))
			name = STR("x-amz-acl");
		if (str_eq_nocase(name, STR("tagging"))) {
			name = STR("x-amz-tagging");
			if (tagging_text(c, value, &value))
				return CALL_FAILED;
		}
		if (!is_header(name))
			continue;
		if (!one_line(value))
			return argument_missing(
				c, "A field has line ends in it.", arena_cstr(c->arena, name), "");
		h[n++] = (struct http_header){ name, value };
	}
	static const char *const kept[] = { "host", "user-agent", "referer", "origin" };
	for (unsigned i = 0; i < c->headers_n; i++)
		for (size_t k = 0; k < sizeof(kept) / sizeof(*kept); k++)
			if (str_eq_nocase(c->headers[i].name, str_c(kept[k])))
				h[n++] = c->headers[i];
	c->headers = h;
	c->headers_n = n;
	return CALL_OK;
}

static int
form_decode(struct call *c, struct post *p)
{
	const struct op *put = service_op(c->service, STR("PutObject"));
	struct wire_request w = { .method = STR("PUT"),
		.path = c->path,
		.query = STR(""),
		.headers = c->headers,
		.headers_n = c->headers_n,
		.body = STR(""),
		.stream = c->body };
	if (codec_decode(c, put, &w, &p->in) || validate_input(c, put, &p->in))
		return CALL_FAILED;
	p->in.ContentLength = OPT_I64((int64_t)p->form.file.len);
	return CALL_OK;
}

static int
post_prepare(
	struct call *c, const void *in __attribute__((unused)), void *out __attribute__((unused)))
{
	const struct s3_site_request *r = c->user;
	struct post *p = arena_new(c->arena, struct post);
	p->bucket = r->bucket;
	p->virtual_host = str_is(c->raw_path, "/");
	c->user = p;
	if (form_read(c, &p->form) || form_authenticate(c, &p->form) || form_judge(c, p))
		return CALL_FAILED;
	p->key = s3_form_get(&p->form, STR("key"));
	if (s3_key_check(c, p->key))
		return CALL_FAILED;
	struct str encoded = uri_encode(c->arena, p->key, URI_KEEP_SLASH);
	c->path = arena_printf(c->arena, "/%.*s/%.*s", STR_FMT(p->bucket), STR_FMT(encoded));
	if (form_headers(c, &p->form) || form_decode(c, p) ||
		s3_put_object_prepare(c, &p->in, &p->out))
		return CALL_FAILED;
	c->body_source = arena_new(c->arena, struct body);
	c->body_source->inline_data = p->form.file;
	c->body_source->size = c->body_source->len = p->form.file.len;
	return CALL_OK;
}

/* ---- the reply ---- */

static struct str
location_of(struct call *c, const struct post *p)
{
	struct str key = uri_encode(c->arena, p->key, 0);
	const char *scheme = c->tls ? "https" : "http";
	if (p->virtual_host)
		return arena_printf(
			c->arena, "%s://%.*s/%.*s", scheme, STR_FMT(c->host), STR_FMT(key));
	return arena_printf(c->arena, "%s://%.*s/%.*s/%.*s", scheme, STR_FMT(c->host),
		STR_FMT(p->bucket), STR_FMT(key));
}

static void
reply_document(
	struct call *c, const struct post *p, struct str location, struct s3_get_object_out *out)
{
	struct buf b = { 0 };
	xml_write_declaration(&b);
	xml_write_open(&b, "PostResponse");
	xml_write_element(&b, "Location", location);
	xml_write_element(&b, "Bucket", p->bucket);
	xml_write_element(&b, "Key", p->key);
	xml_write_element(&b, "ETag", p->out.ETag);
	xml_write_close(&b, "PostResponse");
	out->Body = arena_new(c->arena, struct body);
	out->Body->inline_data = arena_dup(c->arena, buf_str(&b));
	out->Body->size = out->Body->len = b.len;
	out->ContentType = STR("application/xml");
	buf_done(&b);
}

static bool
redirect_there(struct str url)
{
	return (str_starts(url, STR("http://")) || str_starts(url, STR("https://"))) &&
	       one_line(url);
}

static void
reply_fill(struct call *c, const struct post *p, struct s3_get_object_out *out)
{
	struct str status = s3_form_get(&p->form, STR("success_action_status"));
	struct str to = s3_form_get(&p->form, STR("success_action_redirect")),
		   location = location_of(c, p);
	if (!to.p)
		to = s3_form_get(&p->form, STR("redirect"));
	out->ETag = p->out.ETag;
	out->VersionId = p->out.VersionId;
	if (redirect_there(to)) {
		char mark = str_find(to, '?') >= 0 ? '&' : '?';
		struct str key = uri_encode(c->arena, p->key, 0),
			   etag = uri_encode(c->arena, p->out.ETag, 0);
		location = arena_printf(c->arena, "%.*s%cbucket=%.*s&key=%.*s&etag=%.*s",
			STR_FMT(to), mark, STR_FMT(p->bucket), STR_FMT(key), STR_FMT(etag));
		c->status = 303;
	} else if (str_is(status, "201")) {
		c->status = 201;
		reply_document(c, p, location, out);
	} else {
		c->status = str_is(status, "200") ? 200 : 204;
	}
	call_header(c, "Location", location);
}

static int
post_object(struct call *c, const void *in __attribute__((unused)), void *out)
{
	struct post *p = c->user;
	p->in.Body = c->body;
	if (s3_put_object(c, &p->in, &p->out))
		return CALL_FAILED;
	reply_fill(c, p, out);
	return CALL_OK;
}

const struct op s3_post_op = {
	.name = "PostObject",
	.in = &s3_nothing_shape,
	.out = &s3_get_object_out_shape,
	.out_size = sizeof(struct s3_get_object_out),
	.kind = OP_STREAMS_IN,
	.flags = OP_FLAG_OWN_AUTH | OP_FLAG_GATHERED,
	.prepare = post_prepare,
	.handler = post_object,
};
