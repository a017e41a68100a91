#include "aws/errors.h"
#include "svc/iam/iam.h"

int
iam_tags_check(struct call *c, const struct iam_tag_list *tags)
{
	for (uint32_t i = 0; i < tags->n; i++) {
		if (tags->v[i].Key.len >= 4 &&
			str_eq_nocase(str_slice(tags->v[i].Key, 0, 4), STR("aws:")))
			return call_fail(c, &IAM_InvalidInput,
				"System tags cannot be added, changed or removed by users.");
		for (uint32_t k = 0; k < i; k++)
			if (str_eq_nocase(tags->v[i].Key, tags->v[k].Key))
				return call_fail(c, &IAM_InvalidInput,
					"Duplicate tag keys found. Please note that Tag keys are "
					"case insensitive.");
	}
	return CALL_OK;
}

static int
tag_index(const struct iam_entity_row *e, struct str key)
{
	for (uint32_t i = 0; i < e->Tags.n; i++)
		if (str_eq_nocase(e->Tags.v[i].Key, key))
			return (int)i;
	return -1;
}

int
iam_tags_add(struct call *c, struct iam_entity_row *e, const struct iam_tag_list *tags)
{
	struct iam_tag *v = arena_array(c->arena, struct iam_tag, e->Tags.n + tags->n + 1);
	if (iam_tags_check(c, tags))
		return CALL_FAILED;
	if (e->Tags.n)
		memcpy(v, e->Tags.v, sizeof(*v) * e->Tags.n);
	e->Tags.v = v;
	e->Tags.set = true;
	for (uint32_t i = 0; i < tags->n; i++) {
		int at = tag_index(e, tags->v[i].Key);
		v[at >= 0 ? (uint32_t)at : e->Tags.n++] = tags->v[i];
	}
	if (e->Tags.n > IAM_TAGS_MAX)
		return call_fail(
			c, &IAM_LimitExceeded, "The number of tags has reached the maximum limit.");
	return CALL_OK;
}

void
iam_tags_remove(struct call *c __attribute__((unused)), struct iam_entity_row *e,
	const struct list_str *keys)
{
	for (uint32_t i = 0; i < keys->n; i++) {
		int at = tag_index(e, keys->v[i]);
		if (at < 0)
			continue;
		memmove(e->Tags.v + at, e->Tags.v + at + 1,
			sizeof(*e->Tags.v) * (e->Tags.n - (uint32_t)at - 1));
		e->Tags.n--;
	}
}

/* The three operations of each noun differ in names alone. */
#define TAG_OPERATIONS(noun, kind, member)                                                         \
	int iam_tag_##noun(struct call *c, const struct iam_tag_##noun##_in *in,                   \
		struct iam_tag_##noun##_out *out __attribute__((unused)))                          \
	{                                                                                          \
		struct iam_entity_row e;                                                           \
		if (iam_open(c, kind, in->member, &e) || iam_tags_add(c, &e, &in->Tags))           \
			return CALL_FAILED;                                                        \
		iam_save(c, kind, &e);                                                             \
		return CALL_OK;                                                                    \
	}                                                                                          \
	int iam_untag_##noun(struct call *c, const struct iam_untag_##noun##_in *in,               \
		struct iam_untag_##noun##_out *out __attribute__((unused)))                        \
	{                                                                                          \
		struct iam_entity_row e;                                                           \
		if (iam_open(c, kind, in->member, &e))                                             \
			return CALL_FAILED;                                                        \
		iam_tags_remove(c, &e, &in->TagKeys);                                              \
		iam_save(c, kind, &e);                                                             \
		return CALL_OK;                                                                    \
	}
#define LIST_TAGS_OPERATION(noun, kind, member)                                                    \
	int iam_list_##noun##_tags(struct call *c, const struct iam_list_##noun##_tags_in *in,     \
		struct iam_list_##noun##_tags_out *out)                                            \
	{                                                                                          \
		struct iam_entity_row e;                                                           \
		uint32_t from, to;                                                                 \
		if (iam_open(c, kind, in->member, &e) ||                                           \
			iam_slice(c, e.Tags.n, in->Marker, in->MaxItems, &from, &to,               \
				&out->IsTruncated, &out->Marker))                                  \
			return CALL_FAILED;                                                        \
		out->Tags.set = true;                                                              \
		out->Tags.v = e.Tags.v + from;                                                     \
		out->Tags.n = to - from;                                                           \
		return CALL_OK;                                                                    \
	}

TAG_OPERATIONS(user, IAM_USER, UserName)
LIST_TAGS_OPERATION(user, IAM_USER, UserName)
TAG_OPERATIONS(role, IAM_ROLE, RoleName)
LIST_TAGS_OPERATION(role, IAM_ROLE, RoleName)
TAG_OPERATIONS(instance_profile, IAM_PROFILE, InstanceProfileName)
LIST_TAGS_OPERATION(instance_profile, IAM_PROFILE, InstanceProfileName)
TAG_OPERATIONS(server_certificate, IAM_CERTIFICATE, ServerCertificateName)
LIST_TAGS_OPERATION(server_certificate, IAM_CERTIFICATE, ServerCertificateName)
