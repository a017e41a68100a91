#include "svc/s3/s3.h"

#include "svc/s3/tasks.h"
#include "svc/s3/walk.h"

#define BUCKETS_PAGE 10000

/* ---- making ---- */

static bool
region_plausible(struct str s)
{
	unsigned dashes = 0;
	if (s.len < 8 || s.len > 32 || s.p[s.len - 1] < '0' || s.p[s.len - 1] > '9')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '-')
			dashes++;
		else if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	}
	return dashes >= 2;
}

static int
location_incompatible(struct call *c, struct str constraint)
{
	return call_fail(c, &S3_IllegalLocationConstraintException,
		"The %.*s location constraint is incompatible for the region specific endpoint "
		"this request was "
		"sent to.",
		STR_FMT(constraint));
}

/* us-east-1's endpoint makes buckets anywhere; every other one only its own. */
static int
location_choose(struct call *c, struct str constraint, struct str *ret_region)
{
	bool global = !c->region.len || str_is(c->region, "us-east-1");
	if (!constraint.p || !constraint.len) {
		if (!global)
			return location_incompatible(c, STR("unspecified"));
		*ret_region = STR("us-east-1");
		return CALL_OK;
	}
	if (str_is(constraint, "EU"))
		constraint = STR("eu-west-1");
	if (str_is(constraint, "us-east-1") || !region_plausible(constraint)) {
		call_fail(c, &S3_InvalidLocationConstraint, NULL);
		return call_fail_field(c, "LocationConstraint", constraint);
	}
	if (!global && !str_eq(constraint, c->region))
		return location_incompatible(c, constraint);
	*ret_region = constraint;
	return CALL_OK;
}

static void
key_index(struct key *k, struct str account, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("A"));
	key_add(k, account);
	key_add_raw(k, name);
}

/* Numbers are never used twice: what an old bucket of the name left is out of reach. */
static uint64_t
number_take(struct call *c)
{
	struct key k, value;
	struct str old;
	uint64_t n = 0;
	key_begin(&k);
	key_add_raw(&k, STR("S"));
	if (tx_get(c->tx, s3_rows(c), key_str(&k), &old))
		key_take_u64(&old, &n);
	key_begin(&value);
	key_add_u64(&value, n + 1);
	tx_put(c->tx, s3_rows(c), key_str(&k), key_str(&value));
	return n + 1;
}

void
s3_buckets_number_keep(struct tx *t, struct store *s)
{
	struct key k;
	struct str old;
	key_begin(&k);
	key_add_raw(&k, STR("S"));
	if (tx_get(t, store_rows(s, "s3"), key_str(&k), &old))
		tx_put(t, store_rows(s, "s3"), key_str(&k), old);
}

static void
index_put(struct call *c, const struct s3_bucket_row *b)
{
	struct s3_bucket_index_row index = { .Region = b->Region, .Created = b->Created };
	struct buf value = { 0 };
	struct key k;
	row_encode(&s3_bucket_index_row_shape, &index, &value);
	key_index(&k, b->Owner, b->Name);
	tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&value));
	buf_done(&value);
}

static int
taken(struct call *c, const struct s3_create_bucket_in *in, const struct s3_bucket_row *old,
	struct str region, struct s3_create_bucket_out *out)
{
	const struct api_error *e = &S3_BucketAlreadyExists;
	if (str_eq(old->Owner, c->account)) {
		/* Making it again is no error in us-east-1, for the sake of old clients. */
		if (str_is(region, "us-east-1") && str_eq(old->Region, region)) {
			out->Location = arena_concat(c->arena, STR("/"), in->Bucket);
			return CALL_OK;
		}
		e = &S3_BucketAlreadyOwnedByYou;
	}
	call_fail(c, e, NULL);
	return call_fail_field(c, "BucketName", in->Bucket);
}

static void
location_tell(struct call *c, const struct s3_bucket_row *b, struct s3_create_bucket_out *out)
{
	out->Location =
		str_is(b->Region, "us-east-1") || !c->host.len
			? arena_concat(c->arena, STR("/"), b->Name)
			: arena_printf(c->arena, "%s://%.*s/%.*s", c->tls ? "https" : "http",
				  STR_FMT(c->host), STR_FMT(b->Name));
	out->BucketArn = arena_concat(c->arena, STR("arn:aws:s3:::"), b->Name);
}

