#include "aws/due.h"
#include "aws/errors.h"
#include "base/buf.h"
#include "base/ids.h"
#include "base/text.h"
#include "svc/iam/iam.h"
#include "svc/sts/sts.h"

#include <errno.h>

#define KIND_EXPIRE "sts.session"
#define KEEP_MS (INT64_C(86400) * 1000)

static void
key_session(struct key *k, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("S"));
	key_add_raw(k, id);
}

static struct session *
session_of(struct arena *a, const struct sts_session_row *row)
{
	struct session *s = arena_new(a, struct session);
	struct session_tag *tags = arena_array(a, struct session_tag, row->Tags.n + 1);
	for (uint32_t i = 0; i < row->Tags.n; i++)
		tags[i] = (struct session_tag){ row->Tags.v[i].Key, row->Tags.v[i].Value,
			row->Tags.v[i].Transitive.v };
	*s = (struct session){ .token = row->Token,
		.issued_ms = row->Issued.ms,
		.expires_ms = row->Expires.ms,
		.role_arn = row->RoleArn,
		.role_id = row->RoleId,
		.session_name = row->SessionName,
		.source_identity = row->SourceIdentity,
		.provider = row->Provider,
		.provider_subject = row->Subject,
		.mfa = row->Mfa.v,
		.mfa_ms = row->MfaAt.ms,
		.tags = tags,
		.tags_n = row->Tags.n,
		.has_policies = row->HasPolicies.v,
		.user_arn = row->UserArn,
		.user_name = row->UserName,
		.policy_text = row->Policy,
		.policy_arns = row->PolicyArns };
	return s;
}

/* The call outlives the transaction in which it was authenticated. */
static struct str
keep(struct arena *a, struct str s)
{
	return s.p ? arena_dup(a, s) : STR("");
}

static void
session_keep(struct arena *a, struct session *s)
{
	struct str *v[] = { &s->token, &s->role_arn, &s->role_id, &s->session_name,
		&s->source_identity, &s->provider, &s->provider_subject, &s->user_arn,
		&s->user_name, &s->policy_text };
	for (unsigned i = 0; i < sizeof(v) / sizeof(*v); i++)
		*v[i] = keep(a, *v[i]);
	struct session_tag *tags = (struct session_tag *)(uintptr_t)s->tags;
	for (unsigned i = 0; i < s->tags_n; i++) {
		tags[i].key = keep(a, tags[i].key);
		tags[i].value = keep(a, tags[i].value);
	}
	for (uint32_t i = 0; i < s->policy_arns.n; i++)
		s->policy_arns.v[i] = keep(a, s->policy_arns.v[i]);
}

int
sts_credential_find(void *arg __attribute__((unused)), struct tx *tx, struct arena *a,
	struct str access_key, struct credential *ret)
{
	struct sts_session_row row;
	struct key k;
	struct str value;
	if (!str_starts(access_key, STR("ASIA")) || access_key.len > 128 || !tx)
		return -ENOENT;
	key_session(&k, access_key);
	if (!tx_get(tx, store_rows(tx_store(tx), "sts"), key_str(&k), &value) ||
		!row_decode(&sts_session_row_shape, value, a, &row))
		return -ENOENT;
	struct session *s = session_of(a, &row);
	session_keep(a, s);
	*ret = (struct credential){ .kind = (enum credential_kind)row.Kind.v,
		.status = CREDENTIAL_ACTIVE,
		.access_key = access_key,
		.secret = row.Secret,
		.account = row.Account,
		.arn = row.Arn,
		.user_id = row.UserId,
		.name = row.Name,
		.session = s };
	return 0;
}

static void
session_save(struct call *c, struct str id, const struct sts_session_row *row)
{
	struct buf value = { 0 };
	struct key k;
	key_session(&k, id);
	row_encode(&sts_session_row_shape, row, &value);
	tx_put(c->tx, store_rows(c->store, "sts"), key_str(&k), buf_str(&value));
	buf_done(&value);
	due_add(c->tx, STR(KIND_EXPIRE), id, row->Expires.ms + KEEP_MS, STR(""));
}

static int
expire(struct tx *t, struct str id, int64_t due_ms __attribute__((unused)),
	struct str payload __attribute__((unused)), void *arg __attribute__((unused)))
{
	struct key k;
	key_session(&k, id);
	tx_delete(t, store_rows(tx_store(t), "sts"), key_str(&k));
	return 0;
}

void
sts_sessions_register(void)
{
	due_handle(KIND_EXPIRE, expire, NULL);
}

