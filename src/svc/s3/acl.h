/*
 * acl: access control lists: made from a canned name, from x-amz-grant-* headers or from XML;
 * asked for what they give the caller. A list that was never put gives the owner everything.
 *
 * Owners are accounts (twelve digits), or "anonymous" for what an unsigned request wrote; on the
 * wire they are canonical user ids. Lists live in the call's arena or borrow from the transaction.
 */
#ifndef HANEUL_SVC_S3_ACL_H
#define HANEUL_SVC_S3_ACL_H

#include "svc/s3/s3.h"

enum {
	S3_ACL_READ = 1,
	S3_ACL_WRITE = 2,
	S3_ACL_READ_ACP = 4,
	S3_ACL_WRITE_ACP = 8,
	S3_ACL_FULL_CONTROL = 15,
};
#define S3_GRANTS_MAX 100
#define S3_ANONYMOUS_OWNER "anonymous"

/* Whose list it is. */
struct s3_acl_place {
	struct str owner, bucket_owner; /* accounts */
	bool object;
};
/* What a request says about it; all may be absent. */
struct s3_acl_claim {
	struct str canned, full_control, read, read_acp, write, write_acp;
	const struct s3_access_control_policy *xml;
};

struct str s3_acl_owner_id(struct call *c, struct str owner); /* canonical id */
struct s3_acl_claim s3_acl_claim_headers(const struct call *c);
bool s3_acl_claimed(const struct s3_acl_claim *k);
/* CALL_FAILED: InvalidArgument, MalformedACLError, InvalidRequest, UnresolvableGrantByEmailAddress
 * … */
int s3_acl_build(struct call *c, const struct s3_acl_place *at, const struct s3_acl_claim *k,
	struct s3_acl_row *ret);
/* NULL row: the default list, made for a reply. */
void s3_acl_grants(struct call *c, const struct s3_acl_place *at, const struct s3_acl_row *acl,
	struct s3_grant_list *ret);
bool s3_acl_is_public(const struct s3_acl_row *acl);
/* Only what every list gives: everything to the owner (of an object: to the bucket's owner,
 * perhaps). */
bool s3_acl_is_plain(struct call *c, const struct s3_acl_place *at, const struct s3_acl_row *acl);
/* S3_ACL_* bits for the caller; acl NULL: the default. no_public: groups of strangers count for
 * nothing. */
unsigned s3_acl_bits(
	struct call *c, struct str owner, const struct s3_acl_row *acl, bool no_public);
/* For the row; STR_NULL when it is the default list. */
struct str s3_acl_encode(
	struct call *c, const struct s3_acl_place *at, const struct s3_acl_row *acl);
bool s3_acl_decode(struct str bytes, struct arena *a, struct s3_acl_row *ret);

#endif
