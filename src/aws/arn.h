/*
 * arn: Amazon Resource Names, taken apart and put together, and the wildcard match that policies,
 * event patterns and resource conditions share. Everything borrows; nothing here allocates but
 * arn_format. Any thread.
 */
#ifndef HANEUL_AWS_ARN_H
#define HANEUL_AWS_ARN_H

#include "base/arena.h"
#include "base/str.h"

/* "arn:partition:service:region:account:resource"; the resource may itself contain ':' and '/'. */
struct arn {
	struct str partition, service, region, account, resource; /* absent pieces are "" */
};

/* false when there are not six pieces or one of them that must not be empty is. */
bool arn_parse(struct str text, struct arn *ret_arn);
/* Partition "aws". */
struct str arn_format(struct arena *a, const char *service, struct str region, struct str account,
	struct str resource);
bool account_id_valid(struct str s); /* twelve digits */

/* '*' any run (also of '/' and ':'), '?' any one byte. Time is bounded by pattern × text. */
bool glob_match(struct str pattern, struct str text);
bool glob_match_nocase(struct str pattern, struct str text); /* ASCII */
bool glob_has_wildcard(struct str pattern);
/* ArnLike: each of the six pieces is matched on its own; a pattern that is no ARN matches only as
 * "*". */
bool arn_match(struct str pattern, struct str text);

#endif
