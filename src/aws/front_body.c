/*
 * Bodies on their way in: gathered whole (small calls), or ingested: decoded from aws-chunked,
 * digested, kept inline while small and written to a blob beyond that. A copy (CopyObject) runs
 * through the same ingest with existing bytes as its source.
 */
#include "aws/errors.h"
#include "aws/front.h"

#include <errno.h>

#define INLINE_MAX_DEFAULT (16u * 1024)
#define BODY_MAX_DEFAULT (5ull << 30)
#define WRITER_WINDOW (1u << 20)
/* What a writer and a reader keep while their client stalls: pieces and pages. */
#define WRITER_HOLDS (672u << 10)
#define READER_HOLDS (320u << 10)
/* Small bodies pass while memory is short: they end soon. */
#define GATHER_FREE (64u << 10)

/* Streamed bodies are S3's, and so are these names. */
static const struct api_error incomplete_body = {
	.code = "IncompleteBody",
	.status = 400,
	.message =
		"You did not provide the number of bytes specified by the Content-Length HTTP header."
};
static const struct api_error entity_too_large = { .code = "EntityTooLarge", .status = 400,
	.message = "Your proposed upload exceeds the maximum allowed size" };

static const struct api_error missing_content_length = { .code = "MissingContentLength",
	.status = 411,
	.message = "You must provide the Content-Length HTTP header." };

/* cause: "timeout", "cut off" or "malformed". */
static int
body_broke(struct front_call *f, struct str cause)
{
	if (str_is(cause, "timeout"))
		return call_fail(&f->call, &ERR_RequestTimeout, NULL);
	return call_fail(&f->call, &incomplete_body, NULL);
}

/* --- gathered --- */

static void
gather_event(struct http_exchange *x, void *user, enum http_body_event e, struct str data)
{
	struct front_call *f = user;
	(void)x;
	if (e == HTTP_BODY_ERROR) {
		body_broke(f, data);
		front_fail(f);
		return;
	}
	if (e == HTTP_BODY_DATA) {
		if (f->body.len + data.len > FRONT_BODY_MAX) {
			call_fail(&f->call, &ERR_RequestEntityTooLarge, NULL);
			http_reply_close_after(f->x);
			front_fail(f);
			return;
		}
		if (f->body.len + data.len > GATHER_FREE && front_hold(f, data.len) != CALL_OK) {
			http_reply_close_after(f->x);
			front_fail(f);
			return;
		}
		buf_add_str(&f->body, data);
		return;
	}
	f->wire.body = buf_str(&f->body);
	f->bytes_in = f->body.len;
	front_gathered(f);
}

void
front_gather(struct front_call *f)
{
	const struct http_request *r = http_request_of(f->x);
	f->body_started = true;
	if (r->content_length == 0 && !r->expect_continue) {
		f->wire.body = STR("");
		front_gathered(f);
		return;
	}
	if (r->content_length > FRONT_BODY_MAX) {
		call_fail(&f->call, &ERR_RequestEntityTooLarge, NULL);
		http_reply_close_after(f->x);
		front_fail(f);
		return;
	}
	http_body_read(f->x, gather_event);
}

/* --- ingested --- */

static void
ingest_fail(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	if (g->failed)
		return;
	g->failed = true;
	if (f->x)
		http_reply_close_after(f->x);
	front_ingest_drop(f);
	front_ingested(f, CALL_FAILED);
}

void
front_ingest_drop(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	if (g->writer)
		blob_writer_abort(g->writer);
	g->writer = NULL;
	if (g->reader)
		blob_reader_close(g->reader);
	g->reader = NULL;
	if (g->body.segments == &g->segment && g->body.segments_n && !f->handed_over)
		blob_remove(f->call.blobs, g->body.region, g->segment.id);
	g->body.segments_n = 0;
	buf_done(&g->held);
}

static void source_more(struct front_call *f);

static void
writer_drained(void *arg)
{
	struct front_call *f = arg;
	struct ingest *g = &f->ingest;
	if (!g->paused)
		return;
	g->paused = false;
	if (g->reader)
		source_more(f); /* the last piece may be the one that filled the window */
	else if (f->x)
		http_body_resume(f->x);
}

static int
open_writer(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	struct call *c = &f->call;
	if (front_hold(f, WRITER_HOLDS) != CALL_OK)
		return CALL_FAILED;
	int r = blob_writer_open(c->blobs, f->home->loop, c->region, c->body_placement, g->which,
		g->expected, &g->writer);
	if (r)
		return call_fail(c, r == -ENOSPC ? &ERR_ServiceUnavailable : &ERR_InternalFailure,
			"The body cannot be stored: %s.", strerror(-r));
	if (c->body_key)
		blob_writer_seal(g->writer, c->body_key);
	g->body.key = c->body_key;
	g->to_blob = true;
	if (g->held.len)
		blob_writer_add(g->writer, buf_str(&g->held), writer_drained, f);
	buf_done(&g->held);
	return CALL_OK;
}

