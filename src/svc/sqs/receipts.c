/* Receipt handles: opaque to clients. They name a message and the one receive that gave them
 * out. */
#include "base/digest.h"
#include "base/text.h"
#include "svc/sqs/queue.h"

#define RECEIPT_BYTES 37
#define RECEIPT_VERSION 1

static void
put_u64(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (56 - 8 * i));
}

static uint32_t
check_of(const unsigned char *p)
{
	return crc32c(0, str_of(p, RECEIPT_BYTES - 4));
}

struct str
sqs_receipt_text(struct arena *a, const struct sqs_receipt *r)
{
	unsigned char b[RECEIPT_BYTES] = { RECEIPT_VERSION };
	put_u64(b + 1, r->queue);
	put_u64(b + 9, r->store);
	put_u64(b + 17, r->seq);
	put_u64(b + 25, r->nonce);
	uint32_t check = check_of(b);
	for (int i = 0; i < 4; i++)
		b[33 + i] = (unsigned char)(check >> (24 - 8 * i));
	return base64_text(a, str_of(b, sizeof(b)));
}

bool
sqs_receipt_parse(struct arena *a, struct str text, struct sqs_receipt *ret)
{
	unsigned char b[RECEIPT_BYTES];
	(void)a;
	if (text.len != BASE64_LEN(RECEIPT_BYTES) || !base64_decode(text, b, sizeof(b)) ||
		b[0] != RECEIPT_VERSION)
		return false;
	uint32_t check =
		(uint32_t)b[33] << 24 | (uint32_t)b[34] << 16 | (uint32_t)b[35] << 8 | b[36];
	if (check != check_of(b))
		return false;
	struct str s = str_of(b, sizeof(b));
	*ret = (struct sqs_receipt){ sqs_key_u64(s, 1), sqs_key_u64(s, 9), sqs_key_u64(s, 17),
		sqs_key_u64(s, 25) };
	return true;
}
