/* Which encryption a new object gets, and which key opens an old one. */
#include "svc/s3/rules.h"
#include "svc/s3/sse.h"

static int
bad_method(struct call *c, struct str method, const char *sentence)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", STR("x-amz-server-side-encryption"));
	return call_fail_field(c, "ArgumentValue", method.p ? method : STR("null"));
}

static int
ask_check(struct call *c, const struct s3_sse_ask *a, bool customer)
{
	bool kms = str_is(a->method, "aws:kms");
	if (a->method.p && customer)
		return bad_method(c, a->method,
			"Server Side Encryption with Customer provided key is incompatible with "
			"the "
			"encryption method specified");
	if (str_is(a->method, "aws:kms:dsse"))
		return call_fail(c, &S3_NotImplemented,
			"Dual-layer encryption (aws:kms:dsse) is not available here; aws:kms is.");
	if (a->method.p && !kms && !str_is(a->method, "AES256"))
		return bad_method(c, a->method, "The encryption method specified is not supported");
	if ((a->kms_key.p || a->context.p) && !kms)
		return bad_method(c, a->method,
			"Server Side Encryption with AWS KMS managed key requires HTTP header "
			"x-amz-server-side-encryption : aws:kms");
	if (kms && c->who.anonymous)
		return call_fail(c, &S3_InvalidArgument,
			"Requests specifying Server Side Encryption with AWS KMS managed keys "
			"require "
			"AWS Signature Version 4.");
	return a->context.p ? s3_sse_context_check(c, a->context) : CALL_OK;
}

static int
blocked_check(struct call *c, const struct s3_encryption_row *k)
{
	for (uint32_t i = 0; k && i < k->Blocked.n; i++)
		if (str_is(k->Blocked.v[i], "SSE-C"))
			return call_fail(c, &S3_AccessDenied,
				"The bucket does not accept objects that are encrypted with "
				"customer-provided keys.");
	return CALL_OK;
}

static void
default_take(struct call *c, const struct s3_encryption_row *k, struct s3_sse_ask *a)
{
	if (!k || a->method.p)
		return;
	a->method = arena_dup(c->arena, k->Algorithm);
	if (!a->kms_key.p && k->KeyId.p)
		a->kms_key = arena_dup(c->arena, k->KeyId);
	if (!a->bucket_key.set)
		a->bucket_key = k->BucketKey;
}

/* The body came under another key than the row would say: a setting changed meanwhile. */
static int
key_settle(struct call *c, const unsigned char *key)
{
	bool ours = key == s3_sse_key();
	if (!c->body_key)
		c->body_key = key;
	if (ours == (c->body_key == s3_sse_key()))
		return CALL_OK;
	return call_fail(c, &S3_OperationAborted, NULL);
}

static int
kms_apply(struct call *c, const struct s3_bucket_row *b, struct str key, const struct s3_sse_ask *a,
	struct s3_object_row *o)
{
	unsigned char *plain = arena_alloc(c->arena, SEAL_KEY);
	random_bytes(plain, SEAL_KEY);
	if (key_settle(c, plain))
		return CALL_FAILED;
	o->Sse = STR("aws:kms");
	o->SseKmsKeyId = a->kms_key;
	o->SseBucketKey = a->bucket_key;
	o->SseContext = a->context;
	return s3_sse_kms_seal(c, b, key, c->body_key, o);
}

int
s3_sse_apply(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_sse_ask *asked, struct s3_object_row *o)
{
	struct s3_sse_ask a = *asked;
	const unsigned char *customer;
	const struct s3_encryption_row *k =
		b->Configs.v >> S3_CONFIG_ENCRYPTION & 1 ? s3_rules_get(c, b)->encryption : NULL;
	if (s3_sse_customer_read(c, &a.customer, &customer) || ask_check(c, &a, customer != NULL))
		return CALL_FAILED;
	if (customer) {
		if (blocked_check(c, k) || key_settle(c, customer))
			return CALL_FAILED;
		s3_sse_customer_note(c, customer, o);
		return CALL_OK;
	}
	default_take(c, k, &a);
	if (str_is(a.method, "aws:kms"))
		return kms_apply(c, b, key, &a, o);
	o->Sse = STR("AES256");
	return key_settle(c, s3_sse_key());
}

bool
s3_sse_is_own(const struct s3_object_row *o)
{
	return o->SseKey.p != NULL;
}

int
s3_sse_open(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const struct s3_sse_customer *k,
	const unsigned char **ret_own)
{
	if (s3_sse_customer_open(c, o, k, ret_own))
		return CALL_FAILED;
	if (*ret_own || !s3_sse_is_own(o))
		return CALL_OK;
	unsigned char *plain = arena_alloc(c->arena, SEAL_KEY);
	*ret_own = plain;
	return s3_sse_kms_open(c, b, key, o, plain);
}

static int
part_customer(struct call *c, const struct s3_object_row *u, const struct s3_sse_customer *k,
	const unsigned char **ret_key)
{
	const unsigned char *customer;
	if (s3_sse_customer_read(c, k, &customer))
		return CALL_FAILED;
	*ret_key = customer;
	if (customer && !u->SseCustomerAlgorithm.p)
		return call_fail(c, &S3_InvalidRequest,
			"The multipart upload initiate did not request encryption. Please resend "
			"the "
			"request without sending encryption parameters.");
	if (!customer && u->SseCustomerAlgorithm.p)
		return call_fail(c, &S3_InvalidRequest,
			"The multipart upload initiate requested encryption. Subsequent part "
			"requests "
			"must include the appropriate encryption parameters.");
	if (customer && !s3_sse_customer_fits(u, customer))
		return call_fail(c, &S3_InvalidRequest,
			"The provided encryption parameters did not match the ones used "
			"originally.");
	return CALL_OK;
}

int
s3_sse_part_check(struct call *c, const struct s3_object_row *u, const struct s3_sse_customer *k)
{
	const unsigned char *key;
	return part_customer(c, u, k, &key);
}

int
s3_sse_part(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *u, const struct s3_sse_customer *k)
{
	const unsigned char *customer;
	if (part_customer(c, u, k, &customer))
		return CALL_FAILED;
	if (c->body_key)
		return CALL_OK;
	if (customer || !s3_sse_is_own(u)) {
		c->body_key = customer ? customer : u->Sse.p ? s3_sse_key() : NULL;
		return CALL_OK;
	}
	unsigned char *plain = arena_alloc(c->arena, SEAL_KEY);
	c->body_key = plain;
	return s3_sse_kms_open(c, b, key, u, plain);
}

struct str
s3_sse_etag(struct call *c, const struct s3_object_row *o, const unsigned char sum[16])
{
	unsigned char mixed[16];
	if (!s3_sse_is_own(o))
		return arena_dup(c->arena, str_of(sum, 16));
	md5(arena_concat(c->arena, str_of(sum, 16), o->SseKey), mixed);
	return arena_dup(c->arena, str_of(mixed, 16));
}
