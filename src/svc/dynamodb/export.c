/* ExportTableToPointInTime, DescribeExport, ListExports; exports as rows. */
#include "svc/dynamodb/export.h"
#include "base/digest.h"
#include "base/text.h"
#include "svc/dynamodb/bucket.h"
#include "svc/dynamodb/jobs.h"
#include "svc/dynamodb/tasks.h"

#define WINDOW_MIN_MS (15 * 60 * 1000)

static struct rows *
rows_of(const struct call *c)
{
	return ddb_backup_rows(c->store);
}

void
ddb_export_line_key(struct key *k, struct str id, uint64_t part)
{
	key_begin(k);
	key_add_raw(k, STR("M"));
	key_add(k, id);
	key_add_u64(k, part);
}

static const struct ddb_jobs exports = { "E", "/export/", &dynamodb_export_row_shape,
	sizeof(struct dynamodb_export_row) };

bool
ddb_export_find(struct call *c, struct str id, struct dynamodb_export_row *ret)
{
	return ddb_job_find(c, &exports, id, ret);
}

void
ddb_export_save(struct call *c, struct str id, const struct dynamodb_export_row *row)
{
	ddb_job_save(c, &exports, id, row);
}

struct str
ddb_export_folder(struct call *c, const struct dynamodb_export_row *row)
{
	const struct dynamodb_export_description *d = row->Description;
	struct str table, id;
	ddb_arn_split(c, d->ExportArn, STR("/export/"), &table, &id);
	return arena_printf(c->arena, "%.*s%sAWSDynamoDB/%.*s/", STR_FMT(d->S3Prefix),
		d->S3Prefix.len && !str_ends(d->S3Prefix, STR("/")) ? "/" : "", STR_FMT(id));
}

void
ddb_export_end(struct call *c, struct str id, struct dynamodb_export_row *row, const char *code)
{
	struct dynamodb_copy_row copy;
	struct key lo, hi;
	struct scan s;
	struct dynamodb_export_description *d = row->Description;
	d->ExportStatus = code ? STR("FAILED") : STR("COMPLETED");
	d->EndTime = OPT_TIME(c->now_ms);
	if (code) {
		d->FailureCode = str_c(code);
		d->FailureMessage = strcmp(code, "S3NoSuchBucket") == 0
					    ? STR("The specified bucket does not exist")
					    : STR("The export could not be written to the bucket");
	}
	ddb_export_save(c, id, row);
	if (ddb_copy_find(c, (uint64_t)row->Copy.v, &copy))
		ddb_copy_drop(c, &copy);
	if (row->New.v) {
		ddb_copy_drop_items(c, (uint64_t)row->New.v);
		ddb_copy_drop_items(c, (uint64_t)row->When.v);
	}
	ddb_export_line_key(&lo, id, 0);
	ddb_export_line_key(&hi, id, UINT64_MAX);
	scan_open(&s, c->tx, rows_of(c), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s))
		tx_delete(c->tx, s.rows, s.key);
	scan_done(&s);
}

/* ---- ExportTableToPointInTime */

static int
check_formats(struct call *c, const struct dynamodb_export_table_to_point_in_time_in *in)
{
	if (str_is(in->ExportFormat, "ION"))
		return ddb_fail(c, "ExportFormat ION is not offered by this Haneul: choose "
				   "DYNAMODB_JSON");
	if (str_is(in->S3SseAlgorithm, "KMS") || in->S3SseKmsKeyId.p)
		return ddb_fail(c, "S3SseAlgorithm KMS is not offered by this Haneul: files are "
				   "encrypted with AES256");
	if (in->IncrementalExportSpecification && !str_is(in->ExportType, "INCREMENTAL_EXPORT"))
		return ddb_fail(c, "IncrementalExportSpecification can only be specified when "
				   "ExportType is INCREMENTAL_EXPORT");
	if (str_is(in->ExportType, "INCREMENTAL_EXPORT") && in->ExportTime.set)
		return ddb_fail(
			c, "ExportTime cannot be specified when ExportType is INCREMENTAL_EXPORT");
	return 0;
}

static int
open_source(struct call *c, struct str arn, struct ddb_table *t)
{
	struct str name = arn;
	ddb_plain_name(c, &name);
	if (str_starts(name, STR("arn:")) || !ddb_table_find(c, name, t))
		return call_fail(c, &DYNAMODB_TableNotFoundException, "Table not found: %.*s",
			STR_FMT(name));
	if (!t->row.Pitr.v)
		return call_fail(c, &DYNAMODB_PointInTimeRecoveryUnavailableException,
			"Point in time recovery is not enabled for table '%.*s'", STR_FMT(name));
	return 0;
}

