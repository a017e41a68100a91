/* The reply: encoded bytes, or a body that flows from the blobs. */
#include "aws/errors.h"
#include "aws/front.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

/* A reader's chunks and pages and what it may put into the reply's window, while its client is
 * slow. */
#define READER_HOLDS (512u << 10)
#define REPLY_HEADERS_MAX 128

struct header_list {
	struct http_header v[REPLY_HEADERS_MAX];
	unsigned n;
	int64_t length; /* Content-Length that the operation named; -1 none */
};

static void
header_add(struct header_list *l, struct str name, struct str value)
{
	if (str_eq_nocase(name, STR("content-length"))) {
		str_to_i64(value, &l->length);
		return;
	}
	/* What came from a client's own metadata may hold anything that its request could carry. */
	if (l->n < REPLY_HEADERS_MAX && value.p && str_is_line(value))
		l->v[l->n++] = (struct http_header){ name, value };
}

static void
collect_headers(struct front_call *f, struct header_list *l)
{
	struct call *c = &f->call;
	bool s3 = c->service && str_is(str_c(c->service->id), "s3");
	l->n = 0;
	l->length = -1;
	if (s3) {
		header_add(l, STR("x-amz-request-id"), c->request_id);
		header_add(l, STR("x-amz-id-2"), c->extended_id);
	} else {
		header_add(l, STR("x-amzn-RequestId"), c->request_id);
	}
	header_add(l, STR("Server"), s3 ? STR("AmazonS3") : STR("Haneul"));
	bool typed = false;
	for (unsigned i = 0; i < f->reply.headers_n; i++) {
		typed |= str_eq_nocase(f->reply.headers[i][0], STR("content-type"));
		header_add(l, f->reply.headers[i][0], f->reply.headers[i][1]);
	}
	for (unsigned i = 0; i < c->reply_headers_n; i++) {
		typed |= str_eq_nocase(c->reply_headers[i][0], STR("content-type"));
		header_add(l, c->reply_headers[i][0], c->reply_headers[i][1]);
	}
	if (!typed && f->reply.content_type)
		header_add(l, STR("Content-Type"), str_c(f->reply.content_type));
}

void
front_finished(struct front_call *f)
{
	uint64_t took_us = clock_mono_us() - f->started_us;
	metrics_count(f, took_us);
	front_log_call(f, took_us);
	const struct service *s = f->call.service;
	if (s && s->hooks && s->hooks->finished && !f->quiet) {
		struct call_outcome o = { (uint16_t)f->reply.status, f->bytes_in, f->bytes_out,
			took_us };
		s->hooks->finished(&f->call, &o);
	}
	front_call_done(f);
}

static void
end_reply(struct front_call *f)
{
	struct http_exchange *x = f->x;
	f->x = NULL;
	front_finished(f);
	http_reply_end(x);
}

/* Pieces that one turn of a connection sends from the page cache, before the next has its turn. */
#define TURN_PIECES 8

static void flow_more(struct front_call *f);

/* Nothing has been said yet: a body that is not there is an error like any other. */
static void
flow_lost(struct front_call *f, int status)
{
	blob_reader_close(f->flow.reader);
	f->flow.reader = NULL;
	call_fail(&f->call, &ERR_InternalFailure,
		"The data of this object cannot be read: what its zones hold of it is lost or damaged (%s).",
		strerror(status ? -status : EIO));
	front_fail(f);
}

static void
piece_send(struct front_call *f, struct str data)
{
	struct outflow *o = &f->flow;
	if (o->body.filter)
		data = o->body.filter(&f->call, o->body.filter_state, o->body.from + o->sent, data);
	o->sent += data.len;
	o->left -= data.len;
	http_reply_write(f->x, data);
}

static void
flow_piece(void *arg, int status, struct str data)
{
	struct front_call *f = arg;
	struct outflow *o = &f->flow;
	o->reading = false;
	if (status || !data.len) {
		log_error("front.body", log_errno("why", status),
			log_str("request", f->call.request_id));
		if (!o->begun) {
			flow_lost(f, status);
			return;
		}
		struct http_exchange *x = f->x;
		f->x = NULL;
		front_finished(f);
		http_reply_abort(x);
		return;
	}
	if (!o->begun)
		http_reply_begin(f->x, f->reply.status, o->head, o->head_n, (int64_t)o->left);
	o->begun = true;
	piece_send(f, data);
	flow_more(f);
}

static void
flow_drained(struct http_exchange *x, void *user)
{
	struct front_call *f = user;
	(void)x;
	if (!f->flow.reading)
		flow_more(f);
}

