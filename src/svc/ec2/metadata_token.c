#include "aws/master_key.h"
#include "base/digest.h"
#include "base/text.h"
#include "svc/ec2/metadata.h"

#include <stdio.h>

#define MARK 24 /* bytes of the HMAC that are kept */
#define TOKEN (8 + MARK)

static void
mark(int64_t end_ms, struct str instance, unsigned char ret[32])
{
	unsigned char key[SEAL_KEY];
	char text[160];
	int n = snprintf(text, sizeof(text), "%lld %.*s", (long long)end_ms, STR_FMT(instance));
	master_key_derive(STR("tokens of the metadata service"), key);
	hmac_sha256(str_of(key, sizeof(key)), str_of(text, (size_t)n), ret);
	explicit_bzero(key, sizeof(key));
}

struct str
ec2_metadata_token(struct arena *a, struct str instance, int64_t now_ms, int64_t ttl_s)
{
	unsigned char bytes[TOKEN], sum[32];
	int64_t end_ms = now_ms + ttl_s * 1000;
	mark(end_ms, instance, sum);
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(end_ms >> (56 - 8 * i));
	memcpy(bytes + 8, sum, MARK);
	return base64_text(a, str_of(bytes, TOKEN));
}

bool
ec2_metadata_token_valid(struct str token, struct str instance, int64_t now_ms, int64_t *ret_left_s)
{
	unsigned char bytes[TOKEN], sum[32];
	int64_t end_ms = 0;
	if (!base64_decode(token, bytes, TOKEN))
		return false;
	for (int i = 0; i < 8; i++)
		end_ms = (int64_t)((uint64_t)end_ms << 8 | bytes[i]);
	mark(end_ms, instance, sum);
	*ret_left_s = (end_ms - now_ms) / 1000;
	return end_ms > now_ms && str_eq_consttime(str_of(sum, MARK), str_of(bytes + 8, MARK));
}