int
s3_create_bucket(
	struct call *c, const struct s3_create_bucket_in *in, struct s3_create_bucket_out *out)
{
	struct s3_bucket_row b = { 0 }, old = { 0 };
	struct str region, constraint = STR_NULL;
	if (c->who.anonymous)
		return call_fail(c, &S3_AccessDenied, NULL);
	if (call_authorize(c, "s3:CreateBucket",
		    arena_concat(c->arena, STR("arn:aws:s3:::"), in->Bucket), STR_NULL))
		return CALL_FAILED;
	if (!s3_bucket_name_valid(in->Bucket)) {
		call_fail(c, &S3_InvalidBucketName, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	if (in->CreateBucketConfiguration)
		constraint = in->CreateBucketConfiguration->LocationConstraint;
	if (str_is(in->BucketNamespace, "account-regional"))
		return call_fail(c, &S3_NotImplemented, NULL);
	if (location_choose(c, constraint, &region))
		return CALL_FAILED;
	if (s3_bucket_find(c, in->Bucket, &old))
		return taken(c, in, &old, region, out);
	b.Id = OPT_I64((int64_t)number_take(c));
	b.Name = in->Bucket;
	b.Owner = c->account;
	b.Region = region;
	b.Created = OPT_TIME(c->now_ms);
	b.Generation = OPT_I64(b.Id.v << 32); /* never one that a cache saw of an earlier bucket */
	if (in->ObjectLockEnabledForBucket.v) {
		b.ObjectLock = OPT_BOOL(true);
		b.Versioning = OPT_I64(S3_VERSIONED);
	}
	b.Ownership = in->ObjectOwnership.p ? in->ObjectOwnership : s3_ownership_default();
	if (in->CreateBucketConfiguration && in->CreateBucketConfiguration->Tags.n) {
		S3_LIST_SHARE(b.Tags, in->CreateBucketConfiguration->Tags);
		if (s3_tags_check(c, b.Tags.v, b.Tags.n, 50))
			return CALL_FAILED;
	}
	if (s3_access_new_bucket(c, &b))
		return CALL_FAILED;
	s3_bucket_save(c, &b);
	index_put(c, &b);
	location_tell(c, &b, out);
	return CALL_OK;
}

/* ---- looking ---- */

int
s3_head_bucket(struct call *c, const struct s3_head_bucket_in *in, struct s3_head_bucket_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:ListBucket", STR_NULL, NULL))
		return CALL_FAILED;
	out->BucketRegion = b.Region;
	out->BucketArn = arena_concat(c->arena, STR("arn:aws:s3:::"), b.Name);
	out->AccessPointAlias = OPT_BOOL(false);
	return CALL_OK;
}

int
s3_get_bucket_location(struct call *c, const struct s3_get_bucket_location_in *in,
	struct s3_get_bucket_location_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:GetBucketLocation", STR_NULL, NULL))
		return CALL_FAILED;
	/* us-east-1 is told as an empty element. */
	out->LocationConstraint = str_is(b.Region, "us-east-1") ? STR("") : b.Region;
	return CALL_OK;
}

static int
page_size(struct call *c, const struct s3_list_buckets_in *in, uint32_t *ret_max)
{
	*ret_max = BUCKETS_PAGE;
	if (!in->MaxBuckets.set)
		return CALL_OK;
	if (in->MaxBuckets.v < 1 || in->MaxBuckets.v > BUCKETS_PAGE) {
		call_fail(c, &S3_InvalidArgument,
			"Argument max-buckets must be an integer between 1 and 10000");
		call_fail_field(c, "ArgumentName", STR("max-buckets"));
		return call_fail_field(c, "ArgumentValue",
			arena_printf(c->arena, "%lld", (long long)in->MaxBuckets.v));
	}
	*ret_max = (uint32_t)in->MaxBuckets.v;
	return CALL_OK;
}

static int
token_read(struct call *c, struct str token, struct str *ret_after)
{
	*ret_after = STR_NULL;
	if (!token.p)
		return CALL_OK;
	*ret_after = base64_bytes(c->arena, token, BASE64_URL);
	if (!ret_after->p || !ret_after->len || ret_after->len > S3_KEY_MAX) {
		call_fail(c, &S3_InvalidArgument, "The continuation token provided is incorrect");
		return call_fail_field(c, "ArgumentName", STR("continuation-token"));
	}
	return CALL_OK;
}

static void
buckets_scan(struct call *c, const struct s3_list_buckets_in *in, struct str after, uint32_t max,
	struct s3_list_buckets_out *out)
{
	struct key lo, hi, head;
	struct scan s;
	key_index(&lo, c->account, in->Prefix);
	struct str end = key_after_prefix(&hi, key_str(&lo));
	key_index(&head, c->account, STR(""));
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), end, false);
	if (after.p) {
		key_index(&lo, c->account, after);
		lo.bytes[lo.len++] = 0;
		scan_seek(&s, key_str(&lo));
	}
	while (scan_next(&s)) {
		struct s3_bucket_index_row index = { 0 };
		if (!row_decode(&s3_bucket_index_row_shape, s.value, c->arena, &index) ||
			(in->BucketRegion.len && !str_eq(in->BucketRegion, index.Region)))
			continue;
		if (out->Buckets.n == max) {
			out->ContinuationToken =
				base64_url_text(c->arena, out->Buckets.v[max - 1].Name);
			break;
		}
		struct s3_bucket *b = S3_LIST_PUSH(c, out->Buckets);
		b->Name = arena_dup(c->arena, str_slice(s.key, head.len, s.key.len));
		b->CreationDate = index.Created;
		b->BucketRegion = index.Region;
		b->BucketArn = arena_concat(c->arena, STR("arn:aws:s3:::"), b->Name);
	}
	scan_done(&s);
}

