/* ImportTable, DescribeImport, ListImports; imports as rows. */
#include "svc/dynamodb/import.h"
#include "base/digest.h"
#include "base/text.h"
#include "svc/dynamodb/bucket.h"
#include "svc/dynamodb/jobs.h"

static struct rows *
rows_of(const struct call *c)
{
	return ddb_backup_rows(c->store);
}

static const struct ddb_jobs imports = { "I", "/import/", &dynamodb_import_row_shape,
	sizeof(struct dynamodb_import_row) };

bool
ddb_import_find(struct call *c, struct str id, struct dynamodb_import_row *ret)
{
	return ddb_job_find(c, &imports, id, ret);
}

void
ddb_import_save(struct call *c, struct str id, const struct dynamodb_import_row *row)
{
	ddb_job_save(c, &imports, id, row);
}

void
ddb_import_end(struct call *c, struct str id, struct dynamodb_import_row *row, const char *code)
{
	struct ddb_table t;
	struct dynamodb_import_table_description *d = row->Description;
	d->ImportStatus = code ? STR("FAILED") : STR("COMPLETED");
	d->EndTime = OPT_TIME(c->now_ms);
	if (code) {
		d->FailureCode = str_c(code);
		d->FailureMessage = strcmp(code, "S3NoSuchBucket") == 0
					    ? STR("The specified bucket does not exist")
					    : STR("The files could not be read");
	}
	ddb_import_save(c, id, row);
	if (!ddb_table_find(c, d->TableCreationParameters->TableName, &t) ||
		t.id != (uint64_t)row->TableId.v)
		return;
	t.row.Status = STR_NULL;
	ddb_table_save(c, &t);
}

/* ---- ImportTable */

static int
check_input(struct call *c, const struct dynamodb_import_table_in *in)
{
	if (str_is(in->InputFormat, "ION"))
		return ddb_fail(c, "InputFormat ION is not offered by this Haneul: choose "
				   "DYNAMODB_JSON or CSV");
	if (in->InputFormatOptions && in->InputFormatOptions->Csv &&
		!str_is(in->InputFormat, "CSV"))
		return ddb_fail(
			c, "InputFormatOptions.Csv can only be specified for the CSV format");
	return 0;
}

static int
make_table(struct call *c, const struct dynamodb_table_creation_parameters *p, struct ddb_table *t)
{
	struct dynamodb_create_table_in in = { .TableName = p->TableName,
		.AttributeDefinitions = p->AttributeDefinitions,
		.KeySchema = p->KeySchema,
		.BillingMode = p->BillingMode,
		.ProvisionedThroughput = p->ProvisionedThroughput,
		.OnDemandThroughput = p->OnDemandThroughput,
		.SSESpecification = p->SSESpecification,
		.GlobalSecondaryIndexes = p->GlobalSecondaryIndexes,
		.VectorIndexes = p->VectorIndexes };
	struct dynamodb_create_table_out out = { 0 };
	if (dynamodb_create_table(c, &in, &out) || !ddb_table_find(c, p->TableName, t))
		return CALL_FAILED;
	t->row.Status = STR("CREATING");
	ddb_table_save(c, t);
	return 0;
}

static struct dynamodb_import_table_description *
describe_new(struct call *c, const struct dynamodb_import_table_in *in, const struct ddb_table *t,
	struct str id)
{
	struct dynamodb_import_table_description *d =
		arena_new(c->arena, struct dynamodb_import_table_description);
	d->TableArn = ddb_table_arn(c, t->row.Name);
	d->ImportArn =
		arena_printf(c->arena, "%.*s/import/%.*s", STR_FMT(d->TableArn), STR_FMT(id));
	d->ImportStatus = STR("IN_PROGRESS");
	d->TableId = t->row.Uuid;
	d->ClientToken = in->ClientToken;
	d->S3BucketSource = in->S3BucketSource;
	d->InputFormat = in->InputFormat;
	d->InputFormatOptions = in->InputFormatOptions;
	d->InputCompressionType =
		in->InputCompressionType.p ? in->InputCompressionType : STR("NONE");
	d->TableCreationParameters = in->TableCreationParameters;
	d->StartTime = OPT_TIME(c->now_ms);
	d->ErrorCount = d->ProcessedSizeBytes = d->ProcessedItemCount = d->ImportedItemCount =
		OPT_I64(0);
	return d;
}

static void
token_key(struct call *c, struct key *k, struct str token)
{
	key_begin(k);
	key_add_raw(k, STR("J"));
	key_add(k, c->account);
	key_add(k, c->region);
	key_add_raw(k, token);
}

