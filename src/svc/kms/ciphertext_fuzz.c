#include "svc/kms/kms.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct kms_ciphertext t;
	struct str blob = str_of(input, size);
	if (!kms_ciphertext_parse(blob, &t))
		return 0;
	assert(t.account.len == 12 && t.id.len == 36 && t.salt.len == 16);
	assert(t.head.p == blob.p && t.salt.p == blob.p + t.head.len);
	assert(t.box.len >= SEAL_TAG && t.box.p + t.box.len == blob.p + blob.len);
	return 0;
}
