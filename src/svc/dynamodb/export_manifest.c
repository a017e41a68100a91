/* The manifests of an export, as AWS writes them. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "svc/dynamodb/bucket.h"
#include "svc/dynamodb/export.h"

static void
member(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", name);
	if (value.p)
		json_add_quoted(b, value);
	else
		buf_add_lit(b, "null");
}

static void
moment(struct call *c, struct buf *b, const char *name, int64_t ms)
{
	member(b, name, time_text(c->arena, ms, TIME_ISO8601_MS));
}

static void
summary(struct call *c, const struct dynamodb_export_row *row, struct str files_key, struct buf *b)
{
	const struct dynamodb_export_description *d = row->Description;
	const struct dynamodb_incremental_export_specification *w =
		d->IncrementalExportSpecification;
	buf_add_c(b, '{');
	member(b, "version", w ? STR("2023-08-01") : STR("2020-06-30"));
	member(b, "exportArn", d->ExportArn);
	moment(c, b, "startTime", d->StartTime.ms);
	moment(c, b, "endTime", c->now_ms);
	member(b, "tableArn", d->TableArn);
	member(b, "tableId", d->TableId);
	if (w) {
		moment(c, b, "exportFromTime", w->ExportFromTime.ms);
		moment(c, b, "exportToTime", w->ExportToTime.ms);
	} else {
		moment(c, b, "exportTime", d->ExportTime.ms);
	}
	member(b, "s3Bucket", d->S3Bucket);
	member(b, "s3Prefix", d->S3Prefix);
	member(b, "s3SseAlgorithm", d->S3SseAlgorithm);
	member(b, "s3SseKmsKeyId", STR_NULL);
	member(b, "manifestFilesS3Key", files_key);
	buf_printf(b, ",\"billedSizeBytes\":%lld,\"itemCount\":%lld",
		(long long)d->BilledSizeBytes.v, (long long)d->ItemCount.v);
	member(b, "outputFormat", d->ExportFormat);
	if (w)
		member(b, "outputView", w->ExportViewType);
	member(b, "exportType", d->ExportType);
	buf_add_c(b, '}');
}

static const char *
put(struct call *c, const struct dynamodb_export_row *row, struct str key, struct str data)
{
	return ddb_bucket_put_text(
		c, row->Description->S3Bucket, row->Description->S3BucketOwner, key, data);
}

/* The file and, beside it, its MD5. */
static const char *
put_with_md5(
	struct call *c, const struct dynamodb_export_row *row, const char *name, struct str data)
{
	unsigned char sum[16];
	struct buf text = { 0 };
	struct str folder = ddb_export_folder(c, row);
	md5(data, sum);
	base64_add(&text, str_of(sum, sizeof(sum)));
	const char *code = put(c, row,
		arena_printf(c->arena, "%.*s%s.json", STR_FMT(folder), name), data);
	if (!code)
		code = put(c, row, arena_printf(c->arena, "%.*s%s.md5", STR_FMT(folder), name),
			buf_str(&text));
	buf_done(&text);
	return code;
}

const char *
ddb_export_manifest(struct call *c, struct str id, struct dynamodb_export_row *row)
{
	struct key lo, hi;
	struct scan s;
	struct buf files = { 0 }, text = { 0 };
	struct str folder = ddb_export_folder(c, row);
	ddb_export_line_key(&lo, id, 0);
	ddb_export_line_key(&hi, id, UINT64_MAX);
	scan_open(&s, c->tx, ddb_backup_rows(c->store), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s))
		buf_add_str(&files, s.value);
	scan_done(&s);
	row->Description->ExportManifest =
		arena_printf(c->arena, "%.*smanifest-summary.json", STR_FMT(folder));
	summary(c, row,
		arena_printf(c->arena, "%.*smanifest-files.json", STR_FMT(folder)), &text);
	const char *code = put_with_md5(c, row, "manifest-files", buf_str(&files));
	if (!code)
		code = put_with_md5(c, row, "manifest-summary", buf_str(&text));
	buf_done(&files);
	buf_done(&text);
	return code;
}
