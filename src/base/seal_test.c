#include "base/seal.h"

#include "unit.h"

TEST(seal_opens_only_what_it_sealed)
{
	unsigned char key[SEAL_KEY] = { 1 }, other[SEAL_KEY] = { 2 }, nonce[SEAL_NONCE] = { 3 };
	unsigned char box[64 + SEAL_TAG], back[64];
	for (size_t len = 0; len <= 64; len += 16) {
		struct str plain = str_of(
			"0123456789012345678901234567890123456789012345678901234567890123", len);
		seal(key, nonce, STR("name"), plain, box);
		struct str sealed = str_of(box, len + SEAL_TAG);
		assert_true(unseal(key, nonce, STR("name"), sealed, back));
		assert_memory_equal(back, plain.p, len);
		assert_false(unseal(other, nonce, STR("name"), sealed, back));
		assert_false(unseal(key, nonce, STR("mane"), sealed, back));
		box[len / 2] ^= 1;
		assert_false(unseal(key, nonce, STR("name"), sealed, back));
	}
	assert_false(unseal(key, nonce, STR(""), STR("short"), back));
}
