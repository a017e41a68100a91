#include "svc/dynamodb/export.h"
#include "svc/dynamodb/dynamodb_rig.h"

#define PITR                                                                                       \
	"{'TableName':'tab','PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':"     \
	"true}}"
#define ARN "'TableArn':'arn:aws:dynamodb:us-east-1:111122223333:table/tab'"

static const char *const refused[][2] = {
	{ "{" ARN ",'S3Bucket':'bucket','ExportFormat':'ION'}",
		"ExportFormat ION is not offered by this Haneul: choose DYNAMODB_JSON" },
	{ "{" ARN ",'S3Bucket':'bucket','ExportTime':1}",
		"The export time is not between EarliestRestorableDateTime and "
		"LatestRestorableDateTime" },
	{ "{" ARN ",'S3Bucket':'bucket','ExportType':'INCREMENTAL_EXPORT'}",
		"ExportFromTime must be specified for an incremental export" },
	{ "{" ARN ",'S3Bucket':'bucket','ExportType':'INCREMENTAL_EXPORT',"
	  "'IncrementalExportSpecification':{'ExportFromTime':1767323000}}",
		"The difference between the export period from time and export period to time is less "
		"than 15 minutes" },
	{ "{'TableArn':'arn:aws:dynamodb:us-east-1:111122223333:table/none','S3Bucket':'bucket'}",
		"Table not found: none" },
};

TEST(dynamodb_exports_are_refused_with_the_reason)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "CreateTable", RIG_TABLE);
	rig_call(&r, "ExportTableToPointInTime", "{" ARN ",'S3Bucket':'bucket'}");
	assert_string_equal(
		rig_message(&r), "Point in time recovery is not enabled for table 'tab'");
	rig_do(&r, "UpdateContinuousBackups", PITR);
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		rig_call(&r, "ExportTableToPointInTime", "%s", refused[i][0]);
		assert_string_equal(rig_message(&r), refused[i][1]);
	}
	rig_do(&r, "ExportTableToPointInTime", "{" ARN ",'S3Bucket':'bucket'}");
	struct str arn = arena_dup(&r.arena,
		json_get_text(json_get_lit(r.out, "ExportDescription"), STR("ExportArn")));
	rig_do(&r, "DescribeExport", "{'ExportArn':'%.*s'}", STR_FMT(arn));
	assert_non_null(strstr(rig_body(&r), "'FailureCode':'S3NoSuchBucket'"));
	rig_close(&r);
}
