/*
 * SSE-KMS of topics: what waits in a task is sealed under a data key that the publisher could ask
 * for. The worker that delivers has nobody's permissions, so it opens the data key as the topic's
 * account.
 */
#include "base/clock.h"
#include "base/ids.h"
#include "svc/kms/kms.h"
#include "svc/sns/internal.h"

#include <errno.h>

static struct map_str
context_of(struct arena *a, struct str topic_arn)
{
	struct map_str m = { arena_array(a, struct map_str_entry, 1), 1, true };
	m.v[0] = (struct map_str_entry){ STR("aws:sns:topicArn"), topic_arn };
	return m;
}

static int
kms_failed(struct call *c)
{
	struct str why = c->error_message;
	const struct api_error *to = c->decision			? &SNS_KMSAccessDenied
				     : c->error == &KMS_DisabledException ? &SNS_KMSDisabled
				     : c->error == &KMS_NotFoundException ? &SNS_KMSNotFound
									  : &SNS_KMSInvalidState;
	return call_fail(c, to, "%.*s", STR_FMT(why));
}

static int
key_new(struct call *c, const struct sns_topic_row *t, struct str id, struct str *ret_data_key)
{
	struct kms_data_key d;
	struct map_str context = context_of(c->arena, sns_topic_arn(c->arena, t));
	struct str region = c->region, account = c->account;
	c->region = t->Region;
	c->account = t->Account;
	if (str_is(id, "alias/aws/sns"))
		id = kms_managed_key(c, "sns", t->Account);
	int r = kms_data_key_new(c, id, &context, STR("sns"), NULL, &d);
	c->region = region;
	c->account = account;
	if (r != CALL_OK)
		return CALL_FAILED;
	explicit_bzero(d.plain, sizeof(d.plain));
	*ret_data_key = d.sealed;
	return CALL_OK;
}

int
sns_kms_key(struct call *c, const struct sns_topic_row *t, struct str *ret_data_key)
{
	struct str id = sns_map_get(&t->Attributes, STR("KmsMasterKeyId"));
	*ret_data_key = STR_NULL;
	return !id.len || key_new(c, t, id, ret_data_key) == CALL_OK ? CALL_OK : kms_failed(c);
}

int
sns_kms_key_for(struct tx *t, struct store *s, struct arena *a, const struct sns_topic_row *topic,
	const struct sns_event *e, struct str *ret_data_key)
{
	struct str id = sns_map_get(&topic->Attributes, STR("KmsMasterKeyId"));
	struct call owner = kms_owner_call(t, s, a, topic->Region, topic->Account, e->now_ms);
	struct kms_service who = { e->service, e->source_arn, e->source_account };
	*ret_data_key = STR_NULL;
	if (!id.len)
		return 0;
	if (kms_service_allowed(&owner, &who, id, STR("sns")))
		return -EACCES;
	return key_new(&owner, topic, id, ret_data_key) == CALL_OK ? 0 : -EACCES;
}

/* ---- at rest */

static bool
key_open(struct tx *t, struct store *s, struct arena *a, struct str topic_arn, struct str data_key,
	unsigned char ret[SEAL_KEY])
{
	struct sns_name n;
	struct kms_data_key d;
	if (!sns_name_parse(topic_arn, &n))
		return false;
	struct call owner = kms_owner_call(t, s, a, n.region, n.account, clock_now_ms());
	struct map_str context = context_of(a, topic_arn);
	if (kms_data_key_open(&owner, data_key, &context, STR("sns"), &d) != CALL_OK)
		return false;
	memcpy(ret, d.plain, SEAL_KEY);
	explicit_bzero(d.plain, sizeof(d.plain));
	return true;
}

static bool
text_seal(struct tx *t, struct store *s, struct arena *a, struct str topic_arn, struct str data_key,
	struct str plain, struct str *ret)
{
	unsigned char key[SEAL_KEY];
	if (!key_open(t, s, a, topic_arn, data_key, key))
		return false;
	char *box = arena_alloc_raw(a, SEAL_NONCE + plain.len + SEAL_TAG);
	random_bytes(box, SEAL_NONCE);
	seal(key, (unsigned char *)box, topic_arn, plain, (unsigned char *)box + SEAL_NONCE);
	explicit_bzero(key, sizeof(key));
	*ret = str_of(box, SEAL_NONCE + plain.len + SEAL_TAG);
	return true;
}

static bool
text_open(struct tx *t, struct store *s, struct arena *a, struct str topic_arn, struct str data_key,
	struct str sealed, struct str *ret)
{
	unsigned char key[SEAL_KEY];
	if (sealed.len < SEAL_NONCE + SEAL_TAG || !key_open(t, s, a, topic_arn, data_key, key))
		return false;
	struct str box = str_slice(sealed, SEAL_NONCE, sealed.len);
	char *plain = arena_alloc_raw(a, box.len);
	bool good = unseal(
		key, (const unsigned char *)sealed.p, topic_arn, box, (unsigned char *)plain);
	explicit_bzero(key, sizeof(key));
	*ret = str_of(plain, box.len - SEAL_TAG);
	return good;
}

bool
sns_message_pack(struct tx *t, struct store *s, struct arena *a, const struct sns_message_row *m,
	struct buf *out)
{
	row_encode(&sns_message_row_shape, m, out);
	if (!m->DataKey.p)
		return true;
	struct sns_message_row box = { .TopicArn = m->TopicArn, .DataKey = m->DataKey };
	if (!text_seal(t, s, a, m->TopicArn, m->DataKey, buf_str(out), &box.Sealed))
		return false;
	buf_clear(out);
	row_encode(&sns_message_row_shape, &box, out);
	return true;
}

bool
sns_message_unpack(struct tx *t, struct store *s, struct arena *a, struct sns_message_row *m)
{
	struct str plain;
	if (!m->Sealed.p)
		return true;
	struct sns_message_row box = *m;
	memset(m, 0, sizeof(*m));
	if (text_open(t, s, a, box.TopicArn, box.DataKey, box.Sealed, &plain) &&
		row_decode(&sns_message_row_shape, plain, a, m))
		return true;
	*m = box;
	return false;
}

bool
sns_delivery_pack(struct tx *t, struct store *s, struct arena *a, const struct sns_delivery_row *d,
	struct buf *out)
{
	struct sns_delivery_row box = *d;
	box.Sealed = STR_NULL;
	if (d->DataKey.p && !text_seal(t, s, a, d->TopicArn, d->DataKey, d->Body, &box.Sealed))
		return false;
	if (box.Sealed.p)
		box.Body = STR_NULL;
	row_encode(&sns_delivery_row_shape, &box, out);
	return true;
}

bool
sns_delivery_unpack(struct tx *t, struct store *s, struct arena *a, struct sns_delivery_row *d)
{
	return !d->Sealed.p || text_open(t, s, a, d->TopicArn, d->DataKey, d->Sealed, &d->Body);
}
