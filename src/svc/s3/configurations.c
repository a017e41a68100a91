/*
 * Configurations that a bucket has many of, each by an id: analytics, inventory, metrics,
 * intelligent tiering. One row each; listed in pages in the order of their ids.
 */
#include "base/buf.h"
#include "svc/s3/access.h"
#include "svc/s3/inventory.h"
#include "svc/s3/tiering.h"
#include "svc/s3/walk.h"

#define CONFIGURATIONS_MAX 1000
#define PAGE 100

enum kind { ANALYTICS = 1000, INVENTORY, METRICS, TIERING }; /* persisted; above enum s3_config */

static void
key_of(struct key *k, const struct s3_bucket_row *b, enum kind kind, struct str id)
{
	s3_key_space(k, 'G', (uint64_t)b->Id.v);
	key_add_u64(k, kind);
	key_add_raw(k, id);
}

static int
id_check(struct call *c, struct str id, struct str inside)
{
	if (!str_eq(id, inside))
		return call_fail(c, &S3_InvalidArgument,
			"The Id in the request does not match the Id "
			"in the configuration.");
	bool fine = id.len >= 1 && id.len <= 64;
	for (size_t i = 0; i < id.len && fine; i++)
		fine = (id.p[i] >= 'a' && id.p[i] <= 'z') || (id.p[i] >= 'A' && id.p[i] <= 'Z') ||
		       (id.p[i] >= '0' && id.p[i] <= '9') || strchr("-_.", id.p[i]);
	return fine ? CALL_OK : call_fail(c, &S3_InvalidArgument, "Invalid Id");
}

static uint32_t
count(struct call *c, const struct s3_bucket_row *b, enum kind kind)
{
	struct key lo, hi;
	struct scan s;
	uint32_t n = 0;
	key_of(&lo, b, kind, STR(""));
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s))
		n++;
	return n;
}

static int
save(struct call *c, const struct s3_bucket_row *b, enum kind kind, struct str id,
	const struct shape *shape, const void *row)
{
	struct buf bytes = { 0 };
	struct key k;
	struct str old;
	key_of(&k, b, kind, id);
	if (!tx_get(c->tx, s3_rows(c), key_str(&k), &old) &&
		count(c, b, kind) >= CONFIGURATIONS_MAX)
		return call_fail(c, &S3_TooManyConfigurations, NULL);
	row_encode(shape, row, &bytes);
	tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&bytes));
	buf_done(&bytes);
	if (kind == INVENTORY)
		s3_inventory_schedule(c, b, id, c->now_ms);
	return CALL_OK;
}

static int
load(struct call *c, const struct s3_bucket_row *b, enum kind kind, struct str id,
	const struct shape *shape, void *row)
{
	struct key k;
	struct str bytes;
	key_of(&k, b, kind, id);
	if (id.len <= 64 && tx_get(c->tx, s3_rows(c), key_str(&k), &bytes) &&
		row_decode(shape, bytes, c->arena, row))
		return CALL_OK;
	call_fail(c, &S3_NoSuchConfiguration, NULL);
	return call_fail_field(c, "BucketName", b->Name);
}

bool
s3_inventory_get(struct call *c, const struct s3_bucket_row *b, struct str id,
	struct s3_inventory_configuration *ret)
{
	struct s3_inventory_row row = { 0 };
	struct key k;
	struct str bytes;
	key_of(&k, b, INVENTORY, id);
	if (!tx_get(c->tx, s3_rows(c), key_str(&k), &bytes) ||
		!row_decode(&s3_inventory_row_shape, bytes, c->arena, &row) || !row.Configuration)
		return false;
	*ret = *row.Configuration;
	return true;
}

uint32_t
s3_tiering_configurations(struct call *c, const struct s3_bucket_row *b,
	struct s3_intelligent_tiering_configuration **ret)
{
	struct s3_intelligent_tiering_configuration_list l = { 0 };
	struct key lo, hi;
	struct scan s;
	key_of(&lo, b, TIERING, STR(""));
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s)) {
		struct s3_tiering_row row = { 0 };
		if (row_decode(&s3_tiering_row_shape, s.value, c->arena, &row) &&
			row.Configuration && str_is(row.Configuration->Status, "Enabled"))
			*S3_LIST_PUSH(c, l) = *row.Configuration;
	}
	*ret = l.v;
	return l.n;
}

