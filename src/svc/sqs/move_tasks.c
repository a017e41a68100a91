/*
 * Message move tasks: what lies in a dead-letter queue goes back to where it came from, or to
 * another queue. Each step moves a few messages in one unit and is a task that asks for the next
 * one, so a crash loses no message and doubles none; cancelling is a word in the task's row.
 */
#include "aws/tasks.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "svc/sqs/queue.h"

#define STEP_MAX 200
#define RATE_MAX 500
#define LIST_MAX 10
#define MOVE_KIND "sqs.move"

static void
tasks_prefix(struct key *k, const struct sqs_name *source)
{
	sqs_text_key(k, 'K', source);
}

/* Newest first. */
static struct str
task_key(struct key *k, const struct sqs_name *source, const struct sqs_move_task_row *row)
{
	tasks_prefix(k, source);
	key_add_u64_desc(k, (uint64_t)row->Started.ms);
	key_add(k, row->Handle);
	return key_str(k);
}

static void
task_save(struct tx *t, struct rows *rows, const struct sqs_name *source,
	const struct sqs_move_task_row *row)
{
	struct key k;
	struct buf b = { 0 };
	row_encode(&sqs_move_task_row_shape, row, &b);
	tx_put(t, rows, task_key(&k, source, row), buf_str(&b));
	buf_done(&b);
}

static bool
task_active(const struct sqs_move_task_row *row)
{
	return str_is(row->Status, "RUNNING") || str_is(row->Status, "CANCELLING");
}