/* Decoded bytes. */
static int
ingest_bytes(void *arg, struct str data)
{
	struct front_call *f = arg;
	struct ingest *g = &f->ingest;
	if (!data.len)
		return 0;
	g->bytes += data.len;
	if (g->share) {
		digests_add(&f->sums, data);
		return 0;
	}
	if (g->bytes > g->max)
		return call_fail(&f->call, &entity_too_large, NULL);
	if (!g->to_blob && g->bytes > g->inline_max && open_writer(f) != CALL_OK)
		return CALL_FAILED;
	if (!g->to_blob) {
		buf_add_str(&g->held, data);
		return 0;
	}
	if (blob_writer_add(g->writer, data, writer_drained, f) > WRITER_WINDOW && !g->paused) {
		g->paused = true;
		if (!g->reader && f->x)
			http_body_pause(f->x);
	}
	return 0;
}

static int
check_length(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	if (g->expected >= 0 && g->bytes != (uint64_t)g->expected)
		return call_fail(&f->call, &incomplete_body, NULL);
	return CALL_OK;
}

static int
check_stated_hash(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	return g->verify_sha256 ? front_auth_body(f, g->body.digests.sha256) : CALL_OK;
}

static void
ingest_complete(struct front_call *f)
{
	if (check_stated_hash(f) != CALL_OK) {
		ingest_fail(f);
		return;
	}
	f->ingest.body.len = f->ingest.body.size;
	f->bytes_in = f->ingest.body.size;
	front_ingested(f, CALL_OK);
}

static void
blob_finished(void *arg, const struct blob_result *r)
{
	struct front_call *f = arg;
	struct ingest *g = &f->ingest;
	f->away = false;
	if (r->status) {
		call_fail(&f->call,
			r->status == -ENOSPC ? &ERR_ServiceUnavailable : &ERR_InternalFailure,
			"The body cannot be stored: %s.", strerror(-r->status));
		ingest_fail(f);
		return;
	}
	g->segment = (struct body_segment){ r->id, 0, r->size };
	g->body.segments = &g->segment;
	g->body.segments_n = 1;
	g->body.size = r->size;
	g->body.digests = r->digests;
	ingest_complete(f);
}

/* Trailing checksums count as headers from here on; the input is decoded once more with them. */
static int
adopt_trailers(struct front_call *f)
{
	struct call *c = &f->call;
	struct aws_chunked *d = f->ingest.chunked;
	if (!d || !d->trailers_n)
		return CALL_OK;
	struct http_header *h =
		arena_array(&f->arena, struct http_header, c->headers_n + d->trailers_n);
	memcpy(h, c->headers, sizeof(*h) * c->headers_n);
	memcpy(h + c->headers_n, d->trailers, sizeof(*h) * d->trailers_n);
	c->headers = h;
	c->headers_n += d->trailers_n;
	return front_decode(f);
}

/* The same bytes under a second name: the handler counts the references. */
static void
share_segments(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	const struct body *src = f->call.body_source;
	uint64_t skip = src->from, left = src->len;
	g->body.segments = arena_array(&f->arena, struct body_segment, src->segments_n);
	for (uint32_t i = 0; i < src->segments_n && left; i++) {
		struct body_segment s = src->segments[i];
		uint64_t cut = skip < s.len ? skip : s.len;
		s.offset += cut;
		s.len = s.len - cut < left ? s.len - cut : left;
		skip -= cut;
		left -= s.len;
		if (s.len)
			g->body.segments[g->body.segments_n++] = s;
	}
	g->body.key = src->key;
	g->body.size = src->len;
	digests_final(&f->sums, &g->body.digests);
}

static void
ingest_ended(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	g->ended = true;
	if (g->chunked && aws_chunked_end(g->chunked)) {
		call_fail(&f->call, g->chunked->error, "%s", g->chunked->message);
		ingest_fail(f);
		return;
	}
	if (check_length(f) != CALL_OK || adopt_trailers(f) != CALL_OK) {
		ingest_fail(f);
		return;
	}
	g->body.region = f->call.region;
	if (g->share) {
		share_segments(f);
		ingest_complete(f);
		return;
	}
	if (g->to_blob) {
		struct blob_writer *w = g->writer;
		g->writer = NULL;
		f->away = true;
		blob_writer_finish(w, blob_finished, f);
		return;
	}
	front_sum(f);
}

void
front_summed(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	if (f->call.body_inline_max != BODY_INLINE_NONE)
		g->body.inline_data = g->held.p ? buf_str(&g->held) : STR("");
	g->body.size = g->held.len;
	ingest_complete(f);
}