/* The same token within eight hours: the same import. */
static int
token_check(
	struct call *c, const struct dynamodb_import_table_in *in, struct dynamodb_import_row *ret)
{
	struct key k;
	struct str value;
	if (!in->ClientToken.p)
		return 0;
	token_key(c, &k, in->ClientToken);
	if (!tx_get(c->tx, rows_of(c), key_str(&k), &value) || !ddb_import_find(c, value, ret) ||
		ret->Description->StartTime.ms < c->now_ms - 8 * 3600 * 1000)
		return 0;
	const struct dynamodb_import_table_description *d = ret->Description;
	if (str_eq(d->TableCreationParameters->TableName, in->TableCreationParameters->TableName) &&
		str_eq(d->S3BucketSource->S3Bucket, in->S3BucketSource->S3Bucket) &&
		str_eq(d->InputFormat, in->InputFormat))
		return 1;
	return call_fail(c, &DYNAMODB_ImportConflictException,
		"The client token was used with other parameters");
}

int
dynamodb_import_table(struct call *c, const struct dynamodb_import_table_in *in,
	struct dynamodb_import_table_out *out)
{
	const struct dynamodb_table_creation_parameters *p = in->TableCreationParameters;
	struct dynamodb_import_row row = { 0 };
	struct ddb_table t;
	struct key k;
	uint32_t random;
	if (call_authorize(c, "dynamodb:ImportTable", ddb_table_arn(c, p->TableName), STR_NULL) ||
		check_input(c, in))
		return CALL_FAILED;
	int known = token_check(c, in, &row);
	if (known < 0)
		return CALL_FAILED;
	out->ImportTableDescription = row.Description;
	if (known)
		return CALL_OK;
	if (make_table(c, p, &t))
		return CALL_FAILED;
	call_random(c, &random, sizeof(random));
	struct str name = arena_printf(c->arena, "%014lld-%08x", (long long)c->now_ms, random);
	ddb_job_id(&k, c->account, c->region, t.row.Name, name);
	struct str id = arena_dup(c->arena, key_str(&k));
	row.Description = describe_new(c, in, &t, name);
	row.TableId = OPT_I64((int64_t)t.id);
	out->ImportTableDescription = arena_new(
		c->arena, struct dynamodb_import_table_description);
	*out->ImportTableDescription = *row.Description;
	const char *refused = ddb_bucket_refuses(c, in->S3BucketSource->S3Bucket,
		in->S3BucketSource->S3KeyPrefix.p ? in->S3BucketSource->S3KeyPrefix : STR(""),
		"s3:GetObject");
	if (refused) {
		ddb_import_end(c, id, &row, refused);
	} else {
		ddb_import_save(c, id, &row);
		task_add(c->tx, "dynamodb.import", id, c->now_ms);
	}
	if (in->ClientToken.p) {
		token_key(c, &k, in->ClientToken);
		tx_put(c->tx, rows_of(c), key_str(&k), id);
	}
	return CALL_OK;
}

/* ---- DescribeImport, ListImports */

int
dynamodb_describe_import(struct call *c, const struct dynamodb_describe_import_in *in,
	struct dynamodb_describe_import_out *out)
{
	struct dynamodb_import_row row;
	if (!ddb_job_find_arn(c, &imports, in->ImportArn, &row))
		return call_fail(c, &DYNAMODB_ImportNotFoundException, "Import not found: %.*s",
			STR_FMT(in->ImportArn));
	out->ImportTableDescription = row.Description;
	return CALL_OK;
}

int
dynamodb_list_imports(struct call *c, const struct dynamodb_list_imports_in *in,
	struct dynamodb_list_imports_out *out)
{
	struct ddb_job_list l;
	struct dynamodb_import_row row;
	struct dynamodb_import_summary_list *list = &out->ImportSummaryList;
	uint32_t max = in->PageSize.set ? (uint32_t)in->PageSize.v : 25;
	if (ddb_job_list_open(&l, c, &imports, in->TableArn, in->NextToken))
		return CALL_FAILED;
	list->v = arena_array(c->arena, struct dynamodb_import_summary, max);
	list->set = true;
	while (ddb_job_list_next(&l, &row)) {
		const struct dynamodb_import_table_description *d = row.Description;
		if (list->n == max) {
			out->NextToken = ddb_job_token(c, list->v[max - 1].ImportArn);
			break;
		}
		struct dynamodb_import_summary *one = &list->v[list->n++];
		one->ImportArn = d->ImportArn;
		one->ImportStatus = d->ImportStatus;
		one->TableArn = d->TableArn;
		one->S3BucketSource = d->S3BucketSource;
		one->InputFormat = d->InputFormat;
		one->StartTime = d->StartTime;
		one->EndTime = d->EndTime;
	}
	scan_done(&l.s);
	return CALL_OK;
}

void
ddb_imports_register(struct store *s, struct blobs *b)
{
	ddb_import_run_register(s, b);
}
