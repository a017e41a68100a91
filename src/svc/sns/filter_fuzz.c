/* A filter policy and a message, separated by a line end: nothing that comes from outside may
 * crash, and a policy that was accepted as text is accepted again. */
#include "svc/sns/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_of(data, size), policy = str_cut(&body, '\n');
	char why[SNS_WHY_MAX];
	struct arena a;
	arena_init(&a);
	for (int scope = 0; scope < 2; scope++) {
		struct sns_filter *f = sns_filter_parse(&a, policy, scope, why);
		if (!f) {
			if (!why[0])
				__builtin_trap();
			continue;
		}
		struct sns_message_attribute_value_map_entry e = { STR("a"),
			{ .DataType = STR("String.Array"),
				.StringValue = body.p ? body : STR("") } };
		struct sns_message_attribute_value_map m = { &e, 1, true };
		sns_filter_matches(f, json_parse(&a, body.p ? body : STR(""), 0, NULL));
		sns_filter_matches(f, sns_filter_object(&a, &m));
	}
	arena_done(&a);
	return 0;
}
