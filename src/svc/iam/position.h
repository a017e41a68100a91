/*
 * position: where a statement stands in the text of a policy, and which condition keys a policy
 * names. The text was parsed before; anything else answers false or nothing. No state, any thread.
 */
#ifndef HANEUL_SVC_IAM_POSITION_H
#define HANEUL_SVC_IAM_POSITION_H

#include "aws/shape.h"
#include "base/arena.h"

/* Lines and columns from 1; `to` is behind the closing brace. */
struct policy_span {
	unsigned from_line, from_column, to_line, to_column;
};
bool policy_span_find(struct str text, unsigned statement, struct policy_span *ret);
/* Adds the keys of conditions and variables, each once; texts in the arena. */
void policy_keys_collect(struct arena *a, struct str text, struct list_str *keys);

#endif
