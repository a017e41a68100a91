/* Requests that the client compressed (Content-Encoding: gzip): SDKs do so for large metric
 * batches. */
#include "aws/codec_impl.h"
#include "aws/errors.h"
#include "wire/http_server.h"

#include <zlib.h>

#define INFLATED_MAX (16u << 20)

static struct str
encoding_of(const struct wire_request *r)
{
	for (unsigned i = 0; i < r->headers_n; i++)
		if (str_eq_nocase(r->headers[i].name, STR("content-encoding")))
			return str_trim(r->headers[i].value);
	return STR_NULL;
}

static int
inflate_all(z_stream *z, struct buf *out)
{
	int r = Z_OK;
	while (r == Z_OK && out->len <= INFLATED_MAX) {
		z->next_out = (unsigned char *)buf_reserve(out, 64 << 10);
		z->avail_out = 64 << 10;
		r = inflate(z, Z_NO_FLUSH);
		out->len += (64 << 10) - z->avail_out;
	}
	return r == Z_STREAM_END && z->avail_in == 0 && out->len <= INFLATED_MAX ? 0 : -1;
}

int
codec_inflate(struct codec *d, const struct wire_request *r, struct str *ret_body)
{
	struct str encoding = encoding_of(r);
	struct buf out = { 0 };
	z_stream z = { 0 };
	*ret_body = r->body;
	/* "custom, gzip": the last one was applied last; what else there is belongs to the
	 * operation. */
	if (!r->body.len || !str_ends(encoding, STR("gzip")))
		return 0;
	z.next_in = (unsigned char *)r->body.p;
	z.avail_in = (unsigned)r->body.len;
	if (r->body.len > INFLATED_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return call_fail(d->c, &ERR_RequestEntityTooLarge, NULL);
	int e = inflate_all(&z, &out);
	bool large = out.len > INFLATED_MAX;
	inflateEnd(&z);
	if (e == 0)
		*ret_body = arena_dup(d->c->arena, buf_str(&out));
	buf_done(&out);
	if (large)
		return call_fail(d->c, &ERR_RequestEntityTooLarge, NULL);
	return e ? codec_bad(d, "The body is not valid gzip") : 0;
}
