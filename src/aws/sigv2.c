#include "aws/sigv2.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/uri.h"
#include "wire/http_server.h"

#include <stdlib.h>

#define PAIRS_MAX 64

/* Parameters that are part of the resource; sorted. */
static const char *const resource_params[] = { "accelerate", "acl", "analytics", "cors",
	"defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
	"notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
	"response-cache-control", "response-content-disposition", "response-content-encoding",
	"response-content-language", "response-content-type", "response-expires", "restore",
	"select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads",
	"versionId", "versioning", "versions", "website" };

bool
sigv2_query_parse(struct call *c, struct sigv2_query *ret)
{
	if (str_find_str(c->query, STR("AWSAccessKeyId=")) < 0)
		return false;
	*ret = (struct sigv2_query){ .access_key = call_query_param(c, STR("AWSAccessKeyId")),
		.signature = call_query_param(c, STR("Signature")),
		.token = call_query_param(c, STR("x-amz-security-token")) };
	return ret->access_key.len && ret->signature.len &&
	       str_to_i64(call_query_param(c, STR("Expires")), &ret->expires_s);
}

struct pairs {
	struct str v[PAIRS_MAX][2];
	unsigned n;
};

static void
pair_add(struct call *c, struct pairs *p, struct str name, struct str value)
{
	static const struct str prefix = { "x-amz-", 6 };
	if (p->n == PAIRS_MAX || name.len < 6 || !str_eq_nocase(str_slice(name, 0, 6), prefix))
		return;
	char *lower = arena_alloc_raw(c->arena, name.len);
	for (size_t i = 0; i < name.len; i++)
		lower[i] =
			name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	p->v[p->n][0] = str_of(lower, name.len);
	p->v[p->n++][1] = str_trim(value);
}

static int
by_name(const void *a, const void *b)
{
	return str_cmp(((const struct str *)a)[0], ((const struct str *)b)[0]);
}

/* A header that a presigned URL may carry in its query instead. */
static struct str
header_or_param(struct call *c, const char *name)
{
	struct str v = call_request_header(c, str_c(name));
	if (!v.p)
		v = call_query_param(c, str_c(name));
	return v.p ? v : STR("");
}

static void
amz_headers_add(struct call *c, struct buf *out)
{
	struct pairs p = { .n = 0 };
	struct str rest = c->query;
	struct uri_param q;
	for (unsigned i = 0; i < c->headers_n; i++)
		pair_add(c, &p, c->headers[i].name, c->headers[i].value);
	while (uri_param_next(&rest, &q)) {
		struct str value = uri_decode(c->arena, q.value, URI_PLUS_IS_SPACE);
		pair_add(c, &p, q.key, value.p ? value : STR(""));
	}
	qsort(p.v, p.n, sizeof(p.v[0]), by_name);
	for (unsigned i = 0; i < p.n; i++) {
		buf_add_str(out, p.v[i][0]);
		buf_add_c(out, ':');
		buf_add_str(out, p.v[i][1]);
		buf_add_c(out, '\n');
	}
}

static void
resource_add(struct call *c, struct buf *out)
{
	char mark = '?';
	buf_add_str(out, c->path);
	/* A virtual host's root. */
	if (str_is(c->raw_path, "/") && c->path.len > 1)
		buf_add_c(out, '/');
	for (size_t i = 0; i < sizeof(resource_params) / sizeof(*resource_params); i++) {
		struct str value = call_query_param(c, str_c(resource_params[i]));
		if (!value.p)
			continue;
		buf_add_c(out, mark);
		buf_add_str(out, str_c(resource_params[i]));
		if (value.len) {
			buf_add_c(out, '=');
			buf_add_str(out, value);
		}
		mark = '&';
	}
}

struct str
sigv2_string_to_sign(struct call *c)
{
	struct buf b = { 0 };
	buf_add_str(&b, c->method);
	buf_add_c(&b, '\n');
	buf_add_str(&b, header_or_param(c, "content-md5"));
	buf_add_c(&b, '\n');
	buf_add_str(&b, header_or_param(c, "content-type"));
	buf_add_c(&b, '\n');
	buf_add_str(&b, call_query_param(c, STR("Expires")));
	buf_add_c(&b, '\n');
	amz_headers_add(c, &b);
	resource_add(c, &b);
	struct str text = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

struct str
sigv2_sign(struct arena *a, struct str secret, struct str text)
{
	unsigned char pad[64] = { 0 }, sum[20];
	if (secret.len > sizeof(pad)) {
		sha1(secret, sum);
		secret = str_of(sum, sizeof(sum));
	}
	memcpy(pad, secret.p, secret.len);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha1(arena_concat(a, str_of(pad, sizeof(pad)), text), sum);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha1(arena_concat(a, str_of(pad, sizeof(pad)), str_of(sum, sizeof(sum))), sum);
	return base64_text(a, str_of(sum, sizeof(sum)));
}