static void
ingest_event(struct http_exchange *x, void *user, enum http_body_event e, struct str data)
{
	struct front_call *f = user;
	struct ingest *g = &f->ingest;
	(void)x;
	if (g->failed)
		return;
	if (e == HTTP_BODY_ERROR) {
		body_broke(f, data);
		ingest_fail(f);
	} else if (e == HTTP_BODY_END) {
		ingest_ended(f);
	} else {
		int r = g->chunked ? aws_chunked_feed(g->chunked, data) : ingest_bytes(f, data);
		if (r == 0)
			return;
		if (g->chunked && r == -EBADMSG)
			call_fail(&f->call, g->chunked->error, "%s", g->chunked->message);
		ingest_fail(f);
	}
}

static void
start_chunked(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	struct call *c = &f->call;
	int64_t decoded = -1;
	str_to_i64(call_request_header(c, STR("x-amz-decoded-content-length")), &decoded);
	g->expected = decoded;
	g->chunked = arena_new(&f->arena, struct aws_chunked);
	aws_chunked_init(
		g->chunked, &f->auth, decoded, call_request_header(c, STR("x-amz-trailer")));
	g->chunked->data = ingest_bytes;
	g->chunked->arg = f;
}

/* --- from existing bytes --- */

static void
source_piece(void *arg, int status, struct str data)
{
	struct front_call *f = arg;
	struct ingest *g = &f->ingest;
	if (f->gone) {
		front_finished(f);
		return;
	}
	if (status || !data.len) {
		call_fail(&f->call, &ERR_InternalFailure, "The source cannot be read: %s.",
			strerror(status ? -status : EIO));
		ingest_fail(f);
		return;
	}
	g->source_left -= data.len;
	if (ingest_bytes(f, data)) {
		ingest_fail(f);
		return;
	}
	if (!g->paused)
		source_more(f);
}

static void
source_more(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	struct body *src = f->call.body_source;
	if (g->source_left == 0) {
		if (g->reader)
			blob_reader_close(g->reader);
		g->reader = NULL;
		ingest_ended(f);
		return;
	}
	if (g->reader && g->bytes == g->source_end) {
		blob_reader_close(g->reader);
		g->reader = NULL;
	}
	if (!g->reader) {
		while (g->source_at < src->segments_n &&
			g->source_skip >= src->segments[g->source_at].len)
			g->source_skip -= src->segments[g->source_at++].len;
		if (g->source_at >= src->segments_n) {
			source_piece(f, -EIO, STR_NULL);
			return;
		}
		struct body_segment *s = &src->segments[g->source_at++];
		uint64_t len = s->len - g->source_skip;
		if (len > g->source_left)
			len = g->source_left;
		int r = blob_reader_open(f->call.blobs, f->home->loop, src->region, s->id,
			s->offset + g->source_skip, len, source_piece, f, &g->reader);
		if (!r && src->key)
			blob_reader_unseal(g->reader, src->key);
		g->source_skip = 0;
		g->source_end = g->bytes + len;
		if (r) {
			source_piece(f, r, STR_NULL);
			return;
		}
	}
	blob_reader_next(g->reader);
}

static void
ingest_source(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	struct body *src = f->call.body_source;
	g->expected = (int64_t)src->len;
	if (src->inline_data.p) {
		struct str part = str_slice(src->inline_data, src->from, src->from + src->len);
		if (ingest_bytes(f, part))
			ingest_fail(f);
		else
			ingest_ended(f);
		return;
	}
	g->share = f->call.body_share;
	if (g->share)
		digests_init(&f->sums, g->which);
	g->source_left = src->len;
	g->source_skip = src->from;
	if (front_hold(f, READER_HOLDS) != CALL_OK)
		ingest_fail(f);
	else
		source_more(f);
}

void
front_ingest(struct front_call *f)
{
	struct ingest *g = &f->ingest;
	struct call *c = &f->call;
	const struct http_request *r = http_request_of(f->x);
	f->body_started = true;
	g->max = c->body_max ? c->body_max : BODY_MAX_DEFAULT;
	g->inline_max = c->body_inline_max == BODY_INLINE_NONE ? 0 :
			c->body_inline_max		       ? c->body_inline_max :
								 INLINE_MAX_DEFAULT;
	g->which = c->body_digests;
	g->expected = -1;
	if (c->body_source) {
		ingest_source(f);
		return;
	}
	if (f->auth.payload == SIGV4_PAYLOAD_HASH && f->auth.form != SIGV4_ANONYMOUS) {
		g->verify_sha256 = true;
		g->which |= DIGEST_SHA256;
	}
	if (f->auth.payload >= SIGV4_PAYLOAD_STREAMING)
		start_chunked(f);
	else if (r->content_length >= 0)
		g->expected = r->content_length;
	if (g->expected > 0 && (uint64_t)g->expected > g->max) {
		call_fail(c, &entity_too_large, NULL);
		ingest_fail(f);
		return;
	}
	if (r->content_length == 0 && !http_request_header(r, STR("content-length")).p) {
		call_fail(c, &missing_content_length, NULL);
		ingest_fail(f);
	} else if (r->content_length == 0 && !r->expect_continue)
		ingest_ended(f);
	else
		http_body_read(f->x, ingest_event);
}