int
s3_list_buckets(
	struct call *c, const struct s3_list_buckets_in *in, struct s3_list_buckets_out *out)
{
	uint32_t max;
	struct str after;
	if (c->who.anonymous)
		return call_fail(c, &S3_AccessDenied, NULL);
	if (call_authorize(c, "s3:ListAllMyBuckets", STR("arn:aws:s3:::*"), STR_NULL))
		return CALL_FAILED;
	if (page_size(c, in, &max) || token_read(c, in->ContinuationToken, &after))
		return CALL_FAILED;
	S3_LIST_NEW(c, out->Buckets, 0);
	buckets_scan(c, in, after, max, out);
	out->Owner = arena_alloc(c->arena, sizeof(*out->Owner));
	out->Owner->ID = s3_canonical_id(c, c->account);
	out->Owner->DisplayName = s3_display_name(c->account);
	out->Prefix = in->Prefix;
	return CALL_OK;
}

/* ---- removing ---- */

static bool
space_empty(struct call *c, char space, uint64_t bucket)
{
	struct key lo, hi;
	struct scan s;
	s3_key_space(&lo, space, bucket);
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	bool found = scan_next(&s);
	scan_done(&s);
	return !found;
}

static void
configurations_erase(struct call *c, uint64_t id)
{
	struct key lo, hi;
	struct scan s;
	s3_key_space(&lo, 'G', id);
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s))
		tx_delete(c->tx, s3_rows(c), arena_dup(c->arena, s.key));
	scan_done(&s);
}

int
s3_delete_bucket(struct call *c, const struct s3_delete_bucket_in *in,
	struct s3_delete_bucket_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct key k;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:DeleteBucket", STR_NULL, NULL))
		return CALL_FAILED;
	uint64_t id = (uint64_t)b.Id.v;
	if (!space_empty(c, 'C', id) || !space_empty(c, 'V', id)) {
		if (space_empty(c, 'C', id))
			call_fail(c, &S3_BucketNotEmpty,
				"The bucket you tried to delete is not empty. You must delete all "
				"versions in the bucket.");
		else
			call_fail(c, &S3_BucketNotEmpty, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	configurations_erase(c, id);
	s3_task_bucket(c, b.Region, id);
	s3_bucket_erase(c, &b);
	key_index(&k, b.Owner, b.Name);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
	return CALL_OK;
}
