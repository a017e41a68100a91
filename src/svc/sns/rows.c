#include "aws/arn.h"
#include "base/ids.h"
#include "svc/sns/internal.h"

#include <stdlib.h>

bool
sns_name_parse(struct str arn, struct sns_name *ret)
{
	struct arn a;
	if (!arn_parse(arn, &a) || !str_is(a.service, "sns") || !account_id_valid(a.account) ||
		!a.region.len)
		return false;
	struct str rest = a.resource;
	*ret = (struct sns_name){ .region = a.region,
		.account = a.account,
		.topic = str_cut(&rest, ':'),
		.id = rest.p ? rest : STR("") };
	return ret->topic.len > 0 && ret->topic.len <= SNS_NAME_MAX + 5 && ret->id.len <= 64;
}

struct str
sns_topic_arn(struct arena *a, const struct sns_topic_row *t)
{
	return arn_format(a, "sns", t->Region, t->Account, t->Name);
}

struct str
sns_subscription_arn(struct arena *a, const struct sns_subscription_row *s)
{
	return arena_printf(a, "%.*s:%.*s", STR_FMT(s->TopicArn), STR_FMT(s->Id));
}

struct rows *
sns_rows(struct store *s)
{
	return store_rows(s, "sns");
}

/* --- keys: a letter for the kind of row first --- */

static void
key_kind(struct key *k, char kind, struct str account, struct str region)
{
	key_begin(k);
	key_add_raw(k, str_of(&kind, 1));
	key_add(k, account);
	key_add(k, region);
}

void
sns_key_topics(struct key *k, struct str account, struct str region)
{
	key_kind(k, 'T', account, region);
}

void
sns_key_topic(struct key *k, struct str account, struct str region, struct str name)
{
	key_kind(k, 'T', account, region);
	key_add(k, name);
}

void
sns_key_space(struct key *k, char space, const struct sns_name *n)
{
	key_kind(k, space, n->account, n->region);
	key_add(k, n->topic);
}

void
sns_key_subscriptions(struct key *k, const struct sns_name *n)
{
	sns_key_space(k, 'S', n);
}

void
sns_key_subscription(struct key *k, const struct sns_name *n)
{
	sns_key_space(k, 'S', n);
	key_add(k, n->id);
}

void
sns_key_owned(struct key *k, struct str owner, struct str region, struct str arn)
{
	key_kind(k, 'O', owner, region);
	if (arn.len)
		key_add(k, arn);
}

void
sns_key_endpoint(struct key *k, const struct sns_name *n, struct str protocol, struct str endpoint)
{
	sns_key_space(k, 'E', n);
	key_add(k, protocol);
	key_add(k, endpoint);
}

void
sns_key_token(struct key *k, struct str token)
{
	key_begin(k);
	key_add_raw(k, STR("K"));
	key_add(k, token);
}

/* --- rows --- */

void
sns_row_put(struct tx *t, struct store *s, const struct key *k, const struct shape *shape,
	const void *row)
{
	struct buf b = { 0 };
	row_encode(shape, row, &b);
	tx_put(t, sns_rows(s), key_str(k), buf_str(&b));
	buf_done(&b);
}

bool
sns_row_get(struct tx *t, struct store *s, struct arena *a, const struct key *k,
	const struct shape *shape, void *ret_row)
{
	struct str value;
	return key_str(k).p && tx_get(t, sns_rows(s), key_str(k), &value) &&
	       row_decode(shape, value, a, ret_row);
}

bool
sns_topic_get(struct tx *t, struct store *s, struct arena *a, const struct sns_name *n,
	struct sns_topic_row *ret)
{
	struct key k;
	memset(ret, 0, sizeof(*ret));
	sns_key_topic(&k, n->account, n->region, n->topic);
	return sns_row_get(t, s, a, &k, &sns_topic_row_shape, ret);
}

void
sns_topic_put(struct tx *t, struct store *s, struct sns_topic_row *row)
{
	struct key k;
	/* Not counted: a change that is undone must not share its number with a later one. */
	row->Generation = OPT_I64((int64_t)(random_u64() >> 2));
	sns_key_topic(&k, row->Account, row->Region, row->Name);
	sns_row_put(t, s, &k, &sns_topic_row_shape, row);
}

bool
sns_subscription_get(struct tx *t, struct store *s, struct arena *a, const struct sns_name *n,
	struct sns_subscription_row *ret)
{
	struct key k;
	memset(ret, 0, sizeof(*ret));
	if (!n->id.len)
		return false;
	sns_key_subscription(&k, n);
	return sns_row_get(t, s, a, &k, &sns_subscription_row_shape, ret);
}

static struct sns_name
name_of(struct arena *a, const struct sns_subscription_row *row, struct str *ret_arn)
{
	struct sns_name n = { .id = STR("") };
	*ret_arn = sns_subscription_arn(a, row);
	sns_name_parse(*ret_arn, &n);
	return n;
}

void
sns_subscription_put(
	struct tx *t, struct store *s, struct arena *a, const struct sns_subscription_row *row)
{
	struct key k;
	struct str arn;
	struct sns_name n = name_of(a, row, &arn);
	sns_key_subscription(&k, &n);
	sns_row_put(t, s, &k, &sns_subscription_row_shape, row);
	sns_key_owned(&k, row->Owner, n.region, arn);
	tx_put(t, sns_rows(s), key_str(&k), STR(""));
	sns_key_endpoint(&k, &n, row->Protocol, row->Endpoint);
	tx_put(t, sns_rows(s), key_str(&k), row->Id);
}

void
sns_subscription_delete(
	struct tx *t, struct store *s, struct arena *a, const struct sns_subscription_row *row)
{
	struct key k;
	struct str arn;
	struct sns_name n = name_of(a, row, &arn);
	sns_key_subscription(&k, &n);
	tx_delete(t, sns_rows(s), key_str(&k));
	sns_key_owned(&k, row->Owner, n.region, arn);
	tx_delete(t, sns_rows(s), key_str(&k));
	sns_key_endpoint(&k, &n, row->Protocol, row->Endpoint);
	tx_delete(t, sns_rows(s), key_str(&k));
	if (row->Token.len) {
		sns_key_token(&k, row->Token);
		tx_delete(t, sns_rows(s), key_str(&k));
	}
}

void
sns_delete_space(struct tx *t, struct store *s, struct str prefix)
{
	struct key hi;
	struct scan c;
	struct arena a;
	arena_init(&a);
	scan_open(&c, t, sns_rows(s), prefix, key_after_prefix(&hi, prefix), false);
	while (scan_next(&c))
		tx_delete(t, sns_rows(s), arena_dup(&a, c.key));
	scan_done(&c);
	arena_done(&a);
}

/* --- maps --- */

struct str
sns_map_get(const struct map_str *m, struct str key)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (str_eq(m->v[i].key, key))
			return m->v[i].value;
	return STR_NULL;
}

void
sns_map_set(struct arena *a, struct map_str *m, struct str key, struct str value)
{
	struct map_str_entry *v = arena_array(a, struct map_str_entry, m->n + 1);
	uint32_t n = 0;
	for (uint32_t i = 0; i < m->n; i++)
		if (!str_eq(m->v[i].key, key))
			v[n++] = m->v[i];
	if (value.p)
		v[n++] = (struct map_str_entry){ key, value };
	*m = (struct map_str){ v, n, true };
}
