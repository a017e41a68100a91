/* ReceiveMessage: choosing messages, long polls, and what a reply says of each. */
#include "svc/sqs/queue.h"

#define WAIT_MAX_S 20
/* So many dead or moved messages are cleared away by one receive before it gives up looking. */
#define CLEAR_MAX 2000

struct receiving {
	struct call *c;
	struct sqs_queue *q;
	const struct sqs_receive_message_in *in;
	struct sqs_message *v;
	uint32_t n, max;
	uint64_t seqs[SQS_BATCH_MAX], nonces[SQS_BATCH_MAX];
	int64_t visible_ms;
	unsigned cleared;
	bool changed; /* rows were written even if nothing is received */
	bool failed;  /* a message could not be opened for the caller */
	struct sqs_kms_opener opener;
};

static int
range_check(struct call *c, const struct opt_i64 *v, int64_t min, int64_t max, const char *name,
	const char *reason)
{
	if (v->set && (v->v < min || v->v > max))
		return sqs_bad_value(c, "Value %lld for parameter %s is invalid. Reason: %s",
			(long long)v->v, name, reason);
	return CALL_OK;
}

static int
input_check(struct call *c, const struct sqs_receive_message_in *in, const struct sqs_queue *q)
{
	if (range_check(c, &in->MaxNumberOfMessages, 1, SQS_BATCH_MAX, "MaxNumberOfMessages",
		    "Must be between 1 and 10, if provided.") != CALL_OK ||
		range_check(c, &in->WaitTimeSeconds, 0, WAIT_MAX_S, "WaitTimeSeconds",
			"Must be >= 0 and <= 20, if provided.") != CALL_OK ||
		range_check(c, &in->VisibilityTimeout, 0, SQS_VISIBILITY_MAX_S, "VisibilityTimeout",
			"Must be >= 0 and <= 43200, if provided.") != CALL_OK)
		return CALL_FAILED;
	if (!in->ReceiveRequestAttemptId.p)
		return CALL_OK;
	if (!q->row.Fifo.v)
		return sqs_bad_value(c,
			"Value %.*s for parameter ReceiveRequestAttemptId is invalid. Reason: The request include "
			"parameter that is not valid for this queue type.",
			STR_FMT(in->ReceiveRequestAttemptId));
	if (!sqs_id_valid(in->ReceiveRequestAttemptId))
		return sqs_bad_value(c,
			"Value %.*s for parameter ReceiveRequestAttemptId is invalid. Reason: "
			"ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to "
			"128 in length.",
			STR_FMT(in->ReceiveRequestAttemptId));
	return CALL_OK;
}

/* ---- what a reply says */

static bool
list_names(const struct list_str *list, struct str name)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (str_is(list->v[i], "All") || str_eq(list->v[i], name))
			return true;
	return false;
}

static void
attribute_add(struct receiving *r, struct sqs_message *m, const char *name, struct str value)
{
	if (!value.len || (!list_names(&r->in->AttributeNames, str_c(name)) &&
				  !list_names(&r->in->MessageSystemAttributeNames, str_c(name))))
		return;
	m->Attributes.v[m->Attributes.n++] = (struct map_str_entry){ str_c(name), value };
	m->Attributes.set = true;
}

static struct str
number(struct receiving *r, int64_t v)
{
	return arena_printf(r->c->arena, "%lld", (long long)v);
}

static void
system_attributes(struct receiving *r, struct sqs_message *m,
	const struct sqs_stored_message_row *row, const struct sqs_state *s, uint64_t seq)
{
	int64_t first = row->FirstReceived.set ? row->FirstReceived.ms : s->first_ms;
	if (!r->in->AttributeNames.n && !r->in->MessageSystemAttributeNames.n)
		return;
	m->Attributes.v = arena_array(r->c->arena, struct map_str_entry, 10);
	attribute_add(r, m, "SenderId", row->Sender);
	attribute_add(r, m, "SentTimestamp", number(r, row->Sent.ms));
	attribute_add(r, m, "ApproximateReceiveCount",
		number(r, (int64_t)s->received + row->PriorReceives.v));
	attribute_add(r, m, "ApproximateFirstReceiveTimestamp", number(r, first));
	if (r->q->row.Fifo.v)
		attribute_add(r, m, "SequenceNumber", sqs_sequence_text(r->c->arena, seq));
	attribute_add(r, m, "MessageDeduplicationId", row->Dedup);
	attribute_add(r, m, "MessageGroupId", row->Group);
	attribute_add(r, m, "AWSTraceHeader", row->TraceHeader);
	attribute_add(r, m, "DeadLetterQueueSourceArn", row->SourceArn);
}

