/* Queues themselves: made, found, listed, deleted. */
#include "aws/due.h"
#include "base/buf.h"
#include "base/text.h"
#include "svc/sqs/queue.h"

#define NAME_RESTS_MS 60000
#define LIST_MAX 1000

static bool
asks_fifo(const struct map_str *attributes)
{
	for (uint32_t i = 0; i < attributes->n; i++)
		if (str_is(attributes->v[i].key, "FifoQueue") &&
			str_eq_nocase(attributes->v[i].value, STR("true")))
			return true;
	return false;
}

static int
name_check(struct call *c, struct str name, bool fifo)
{
	if (sqs_name_valid(name, fifo))
		return CALL_OK;
	return sqs_bad_value(c,
		fifo ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
		       "underscores, must end with .fifo suffix and be 1 to 80 in length."
		     : "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
}

/* CreateQueue again is fine as long as nothing that it says differs from what is there. */
static int
same_or_fail(struct call *c, struct sqs_queue *q, const struct map_str *attributes)
{
	struct sqs_queue asked = *q;
	if (sqs_attributes_apply(c, &asked, attributes, true) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < attributes->n; i++) {
		struct str name = attributes->v[i].key;
		if (!str_eq(sqs_attribute_text(q, name), sqs_attribute_text(&asked, name)))
			return call_fail(c, &SQS_QueueNameExists,
				"A queue already exists with the same name and a different value for attribute %.*s",
				STR_FMT(name));
	}
	return CALL_OK;
}

static int
rests_check(struct call *c, const struct sqs_name *n, struct rows *rows)
{
	struct key k;
	struct str v;
	sqs_text_key(&k, 'X', n);
	if (!tx_get(c->tx, rows, key_str(&k), &v))
		return CALL_OK;
	if ((int64_t)sqs_key_u64(v, 0) + NAME_RESTS_MS > c->now_ms)
		return call_fail(c, &SQS_QueueDeletedRecently,
			"You must wait 60 seconds after deleting a queue before you can create another with the same name.");
	tx_delete(c->tx, rows, key_str(&k));
	return CALL_OK;
}

static void
tags_copy(struct call *c, const struct map_str *in, struct sqs_queue_row *row)
{
	row->Tags.v = arena_array(c->arena, struct sqs_stored_tag, in->n);
	row->Tags.n = in->n;
	row->Tags.set = in->n > 0;
	for (uint32_t i = 0; i < in->n; i++) {
		row->Tags.v[i].Key = in->v[i].key;
		row->Tags.v[i].Value = in->v[i].value;
	}
}

static int
queue_make(struct call *c, const struct sqs_create_queue_in *in, const struct sqs_name *n,
	bool fifo, struct sqs_queue *q)
{
	if (rests_check(c, n, q->rows) != CALL_OK)
		return CALL_FAILED;
	q->row.Name = n->name;
	sqs_attributes_default(c, q, fifo);
	if (sqs_attributes_apply(c, q, &in->Attributes, true) != CALL_OK)
		return CALL_FAILED;
	q->row.Id = OPT_I64((int64_t)sqs_new_store());
	q->row.Store = OPT_I64((int64_t)sqs_new_store());
	q->row.Created = q->row.Modified = OPT_TIME(c->now_ms);
	tags_copy(c, &in->tags, &q->row);
	sqs_redrive_index(q, STR_NULL, q->row.DeadLetterArn);
	sqs_queue_save(q);
	return CALL_OK;
}

int
sqs_create_queue(
	struct call *c, const struct sqs_create_queue_in *in, struct sqs_create_queue_out *out)
{
	struct sqs_name n = { c->region, c->account, in->QueueName };
	struct sqs_queue q;
	bool fifo = asks_fifo(&in->Attributes);
	if (sqs_allowed(c, &n, STR_NULL, "sqs:CreateQueue", SQS_OWNER_ONLY) != CALL_OK)
		return CALL_FAILED;
	if (in->tags.n && sqs_allowed(c, &n, STR_NULL, "sqs:TagQueue", SQS_OWNER_ONLY) != CALL_OK)
		return CALL_FAILED;
	if (name_check(c, in->QueueName, fifo) != CALL_OK)
		return CALL_FAILED;
	if (in->tags.n > 50)
		return sqs_bad_value(c, "Too many tags added for queue %.*s.", STR_FMT(n.name));
	bool there = sqs_queue_load(c->tx, c->store, c->arena, &n, &q);
	q.now_ms = c->now_ms;
	int r = there ? same_or_fail(c, &q, &in->Attributes) : queue_make(c, in, &n, fifo, &q);
	out->QueueUrl = sqs_url(c, &n);
	return r;
}

int
sqs_get_queue_url(
	struct call *c, const struct sqs_get_queue_url_in *in, struct sqs_get_queue_url_out *out)
{
	struct str owner = in->QueueOwnerAWSAccountId.len ? in->QueueOwnerAWSAccountId : c->account;
	struct sqs_name n = { c->region, owner, in->QueueName };
	struct sqs_queue q;
	if (sqs_open_name(c, &n, "sqs:GetQueueUrl", 0, &q) != CALL_OK)
		return CALL_FAILED;
	out->QueueUrl = sqs_url(c, &n);
	return CALL_OK;
}

static int
list_limit(struct call *c, const struct opt_i64 *max, uint32_t *ret)
{
	if (max->set && (max->v < 1 || max->v > LIST_MAX))
		return sqs_bad_value(c,
			"Value for parameter MaxResults is invalid. "
			"Reason: MaxResults must be an integer between 1 and 1000.");
	*ret = max->set ? (uint32_t)max->v : LIST_MAX;
	return CALL_OK;
}

/* Names in order, from behind the token on; the page's last name is the next token. */
static int
list_names(struct call *c, const struct key *prefix, size_t skip, struct str token, uint32_t limit,
	struct list_str *out, struct str *ret_token, bool paged)
{
	struct rows *rows = store_rows(c->store, "sqs");
	struct key lo = *prefix, hi;
	struct scan s;
	if (token.p) {
		struct str name = base64_bytes(c->arena, token, BASE64_STRICT);
		if (!name.len || name.len > 256)
			return sqs_bad_value(c, "Invalid or expired next token.");
		lo.len = (uint32_t)skip;
		key_add(&lo, name);
		key_add_raw(&lo, str_of("", 1));
	}
	out->v = arena_array(c->arena, struct str, limit);
	scan_open(&s, c->tx, rows, key_str(&lo), key_after_prefix(&hi, key_str(prefix)), false);
	while (scan_next(&s)) {
		struct str rest = str_slice(s.key, skip, s.key.len), name;
		char text[256];
		if (!key_take(&rest, text, sizeof(text), &name))
			continue;
		if (out->n == limit) {
			if (paged)
				*ret_token = base64_text(c->arena, out->v[out->n - 1]);
			break;
		}
		out->v[out->n++] = arena_dup(c->arena, name);
	}
	scan_done(&s);
	return CALL_OK;
}

static void
names_to_urls(struct call *c, struct list_str *list, struct str region, struct str account)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct sqs_name n = { region, account, list->v[i] };
		list->v[i] = sqs_url(c, &n);
	}
}

