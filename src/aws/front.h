/*
 * front: from an HTTP exchange to a call and back. Private to src/aws; services see call.h alone.
 *
 * The stages of a call, each a function of its own file:
 *   begin (front.c) → service, protocol, operation (front_route.c) → body (front_body.c) →
 *   credentials and permission (front_auth.c) → decode, validate, handler (front_run.c) →
 *   reply, streamed body (front_reply.c).
 *
 * Threads: a front_call belongs to its home loop, except between store_submit and the job that its
 * `done` posts back: then it belongs to the writer. The exchange is touched on the home loop only.
 */
#ifndef HANEUL_AWS_FRONT_H
#define HANEUL_AWS_FRONT_H

#include "aws/aws_chunked.h"
#include "aws/call.h"
#include "aws/clock_rows.h"
#include "aws/cloud.h"
#include "aws/codec.h"
#include "aws/sigv4.h"
#include "aws/touch.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "os/loop.h"
#include "wire/http_server.h"

#include <pthread.h>
#include <stdatomic.h>

#define FRONT_BODY_MAX (16u << 20)  /* of a call whose body is gathered in memory */
#define FRONT_FREE_CALLS 64         /* kept for reuse by each loop */

struct front_call;

/* Counters of one operation on one loop; summed by /metrics. */
struct op_count {
	const struct op *op; /* NULL: unused slot */
	const struct service *service;
	uint64_t calls_n, failed_n, duration_us;
};

struct front_loop {
	struct cloud *cloud;
	struct loop *loop;
	struct http_server *http;
	pthread_t thread;
	bool started;
	struct front_call *free;
	unsigned free_n;
	struct front_call *parked; /* list through next */
	struct front_folded *folded; /* parked calls that gave their memory back: front_park.c */
	struct op_count *counts;   /* open-addressed by op pointer */
	unsigned counts_cap;
	uint64_t unrouted_n;
	struct loop_job stop_job;
	struct clock_watch clock;
	uint32_t grace_ms;
	struct store_unit *units, **units_last; /* of this turn: front_turn.c */
	struct front_call *sums, **sums_last;   /* lists through next */
	struct loop_job units_job, sums_job;
};

struct cloud {
	struct cloud_options options;
	struct store *store;
	struct blobs *blobs;
	struct pool *pool;
	struct pool *completers; /* made by the first call that is completed; under lock */
	struct front_loop *loops;
	unsigned loops_n;
	struct tls_context *tls;
	bool well_known_keys;
	struct due *due;
	struct tasks *tasks;
	struct api_log *api_log;
	struct care *care;
	char places[3][1200]; /* of the zones (places.h) */
	int64_t started_ms;
	bool running;
	atomic_uint draining;
	char *init_status; /* JSON for /_localstack/init; owned */
	pthread_mutex_t lock; /* of what follows, and of init_status */
	pthread_cond_t resets_cond;
	unsigned resets_n; /* threads that are emptying this cloud */
	char data_dir[1024];
	char region[64];
};

/* A body on its way in. */
struct ingest {
	bool chunked_aws;          /* aws-chunked framing is on */
	bool verify_sha256;        /* x-amz-content-sha256 was a digest */
	bool to_blob, share, ended, paused, failed;
	unsigned which;            /* digests wanted */
	uint64_t bytes, max;
	uint32_t inline_max;
	int64_t expected;          /* decoded length announced; -1 unknown */
	struct aws_chunked *chunked; /* arena */
	struct buf held;           /* inline so far */
	struct blob_writer *writer;
	struct body body;
	struct body_segment segment;
	/* A copy from existing bytes instead of the socket. */
	struct blob_reader *reader;
	uint32_t source_at;        /* segment */
	uint64_t source_left;      /* bytes of the source still to read */
	uint64_t source_skip, source_end; /* end of the open reader, in `bytes` */
};

/* A body on its way out. */
struct outflow {
	struct body body;
	struct blob_reader *reader;
	uint32_t at;           /* segment */
	uint64_t skip, left, sent;
	uint64_t segment_left, segment_end; /* of the open reader; end counts in `sent` */
	struct http_header *head; /* kept until the first piece is there */
	unsigned head_n;
	bool reading, begun;
};