struct sts_credentials *
sts_session_start(struct call *c, struct sts_session_row *s, int64_t duration_s)
{
	struct str id = iam_id_new(c, "ASIA", s->Account, 16);
	unsigned char token[192];
	s->Secret = iam_secret_new(c);
	call_random(c, token, sizeof(token));
	s->Token = base64_text(c->arena, str_of(token, sizeof(token)));
	s->Issued = OPT_TIME(c->now_ms);
	s->Expires = OPT_TIME((c->now_ms / 1000 + duration_s) * 1000);
	session_save(c, id, s);
	struct sts_credentials *out = arena_new(c->arena, struct sts_credentials);
	*out = (struct sts_credentials){ .AccessKeyId = id,
		.SecretAccessKey = s->Secret,
		.SessionToken = s->Token,
		.Expiration = s->Expires };
	return out;
}

int
sts_signed(struct call *c)
{
	return c->who.anonymous ? call_fail(c, &ERR_MissingAuthenticationToken, NULL) : CALL_OK;
}

int
sts_policies_take(struct call *c, struct str policy,
	const struct sts_policy_descriptor_type_list *arns, struct sts_session_row *s,
	struct opt_i64 *ret_packed)
{
	struct policy *p = NULL;
	char why[POLICY_MESSAGE_MAX];
	size_t size = iam_document_size(policy);
	if (policy.p && policy_parse(policy, POLICY_INLINE, &p, why))
		return call_fail(c, &STS_MalformedPolicyDocument, "%s", why);
	policy_unref(p);
	if (arns->n > 10)
		return call_fail(c, &ERR_ValidationException,
			"Cannot pass more than 10 managed session policies to the session.");
	for (uint32_t i = 0; i < arns->n; i++) {
		struct iam_entity_row e;
		if (!iam_policy_get(c->tx, c->arena, s->Account, arns->v[i].arn, &e))
			return call_fail(c, &STS_MalformedPolicyDocument,
				"The policy %.*s cannot be found.", STR_FMT(arns->v[i].arn));
		iam_list_add(c->arena, &s->PolicyArns, arns->v[i].arn);
		size += arns->v[i].arn.len;
	}
	for (uint32_t i = 0; i < s->Tags.n; i++)
		size += s->Tags.v[i].Key.len + s->Tags.v[i].Value.len;
	if (size > STS_POLICY_MAX)
		return call_fail(c, &STS_PackedPolicyTooLarge,
			"Packed size of session tags and policies consumes %zu%% of allotted "
			"space.",
			size * 100 / STS_POLICY_MAX);
	s->Policy = policy;
	s->HasPolicies = OPT_BOOL(policy.p || arns->n);
	if (policy.p || arns->n || s->Tags.n)
		*ret_packed = OPT_I64((int64_t)(size * 100 / STS_POLICY_MAX));
	return CALL_OK;
}

/* Those that a chain passed on come first and stay as they are. */
int
sts_tags_take(struct call *c, const struct sts_tag_list *tags, const struct list_str *transitive,
	struct sts_session_row *s)
{
	const struct session *from = c->who.session;
	unsigned old = from ? from->tags_n : 0;
	s->Tags.v = arena_array(c->arena, struct sts_session_tag, old + tags->n + 1);
	s->Tags.set = true;
	for (unsigned i = 0; i < old; i++)
		if (from->tags[i].transitive)
			s->Tags.v[s->Tags.n++] = (struct sts_session_tag){ .Key = from->tags[i].key,
				.Value = from->tags[i].value,
				.Transitive = OPT_BOOL(true) };
	uint32_t passed = s->Tags.n;
	for (uint32_t i = 0; i < tags->n; i++) {
		bool goes_on = false;
		for (uint32_t k = 0; k < s->Tags.n; k++)
			if (str_eq_nocase(s->Tags.v[k].Key, tags->v[i].Key))
				return call_fail(c, &ERR_InvalidParameterValue,
					k < passed ? "One of the specified transitive tag keys "
						     "can't be set because it "
						     "conflicts with a transitive tag key from the "
						     "calling session."
						   : "Duplicate tag keys found. Please note that "
						     "Tag keys are case "
						     "insensitive.");
		for (uint32_t k = 0; k < transitive->n; k++)
			goes_on |= str_eq_nocase(transitive->v[k], tags->v[i].Key);
		s->Tags.v[s->Tags.n++] = (struct sts_session_tag){ .Key = tags->v[i].Key,
			.Value = tags->v[i].Value,
			.Transitive = OPT_BOOL(goes_on) };
	}
	return CALL_OK;
}
