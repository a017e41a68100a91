#include "svc/kms/kms.h"

int
kms_tags_check(struct call *c, const struct kms_tag_list *tags)
{
	for (uint32_t i = 0; i < tags->n; i++) {
		if (str_starts(tags->v[i].TagKey, STR("aws:")))
			return call_fail(c, &KMS_TagException,
				"Tag keys that begin with aws: are reserved.");
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(tags->v[i].TagKey, tags->v[j].TagKey))
				return call_fail(c, &KMS_TagException, "Duplicate tag keys: %.*s",
					STR_FMT(tags->v[i].TagKey));
	}
	if (tags->n > KMS_TAGS_MAX)
		return call_fail(c, &KMS_TagException, "Too many tags.");
	return CALL_OK;
}

static int
tagged_open(struct call *c, struct str id, const char *operation, bool change, struct kms_key *ret)
{
	struct kms_ask a = { .operation = operation, .own = true, .unusable = true };
	if (kms_open(c, id, &a, ret) || (change && kms_pending_deletion(c, ret)))
		return CALL_FAILED;
	if (change && str_is(ret->row.Manager, "AWS"))
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: kms:%s on resource: %.*s because "
			"the key is managed by AWS",
			STR_FMT(c->who.arn), operation, STR_FMT(ret->arn));
	return CALL_OK;
}

static struct kms_tag *
find(struct kms_key_row *k, struct str key)
{
	for (uint32_t i = 0; i < k->Tags.n; i++)
		if (str_eq(k->Tags.v[i].TagKey, key))
			return &k->Tags.v[i];
	return NULL;
}

int
kms_tag_resource(
	struct call *c, const struct kms_tag_resource_in *in, struct kms_tag_resource_out *out)
{
	struct kms_key k;
	(void)out;
	if (tagged_open(c, in->KeyId, "TagResource", true, &k) || kms_tags_check(c, &in->Tags))
		return CALL_FAILED;
	struct kms_tag *v = arena_array(c->arena, struct kms_tag, k.row.Tags.n + in->Tags.n + 1);
	if (k.row.Tags.n)
		memcpy(v, k.row.Tags.v, k.row.Tags.n * sizeof(*v));
	k.row.Tags.v = v;
	for (uint32_t i = 0; i < in->Tags.n; i++) {
		struct kms_tag *t = find(&k.row, in->Tags.v[i].TagKey);
		if (!t)
			t = &v[k.row.Tags.n++];
		*t = in->Tags.v[i];
	}
	if (k.row.Tags.n > KMS_TAGS_MAX)
		return call_fail(
			c, &KMS_LimitExceededException, "Too many tags on %.*s.", STR_FMT(k.arn));
	k.row.Tags.set = true;
	kms_key_save(c, &k.row);
	return CALL_OK;
}

int
kms_untag_resource(
	struct call *c, const struct kms_untag_resource_in *in, struct kms_untag_resource_out *out)
{
	struct kms_key k;
	(void)out;
	if (tagged_open(c, in->KeyId, "UntagResource", true, &k))
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->TagKeys.n; i++) {
		struct kms_tag *t = find(&k.row, in->TagKeys.v[i]);
		if (!t)
			continue;
		k.row.Tags.n--;
		memmove(t, t + 1, (size_t)(k.row.Tags.v + k.row.Tags.n - t) * sizeof(*t));
	}
	kms_key_save(c, &k.row);
	return CALL_OK;
}

int
kms_list_resource_tags(struct call *c, const struct kms_list_resource_tags_in *in,
	struct kms_list_resource_tags_out *out)
{
	struct kms_key k;
	int64_t at = 0;
	uint32_t max = in->Limit.set ? (uint32_t)in->Limit.v : 50;
	if (tagged_open(c, in->KeyId, "ListResourceTags", false, &k))
		return CALL_FAILED;
	if (in->Marker.p && (!str_to_i64(in->Marker, &at) || at < 0))
		return call_fail(c, &KMS_InvalidMarkerException, "Could not deserialize marker");
	out->Tags.v = arena_array(c->arena, struct kms_tag, max);
	out->Tags.set = true;
	for (; at < k.row.Tags.n && out->Tags.n < max; at++)
		out->Tags.v[out->Tags.n++] = k.row.Tags.v[at];
	out->Truncated = OPT_BOOL(at < k.row.Tags.n);
	if (out->Truncated.v)
		out->NextMarker = arena_printf(c->arena, "%lld", (long long)at);
	return CALL_OK;
}