struct front_call {
	struct call call; /* first: a call * is a front_call * */
	struct arena arena;
	struct front_loop *home;
	struct http_exchange *x; /* NULL: the client is gone, or a loopback call */
	struct front_call *next; /* free or parked list */
	struct store_unit unit;
	struct loop_job job;
	struct wire_request wire;
	struct wire_reply reply;
	struct sigv4_auth auth;
	struct str scope_service; /* of the credential scope; STR_NULL: unsigned */
	bool kept; /* the request's texts are the call's own */
	bool authenticated, body_started, away, gone, replied, waiting_op;
	bool foreign; /* from another address than loopback: well-known keys and free administration are not for it */
	bool presigned_v2;       /* S3, Signature Version 2 in the query */
	bool quiet;              /* not an API call: not logged */
	bool handed_over;        /* the ingested blob is named by a row */
	int result;              /* of the handler */
	int commit_status;
	struct buf body;         /* gathered */
	void *in, *out;
	struct ingest ingest;
	struct outflow flow;
	struct touch_wait touch; /* parked */
	struct loop_timer timer;
	int64_t park_deadline_ms;
	bool parked, woken, timed_out;
	uint64_t started_us, bytes_in, bytes_out;
	int64_t held_bytes;      /* counted as the loop's memory until the call is done */
	struct key park_key; /* this and what follows is not cleared for each call */
	struct digests sums;     /* of inline and shared bodies */
};

static inline struct front_call *
front_of(struct call *c)
{
	return (struct front_call *)c;
}

/* One JSON string appended. */
static inline void
json_add_str(struct buf *b, struct str s)
{
	struct json_writer w = { .out = b };
	json_write_str(&w, s);
}

/* front.c */
void front_begin(struct http_exchange *x, void *home);
void front_closed(struct http_exchange *x, void *user);
void front_keep_request(struct front_call *f);
struct front_call *front_call_new(struct front_loop *home);
void front_call_done(struct front_call *f); /* back to the free list */
void front_name_request(struct call *c);
void front_prepare_call(struct front_call *f, struct cloud *cloud);

/* front_route.c: CALL_OK or CALL_FAILED. front_route_op may say CALL_PARKED: only the body can
 * tell. */
int front_route_service(struct front_call *f);
int front_route_op(struct front_call *f);
bool front_service_enabled(
	const struct cloud *cloud, const struct service *s); /* the setting `services` */

/* front_auth.c */
int front_auth_parse(struct front_call *f);
int front_auth_body(
	struct front_call *f, const unsigned char sha256[32]); /* against what the client stated */
int front_authenticate(
	struct front_call *f, bool body_complete); /* CALL_PARKED: the body is needed */
int front_authorize(struct front_call *f);

/* front_body.c */
void front_gather(struct front_call *f);           /* → front_gathered */
void front_ingest(struct front_call *f);           /* → front_ingested */
void front_ingest_drop(
	struct front_call *f); /* frees what is in the way; removes an unnamed blob */

/* front_turn.c */
void front_sum(struct front_call *f);    /* a whole small body: → front_summed */
void front_submit(struct front_call *f); /* f->unit */
void front_summed(struct front_call *f); /* front_body.c */

/* front_sums.c: the sums that the client stated for a gathered body. */
int front_check_sums(struct front_call *f);

/* front_run.c */
void front_gathered(struct front_call *f);
void front_ingested(struct front_call *f, int result);
void front_stream_in(struct front_call *f);
int front_decode(struct front_call *f);
/* Runs the handler in c->tx and encodes; what both the loops and loopback calls do. */
int front_handle(struct front_call *f, struct tx *t);
/* A read on a place that nothing was made in yet (service_hooks.place_new); t: a snapshot. */
bool front_needs_writer(struct front_call *f, struct tx *t);
void front_park_closed(struct front_call *f);
void front_run_write(struct front_call *f);
void front_recheck_parked(struct front_loop *home);

/* front_complete.c: what call.complete promises, on a worker → front_send; or here and now. */
void front_complete(struct front_call *f);
void front_complete_now(struct front_call *f);

/* front_park.c: a parked call in a few hundred bytes. false: it stays as it is. */
bool front_fold(struct front_call *f);
void front_recheck_folded(struct front_loop *home);

/* front_reply.c */
void front_send(struct front_call *f);    /* f->reply */
/* CALL_FAILED: rows that were asked for cannot be read (tx_damaged). */
int front_fail_damaged(struct front_call *f);
void front_fail(struct front_call *f);    /* c->error */
void front_finished(struct front_call *f);

/* Counts memory that the call takes; CALL_FAILED (SlowDown and the like): the loop has too much
 * already. */
int front_hold(struct front_call *f, uint64_t bytes);

/* wellknown.c: true when it took the request. */
bool wellknown_serve(struct front_call *f);
bool wellknown_preflight(struct front_call *f);
void front_cors_headers(struct front_call *f);

/* reset.c: empties the cloud on a thread of its own, then runs f->job with the outcome in
 * commit_status. */
void front_reset(struct front_call *f);
void cloud_resets_wait(struct cloud *c);

/* api_log.c */
void front_log_call(struct front_call *f, uint64_t duration_us);

/* metrics.c */
void metrics_open(struct front_loop *home); /* before the loop runs */
void metrics_count(struct front_call *f, uint64_t duration_us);
void metrics_write(struct cloud *cloud, struct buf *out);

#endif
