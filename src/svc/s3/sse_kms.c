/*
 * SSE-KMS: an object's data key is sealed by KMS under the key that was named, for the caller: its
 * permissions count. The encryption context is the ARN of the object, or of the bucket where it has
 * a bucket key, beside what the client gave.
 */
#include "base/json.h"
#include "svc/s3/sse.h"

#if __has_include("svc/kms/kms.h")
#include "svc/kms/kms.h"
#define WITH_KMS 1
#endif

#define CONTEXT_MAX 32

/* The client's: base64 of a JSON object of texts. NULL: it is not. */
static struct json *
context_parse(struct call *c, struct str text)
{
	struct str json = base64_bytes(c->arena, text, BASE64_LENIENT);
	struct json *j = json.p ? json_parse(c->arena, json, 2, NULL) : NULL;
	if (!json_is(j, JSON_OBJECT) || j->n > CONTEXT_MAX)
		return NULL;
	for (uint32_t i = 0; i < j->n; i++)
		if (!json_is(&j->members[i].value, JSON_STR))
			return NULL;
	return j;
}

int
s3_sse_context_check(struct call *c, struct str context)
{
	if (context_parse(c, context))
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument,
		"The header x-amz-server-side-encryption-context shall be Base64-encoded UTF-8 "
		"string "
		"holding JSON which represents a string-string map");
	return call_fail_field(c, "ArgumentName", STR("x-amz-server-side-encryption-context"));
}

#ifdef WITH_KMS

static struct map_str
context_make(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	struct json *j = o->SseContext.p ? context_parse(c, o->SseContext) : NULL;
	uint32_t n = j ? j->n : 0;
	struct map_str m = { arena_array(c->arena, struct map_str_entry, n + 1), 0, true };
	bool own_arn = false;
	for (uint32_t i = 0; i < n; i++) {
		m.v[m.n++] = (struct map_str_entry){ j->members[i].key, j->members[i].value.text };
		own_arn |= str_is(j->members[i].key, "aws:s3:arn");
	}
	if (!own_arn)
		m.v[m.n++] = (struct map_str_entry){ STR("aws:s3:arn"),
			o->SseBucketKey.v
				? arena_printf(c->arena, "arn:aws:s3:::%.*s", STR_FMT(b->Name))
				: arena_printf(c->arena, "arn:aws:s3:::%.*s/%.*s", STR_FMT(b->Name),
					  STR_FMT(key)) };
	return m;
}

/* S3 tells errors of KMS under "KMS." and KMS's own sentence. */
static int
kms_failed(struct call *c)
{
	static const struct {
		const struct api_error *from, *to;
	} errors[] = {
		{ &KMS_DisabledException, &S3_KMS_DisabledException },
		{ &KMS_NotFoundException, &S3_KMS_NotFoundException },
		{ &KMS_KMSInvalidStateException, &S3_KMS_KMSInvalidStateException },
		{ &KMS_InvalidKeyUsageException, &S3_KMS_InvalidKeyUsageException },
		{ &KMS_InvalidCiphertextException, &S3_KMS_InvalidCiphertextException },
		{ &KMS_IncorrectKeyException, &S3_KMS_IncorrectKeyException },
		{ &KMS_InvalidArnException, &S3_KMS_InvalidArnException },
	};
	struct str why = c->error_message;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (c->error == errors[i].from)
			return call_fail(c, errors[i].to, why.p ? "%.*s" : NULL, STR_FMT(why));
	return CALL_FAILED;
}

/* Keys are those of the bucket's region and, where no ARN says otherwise, of the caller's account.
 */
struct place {
	struct str region, account;
};

static struct place
go_to(struct call *c, const struct s3_bucket_row *b)
{
	struct place was = { c->region, c->account };
	c->region = b->Region;
	c->account = c->who.account;
	return was;
}

static void
come_back(struct call *c, struct place was)
{
	c->region = was.region;
	c->account = was.account;
}

int
s3_sse_kms_seal(struct call *c, const struct s3_bucket_row *b, struct str key,
	const unsigned char *plain, struct s3_object_row *o)
{
	struct kms_data_key d;
	struct map_str context = context_make(c, b, key, o);
	struct place was = go_to(c, b);
	struct str id = o->SseKmsKeyId;
	int r = CALL_OK;
	bool managed = !id.len || str_is(id, "alias/aws/s3");
	if (managed && tx_is_writer(c->tx))
		id = kms_managed_key(c, "s3", c->account);
	else if (managed)
		id = STR("alias/aws/s3");
	/* It is made when the first object is put; until then there is nothing to check. */
	if (!managed || tx_is_writer(c->tx) || kms_managed_key_there(c, "s3", c->account))
		r = kms_data_key_new(c, id, &context, STR("s3"), plain, &d);
	come_back(c, was);
	if (r)
		return kms_failed(c);
	if (tx_is_writer(c->tx)) {
		o->SseKmsKeyId = d.arn;
		o->SseKey = d.sealed;
		explicit_bzero(d.plain, sizeof(d.plain));
	}
	return CALL_OK;
}

int
s3_sse_kms_open(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, unsigned char ret_plain[SEAL_KEY])
{
	struct kms_data_key d;
	struct map_str context = context_make(c, b, key, o);
	if (c->who.anonymous)
		return call_fail(c, &S3_InvalidArgument,
			"Requests specifying Server Side Encryption with AWS KMS managed keys "
			"require "
			"AWS Signature Version 4.");
	struct place was = go_to(c, b);
	int r = kms_data_key_open(c, o->SseKey, &context, STR("s3"), &d);
	come_back(c, was);
	if (r)
		return kms_failed(c);
	memcpy(ret_plain, d.plain, SEAL_KEY);
	explicit_bzero(d.plain, sizeof(d.plain));
	return CALL_OK;
}

#else

static int
absent(struct call *c)
{
	return call_fail(c, &S3_NotImplemented, "This build has no key management service.");
}

int
s3_sse_kms_seal(struct call *c, const struct s3_bucket_row *b, struct str key,
	const unsigned char *plain, struct s3_object_row *o)
{
	(void)b, (void)key, (void)plain, (void)o;
	return absent(c);
}

int
s3_sse_kms_open(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, unsigned char ret_plain[SEAL_KEY])
{
	(void)b, (void)key, (void)o, (void)ret_plain;
	return absent(c);
}

#endif