/* The next segment that holds bytes of the range. */
static int
flow_open(struct front_call *f)
{
	struct outflow *o = &f->flow;
	while (o->at < o->body.segments_n && o->skip >= o->body.segments[o->at].len)
		o->skip -= o->body.segments[o->at++].len;
	if (o->at >= o->body.segments_n)
		return -EIO;
	struct body_segment *s = &o->body.segments[o->at++];
	uint64_t len = s->len - o->skip;
	if (len > o->left)
		len = o->left;
	int r = blob_reader_open(f->call.blobs, f->home->loop, o->body.region, s->id,
		s->offset + o->skip, len, flow_piece, f, &o->reader);
	if (!r && o->body.key)
		blob_reader_unseal(o->reader, o->body.key);
	o->skip = 0;
	o->segment_left = len;
	return r;
}

/* A reader that has something: the one at hand or the next segment's. */
static int
flow_ready(struct front_call *f)
{
	struct outflow *o = &f->flow;
	if (o->reader && o->sent == o->segment_end) {
		blob_reader_close(o->reader);
		o->reader = NULL;
	}
	if (o->reader)
		return 0;
	int r = flow_open(f);
	o->segment_end = o->sent + o->segment_left;
	return r;
}

/* What the page cache holds goes from there to the socket on this thread: it stays in the
 * processor's own cache between the check and the send, and nobody needs to be woken. True: goes on
 * with the next. */
static bool
flow_step(struct front_call *f, bool turn_over)
{
	struct outflow *o = &f->flow;
	struct str data;
	if (o->left == 0) {
		end_reply(f);
		return false;
	}
	if (http_reply_room(f->x) == 0 || turn_over) {
		http_reply_on_drained(f->x, flow_drained);
		if (turn_over)
			http_reply_yield(f->x);
		return false;
	}
	int r = flow_ready(f);
	if (r) {
		flow_piece(f, r, STR_NULL);
		return false;
	}
	if (blob_reader_now(o->reader, &data)) {
		piece_send(f, data);
		return true;
	}
	o->reading = true;
	blob_reader_next(o->reader);
	return false;
}

static void
flow_more(struct front_call *f)
{
	for (unsigned n = 0; flow_step(f, n == TURN_PIECES); n++)
		;
}

/* The head goes out with the first piece; what it says borrows from a transaction that ends
 * before. */
static void
head_keep(struct front_call *f, const struct header_list *l)
{
	struct outflow *o = &f->flow;
	o->head = arena_array(&f->arena, struct http_header, l->n);
	o->head_n = l->n;
	for (unsigned i = 0; i < l->n; i++) {
		o->head[i].name = arena_dup(&f->arena, l->v[i].name);
		o->head[i].value = arena_dup(&f->arena, l->v[i].value);
	}
}

static void
send_stream(struct front_call *f, const struct header_list *l)
{
	struct body *b = f->reply.stream;
	if (b->inline_data.p) {
		struct str part = str_slice(b->inline_data, b->from, b->from + b->len);
		f->bytes_out = part.len;
		if (b->filter)
			part = b->filter(&f->call, b->filter_state, b->from, part);
		http_reply_begin(f->x, f->reply.status, l->v, l->n, (int64_t)part.len);
		http_reply_write(f->x, part);
		end_reply(f);
		return;
	}
	if (front_hold(f, b->len < READER_HOLDS ? b->len : READER_HOLDS) != CALL_OK) {
		front_fail(f);
		return;
	}
	struct outflow *o = &f->flow;
	o->body = *b;
	o->body.region = arena_dup(&f->arena, b->region);
	o->skip = b->from;
	o->left = b->len;
	f->bytes_out = b->len;
	o->begun = b->len == 0;
	if (o->begun)
		http_reply_begin(f->x, f->reply.status, l->v, l->n, 0);
	else
		head_keep(f, l);
	flow_more(f);
}

static void
send_now(struct front_call *f)
{
	struct header_list l;
	bool head = str_is(f->call.method, "HEAD");
	f->replied = true;
	front_cors_headers(f);
	collect_headers(f, &l);
	if (f->reply.stream && !head) {
		send_stream(f, &l);
		return;
	}
	struct str body = buf_str(&f->reply.body);
	int64_t length = f->reply.stream ? (int64_t)f->reply.stream->len : (int64_t)body.len;
	if (head && l.length >= 0)
		length = l.length;
	f->bytes_out = head ? 0 : body.len;
	http_reply_begin(f->x, f->reply.status, l.v, l.n, length);
	if (!head && body.len)
		http_reply_write(f->x, body);
	end_reply(f);
}

void
front_send(struct front_call *f)
{
	if (f->gone)
		front_finished(f);
	else
		send_now(f);
}

void
front_fail(struct front_call *f)
{
	struct call *c = &f->call;
	buf_clear(&f->reply.body);
	f->reply.headers_n = 0;
	f->reply.stream = NULL;
	f->result = CALL_FAILED;
	if (!c->error)
		call_fail(c, &ERR_InternalFailure, NULL);
	codec_encode_error(c, &f->reply);
	front_send(f);
}