static uint32_t
tasks_load(struct tx *t, struct rows *rows, struct arena *a, const struct sqs_name *source,
	struct sqs_move_task_row *v, uint32_t max)
{
	struct key lo, hi;
	struct scan s;
	uint32_t n = 0;
	tasks_prefix(&lo, source);
	scan_open(&s, t, rows, key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (n < max && scan_next(&s)) {
		memset(&v[n], 0, sizeof(v[n]));
		if (row_decode(&sqs_move_task_row_shape, s.value, a, &v[n]))
			n++;
	}
	scan_done(&s);
	return n;
}

/* ---- the work */

static struct str
target_of(const struct sqs_move_task_row *task, const struct sqs_stored_message_row *m)
{
	return task->DestinationArn.len ? task->DestinationArn : m->SourceArn;
}

/* 0: moved; else the task fails with that reason. */
static const char *
message_move(struct sqs_queue *q, struct store *s, const struct sqs_move_task_row *task,
	uint64_t seq, struct sqs_stored_message_row *m)
{
	struct sqs_name n;
	struct sqs_queue to;
	if (!sqs_arn_parse(target_of(task, m), &n))
		return "CouldNotDetermineMessageSource";
	if (!sqs_queue_load(q->tx, s, q->arena, &n, &to) || to.row.Id.v == q->row.Id.v)
		return "AWS.SimpleQueueService.NonExistentQueue";
	if (!sqs_message_open(q, seq, m))
		return "InternalError";
	to.now_ms = q->now_ms;
	struct sqs_stored_message_row moved = *m;
	moved.Sent = OPT_TIME(q->now_ms);
	moved.SourceArn = STR_NULL;
	moved.VisibleAt = moved.FirstReceived = (struct opt_time){ 0 };
	moved.PriorReceives = (struct opt_i64){ 0 };
	sqs_message_add(&to, &moved);
	sqs_arm(&to);
	sqs_counts_save(&to);
	sqs_message_remove(q, seq, m);
	return NULL;
}

/* What can be received now moves; what is in flight or delayed stays. Returns how many. */
static int
step(struct sqs_queue *q, struct store *s, struct sqs_move_task_row *task, int max, bool *ret_more)
{
	struct sqs_key lo, hi;
	struct scan scan;
	int moved = 0;
	*ret_more = false;
	scan_open(&scan, q->tx, q->rows, sqs_key2(&lo, 'M', q->store, (uint64_t)task->At.v),
		sqs_key2(&hi, 'M', q->store, UINT64_MAX), false);
	while (scan_next(&scan)) {
		struct sqs_stored_message_row m;
		struct sqs_state state;
		uint64_t seq = sqs_key_u64(scan.key, 9);
		if (moved == max) {
			*ret_more = true;
			break;
		}
		task->At = OPT_I64((int64_t)seq + 1);
		if (!sqs_message_get(q, seq, &m) ||
			(m.VisibleAt.set && m.VisibleAt.ms > q->now_ms) ||
			(sqs_state_get(q, seq, &state) && state.visible_ms > q->now_ms))
			continue;
		const char *why = message_move(q, s, task, seq, &m);
		if (why) {
			task->Failure = str_c(why);
			task->Status = STR("FAILED");
			break;
		}
		moved++;
	}
	scan_done(&scan);
	return moved;
}

static bool
payload_parse(struct arena *a, struct str payload, struct sqs_name *n)
{
	struct str rest = str_slice(payload, 1, payload.len),
		   *piece[] = { &n->region, &n->account, &n->name };
	for (int i = 0; i < 3; i++) {
		char text[256];
		struct str p;
		if (!key_take(&rest, text, sizeof(text), &p))
			return false;
		*piece[i] = arena_dup(a, p);
	}
	return true;
}

static void
task_step(struct tx *t, struct store *s, struct arena *a, const struct task *job)
{
	struct sqs_name n;
	struct sqs_queue q;
	struct sqs_move_task_row task;
	struct rows *rows = store_rows(s, "sqs");
	struct str v;
	bool more = false;
	memset(&task, 0, sizeof(task));
	if (!payload_parse(a, job->payload, &n) || !tx_get(t, rows, job->payload, &v) ||
		!row_decode(&sqs_move_task_row_shape, v, a, &task) || !task_active(&task))
		return;
	if (str_is(task.Status, "CANCELLING")) {
		task.Status = STR("CANCELLED");
	} else if (!sqs_queue_load(t, s, a, &n, &q)) {
		task.Status = STR("FAILED");
		task.Failure = STR("AWS.SimpleQueueService.NonExistentQueue");
	} else {
		q.now_ms = clock_now_ms();
		int max = task.Rate.set && task.Rate.v < STEP_MAX ? (int)task.Rate.v : STEP_MAX;
		task.Moved = OPT_I64(task.Moved.v + step(&q, s, &task, max, &more));
		sqs_arm(&q);
		sqs_counts_save(&q);
		if (!more && str_is(task.Status, "RUNNING"))
			task.Status = STR("COMPLETED");
		/* So many in a second, as asked for. */
		if (task_active(&task))
			task_add(t, MOVE_KIND, job->payload,
				q.now_ms + (task.Rate.set ? 1000 * max / task.Rate.v : 0));
	}
	task_save(t, rows, &n, &task);
}

static int
move_run(struct tx *t, const struct task *job, void *arg)
{
	struct arena a;
	arena_init(&a);
	task_step(t, arg, &a, job);
	arena_done(&a);
	return 0;
}

void
sqs_move_register(struct store *s)
{
	static struct task_kind kind = { .name = MOVE_KIND, .run = move_run };
	kind.arg = s;
	tasks_register(&kind);
}

/* ---- operations */

static int
source_open(
	struct call *c, struct str arn, const char *action, struct sqs_name *n, struct sqs_queue *q)
{
	if (!sqs_arn_parse(arn, n))
		return sqs_bad_value(c,
			"You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:"
			"<account-id>:<resource-id>");
	if (!sqs_queue_load(c->tx, c->store, c->arena, n, q) &&
		str_eq(n->account, c->who.account) &&
		sqs_allowed(c, n, STR_NULL, action, SQS_OWNER_ONLY) == CALL_OK)
		return call_fail(c, &SQS_ResourceNotFoundException,
			"The resource that you specified for the SourceArn parameter "
			"doesn't exist.");
	return sqs_open_name(c, n, action, SQS_OWNER_ONLY, q);
}

static bool
is_dead_letter_queue(struct call *c, struct sqs_queue *q, const struct sqs_name *n)
{
	struct key lo, hi;
	struct scan s;
	sqs_text_key(&lo, 'Y', n);
	scan_open(&s, c->tx, q->rows, key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	bool found = scan_next(&s);
	scan_done(&s);
	return found;
}

static int
start_check(struct call *c, const struct sqs_start_message_move_task_in *in, struct sqs_queue *q,
	const struct sqs_name *n)
{
	struct sqs_move_task_row last[1];
	struct sqs_name to;
	struct sqs_queue dest;
	const struct opt_i64 *rate = &in->MaxNumberOfMessagesPerSecond;
	if (rate->set && (rate->v < 1 || rate->v > RATE_MAX))
		return sqs_bad_value(c,
			"Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a value "
			"between 1 and 500.");
	if (!is_dead_letter_queue(c, q, n))
		return sqs_bad_value(c, "Source queue must be configured as a Dead Letter Queue.");
	if (in->DestinationArn.len) {
		if (!sqs_arn_parse(in->DestinationArn, &to) ||
			!sqs_queue_load(c->tx, c->store, c->arena, &to, &dest) ||
			!str_eq(to.account, n->account))
			return call_fail(c, &SQS_ResourceNotFoundException,
				"The resource that you specified for the DestinationArn "
				"parameter doesn't exist.");
		if (dest.row.Id.v == q->row.Id.v)
			return sqs_bad_value(c,
				"Source queue arn and destination queue arn cannot be the same.");
		if (dest.row.Fifo.v != q->row.Fifo.v)
			return sqs_bad_value(
				c, "Source and destination queues must be of the same type.");
	}
	if (tasks_load(c->tx, q->rows, c->arena, n, last, 1) && task_active(&last[0]))
		return call_fail(c, &SQS_UnsupportedOperation,
			"There is already a task running. Only one active task is allowed for "
			"a source queue arn at a given time.");
	return CALL_OK;
}

/* Names its queue, so that cancelling finds it. */
static struct str
handle_make(struct call *c, struct str source_arn)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_member_str(&w, "taskId", call_uuid(c));
	json_write_member_str(&w, "sourceArn", source_arn);
	json_write_object_end(&w);
	struct str handle = base64_text(c->arena, buf_str(&b));
	buf_done(&b);
	return handle;
}

int
sqs_start_message_move_task(struct call *c, const struct sqs_start_message_move_task_in *in,
	struct sqs_start_message_move_task_out *out)
{
	struct sqs_name n;
	struct sqs_queue q;
	struct key k;
	if (source_open(c, in->SourceArn, "sqs:StartMessageMoveTask", &n, &q) != CALL_OK ||
		start_check(c, in, &q, &n) != CALL_OK)
		return CALL_FAILED;
	struct sqs_move_task_row task = { .Handle = handle_make(c, in->SourceArn),
		.SourceArn = in->SourceArn,
		.DestinationArn = in->DestinationArn,
		.Rate = in->MaxNumberOfMessagesPerSecond,
		.Status = STR("RUNNING"),
		.Moved = OPT_I64(0),
		.ToMove = OPT_I64(
			(int64_t)(q.counts.messages - q.counts.in_flight - q.counts.delayed)),
		.Started = OPT_TIME(c->now_ms),
		.At = OPT_I64((int64_t)q.counts.first_seq) };
	task_save(c->tx, q.rows, &n, &task);
	task_add(c->tx, MOVE_KIND, task_key(&k, &n, &task), c->now_ms);
	out->TaskHandle = task.Handle;
	return CALL_OK;
}

int
sqs_list_message_move_tasks(struct call *c, const struct sqs_list_message_move_tasks_in *in,
	struct sqs_list_message_move_tasks_out *out)
{
	struct sqs_name n;
	struct sqs_queue q;
	struct sqs_move_task_row v[LIST_MAX];
	if (source_open(c, in->SourceArn, "sqs:ListMessageMoveTasks", &n, &q) != CALL_OK)
		return CALL_FAILED;
	if (in->MaxResults.set && (in->MaxResults.v < 1 || in->MaxResults.v > LIST_MAX))
		return sqs_bad_value(c,
			"Value %lld for parameter MaxResults is invalid. Reason: Must be between 1 and 10.",
			(long long)in->MaxResults.v);
	uint32_t found = tasks_load(c->tx, q.rows, c->arena, &n, v,
		in->MaxResults.set ? (uint32_t)in->MaxResults.v : 1);
	out->Results.v =
		arena_array(c->arena, struct sqs_list_message_move_tasks_result_entry, found);
	out->Results.n = found;
	out->Results.set = true;
	for (uint32_t i = 0; i < found; i++)
		out->Results.v[i] = (struct sqs_list_message_move_tasks_result_entry){
			.TaskHandle = str_is(v[i].Status, "RUNNING") ? v[i].Handle : STR_NULL,
			.Status = v[i].Status,
			.SourceArn = v[i].SourceArn,
			.DestinationArn = v[i].DestinationArn.len ? v[i].DestinationArn : STR_NULL,
			.MaxNumberOfMessagesPerSecond = v[i].Rate,
			.ApproximateNumberOfMessagesMoved = v[i].Moved,
			.ApproximateNumberOfMessagesToMove = v[i].ToMove,
			.FailureReason = v[i].Failure,
			.StartedTimestamp = OPT_I64(v[i].Started.ms)
		};
	return CALL_OK;
}

int
sqs_cancel_message_move_task(struct call *c, const struct sqs_cancel_message_move_task_in *in,
	struct sqs_cancel_message_move_task_out *out)
{
	struct sqs_name n;
	struct sqs_queue q;
	struct sqs_move_task_row v[LIST_MAX];
	struct str text = base64_bytes(c->arena, in->TaskHandle, BASE64_STRICT);
	struct json *j = text.len ? json_parse(c->arena, text, 0, NULL) : NULL;
	struct str arn = json_get_text(j, STR("sourceArn"));
	if (!arn.p)
		return sqs_bad_value(c, "Value for parameter TaskHandle is invalid.");
	if (source_open(c, arn, "sqs:CancelMessageMoveTask", &n, &q) != CALL_OK)
		return CALL_FAILED;
	uint32_t found = tasks_load(c->tx, q.rows, c->arena, &n, v, LIST_MAX);
	for (uint32_t i = 0; i < found; i++) {
		if (!str_eq(v[i].Handle, in->TaskHandle))
			continue;
		if (!str_is(v[i].Status, "RUNNING"))
			return call_fail(c, &SQS_UnsupportedOperation,
				"Only active tasks can be cancelled.");
		v[i].Status = STR("CANCELLING");
		task_save(c->tx, q.rows, &n, &v[i]);
		out->ApproximateNumberOfMessagesMoved = OPT_I64(v[i].Moved.v);
		return CALL_OK;
	}
	return call_fail(c, &SQS_ResourceNotFoundException, "Task does not exist.");
}
