/* Decode, validate, run the handler: on the loop for reads, on the writer's thread for the rest. */
#include "aws/errors.h"
#include "aws/front.h"
#include "aws/validate.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

int
front_decode(struct front_call *f)
{
	struct call *c = &f->call;
	f->wire.method = c->method;
	f->wire.path = c->path;
	f->wire.query = c->query;
	f->wire.headers = c->headers;
	f->wire.headers_n = c->headers_n;
	f->in = arena_alloc(&f->arena, c->op->in_size);
	f->out = arena_alloc(&f->arena, c->op->out_size);
	int r = codec_decode(c, c->op, &f->wire, f->in);
	if (r == CALL_OK && c->service->hooks && c->service->hooks->decoded)
		r = c->service->hooks->decoded(c, f->in);
	return r == CALL_OK ? validate_input(c, c->op, f->in) : r;
}

bool
front_needs_writer(struct front_call *f, struct tx *t)
{
	struct call *c = &f->call;
	const struct service_hooks *h = c->service->hooks;
	c->tx = t;
	bool needs = h && h->place_new && h->place_new(c);
	c->tx = NULL;
	return needs;
}

int
front_handle(struct front_call *f, struct tx *t)
{
	struct call *c = &f->call;
	int r = tx_is_writer(t) && front_needs_writer(f, t)
			? (c->tx = t, c->service->hooks->place_make(c))
			: CALL_OK;
	c->tx = t;
	c->complete = NULL; /* a parked call comes here again */
	if (r == CALL_OK)
		r = c->op->handler(c, f->in, f->out);
	if (r == CALL_OK && !c->complete)
		codec_encode(c, c->op, f->out, &f->reply);
	c->tx = NULL;
	return r;
}

int
front_fail_damaged(struct front_call *f)
{
	return call_fail(&f->call, &ERR_InternalFailure,
		"Rows that this answer needs are damaged in every copy.");
}

/* Reads. The reply is sent before the snapshot ends, because inline bodies are borrowed from it. */
static void
run_read(struct front_call *f)
{
	struct tx *t = tx_begin_read(f->call.store);
	if (front_needs_writer(f, t)) {
		tx_end(t);
		front_run_write(f);
		return;
	}
	f->result = front_handle(f, t);
	if (tx_damaged(t))
		f->result = front_fail_damaged(f);
	if (f->result == CALL_OK)
		front_send(f);
	else
		front_fail(f);
	tx_end(t);
}

static int
unit_run(struct store_unit *u, struct tx *t)
{
	struct front_call *f = (struct front_call *)((char *)u - offsetof(struct front_call, unit));
	f->result = front_handle(f, t);
	if (f->result == CALL_PARKED)
		/* Subscribed on the writer's thread: a later unit's touch cannot slip through. */
		touch_wait_start(&f->touch, f->home->loop, key_str(&f->park_key));
	return f->result == CALL_PARKED && f->call.park_keeps ? 0 : f->result;
}

static void
unpark(struct front_call *f)
{
	loop_timer_cancel(f->home->loop, &f->timer);
	for (struct front_call **at = &f->home->parked; *at; at = &(*at)->next)
		if (*at == f) {
			*at = f->next;
			break;
		}
	f->parked = false;
}

/* Runs again, unless a touch is on its way to this loop: then that brings it here once more. */
static void
park_again(struct front_call *f)
{
	if (!touch_wait_stop(&f->touch))
		return;
	unpark(f);
	f->timed_out = clock_now_ms() >= f->park_deadline_ms;
	f->call.now_ms = clock_now_ms();
	if (!f->gone) {
		front_run_write(f);
		return;
	}
	/* It may have been woken in place of another one. */
	if (f->touch.one)
		touch_deliver(NULL, key_str(&f->park_key));
	front_finished(f);
}

void
front_park_closed(struct front_call *f)
{
	park_again(f);
}

static void
park_woken(struct touch_wait *w)
{
	struct front_call *f =
		(struct front_call *)((char *)w - offsetof(struct front_call, touch));
	if (f->parked)
		park_again(f);
	else
		f->woken = true; /* touched before the loop heard that it is parked */
}

static void
park_arm(struct front_call *f)
{
	uint64_t wait_ms = clock_wait_ms(f->park_deadline_ms);
	if (wait_ms == UINT64_MAX)
		loop_timer_cancel(f->home->loop, &f->timer);
	else
		loop_timer_set(f->home->loop, &f->timer, wait_ms);
}

static void
park_timer(struct loop_timer *timer)
{
	struct front_call *f =
		(struct front_call *)((char *)timer - offsetof(struct front_call, timer));
	if (clock_now_ms() >= f->park_deadline_ms)
		park_again(f);
	else
		park_arm(f);
}

static void
park(struct front_call *f)
{
	f->timer.fire = park_timer;
	if (!f->woken && !f->gone && clock_now_ms() < f->park_deadline_ms && front_fold(f))
		return;
	f->parked = true;
	f->next = f->home->parked;
	f->home->parked = f;
	if (f->woken || f->gone || clock_now_ms() >= f->park_deadline_ms)
		park_again(f);
	else
		park_arm(f);
}

