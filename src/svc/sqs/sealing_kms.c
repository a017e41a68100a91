/*
 * SSE-KMS of queues: a data key of KMS seals the bodies of as many messages as come in its reuse
 * period. Each message carries its data key as KMS sealed it, so it can be opened wherever it
 * moves; the encryption context is the ARN of the queue that it was sent to.
 */
#include "base/buf.h"
#include "base/ids.h"
#include "svc/kms/kms.h"
#include "svc/sqs/queue.h"
#include "svc/sqs/sqs.h"

#include <errno.h>

#define MANAGED "alias/aws/sqs"

static int
kms_failed(struct call *c)
{
	static const struct {
		const struct api_error *from, *to;
	} errors[] = {
		{ &KMS_DisabledException, &SQS_KmsDisabled },
		{ &KMS_NotFoundException, &SQS_KmsNotFound },
		{ &KMS_KMSInvalidStateException, &SQS_KmsInvalidState },
		{ &KMS_InvalidKeyUsageException, &SQS_KmsInvalidKeyUsage },
	};
	struct str why = c->error_message;
	const struct api_error *to = c->decision ? &SQS_KmsAccessDenied : NULL;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (c->error == errors[i].from)
			to = errors[i].to;
	return to ? call_fail(c, to, "%.*s", STR_FMT(why)) : CALL_FAILED;
}

static struct map_str
context_of(struct call *c, struct str queue_arn)
{
	struct map_str m = { arena_array(c->arena, struct map_str_entry, 1), 1, true };
	m.v[0] = (struct map_str_entry){ STR("aws:sqs:arn"), queue_arn };
	return m;
}

static struct str
current_key(struct sqs_queue *q, struct sqs_key *k)
{
	return sqs_key1(k, 'H', q->store);
}

/* The data key of the moment. The caller may use it only if it could have asked for it itself. */
static int
data_key_get(struct call *c, struct sqs_queue *q, const struct map_str *context,
	struct kms_data_key *ret)
{
	struct sqs_key k;
	struct sqs_data_key_row row;
	struct buf b = { 0 };
	struct str v;
	bool there = tx_get(q->tx, q->rows, current_key(q, &k), &v) &&
		     row_decode(&sqs_data_key_row_shape, v, q->arena, &row);
	if (there && str_eq(row.KeyId, q->row.KmsKey) &&
		row.Made.ms + q->row.KmsReuse.v * 1000 > q->now_ms)
		return kms_data_key_open(
			c, arena_dup(q->arena, row.Sealed), context, STR("sqs"), ret);
	struct str id = str_is(q->row.KmsKey, MANAGED) ? kms_managed_key(c, "sqs", c->account)
						       : q->row.KmsKey;
	if (kms_data_key_new(c, id, context, STR("sqs"), NULL, ret) != CALL_OK)
		return CALL_FAILED;
	row = (struct sqs_data_key_row){
		.KeyId = q->row.KmsKey, .Sealed = ret->sealed, .Made = OPT_TIME(q->now_ms)
	};
	row_encode(&sqs_data_key_row_shape, &row, &b);
	tx_put(q->tx, q->rows, current_key(q, &k), buf_str(&b));
	buf_done(&b);
	return CALL_OK;
}

int
sqs_kms_seal(struct call *c, struct sqs_queue *q, struct sqs_stored_message_row *row)
{
	struct kms_data_key d;
	struct str region = c->region, account = c->account;
	row->KeyContext = sqs_queue_arn(q);
	struct map_str context = context_of(c, row->KeyContext);
	/* Names of keys are those of the queue's owner. */
	c->region = q->region;
	c->account = q->account;
	int r = data_key_get(c, q, &context, &d);
	c->region = region;
	c->account = account;
	if (r != CALL_OK)
		return kms_failed(c);
	size_t len = SEAL_NONCE + row->Body.len + SEAL_TAG;
	char *box = arena_alloc_raw(q->arena, len);
	random_bytes(box, SEAL_NONCE);
	seal(d.plain, (unsigned char *)box, row->Id, row->Body, (unsigned char *)box + SEAL_NONCE);
	explicit_bzero(d.plain, sizeof(d.plain));
	row->Sealed = str_of(box, len);
	row->DataKey = d.sealed;
	row->Body = STR_NULL;
	return CALL_OK;
}

int
sqs_kms_open(struct call *c, struct sqs_queue *q, struct sqs_kms_opener *o,
	struct sqs_stored_message_row *row)
{
	struct kms_data_key d;
	if (!o->data_key.p || !str_eq(o->data_key, row->DataKey)) {
		struct map_str context = context_of(c, row->KeyContext);
		if (kms_data_key_open(c, row->DataKey, &context, STR("sqs"), &d) != CALL_OK)
			return kms_failed(c);
		o->data_key = arena_dup(q->arena, row->DataKey);
		memcpy(o->plain, d.plain, sizeof(o->plain));
	}
	if (row->Sealed.len < SEAL_NONCE + SEAL_TAG)
		return call_fail(c, &ERR_InternalFailure, "The message is damaged.");
	struct str box = str_slice(row->Sealed, SEAL_NONCE, row->Sealed.len);
	char *plain = arena_alloc_raw(q->arena, box.len);
	if (!unseal(o->plain, (const unsigned char *)row->Sealed.p, row->Id, box,
		    (unsigned char *)plain))
		return call_fail(c, &ERR_InternalFailure, "The message is damaged.");
	row->Body = str_of(plain, box.len - SEAL_TAG);
	return CALL_OK;
}

/* KMS is asked as the queue's owner, once the key's policy has let the service in. */
int
sqs_kms_seal_for(struct tx *t, struct store *s, struct sqs_queue *q, const struct sqs_delivery *d,
	struct sqs_stored_message_row *row)
{
	struct call owner = kms_owner_call(t, s, q->arena, q->region, q->account, d->now_ms);
	struct kms_service who = { d->service, d->source_arn, d->source_account };
	int r = kms_service_allowed(&owner, &who, q->row.KmsKey, STR("sqs"));
	return r ? r : sqs_kms_seal(&owner, q, row) == CALL_OK ? 0 : -EACCES;
}
