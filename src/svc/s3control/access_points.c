/* Access points: further names of a bucket, and host names that lead to it. */
#include "base/buf.h"
#include "svc/s3control/control.h"

#define PAGE 1000

static void
key_of(struct key *k, struct str account, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("Y"));
	key_add(k, account);
	key_add_raw(k, name);
}

static bool
find(struct call *c, struct str name, struct s3control_access_point_row *ret)
{
	struct key k;
	struct str value;
	key_of(&k, c->account, name);
	return tx_get(c->tx, s3_rows(c), key_str(&k), &value) &&
	       row_decode(&s3control_access_point_row_shape, value, c->arena, ret);
}

static struct str
arn_of(struct call *c, struct str name)
{
	return arena_printf(c->arena, "arn:aws:s3:%.*s:%.*s:accesspoint/%.*s", STR_FMT(c->region),
		STR_FMT(c->account), STR_FMT(name));
}

/* "name-123456789012", as in the host name of an access point. */
static struct str
host_name(struct call *c, struct str name)
{
	return arena_printf(c->arena, "%.*s-%.*s", STR_FMT(name), STR_FMT(c->account));
}

static bool
name_valid(struct str s)
{
	bool fine = s.len >= 3 && s.len <= 50 && s.p[0] != '-' && s.p[s.len - 1] != '-' &&
		    !str_ends(s, STR("-s3alias"));
	for (size_t i = 0; i < s.len && fine; i++)
		fine = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
		       s.p[i] == '-';
	return fine;
}

static int
no_such(struct call *c, struct str name)
{
	call_fail(c, &S3CONTROL_NoSuchAccessPoint, NULL);
	return call_fail_field(c, "AccessPointName", name);
}

/* What S3 asks of it, by each of its names. */
static void
point_tell(struct call *c, const struct s3control_access_point_row *row)
{
	const struct s3control_public_access_block_configuration *p = row->Block;
	struct s3_access_point_row told = { .Arn = arn_of(c, row->Name),
		.Bucket = row->Bucket,
		.Account = c->account,
		.Policy = row->Policy,
		.Block = OPT_I64(p ? s3control_block_bits(p) : 0),
		.Vpc = row->Vpc ? row->Vpc->VpcId : STR_NULL };
	s3_access_point_put(c, row->Alias, &told);
	s3_access_point_put(c, host_name(c, row->Name), &told);
}

void
s3control_point_save(struct call *c, const struct s3control_access_point_row *row)
{
	struct buf bytes = { 0 };
	struct key k;
	row_encode(&s3control_access_point_row_shape, row, &bytes);
	key_of(&k, c->account, row->Name);
	tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&bytes));
	buf_done(&bytes);
	point_tell(c, row);
}

int
s3control_point_open(struct call *c, struct str account, struct str name,
	struct s3control_access_point_row *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (s3control_account_check(c, account))
		return CALL_FAILED;
	return find(c, name, ret) ? CALL_OK : no_such(c, name);
}

static struct s3control_public_access_block_configuration *
block_all(struct call *c)
{
	struct s3control_public_access_block_configuration *p =
		arena_new(c->arena, struct s3control_public_access_block_configuration);
	p->BlockPublicAcls = p->IgnorePublicAcls = p->BlockPublicPolicy =
		p->RestrictPublicBuckets = OPT_BOOL(true);
	return p;
}

int
s3control_create_access_point(struct call *c, const struct s3control_create_access_point_in *in,
	struct s3control_create_access_point_out *out)
{
	struct s3control_access_point_row row = { 0 };
	struct s3_bucket_row b = { 0 };
	if (s3control_account_check(c, in->AccountId))
		return CALL_FAILED;
	if (!name_valid(in->Name))
		return call_fail(
			c, &S3CONTROL_InvalidRequest, "Your access point name is not valid");
	if (find(c, in->Name, &row))
		return call_fail(c, &S3CONTROL_AccessPointAlreadyOwnedByYou, NULL);
	if (!s3_bucket_find(c, in->Bucket, &b) || !str_eq(b.Owner, c->account))
		return call_fail(c, &S3CONTROL_NoSuchBucket, NULL);
	row = (struct s3control_access_point_row){ .Name = in->Name,
		.Bucket = b.Name,
		.BucketOwner = b.Owner,
		.Created = OPT_TIME(c->now_ms),
		.Vpc = in->VpcConfiguration,
		.Block = in->PublicAccessBlockConfiguration };
	row.Tags = in->Tags;
	char unique[35];
	random_chars(unique, 34, IDS_LOWER_ALNUM);
	size_t kept = in->Name.len < 19 ? in->Name.len : 19;
	row.Alias = arena_printf(c->arena, "%.*s-%s-s3alias", (int)kept, in->Name.p, unique);
	if (!row.Block)
		row.Block = block_all(c);
	s3control_point_save(c, &row);
	s3_other_name_put(c, row.Alias, b.Name);
	s3_other_name_put(c, host_name(c, in->Name), b.Name);
	out->AccessPointArn = arn_of(c, in->Name);
	out->Alias = row.Alias;
	return CALL_OK;
}