static int
erase(struct call *c, const struct s3_bucket_row *b, enum kind kind, struct str id)
{
	struct key k;
	struct str old;
	key_of(&k, b, kind, id);
	if (id.len > 64 || !tx_get(c->tx, s3_rows(c), key_str(&k), &old)) {
		call_fail(c, &S3_NoSuchConfiguration, NULL);
		return call_fail_field(c, "BucketName", b->Name);
	}
	tx_delete(c->tx, s3_rows(c), key_str(&k));
	return CALL_OK;
}

/* ---- what a configuration may say ---- */

static bool
arn_of_bucket(struct str arn)
{
	return str_starts(arn, STR("arn:aws:s3:::")) && arn.len > 13;
}

static int
analytics_check(struct call *c, const struct s3_analytics_configuration *k)
{
	const struct s3_storage_class_analysis *a = k->StorageClassAnalysis;
	if (!a)
		return call_fail(c, &S3_MalformedXML, NULL);
	if (!a->DataExport)
		return CALL_OK;
	const struct s3_analytics_export_destination *d = a->DataExport->Destination;
	if (!d || !d->S3BucketDestination)
		return call_fail(c, &S3_MalformedXML, NULL);
	return arn_of_bucket(d->S3BucketDestination->Bucket)
		       ? CALL_OK
		       : call_fail(c, &S3_InvalidS3DestinationBucket, NULL);
}

static int
inventory_check(struct call *c, const struct s3_inventory_configuration *k)
{
	if (!k->Destination || !k->Destination->S3BucketDestination || !k->Schedule)
		return call_fail(c, &S3_MalformedXML, NULL);
	const struct s3_inventory_s3_bucket_destination *d = k->Destination->S3BucketDestination;
	if (!str_is(d->Format, "CSV"))
		return call_fail(c, &S3_NotImplemented,
			"Inventory reports are written as CSV; %.*s is not available here.",
			STR_FMT(d->Format));
	if (d->Encryption && d->Encryption->SSEKMS)
		return call_fail(c, &S3_NotImplemented,
			"Inventory reports are encrypted with SSE-S3; KMS keys are not available for "
			"them here.");
	return arn_of_bucket(k->Destination->S3BucketDestination->Bucket)
		       ? CALL_OK
		       : call_fail(c, &S3_InvalidS3DestinationBucket, NULL);
}

static int
metrics_check(struct call *c __attribute__((unused)),
	const struct s3_metrics_configuration *k __attribute__((unused)))
{
	return CALL_OK;
}

static int
tiering_check(struct call *c, const struct s3_intelligent_tiering_configuration *k)
{
	if (!k->Tierings.n)
		return call_fail(c, &S3_MalformedXML, NULL);
	for (uint32_t i = 0; i < k->Tierings.n; i++) {
		int64_t days = k->Tierings.v[i].Days.v;
		bool deep = str_is(k->Tierings.v[i].AccessTier, "DEEP_ARCHIVE_ACCESS");
		if (days < (deep ? 180 : 90) || days > 730)
			return call_fail(c, &S3_InvalidArgument,
				"The number of days must be between %d and 730.", deep ? 180 : 90);
	}
	return CALL_OK;
}

