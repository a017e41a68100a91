#include "svc/s3/rules.h"

#include <pthread.h>
#include <stdlib.h>

static __thread struct s3_rules *kept[S3_RULES_KEPT];
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;

static void
rules_free(struct s3_rules *r)
{
	policy_unref(r->policy);
	arena_done(&r->arena);
	free(r);
}

static void
thread_ended(void *arg)
{
	struct s3_rules **all = arg;
	for (unsigned i = 0; i < S3_RULES_KEPT; i++)
		if (all[i])
			rules_free(all[i]);
	memset(all, 0, sizeof(kept));
}

static void
thread_key_make(void)
{
	if (pthread_key_create(&thread_key, thread_ended))
		abort();
}

bool
s3_block_get(struct call *c, const struct s3_bucket_row *b, unsigned *ret_bits)
{
	struct str text;
	uint64_t v;
	*ret_bits = 0;
	if (!s3_config_get(c, b, S3_CONFIG_PUBLIC_ACCESS_BLOCK, &text) || !str_to_u64(text, &v))
		return false;
	*ret_bits = (unsigned)v & S3_BLOCK_ALL;
	return true;
}

void
s3_block_put(struct call *c, struct s3_bucket_row *b, unsigned bits)
{
	s3_config_put(c, b, S3_CONFIG_PUBLIC_ACCESS_BLOCK, arena_printf(c->arena, "%u", bits));
}

static void *
document_get(struct call *c, const struct s3_bucket_row *b, struct s3_rules *r,
	enum s3_config which, const struct shape *shape, size_t size)
{
	struct str text;
	if (!s3_config_get(c, b, which, &text))
		return NULL;
	void *row = arena_alloc(&r->arena, size);
	return row_decode(shape, arena_dup(&r->arena, text), &r->arena, row) ? row : NULL;
}

#define DOCUMENT(c, b, r, which, name)                                                             \
	((r)->name = document_get(                                                                 \
		 (c), (b), (r), (which), &s3_##name##_row_shape, sizeof(struct s3_##name##_row)))

static struct s3_rules *
rules_new(struct call *c, const struct s3_bucket_row *b)
{
	struct s3_rules *r = calloc(1, sizeof(*r));
	struct str text;
	if (!r)
		abort();
	arena_init(&r->arena);
	r->bucket = (uint64_t)b->Id.v;
	r->generation = b->Generation.v;
	r->acl_off = str_is(b->Ownership, "BucketOwnerEnforced");
	s3_block_get(c, b, &r->block);
	r->block |= s3_account_block_get(c, b->Owner, NULL);
	if (s3_config_get(c, b, S3_CONFIG_POLICY, &text)) {
		if (policy_parse(text, POLICY_BUCKET, &r->policy, NULL))
			r->broken = true;
		else
			r->policy_public = policy_is_public(r->policy);
	}
	if (s3_config_get(c, b, S3_CONFIG_ACL, &text)) {
		r->acl_set = s3_acl_decode(arena_dup(&r->arena, text), &r->arena, &r->acl);
		r->broken |= !r->acl_set;
	}
	DOCUMENT(c, b, r, S3_CONFIG_LIFECYCLE, lifecycle);
	DOCUMENT(c, b, r, S3_CONFIG_REPLICATION, replication);
	DOCUMENT(c, b, r, S3_CONFIG_NOTIFICATION, notification);
	DOCUMENT(c, b, r, S3_CONFIG_LOGGING, logging);
	DOCUMENT(c, b, r, S3_CONFIG_ENCRYPTION, encryption);
	r->requester_pays = s3_config_get(c, b, S3_CONFIG_REQUEST_PAYMENT, &text);
	return r;
}

const struct s3_rules *
s3_rules_get(struct call *c, const struct s3_bucket_row *b)
{
	struct s3_rules **slot = &kept[(uint64_t)b->Id.v % S3_RULES_KEPT];
	struct s3_rules *r = *slot;
	if (r && r->bucket == (uint64_t)b->Id.v && r->generation == b->Generation.v)
		return r;
	struct s3_rules *fresh = rules_new(c, b);
	if (r)
		rules_free(r);
	pthread_once(&thread_once, thread_key_make);
	pthread_setspecific(thread_key, kept);
	return *slot = fresh;
}