int
s3control_get_access_point(struct call *c, const struct s3control_get_access_point_in *in,
	struct s3control_get_access_point_out *out)
{
	struct s3control_access_point_row row = { 0 };
	if (s3control_account_check(c, in->AccountId))
		return CALL_FAILED;
	if (!find(c, in->Name, &row))
		return no_such(c, in->Name);
	out->Name = row.Name;
	out->Bucket = row.Bucket;
	out->NetworkOrigin = row.Vpc ? STR("VPC") : STR("Internet");
	out->VpcConfiguration = row.Vpc;
	out->PublicAccessBlockConfiguration = row.Block;
	out->CreationDate = row.Created;
	out->Alias = row.Alias;
	out->AccessPointArn = arn_of(c, row.Name);
	out->BucketAccountId = row.BucketOwner;
	return CALL_OK;
}

int
s3control_delete_access_point(struct call *c, const struct s3control_delete_access_point_in *in,
	struct s3control_delete_access_point_out *out __attribute__((unused)))
{
	struct s3control_access_point_row row = { 0 };
	struct key k;
	if (s3control_account_check(c, in->AccountId))
		return CALL_FAILED;
	if (!find(c, in->Name, &row))
		return no_such(c, in->Name);
	s3_other_name_put(c, row.Alias, STR_NULL);
	s3_other_name_put(c, host_name(c, row.Name), STR_NULL);
	s3_access_point_put(c, row.Alias, NULL);
	s3_access_point_put(c, host_name(c, row.Name), NULL);
	key_of(&k, c->account, in->Name);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
	return CALL_OK;
}

int
s3control_list_access_points(struct call *c, const struct s3control_list_access_points_in *in,
	struct s3control_list_access_points_out *out)
{
	struct key lo, hi, from;
	struct scan s;
	if (s3control_account_check(c, in->AccountId))
		return CALL_FAILED;
	uint32_t max =
		in->MaxResults.set && in->MaxResults.v > 0 ? (uint32_t)in->MaxResults.v : PAGE;
	struct str after = in->NextToken.len ? hex_bytes(c->arena, in->NextToken) : STR("");
	if (!after.p || after.len > 64)
		return call_fail(c, &S3CONTROL_InvalidRequest, "The next token is not valid.");
	key_of(&lo, c->account, STR(""));
	key_of(&from, c->account, after);
	if (after.len)
		from.bytes[from.len++] = 0;
	S3_LIST_NEW(c, out->AccessPointList, max);
	scan_open(
		&s, c->tx, s3_rows(c), key_str(&from), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s)) {
		struct s3control_access_point_row row = { 0 };
		if (!row_decode(&s3control_access_point_row_shape, s.value, c->arena, &row) ||
			(in->Bucket.p && !str_eq(in->Bucket, row.Bucket)))
			continue;
		if (out->AccessPointList.n == max) {
			out->NextToken = hex_text(c->arena, out->AccessPointList.v[max - 1].Name);
			scan_done(&s);
			break;
		}
		struct s3control_access_point *p =
			&out->AccessPointList.v[out->AccessPointList.n++];
		p->Name = row.Name;
		p->NetworkOrigin = row.Vpc ? STR("VPC") : STR("Internet");
		p->VpcConfiguration = row.Vpc;
		p->Bucket = row.Bucket;
		p->AccessPointArn = arn_of(c, row.Name);
		p->Alias = row.Alias;
		p->BucketAccountId = row.BucketOwner;
	}
	return CALL_OK;
}
