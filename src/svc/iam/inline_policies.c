#include "aws/policy.h"
#include "base/uri.h"
#include "svc/iam/iam.h"

size_t
iam_document_size(struct str document)
{
	size_t n = 0;
	for (size_t i = 0; i < document.len; i++)
		n += !(document.p[i] == ' ' || (document.p[i] >= '\t' && document.p[i] <= '\r'));
	return n;
}

int
iam_document_check(struct call *c, struct str document, int form)
{
	char why[POLICY_MESSAGE_MAX];
	struct policy *p = NULL;
	if (policy_parse(document, (enum policy_form)form, &p, why))
		return call_fail(c, &IAM_MalformedPolicyDocument, "%s", why);
	policy_unref(p);
	return CALL_OK;
}

struct str
iam_document_tell(struct call *c, struct str document)
{
	return document.p ? uri_encode(c->arena, document, 0) : STR_NULL;
}

static const struct {
	enum iam_kind kind;
	const char *word;
	uint32_t max;
} limits[] = { { IAM_USER, "user", 2048 }, { IAM_ROLE, "role", 10240 },
	{ IAM_GROUP, "group", 5120 } };

static unsigned
limit_of(enum iam_kind kind)
{
	return kind == IAM_USER ? 0 : kind == IAM_ROLE ? 1 : 2;
}

static int
find(const struct iam_entity_row *e, struct str policy)
{
	for (uint32_t i = 0; i < e->Inline.n; i++)
		if (str_eq(e->Inline.v[i].Name, policy))
			return (int)i;
	return -1;
}

static int
open_inline(struct call *c, enum iam_kind kind, struct str name, struct str policy,
	struct iam_entity_row *e, int *ret_at)
{
	if (iam_open(c, kind, name, e))
		return CALL_FAILED;
	*ret_at = find(e, policy);
	if (*ret_at >= 0)
		return CALL_OK;
	return call_fail(c, &IAM_NoSuchEntity, "The %s policy with name %.*s cannot be found.",
		limits[limit_of(kind)].word, STR_FMT(policy));
}

static int
changeable(struct call *c, enum iam_kind kind, const struct iam_entity_row *e)
{
	if (kind != IAM_ROLE || !e->LinkedService.len)
		return CALL_OK;
	return call_fail(c, &IAM_UnmodifiableEntity,
		"Cannot perform the operation on the protected role '%.*s' - this role is only "
		"modifiable by AWS",
		STR_FMT(e->Name));
}

static int
put(struct call *c, enum iam_kind kind, struct str name, struct str policy, struct str document)
{
	struct iam_entity_row e;
	size_t total = iam_document_size(document);
	if (iam_open(c, kind, name, &e) || changeable(c, kind, &e) ||
		iam_document_check(c, document, POLICY_INLINE))
		return CALL_FAILED;
	int at = find(&e, policy);
	for (uint32_t i = 0; i < e.Inline.n; i++)
		total += (int)i == at ? 0 : iam_document_size(e.Inline.v[i].Document);
	if (total > limits[limit_of(kind)].max)
		return call_fail(c, &IAM_LimitExceeded,
			"Maximum policy size of %u bytes exceeded for %s %.*s",
			limits[limit_of(kind)].max, limits[limit_of(kind)].word, STR_FMT(e.Name));
	struct iam_inline_policy *v =
		arena_array(c->arena, struct iam_inline_policy, e.Inline.n + 1);
	if (e.Inline.n)
		memcpy(v, e.Inline.v, sizeof(*v) * e.Inline.n);
	if (at < 0)
		at = (int)e.Inline.n++;
	v[at].Name = policy;
	v[at].Document = document;
	e.Inline.v = v;
	e.Inline.set = true;
	iam_save(c, kind, &e);
	return CALL_OK;
}

static int
drop(struct call *c, enum iam_kind kind, struct str name, struct str policy)
{
	struct iam_entity_row e;
	int at;
	if (open_inline(c, kind, name, policy, &e, &at) || changeable(c, kind, &e))
		return CALL_FAILED;
	memmove(e.Inline.v + at, e.Inline.v + at + 1,
		sizeof(*e.Inline.v) * (e.Inline.n - (uint32_t)at - 1));
	e.Inline.n--;
	iam_save(c, kind, &e);
	return CALL_OK;
}

static int
list(struct call *c, enum iam_kind kind, struct str name, struct str marker, struct opt_i64 max,
	struct list_str *to, struct opt_bool *ret_truncated, struct str *ret_marker)
{
	struct iam_entity_row e;
	uint32_t from, end;
	if (iam_open(c, kind, name, &e) ||
		iam_slice(c, e.Inline.n, marker, max, &from, &end, ret_truncated, ret_marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, *to, end - from);
	for (uint32_t i = from; i < end; i++)
		to->v[to->n++] = e.Inline.v[i].Name;
	return CALL_OK;
}

#define INLINE_OPERATIONS(noun, kind, member)                                                      \
	int iam_put_##noun##_policy(struct call *c, const struct iam_put_##noun##_policy_in *in,   \
		struct iam_put_##noun##_policy_out *out __attribute__((unused)))                   \
	{                                                                                          \
		return put(c, kind, in->member, in->PolicyName, in->PolicyDocument);               \
	}                                                                                          \
	int iam_delete_##noun##_policy(struct call *c,                                             \
		const struct iam_delete_##noun##_policy_in *in,                                    \
		struct iam_delete_##noun##_policy_out *out __attribute__((unused)))                \
	{                                                                                          \
		return drop(c, kind, in->member, in->PolicyName);                                  \
	}                                                                                          \
	int iam_get_##noun##_policy(struct call *c, const struct iam_get_##noun##_policy_in *in,   \
		struct iam_get_##noun##_policy_out *out)                                           \
	{                                                                                          \
		struct iam_entity_row e;                                                           \
		int at;                                                                            \
		if (open_inline(c, kind, in->member, in->PolicyName, &e, &at))                     \
			return CALL_FAILED;                                                        \
		out->member = e.Name;                                                              \
		out->PolicyName = e.Inline.v[at].Name;                                             \
		out->PolicyDocument = iam_document_tell(c, e.Inline.v[at].Document);               \
		return CALL_OK;                                                                    \
	}                                                                                          \
	int iam_list_##noun##_policies(struct call *c,                                             \
		const struct iam_list_##noun##_policies_in *in,                                    \
		struct iam_list_##noun##_policies_out *out)                                        \
	{                                                                                          \
		return list(c, kind, in->member, in->Marker, in->MaxItems, &out->PolicyNames,      \
			&out->IsTruncated, &out->Marker);                                          \
	}

INLINE_OPERATIONS(user, IAM_USER, UserName)
INLINE_OPERATIONS(role, IAM_ROLE, RoleName)
INLINE_OPERATIONS(group, IAM_GROUP, GroupName)
