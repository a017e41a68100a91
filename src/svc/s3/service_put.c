#include "svc/s3/service_put.h"

#include "aws/policy.h"
#include "svc/s3/events.h"
#include "svc/s3/rules.h"

void
s3_service_put(struct call *c, const struct s3_bucket_row *to, struct str key, struct str type,
	struct str text, struct str *ret_md5)
{
	struct s3_object_row o = { 0 };
	struct digests d;
	struct body body = { .inline_data = text, .size = text.len, .len = text.len };
	digests_init(&d, DIGEST_MD5 | DIGEST_CRC64NVME);
	digests_add(&d, text);
	digests_final(&d, &body.digests);
	o.ETag = hex_text(c->arena, str_of(body.digests.md5, 16));
	o.ChecksumAlgorithm = OPT_I64(DIGEST_CRC64NVME);
	o.Checksum = s3_checksum_bytes(c, DIGEST_CRC64NVME, &body.digests);
	o.ContentType = type;
	o.Owner = to->Owner;
	s3_body_store(c, to, key, &o, &body);
	s3_version_add(c, to, key, &o);
	s3_event_object(c, to, "s3:ObjectCreated:Put", key, &o);
	if (ret_md5)
		*ret_md5 = o.ETag;
}

bool
s3_service_may_put(struct call *c, const struct s3_bucket_row *to, struct str key,
	struct str service, const struct s3_bucket_row *source)
{
	struct policy_result r;
	const struct str source_arn = arena_concat(c->arena, STR("arn:aws:s3:::"), source->Name);
	const struct str acl = STR("bucket-owner-full-control");
	const struct policy_key keys[] = { { STR("aws:SourceArn"), &source_arn, 1 },
		{ STR("aws:SourceAccount"), &source->Owner, 1 }, { STR("s3:x-amz-acl"), &acl, 1 } };
	struct policy_context ctx = { .principal = { .kind = POLICY_SERVICE, .name = service },
		.action = STR("s3:PutObject"),
		.resource = arena_printf(
			c->arena, "arn:aws:s3:::%.*s/%.*s", STR_FMT(to->Name), STR_FMT(key)),
		.resource_account = to->Owner,
		.keys = keys,
		.keys_n = sizeof(keys) / sizeof(*keys),
		.now_ms = c->now_ms,
		.resource_policy = s3_rules_get(c, to)->policy };
	policy_evaluate(&ctx, &r);
	return r.decision == POLICY_ALLOWED;
}
