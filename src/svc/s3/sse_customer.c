/* SSE-C: the customer's key comes with every request and is never kept. */
#include "svc/s3/sse.h"

#define SALT 16

static int
bad(struct call *c, const char *header, const char *sentence)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	return call_fail_field(c, "ArgumentName", str_c(header));
}

#define HEADER "x-amz-server-side-encryption-customer-"

/* AWS refuses keys in the clear; what stays inside this machine nobody else can read. */
static bool
line_is_safe(const struct call *c)
{
	return c->tls || !c->source_ip.p || str_starts(c->source_ip, STR("127.")) ||
	       str_is(c->source_ip, "::1") || str_starts(c->source_ip, STR("::ffff:127."));
}

int
s3_sse_customer_read(struct call *c, const struct s3_sse_customer *k, const unsigned char **ret_key)
{
	unsigned char *key, claimed[16], sum[16];
	*ret_key = NULL;
	if (!k->algorithm.p && !k->key.p && !k->md5.p)
		return CALL_OK;
	if (!line_is_safe(c))
		return call_fail(c, &S3_InvalidRequest,
			"Requests specifying Server Side Encryption with Customer provided keys "
			"must be made over a secure connection.");
	if (!k->algorithm.p)
		return bad(c, HEADER "algorithm",
			"Requests specifying Server Side Encryption with Customer provided keys "
			"must "
			"provide a valid encryption algorithm.");
	if (!str_is(k->algorithm, "AES256"))
		return call_fail(c, &S3_InvalidEncryptionAlgorithmError, NULL);
	if (!k->key.p)
		return bad(c, HEADER "key",
			"Requests specifying Server Side Encryption with Customer provided keys "
			"must "
			"provide an appropriate secret key.");
	if (!k->md5.p)
		return bad(c, HEADER "key-MD5",
			"Requests specifying Server Side Encryption with Customer provided keys "
			"must "
			"provide the client calculated MD5 of the secret key.");
	key = arena_alloc(c->arena, SEAL_KEY);
	if (!base64_decode(k->key, key, SEAL_KEY))
		return bad(
			c, HEADER "key", "The secret key was invalid for the specified algorithm.");
	md5(str_of(key, SEAL_KEY), sum);
	if (!base64_decode(k->md5, claimed, sizeof(claimed)) ||
		memcmp(claimed, sum, sizeof(sum)) != 0)
		return bad(c, HEADER "key-MD5",
			"The calculated MD5 hash of the key did not match the hash that was "
			"provided.");
	*ret_key = key;
	return CALL_OK;
}

bool
s3_sse_customer_fits(const struct s3_object_row *o, const unsigned char *key)
{
	unsigned char sum[32];
	if (o->SseKey.len != SALT + sizeof(sum))
		return false;
	hmac_sha256(str_slice(o->SseKey, 0, SALT), str_of(key, SEAL_KEY), sum);
	return str_eq_consttime(
		str_slice(o->SseKey, SALT, o->SseKey.len), str_of(sum, sizeof(sum)));
}

void
s3_sse_customer_note(struct call *c, const unsigned char *key, struct s3_object_row *o)
{
	char *note = arena_alloc_raw(c->arena, SALT + 32);
	random_bytes(note, SALT);
	hmac_sha256(str_of(note, SALT), str_of(key, SEAL_KEY), (unsigned char *)note + SALT);
	o->SseCustomerAlgorithm = STR("AES256");
	o->SseKey = str_of(note, SALT + 32);
}

/* *ret_own: NULL where the object has no such key. */
int
s3_sse_customer_open(struct call *c, const struct s3_object_row *o, const struct s3_sse_customer *k,
	const unsigned char **ret_own)
{
	if (s3_sse_customer_read(c, k, ret_own))
		return CALL_FAILED;
	if (!o->SseCustomerAlgorithm.p)
		return !*ret_own ? CALL_OK
				 : call_fail(c, &S3_InvalidRequest,
					   "The encryption parameters are not applicable to this "
					   "object.");
	if (!*ret_own)
		return call_fail(c, &S3_InvalidRequest,
			"The object was stored using a form of Server Side Encryption. The correct "
			"parameters must be provided to retrieve the object.");
	if (!s3_sse_customer_fits(o, *ret_own))
		return call_fail(c, &S3_InvalidRequest,
			"The provided encryption parameters did not match the ones used "
			"originally.");
	return CALL_OK;
}

int
s3_sse_customer_check(
	struct call *c, const struct s3_object_row *o, const struct s3_sse_customer *k)
{
	const unsigned char *own;
	return s3_sse_customer_open(c, o, k, &own);
}