/* The four operations of a kind: name in C, member, list member, suffix of the list operation. */
#define CONFIGURATION(name, Member, kind, check, row_name)                                         \
	int s3_put_bucket_##name##_configuration(struct call *c,                                   \
		const struct s3_put_bucket_##name##_configuration_in *in,                          \
		struct s3_put_bucket_##name##_configuration_out *out __attribute__((unused)))      \
	{                                                                                          \
		struct s3_bucket_row b = { 0 };                                                    \
		struct s3_##row_name##_row row = { .Configuration = in->Member };                  \
		if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, c->op->action, &b))     \
			return CALL_FAILED;                                                        \
		if (!in->Member)                                                                   \
			return call_fail(c, &S3_MalformedXML, NULL);                               \
		if (id_check(c, in->Id, in->Member->Id) || check(c, in->Member))                   \
			return CALL_FAILED;                                                        \
		return save(c, &b, kind, in->Id, &s3_##row_name##_row_shape, &row);                \
	}                                                                                          \
	int s3_get_bucket_##name##_configuration(struct call *c,                                   \
		const struct s3_get_bucket_##name##_configuration_in *in,                          \
		struct s3_get_bucket_##name##_configuration_out *out)                              \
	{                                                                                          \
		struct s3_bucket_row b = { 0 };                                                    \
		struct s3_##row_name##_row row = { 0 };                                            \
		if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, c->op->action, &b) ||   \
			load(c, &b, kind, in->Id, &s3_##row_name##_row_shape, &row))               \
			return CALL_FAILED;                                                        \
		out->Member = row.Configuration;                                                   \
		return CALL_OK;                                                                    \
	}                                                                                          \
	int s3_delete_bucket_##name##_configuration(struct call *c,                                \
		const struct s3_delete_bucket_##name##_configuration_in *in,                       \
		struct s3_delete_bucket_##name##_configuration_out *out __attribute__((unused)))   \
	{                                                                                          \
		struct s3_bucket_row b = { 0 };                                                    \
		if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, c->op->action, &b))     \
			return CALL_FAILED;                                                        \
		return erase(c, &b, kind, in->Id);                                                 \
	}                                                                                          \
	int s3_list_bucket_##name##_configurations(struct call *c,                                 \
		const struct s3_list_bucket_##name##_configurations_in *in,                        \
		struct s3_list_bucket_##name##_configurations_out *out)                            \
	{                                                                                          \
		struct s3_bucket_row b = { 0 };                                                    \
		struct key lo, hi, from;                                                           \
		struct scan s;                                                                     \
		if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, c->op->action, &b))     \
			return CALL_FAILED;                                                        \
		struct str after = in->ContinuationToken.len                                       \
					   ? hex_bytes(c->arena, in->ContinuationToken)            \
					   : STR("");                                              \
		if (!after.p || after.len > 64)                                                    \
			return call_fail(c, &S3_InvalidArgument,                                   \
				"The continuation token provided is incorrect");                   \
		key_of(&lo, &b, kind, STR(""));                                                    \
		key_of(&from, &b, kind, after);                                                    \
		if (after.len)                                                                     \
			from.bytes[from.len++] = 0;                                                \
		scan_open(&s, c->tx, s3_rows(c), key_str(&from),                                   \
			key_after_prefix(&hi, key_str(&lo)), false);                               \
		out->IsTruncated = OPT_BOOL(false);                                                \
		out->ContinuationToken = in->ContinuationToken;                                    \
		while (scan_next(&s)) {                                                            \
			struct s3_##row_name##_row row = { 0 };                                    \
			if (out->Member##List.n == PAGE) {                                         \
				struct str last = out->Member##List.v[out->Member##List.n - 1].Id; \
				out->IsTruncated = OPT_BOOL(true);                                 \
				out->NextContinuationToken = hex_text(c->arena, last);             \
				scan_done(&s);                                                     \
				break;                                                             \
			}                                                                          \
			if (row_decode(&s3_##row_name##_row_shape, arena_dup(c->arena, s.value),   \
				    c->arena, &row) &&                                             \
				row.Configuration)                                                 \
				*S3_LIST_PUSH(c, out->Member##List) = *row.Configuration;          \
		}                                                                                  \
		return CALL_OK;                                                                    \
	}

CONFIGURATION(analytics, AnalyticsConfiguration, ANALYTICS, analytics_check, analytics)
CONFIGURATION(inventory, InventoryConfiguration, INVENTORY, inventory_check, inventory)
CONFIGURATION(metrics, MetricsConfiguration, METRICS, metrics_check, metrics)
CONFIGURATION(intelligent_tiering, IntelligentTieringConfiguration, TIERING, tiering_check, tiering)