static bool
attribute_wanted(const struct list_str *names, struct str name)
{
	for (uint32_t i = 0; i < names->n; i++) {
		struct str want = names->v[i];
		if (str_is(want, "All") || str_is(want, ".*") || str_eq(want, name))
			return true;
		if (str_ends(want, STR(".*")) && str_starts(name, str_slice(want, 0, want.len - 2)))
			return true;
	}
	return false;
}

static void
message_attributes(
	struct receiving *r, struct sqs_message *m, const struct sqs_stored_message_row *row)
{
	struct arena *a = r->c->arena;
	if (!row->Attributes.n || !r->in->MessageAttributeNames.n)
		return;
	struct sqs_stored_attribute *shown =
		arena_array(a, struct sqs_stored_attribute, row->Attributes.n);
	m->MessageAttributes.v =
		arena_array(a, struct sqs_message_attribute_value_map_entry, row->Attributes.n);
	for (uint32_t i = 0; i < row->Attributes.n; i++) {
		const struct sqs_stored_attribute *s = &row->Attributes.v[i];
		if (!attribute_wanted(&r->in->MessageAttributeNames, s->Name))
			continue;
		shown[m->MessageAttributes.n] = *s;
		m->MessageAttributes.v[m->MessageAttributes.n++] =
			(struct sqs_message_attribute_value_map_entry){ s->Name,
				{ .StringValue = s->Text,
					.BinaryValue = s->Binary,
					.DataType = s->Type } };
	}
	m->MessageAttributes.set = m->MessageAttributes.n > 0;
	m->MD5OfMessageAttributes =
		sqs_md5_hex(a, sqs_stored_attributes_md5(a, shown, m->MessageAttributes.n));
}

static void
reply_add(struct receiving *r, uint64_t seq, const struct sqs_stored_message_row *row,
	const struct sqs_state *s)
{
	struct sqs_receipt receipt = { (uint64_t)r->q->row.Id.v, r->q->store, seq, s->nonce };
	if (!r->v)
		r->v = arena_array(r->c->arena, struct sqs_message, r->max);
	struct sqs_message *m = &r->v[r->n];
	r->seqs[r->n] = seq;
	r->nonces[r->n++] = s->nonce;
	m->MessageId = row->Id;
	m->ReceiptHandle = sqs_receipt_text(r->c->arena, &receipt);
	m->MD5OfBody = sqs_md5_hex(r->c->arena, row->BodyMd5);
	m->Body = row->Body;
	sqs_blank_fill(r->c, m, row);
	system_attributes(r, m, row, s, seq);
	message_attributes(r, m, row);
}

/* ---- choosing */

static bool
taken(const struct receiving *r, uint64_t seq)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->seqs[i] == seq)
			return true;
	return false;
}

/* Receives this one, or clears it away when its time is over or it was received too often. */
static void
take(struct receiving *r, uint64_t seq)
{
	struct sqs_stored_message_row row;
	struct sqs_state s;
	struct sqs_queue *q = r->q;
	r->changed = true;
	if (!sqs_message_get(q, seq, &row))
		return;
	sqs_state_get(q, seq, &s);
	if (sqs_message_expired(q, row.Sent.ms)) {
		sqs_message_remove(q, seq, &row);
		r->cleared++;
		return;
	}
	if (q->row.DeadLetterArn.len && s.received >= (uint64_t)q->row.MaxReceives.v &&
		sqs_dead_letter(q, r->c->store, seq, &row, &s)) {
		r->cleared++;
		return;
	}
	if (row.DataKey.p && sqs_kms_open(r->c, q, &r->opener, &row) != CALL_OK) {
		r->failed = true;
		return;
	}
	if (!sqs_message_open(q, seq, &row)) {
		r->cleared++;
		return;
	}
	sqs_message_fly(q, seq, &row, &s, r->visible_ms);
	reply_add(r, seq, &row, &s);
}

/* Two sorted walks: what became visible again or has waited out its delay, and what is new; the one
 * that could be received first is received first. */