/* The virtual clock jumped: every deadline may have passed. */
void
front_recheck_parked(struct front_loop *home)
{
	struct front_call *f = home->parked;
	front_recheck_folded(home);
	while (f) {
		struct front_call *next = f->next;
		if (clock_now_ms() >= f->park_deadline_ms)
			park_again(f);
		else
			park_arm(f);
		f = next;
	}
}

/* Back on the home loop, after the group is durable or undone. */
static void
unit_returned(struct loop_job *job)
{
	struct front_call *f =
		(struct front_call *)((char *)job - offsetof(struct front_call, job));
	f->away = false;
	if (f->result == CALL_PARKED) {
		park(f);
	} else if (f->result == CALL_OK && f->commit_status == 0) {
		f->handed_over = true;
		f->call.complete && !f->gone ? front_complete(f) : front_send(f);
	} else {
		if (f->result == CALL_OK) {
			log_error("front.commit", log_errno("why", f->commit_status));
			call_fail(&f->call,
				f->commit_status == -ENOSPC ? &ERR_ServiceUnavailable
							    : &ERR_InternalFailure,
				"The change could not be made durable: %s.",
				strerror(-f->commit_status));
		}
		front_fail(f);
	}
}

static void
unit_done(struct store_unit *u, int status)
{
	struct front_call *f = (struct front_call *)((char *)u - offsetof(struct front_call, unit));
	f->commit_status = status;
	f->job.run = unit_returned;
	loop_post(f->home->loop, &f->job);
}

void
front_run_write(struct front_call *f)
{
	f->away = true;
	f->woken = false;
	f->touch.woken = park_woken;
	f->unit.run = unit_run;
	f->unit.done = unit_done;
	front_submit(f);
}

/* An operation that nobody wrote. Who may not call it hears that first; bad input matters to
 * nobody. */
static int
refuse_unwritten(struct front_call *f)
{
	struct call *c = &f->call;
	bool ours = !(c->op->flags & OP_FLAG_OWN_AUTH) && front_decode(f) == CALL_OK;
	if (ours && front_authorize(f) != CALL_OK)
		return CALL_FAILED;
	return call_fail(c, &ERR_NotImplemented, "The operation %s:%s is not implemented yet.",
		c->service->name, c->op->name);
}

static int
check_and_decode(struct front_call *f)
{
	struct call *c = &f->call;
	f->body_started = true;
	if (!c->op && front_route_op(f) != CALL_OK)
		return CALL_FAILED;
	/* A write that came as GET (the query form allows it), or a read that may have to write
	 * first. */
	if ((c->op->kind != OP_READS && c->op->kind != OP_STREAMS_OUT) ||
		(c->service->hooks && c->service->hooks->place_new))
		front_keep_request(f);
	if (!f->authenticated && front_authenticate(f, true) != CALL_OK)
		return CALL_FAILED;
	if (!c->op->handler)
		return refuse_unwritten(f);
	if (front_check_sums(f) != CALL_OK || front_decode(f) != CALL_OK)
		return CALL_FAILED;
	return front_authorize(f);
}

void
front_gathered(struct front_call *f)
{
	if (f->call.op && f->call.op->kind == OP_STREAMS_IN)
		front_stream_in(f);
	else if (check_and_decode(f) != CALL_OK)
		front_fail(f);
	else if (f->call.op->kind == OP_READS || f->call.op->kind == OP_STREAMS_OUT)
		run_read(f);
	else
		front_run_write(f);
}

static int
stream_in_checks(struct front_call *f)
{
	struct call *c = &f->call;
	front_keep_request(f);
	if (!f->authenticated && front_authenticate(f, true) != CALL_OK)
		return CALL_FAILED;
	if (!c->op->handler)
		return call_fail(c, &ERR_NotImplemented,
			"The operation %s:%s is not implemented yet.", c->service->name,
			c->op->name);
	f->wire.stream = c->body = &f->ingest.body;
	if (front_decode(f) != CALL_OK || front_authorize(f) != CALL_OK)
		return CALL_FAILED;
	if (!c->op->prepare)
		return CALL_OK;
	struct tx *t = tx_begin_read(c->store);
	c->tx = t;
	int r = c->op->prepare(c, f->in, f->out);
	c->tx = NULL;
	if (tx_damaged(t))
		r = front_fail_damaged(f);
	tx_end(t);
	return r;
}

void
front_stream_in(struct front_call *f)
{
	if (stream_in_checks(f) == CALL_OK)
		front_ingest(f);
	else
		front_fail(f);
}

void
front_ingested(struct front_call *f, int result)
{
	if (f->gone)
		front_finished(f);
	else if (result == CALL_OK)
		front_run_write(f);
	else
		front_fail(f);
}

int
call_park(struct call *c, struct str key, int64_t deadline_ms)
{
	struct front_call *f = front_of(c);
	key_begin(&f->park_key);
	key_add_raw(&f->park_key, key);
	f->park_deadline_ms = deadline_ms;
	return CALL_PARKED;
}

int
call_park_one(struct call *c, struct str key, int64_t deadline_ms)
{
	front_of(c)->touch.one = true;
	return call_park(c, key, deadline_ms);
}

int64_t
call_parked_until(const struct call *c)
{
	return front_of((struct call *)c)->park_deadline_ms;
}

bool
call_timed_out(const struct call *c)
{
	return front_of((struct call *)c)->timed_out;
}
