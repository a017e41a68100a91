/* The pages and redirects that website hosts make themselves. */
#include "svc/s3/website.h"

#include "base/buf.h"
#include "base/xml.h"

static const char *
reason_of(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = { { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 412, "Precondition Failed" },
		{ 416, "Requested Range Not Satisfiable" } };
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Internal Server Error";
}

static void
item(struct buf *b, const char *name, struct str value)
{
	if (!value.p)
		return;
	buf_printf(b, "<li>%s: ", name);
	xml_write_text(b, value);
	buf_add_lit(b, "</li>\n");
}

static void
items(struct buf *b, const struct s3_site_failure *f)
{
	item(b, "Code", f->code);
	item(b, "Message", f->message);
	item(b, "Key", f->key);
	if (f->name.p)
		item(b, f->name.p, f->value);
}

void
s3_site_page(struct call *c, const struct s3_site_failure *f, struct s3_get_object_out *out)
{
	struct buf b = { 0 };
	const char *reason = reason_of(f->status);
	buf_printf(&b, "<html>\n<head><title>%u %s</title></head>\n<body>\n<h1>%u %s</h1>\n<ul>\n",
		f->status, reason, f->status, reason);
	items(&b, f);
	item(&b, "RequestId", c->request_id);
	item(&b, "HostId", c->extended_id);
	buf_add_lit(&b, "</ul>\n");
	if (f->custom) {
		buf_add_lit(&b, "<h3>An Error Occurred While Attempting to Retrieve a Custom Error "
				"Document</h3>\n<ul>\n");
		items(&b, f->custom);
		buf_add_lit(&b, "</ul>\n");
	}
	buf_add_lit(&b, "<hr/>\n</body>\n</html>\n");
	memset(out, 0, sizeof(*out));
	out->Body = arena_new(c->arena, struct body);
	out->Body->inline_data = arena_dup(c->arena, buf_str(&b));
	out->Body->size = out->Body->len = b.len;
	out->ContentType = STR("text/html; charset=utf-8");
	c->status = f->status;
	call_header(c, "x-amz-error-code", f->code);
	call_header(c, "x-amz-error-message", f->message);
	if (f->key.p)
		call_header(
			c, "x-amz-error-detail-Key", uri_encode(c->arena, f->key, URI_KEEP_SLASH));
	buf_done(&b);
}

struct str
s3_site_redirect(struct call *c, const struct s3_redirect *r, struct str prefix, struct str key,
	uint16_t *ret_status)
{
	struct str to = key, protocol = r->Protocol, host = r->HostName.len ? r->HostName : c->host;
	uint64_t code = 301;
	if (r->ReplaceKeyWith.p)
		to = r->ReplaceKeyWith;
	else if (r->ReplaceKeyPrefixWith.p)
		to = arena_concat(
			c->arena, r->ReplaceKeyPrefixWith, str_slice(key, prefix.len, key.len));
	if (!protocol.len)
		protocol = c->tls ? STR("https") : STR("http");
	if (r->HttpRedirectCode.len)
		str_to_u64(r->HttpRedirectCode, &code);
	*ret_status = (uint16_t)code;
	to = uri_encode(c->arena, to, URI_KEEP_SLASH);
	return arena_printf(
		c->arena, "%.*s://%.*s/%.*s", STR_FMT(protocol), STR_FMT(host), STR_FMT(to));
}
