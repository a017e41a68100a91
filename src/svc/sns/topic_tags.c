/* Tags of topics. */
#include "svc/sns/internal.h"

int
sns_tags_check(struct call *c, const struct sns_tag_list *tags)
{
	if (tags->n > SNS_TAGS_MAX)
		return call_fail(c, &SNS_TagLimitExceeded,
			"Could not complete request: tag quota of per resource exceeded");
	for (uint32_t i = 0; i < tags->n; i++) {
		if (str_starts(tags->v[i].Key, STR("aws:")))
			return sns_invalid(c, "Tags Reason: aws: prefixed tag key names are not "
					      "allowed for external use");
		for (uint32_t k = 0; k < i; k++)
			if (str_eq(tags->v[i].Key, tags->v[k].Key))
				return sns_invalid(c, "Duplicated keys are not allowed.");
	}
	return CALL_OK;
}

static int
open_tagged(struct call *c, struct str arn, const char *action, struct sns_topic_row *t)
{
	int r = sns_topic_open(c, arn, action, t);
	return r && c->error == &SNS_NotFound
		       ? call_fail(c, &SNS_ResourceNotFound, "Resource does not exist")
		       : r;
}

int
sns_list_tags_for_resource(struct call *c, const struct sns_list_tags_for_resource_in *in,
	struct sns_list_tags_for_resource_out *out)
{
	struct sns_topic_row t;
	if (open_tagged(c, in->ResourceArn, "SNS:ListTagsForResource", &t))
		return CALL_FAILED;
	out->Tags = t.Tags;
	out->Tags.set = true;
	return CALL_OK;
}

int
sns_tag_resource(struct call *c, const struct sns_tag_resource_in *in,
	struct sns_tag_resource_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	struct sns_tag_list all = { .set = true };
	if (open_tagged(c, in->ResourceArn, "SNS:TagResource", &t) || sns_tags_check(c, &in->Tags))
		return CALL_FAILED;
	all.v = arena_array(c->arena, struct sns_tag, t.Tags.n + in->Tags.n);
	for (uint32_t i = 0; i < t.Tags.n; i++) {
		bool replaced = false;
		for (uint32_t k = 0; k < in->Tags.n && !replaced; k++)
			replaced = str_eq(in->Tags.v[k].Key, t.Tags.v[i].Key);
		if (!replaced)
			all.v[all.n++] = t.Tags.v[i];
	}
	for (uint32_t i = 0; i < in->Tags.n; i++)
		all.v[all.n++] = in->Tags.v[i];
	if (sns_tags_check(c, &all))
		return CALL_FAILED;
	t.Tags = all;
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}

int
sns_untag_resource(struct call *c, const struct sns_untag_resource_in *in,
	struct sns_untag_resource_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	uint32_t n = 0;
	if (open_tagged(c, in->ResourceArn, "SNS:UntagResource", &t))
		return CALL_FAILED;
	for (uint32_t i = 0; i < t.Tags.n; i++) {
		bool gone = false;
		for (uint32_t k = 0; k < in->TagKeys.n && !gone; k++)
			gone = str_eq(in->TagKeys.v[k], t.Tags.v[i].Key);
		if (!gone)
			t.Tags.v[n++] = t.Tags.v[i];
	}
	t.Tags.n = n;
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}