int
sqs_list_queues(
	struct call *c, const struct sqs_list_queues_in *in, struct sqs_list_queues_out *out)
{
	struct sqs_name all = { c->region, c->account, STR("*") };
	struct key k;
	uint32_t limit;
	if (sqs_allowed(c, &all, STR_NULL, "sqs:ListQueues", SQS_OWNER_ONLY) != CALL_OK ||
		list_limit(c, &in->MaxResults, &limit) != CALL_OK)
		return CALL_FAILED;
	key_begin(&k);
	key_add_raw(&k, STR("N"));
	key_add(&k, c->region);
	key_add(&k, c->account);
	size_t skip = k.len;
	if (in->QueueNamePrefix.len > 80)
		return CALL_OK;
	key_add_raw(&k, in->QueueNamePrefix);
	if (list_names(c, &k, skip, in->NextToken, limit, &out->QueueUrls, &out->NextToken,
		    in->MaxResults.set) != CALL_OK)
		return CALL_FAILED;
	names_to_urls(c, &out->QueueUrls, c->region, c->account);
	out->QueueUrls.set = out->QueueUrls.n > 0;
	return CALL_OK;
}

int
sqs_list_dead_letter_source_queues(struct call *c,
	const struct sqs_list_dead_letter_source_queues_in *in,
	struct sqs_list_dead_letter_source_queues_out *out)
{
	struct sqs_queue q;
	struct key k;
	uint32_t limit;
	if (sqs_open(c, in->QueueUrl, "sqs:ListDeadLetterSourceQueues", 0, &q) != CALL_OK ||
		list_limit(c, &in->MaxResults, &limit) != CALL_OK)
		return CALL_FAILED;
	struct sqs_name n = sqs_queue_name(&q);
	sqs_text_key(&k, 'Y', &n);
	if (list_names(c, &k, k.len, in->NextToken, limit, &out->queueUrls, &out->NextToken,
		    in->MaxResults.set) != CALL_OK)
		return CALL_FAILED;
	names_to_urls(c, &out->queueUrls, q.region, q.account);
	out->queueUrls.set = true;
	return CALL_OK;
}

int
sqs_delete_queue(
	struct call *c, const struct sqs_delete_queue_in *in, struct sqs_delete_queue_out *out)
{
	struct sqs_queue q;
	struct key k;
	uint8_t now[8];
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:DeleteQueue", SQS_OWNER_ONLY, &q) != CALL_OK)
		return CALL_FAILED;
	struct sqs_name n = sqs_queue_name(&q);
	sqs_redrive_index(&q, q.row.DeadLetterArn, STR_NULL);
	sqs_text_key(&k, 'N', &n);
	tx_delete(c->tx, q.rows, key_str(&k));
	sqs_text_key(&k, 'X', &n);
	for (int i = 0; i < 8; i++)
		now[i] = (uint8_t)((uint64_t)c->now_ms >> (56 - 8 * i));
	tx_put(c->tx, q.rows, key_str(&k), str_of(now, 8));
	due_add(c->tx, STR("sqs.name"), key_str(&k), c->now_ms + NAME_RESTS_MS, STR(""));
	sqs_sweep(c->tx, q.store);
	tx_touch(c->tx, sqs_wait_key(&q));
	return CALL_OK;
}
