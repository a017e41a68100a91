/* assume: what the ways to a role's session share. */
#ifndef HANEUL_SVC_STS_ASSUME_H
#define HANEUL_SVC_STS_ASSUME_H

#include "aws/arn.h"
#include "svc/iam/iam.h"
#include "svc/sts/sts.h"

struct policy_key;
struct sts_assume {
	struct call *c;
	struct iam_entity_row *role;
	struct str role_arn, account, session_name, external_id, source_identity;
	const struct sts_tag_list *tags;
	const struct list_str *transitive;
	bool mfa;
	bool (*further)(void *arg, struct str name,
		struct policy_key *ret); /* keys of the provider; NULL: none */
	void *further_arg;
};

bool sts_role_find(
	struct call *c, struct str text, struct iam_entity_row *ret, struct arn *ret_arn);
bool sts_assume_key(void *arg, struct str name, struct policy_key *ret);
int sts_duration(struct call *c, const struct iam_entity_row *role, struct opt_i64 asked,
	bool chained, int64_t *ret_s);
void sts_role_session(struct call *c, const struct sts_assume *a, struct sts_session_row *s);
struct sts_assumed_role_user *sts_assumed_tell(struct call *c, const struct sts_session_row *s);

#endif
