#include "aws/policy.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* First byte: the form and who asks; the rest: the document. */
int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static const struct str values[] = { { "a", 1 }, { "10.0.0.1", 8 }, { "*${x}", 5 } };
	static const struct policy_key keys[] = {
		{ { "x:A", 3 }, values, 1 },
		{ { "aws:SourceIp", 12 }, values + 1, 1 },
		{ { "x:Many", 6 }, values, 3 },
		{ { "x:None", 6 }, values, 0 },
	};
	char message[POLICY_MESSAGE_MAX];
	struct policy *p = NULL;
	struct policy_result r;

	if (size < 1)
		return 0;
	memset(message, 0, sizeof(message));
	if (policy_parse(str_of(input + 1, size - 1), input[0] % 4, &p, message)) {
		assert(message[0] && memchr(message, 0, sizeof(message)));
		return 0;
	}
	struct policy_context c = { .principal = { .kind = input[0] / 4 % 7,
					    .account = STR("111111111111"),
					    .arn = STR("arn:aws:iam::111111111111:user/a"),
					    .name = STR("a"),
					    .user_id = STR("AIDA:x"),
					    .role_arn = STR("arn:aws:iam::111111111111:role/r") },
		.action = STR("s3:GetObject"),
		.resource = STR("arn:aws:s3:::bucket/key/a"),
		.keys = keys,
		.keys_n = 4,
		.now_ms = 1767312245000,
		.identity = &p,
		.identity_n = 1,
		.resource_policy = p };
	policy_evaluate(&c, &r);
	assert(r.decision != POLICY_DENIED_EXPLICIT || r.policy == p);
	assert(!r.policy || r.statement < policy_statements_n(p));
	policy_is_public(p);
	policy_resources_within(p, STR("arn:aws:s3:::bucket"));
	policy_unref(p);
	return 0;
}
