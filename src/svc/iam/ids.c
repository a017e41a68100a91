/* Unique ids and access keys: four letters that say what it is, then base32. As AWS does since
 * 2019, the first ten characters carry the account's number: 40 bits behind a leading one. */
#include "base/ids.h"
#include "svc/iam/iam.h"

static const char alphabet[] = IDS_BASE32;

struct str
iam_id_new(struct call *c, const char *prefix, struct str account, unsigned chars)
{
	uint64_t number = 0, high;
	uint8_t random[32];
	char *p = arena_alloc_raw(c->arena, 4 + chars + 1);
	str_to_u64(account, &number);
	call_random(c, random, sizeof(random));
	/* 50 bits: a one, the account, nine of chance. */
	high = UINT64_C(1) << 49 | (number & 0xffffffffff) << 9 | (random[30] << 1 & 0x1fe) |
	       (random[31] & 1);
	memcpy(p, prefix, 4);
	for (unsigned i = 0; i < 10; i++)
		p[4 + i] = alphabet[high >> (45 - 5 * i) & 31];
	for (unsigned i = 10; i < chars; i++)
		p[4 + i] = alphabet[random[i - 10] & 31];
	p[4 + chars] = 0;
	return str_of(p, 4 + chars);
}

bool
iam_id_account(struct str id, char ret[13])
{
	uint64_t high = 0;
	if (id.len < 20 || id.len > 32)
		return false;
	for (unsigned i = 0; i < 10; i++) {
		const char *at = memchr(alphabet, id.p[4 + i], 32);
		if (!at)
			return false;
		high = high << 5 | (uint64_t)(at - alphabet);
	}
	uint64_t number = high >> 9 & 0xffffffffff;
	if (!(high >> 49) || number > UINT64_C(999999999999))
		return false;
	for (int i = 11; i >= 0; i--, number /= 10)
		ret[i] = (char)('0' + number % 10);
	ret[12] = 0;
	return true;
}

struct str
iam_secret_new(struct call *c)
{
	static const char letters[] = IDS_ALNUM "+/";
	uint8_t bytes[40];
	char *p = arena_alloc_raw(c->arena, sizeof(bytes));
	call_random(c, bytes, sizeof(bytes));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		p[i] = letters[bytes[i] & 63];
	explicit_bzero(bytes, sizeof(bytes));
	return str_of(p, sizeof(bytes));
}