static int
check_moment(struct call *c, const struct ddb_table *t, int64_t at_ms)
{
	if (at_ms >= ddb_log_earliest_ms(c, t) && at_ms <= ddb_log_latest_ms(c, t))
		return 0;
	return call_fail(c, &DYNAMODB_InvalidExportTimeException,
		"The export time is not between EarliestRestorableDateTime and "
		"LatestRestorableDateTime");
}

static int
check_window(struct call *c, const struct ddb_table *t,
	const struct dynamodb_incremental_export_specification *s, int64_t *ret_from,
	int64_t *ret_to)
{
	if (!s || !s->ExportFromTime.set)
		return ddb_fail(c, "ExportFromTime must be specified for an incremental export");
	*ret_from = s->ExportFromTime.ms;
	*ret_to = s->ExportToTime.set ? s->ExportToTime.ms : c->now_ms;
	if (*ret_to - *ret_from > DDB_DAY_MS)
		return ddb_fail(c, "The difference between the export period from time and export "
				   "period to time is more than 24 hours");
	if (*ret_to - *ret_from < WINDOW_MIN_MS)
		return ddb_fail(c, "The difference between the export period from time and export "
				   "period to time is less than 15 minutes");
	return check_moment(c, t, *ret_from) || check_moment(c, t, *ret_to) ? CALL_FAILED : 0;
}

static struct dynamodb_export_description *
describe_new(struct call *c, const struct dynamodb_export_table_to_point_in_time_in *in,
	const struct ddb_table *t, struct str id)
{
	struct dynamodb_export_description *d =
		arena_new(c->arena, struct dynamodb_export_description);
	d->ExportArn = arena_printf(c->arena, "%.*s/export/%.*s",
		STR_FMT(ddb_table_arn(c, t->row.Name)), STR_FMT(id));
	d->ExportStatus = STR("IN_PROGRESS");
	d->StartTime = OPT_TIME(c->now_ms);
	d->TableArn = ddb_table_arn(c, t->row.Name);
	d->TableId = t->row.Uuid;
	d->ClientToken = in->ClientToken;
	d->S3Bucket = in->S3Bucket;
	d->S3BucketOwner = in->S3BucketOwner;
	d->S3Prefix = in->S3Prefix;
	d->S3SseAlgorithm = STR("AES256");
	d->ExportFormat = STR("DYNAMODB_JSON");
	d->ExportType = in->ExportType.p ? in->ExportType : STR("FULL_EXPORT");
	d->ItemCount = OPT_I64(0);
	d->BilledSizeBytes = OPT_I64(0);
	return d;
}

/* The same token and request again within eight hours: the same export. */
static int
token_check(struct call *c, const struct dynamodb_export_table_to_point_in_time_in *in,
	const unsigned char *sum, struct dynamodb_export_row *ret)
{
	struct key k;
	struct str value;
	key_begin(&k);
	key_add_raw(&k, STR("X"));
	key_add(&k, c->account);
	key_add(&k, c->region);
	key_add_raw(&k, in->ClientToken);
	if (!in->ClientToken.p || !tx_get(c->tx, rows_of(c), key_str(&k), &value) ||
		!ddb_export_find(c, value, ret) ||
		ret->Description->StartTime.ms < c->now_ms - 8 * 3600 * 1000)
		return 0;
	if (str_eq(ret->Token, str_of(sum, 32)))
		return 1;
	return call_fail(c, &DYNAMODB_ExportConflictException,
		"There was a conflict when writing to the specified S3 bucket: the client token was "
		"used with other parameters");
}

static void
request_sum(const struct dynamodb_export_table_to_point_in_time_in *in, unsigned char ret[32])
{
	struct buf b = { 0 };
	const struct str parts[] = { in->TableArn, in->S3Bucket, in->S3Prefix, in->ExportType };
	for (unsigned i = 0; i < 4; i++) {
		buf_add_str(&b, parts[i]);
		buf_add_c(&b, '\0');
	}
	buf_add_i64(&b, in->ExportTime.set ? in->ExportTime.ms : 0);
	sha256(buf_str(&b), ret);
	buf_done(&b);
}

static void
token_keep(struct call *c, struct str token, struct str id)
{
	struct key k;
	key_begin(&k);
	key_add_raw(&k, STR("X"));
	key_add(&k, c->account);
	key_add(&k, c->region);
	key_add_raw(&k, token);
	if (token.p)
		tx_put(c->tx, rows_of(c), key_str(&k), id);
}

static void
begin(struct call *c, struct ddb_table *t, struct dynamodb_export_row *row, struct str id,
	int64_t from_ms, int64_t to_ms)
{
	struct dynamodb_copy_row copy = { .Export = id };
	row->Table = t->row.Name;
	row->TableId = OPT_I64((int64_t)t->id);
	row->KeySchema = t->row.KeySchema;
	if (!from_ms) {
		ddb_copy_begin(c, t, to_ms, &copy);
		row->Copy = copy.Id;
		return;
	}
	ddb_copy_hold(c, t, to_ms, &copy);
	row->Copy = copy.Id;
	row->New = OPT_I64((int64_t)ddb_next_id(c));
	row->When = OPT_I64((int64_t)ddb_next_id(c));
	row->From = OPT_TIME(from_ms);
	ddb_export_gather_later(c, id);
}

