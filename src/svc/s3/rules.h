/*
 * rules: what decides about access to a bucket and what happens in it, decoded and compiled: its
 * policy, ACL, ownership, public access block; lifecycle, replication, notifications, logging. Each
 * thread keeps those of the buckets it saw last (S3_RULES_KEPT of them), valid for the bucket's
 * number and generation, which every change of configuration counts up.
 */
#ifndef HANEUL_SVC_S3_RULES_H
#define HANEUL_SVC_S3_RULES_H

#include "aws/policy.h"
#include "svc/s3/acl.h"

#define S3_RULES_KEPT 64

enum {
	S3_BLOCK_ACLS = 1,
	S3_IGNORE_ACLS = 2,
	S3_BLOCK_POLICY = 4,
	S3_RESTRICT = 8,
	S3_BLOCK_ALL = 15,
};

struct s3_rules {
	uint64_t bucket;
	int64_t generation;
	struct arena arena;    /* of acl */
	struct policy *policy; /* NULL: none */
	bool policy_public;
	bool broken;  /* something does not decode: nobody but the owner's root comes in */
	bool acl_off; /* BucketOwnerEnforced */
	bool acl_set;
	unsigned block; /* S3_BLOCK_* */
	struct s3_acl_row acl;
	/* Behaviour; NULL: not configured. */
	struct s3_lifecycle_row *lifecycle;
	struct s3_replication_row *replication;
	struct s3_notification_row *notification;
	struct s3_logging_row *logging;
	struct s3_encryption_row *encryption;
	bool requester_pays;
};

/* Borrowed until the next call on this thread; c->tx is open. */
const struct s3_rules *s3_rules_get(struct call *c, const struct s3_bucket_row *b);

bool s3_block_get(struct call *c, const struct s3_bucket_row *b,
	unsigned *ret_bits); /* false: none was put */
void s3_block_put(struct call *c, struct s3_bucket_row *b, unsigned bits);

#endif