static void
choose_standard(struct receiving *r)
{
	struct sqs_queue *q = r->q;
	struct sqs_counts *n = &q->counts;
	struct sqs_key a, b, hi;
	struct scan old, fresh;
	uint64_t old_rows = n->in_flight + n->delayed;
	bool has_old = n->wait_head <= q->now_ms, has_fresh = n->messages > old_rows;
	old.state = fresh.state = NULL;
	if (has_old) {
		scan_open(&old, q->tx, q->rows, sqs_key2(&a, 'W', q->store, (uint64_t)n->wait_head),
			sqs_key2(&hi, 'W', q->store, (uint64_t)q->now_ms + 1), false);
		has_old = scan_next(&old);
	}
	if (has_fresh) {
		scan_open(&fresh, q->tx, q->rows, sqs_key2(&a, 'R', q->store, n->ready_head),
			sqs_key2(&b, 'R', q->store, UINT64_MAX), false);
		has_fresh = scan_next(&fresh);
	}
	while (r->n < r->max && !r->failed && r->cleared < CLEAR_MAX && (has_old || has_fresh)) {
		bool pick_old = has_old && (!has_fresh || sqs_key_u64(old.key, 9) <=
								  sqs_key_u64(fresh.value, 0));
		if (pick_old) {
			uint64_t seq = sqs_key_u64(old.key, 17);
			if (!taken(r, seq))
				take(r, seq);
			has_old = scan_next(&old);
		} else {
			uint64_t seq = sqs_key_u64(fresh.key, 9);
			take(r, seq);
			n->ready_head = seq + 1;
			has_fresh = scan_next(&fresh);
		}
	}
	if (old.state)
		scan_done(&old);
	if (fresh.state)
		scan_done(&fresh);
}

/* Messages of one free group, in order. */
static void
choose_group(struct receiving *r, struct str group, uint64_t head)
{
	struct sqs_queue *q = r->q;
	struct key lo, hi, prefix;
	struct scan s;
	sqs_group_key(&prefix, 'F', q->store, group);
	lo = prefix;
	key_add_u64(&lo, head);
	scan_open(&s, q->tx, q->rows, key_str(&lo), key_after_prefix(&hi, key_str(&prefix)), false);
	while (r->n < r->max && !r->failed && r->cleared < CLEAR_MAX && scan_next(&s)) {
		if ((int64_t)sqs_key_u64(s.value, 0) > q->now_ms)
			break;
		take(r, sqs_key_u64(s.key, s.key.len - 8));
	}
	scan_done(&s);
}

static void
choose_fifo(struct receiving *r)
{
	struct sqs_queue *q = r->q;
	struct sqs_key a, b;
	struct scan s;
	uint64_t head = q->counts.ready_head;
	r->changed |= q->counts.wait_head <= q->now_ms;
	sqs_groups_settle(q);
	if (q->counts.ready_head < head)
		head = q->counts.ready_head;
	if (q->counts.messages == q->counts.in_flight)
		return;
	scan_open(&s, q->tx, q->rows, sqs_key2(&a, 'R', q->store, head),
		sqs_key2(&b, 'R', q->store, UINT64_MAX), false);
	while (r->n < r->max && !r->failed && r->cleared < CLEAR_MAX && scan_next(&s)) {
		uint64_t seq = sqs_key_u64(s.key, 9);
		q->counts.ready_head = seq;
		choose_group(r, arena_dup(r->c->arena, s.value), seq);
	}
	scan_done(&s);
}

/* The same receive asked for again: the same messages and receipts, as long as nobody else has
 * touched them. */
static bool
again(struct receiving *r)
{
	struct sqs_queue *q = r->q;
	struct sqs_attempt_row before;
	struct sqs_state s[SQS_BATCH_MAX];
	if (!r->in->ReceiveRequestAttemptId.p ||
		!sqs_attempt_find(q, r->in->ReceiveRequestAttemptId, &before) ||
		before.Seqs.n > SQS_BATCH_MAX || before.Seqs.n != before.Nonces.n)
		return false;
	for (uint32_t i = 0; i < before.Seqs.n; i++)
		if (!sqs_state_get(q, (uint64_t)before.Seqs.v[i], &s[i]) ||
			s[i].visible_ms <= q->now_ms || s[i].nonce != (uint64_t)before.Nonces.v[i])
			return false;
	r->max = before.Seqs.n;
	for (uint32_t i = 0; i < before.Seqs.n; i++) {
		struct sqs_stored_message_row row;
		uint64_t seq = (uint64_t)before.Seqs.v[i];
		if (!sqs_message_get(q, seq, &row) || !sqs_message_open(q, seq, &row) ||
			(row.DataKey.p && sqs_kms_open(r->c, q, &r->opener, &row) != CALL_OK))
			continue;
		sqs_wait_remove(q, s[i].visible_ms, seq);
		s[i].visible_ms = r->visible_ms;
		sqs_state_put(q, seq, &s[i]);
		sqs_wait_add(q, r->visible_ms, seq, 'i', row.Sent.ms);
		reply_add(r, seq, &row, &s[i]);
	}
	return r->n > 0;
}