int
dynamodb_export_table_to_point_in_time(struct call *c,
	const struct dynamodb_export_table_to_point_in_time_in *in,
	struct dynamodb_export_table_to_point_in_time_out *out)
{
	struct ddb_table t;
	struct dynamodb_export_row row = { 0 };
	int64_t from_ms = 0, to_ms = in->ExportTime.set ? in->ExportTime.ms : c->now_ms;
	bool changes = str_is(in->ExportType, "INCREMENTAL_EXPORT");
	unsigned char sum[32];
	uint32_t random;
	struct key k;
	request_sum(in, sum);
	if (check_formats(c, in) || open_source(c, in->TableArn, &t))
		return CALL_FAILED;
	int known = token_check(c, in, sum, &row);
	if (known < 0)
		return CALL_FAILED;
	out->ExportDescription = row.Description;
	if (known)
		return CALL_OK;
	if (changes ? check_window(c, &t, in->IncrementalExportSpecification, &from_ms, &to_ms)
		    : check_moment(c, &t, to_ms))
		return CALL_FAILED;
	call_random(c, &random, sizeof(random));
	struct str name = arena_printf(c->arena, "%014lld-%08x", (long long)c->now_ms, random);
	ddb_job_id(&k, c->account, c->region, t.row.Name, name);
	struct str id = arena_dup(c->arena, key_str(&k));
	row = (struct dynamodb_export_row){ .Description = describe_new(c, in, &t, name),
		.Token = arena_dup(c->arena, str_of(sum, sizeof(sum))) };
	row.Description->ExportTime = OPT_TIME(to_ms);
	if (changes) {
		struct dynamodb_incremental_export_specification *w = arena_new(
			c->arena, struct dynamodb_incremental_export_specification);
		struct str view = in->IncrementalExportSpecification->ExportViewType;
		w->ExportFromTime = OPT_TIME(from_ms);
		w->ExportToTime = OPT_TIME(to_ms);
		w->ExportViewType = view.p ? view : STR("NEW_AND_OLD_IMAGES");
		row.Description->IncrementalExportSpecification = w;
	}
	out->ExportDescription = arena_new(c->arena, struct dynamodb_export_description);
	*out->ExportDescription = *row.Description;
	const char *refused = ddb_bucket_refuses(
		c, in->S3Bucket, ddb_export_folder(c, &row), "s3:PutObject");
	if (refused) {
		ddb_export_end(c, id, &row, refused);
	} else {
		begin(c, &t, &row, id, from_ms, to_ms);
		ddb_export_save(c, id, &row);
	}
	token_keep(c, in->ClientToken, id);
	return CALL_OK;
}

/* ---- DescribeExport, ListExports */

int
dynamodb_describe_export(struct call *c, const struct dynamodb_describe_export_in *in,
	struct dynamodb_describe_export_out *out)
{
	struct dynamodb_export_row row;
	if (!ddb_job_find_arn(c, &exports, in->ExportArn, &row))
		return call_fail(c, &DYNAMODB_ExportNotFoundException, "Export not found: %.*s",
			STR_FMT(in->ExportArn));
	out->ExportDescription = row.Description;
	return CALL_OK;
}

int
dynamodb_list_exports(struct call *c, const struct dynamodb_list_exports_in *in,
	struct dynamodb_list_exports_out *out)
{
	struct ddb_job_list l;
	struct dynamodb_export_row row;
	struct dynamodb_export_summary_list *list = &out->ExportSummaries;
	uint32_t max = in->MaxResults.set ? (uint32_t)in->MaxResults.v : 25;
	if (ddb_job_list_open(&l, c, &exports, in->TableArn, in->NextToken))
		return CALL_FAILED;
	list->v = arena_array(c->arena, struct dynamodb_export_summary, max);
	list->set = true;
	while (ddb_job_list_next(&l, &row)) {
		if (list->n == max) {
			out->NextToken = ddb_job_token(c, list->v[max - 1].ExportArn);
			break;
		}
		list->v[list->n++] = (struct dynamodb_export_summary){ row.Description->ExportArn,
			row.Description->ExportStatus, row.Description->ExportType };
	}
	scan_done(&l.s);
	return CALL_OK;
}

void
ddb_export_begin(struct call *c, const struct dynamodb_copy_row *copy)
{
	ddb_export_write_later(c, copy->Export);
}

void
ddb_exports_register(struct store *s, struct blobs *b)
{
	ddb_export_gather_register(s);
	ddb_export_write_register(s, b);
}