static void
attempt_remember(struct receiving *r)
{
	struct sqs_attempt_row row = { .Made = OPT_TIME(r->q->now_ms) };
	if (!r->in->ReceiveRequestAttemptId.p || !r->n)
		return;
	row.Seqs.v = arena_array(r->c->arena, int64_t, r->n);
	row.Nonces.v = arena_array(r->c->arena, int64_t, r->n);
	row.Seqs.n = row.Nonces.n = r->n;
	row.Seqs.set = row.Nonces.set = true;
	for (uint32_t i = 0; i < r->n; i++) {
		row.Seqs.v[i] = (int64_t)r->seqs[i];
		row.Nonces.v[i] = (int64_t)r->nonces[i];
	}
	sqs_attempt_put(r->q, r->in->ReceiveRequestAttemptId, &row);
}

/* More for others? One touch wakes one receiver, and each that wakes passes it on. */
static void
pass_on(struct sqs_queue *q)
{
	struct sqs_counts *n = &q->counts;
	if (n->wait_head <= q->now_ms || n->messages > n->in_flight + n->delayed)
		tx_touch(q->tx, sqs_wait_key(q));
}

/* ---- waiting */

/* When a long poll ends: fixed when the call first came, though the handler runs again. */
static int64_t
wait_end(struct call *c, const struct sqs_receive_message_in *in, const struct sqs_queue *q)
{
	int64_t until_ms = call_parked_until(c);
	int64_t wait_s = in->WaitTimeSeconds.set ? in->WaitTimeSeconds.v : q->row.Wait.v;
	if (until_ms)
		return until_ms;
	return wait_s ? c->now_ms + wait_s * 1000 : 0;
}

int
sqs_receive_message(struct call *c, const struct sqs_receive_message_in *in,
	struct sqs_receive_message_out *out)
{
	struct sqs_queue q;
	memset(out, 0, sizeof(*out));
	if (sqs_open(c, in->QueueUrl, "sqs:ReceiveMessage", 0, &q) != CALL_OK ||
		input_check(c, in, &q) != CALL_OK)
		return CALL_FAILED;
	int64_t timeout_s =
		in->VisibilityTimeout.set ? in->VisibilityTimeout.v : q.row.VisibilityTimeout.v;
	struct receiving r = { .c = c,
		.q = &q,
		.in = in,
		.visible_ms = c->now_ms + timeout_s * 1000,
		.max = in->MaxNumberOfMessages.set ? (uint32_t)in->MaxNumberOfMessages.v : 1 };
	int64_t end_ms = wait_end(c, in, &q);
	bool full = sqs_in_flight_full(&q);
	if (!call_parked_until(c) && sqs_quota_check(c, &q, SQS_QUOTA_RECEIVE) != CALL_OK)
		return CALL_FAILED;
	if (full && !q.row.Fifo.v && !end_ms)
		return call_fail(c, &SQS_OverLimit, "Too many messages in flight.");
	if (!again(&r) && !full) {
		q.row.Fifo.v ? choose_fifo(&r) : choose_standard(&r);
		attempt_remember(&r);
	}
	explicit_bzero(r.opener.plain, sizeof(r.opener.plain));
	if (r.failed)
		return CALL_FAILED;
	if (r.n || r.changed) {
		if (r.n) {
			sqs_quota_use(&q, SQS_QUOTA_RECEIVE);
			pass_on(&q);
		}
		sqs_arm(&q);
		sqs_counts_save(&q);
	}
	if (!r.n && end_ms > c->now_ms && !call_timed_out(c)) {
		c->park_keeps = r.changed;
		return call_park_one(c, sqs_wait_key(&q), end_ms);
	}
	sqs_blanks_keep(c, r.v, r.n);
	out->Messages.v = r.v;
	out->Messages.n = r.n;
	out->Messages.set = r.n > 0;
	return CALL_OK;
}
