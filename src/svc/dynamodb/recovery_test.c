#include "svc/dynamodb/copies.h"
#include "svc/dynamodb/dynamodb_rig.h"

static unsigned
rows_between(struct rig *r, char space, char next)
{
	struct tx *tx = tx_begin_read(cloud_store(r->cloud));
	struct scan s;
	unsigned n = 0;
	scan_open(&s, tx, ddb_backup_rows(cloud_store(r->cloud)), str_of(&space, 1),
		str_of(&next, 1), false);
	while (scan_next(&s))
		n++;
	scan_done(&s);
	tx_end(tx);
	return n;
}

#define PITR(on)                                                                                   \
	"{'TableName':'tab','PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':" on  \
	"}}"
#define ITEM "'Item':{'h':{'S':'k'},'r':{'N':'1'},'v':{'N':'%d'}}"

TEST(dynamodb_recovery_logs_what_was_there)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "CreateTable", RIG_TABLE);
	rig_do(&r, "PutItem", "{'TableName':'tab'," ITEM "}", 1);
	assert_int_equal(rows_between(&r, 'L', 'M'), 0);
	rig_do(&r, "UpdateContinuousBackups", PITR("true"));
	for (int i = 2; i < 5; i++)
		rig_do(&r, "PutItem", "{'TableName':'tab'," ITEM "}", i);
	rig_do(&r, "DeleteItem", "{'TableName':'tab','Key':{'h':{'S':'k'},'r':{'N':'1'}}}");
	assert_int_equal(rows_between(&r, 'L', 'M'), 4);
	rig_call(&r, "RestoreTableToPointInTime",
		"{'SourceTableName':'tab','TargetTableName':'new','RestoreDateTime':1767323044}");
	assert_string_equal(rig_message(&r),
		"The restore time is not between EarliestRestorableDateTime and "
		"LatestRestorableDateTime");
	rig_do(&r, "RestoreTableToPointInTime",
		"{'SourceTableName':'tab','TargetTableName':'new','UseLatestRestorableTime':true}");
	rig_call(&r, "GetItem", "{'TableName':'new','Key':{'h':{'S':'k'},'r':{'N':'1'}}}");
	rig_call(&r, "DeleteTable", "{'TableName':'new'}");
	rig_close(&r);
}

TEST(dynamodb_backups_are_listed_and_refused)
{
	struct rig r;
	rig_open(&r);
	rig_call(&r, "CreateBackup", "{'TableName':'tab','BackupName':'abc'}");
	assert_string_equal(rig_message(&r), "Table not found: tab");
	rig_do(&r, "CreateTable", RIG_TABLE);
	rig_do(&r, "CreateBackup", "{'TableName':'tab','BackupName':'abc'}");
	assert_non_null(strstr(rig_body(&r), "'BackupStatus':'CREATING'"));
	assert_non_null(strstr(rig_body(&r), ":table/tab/backup/01767323045000-"));
	assert_int_equal(rows_between(&r, 'P', 'Q'), 1);
	rig_do(&r, "PutItem", "{'TableName':'tab'," ITEM "}", 1);
	/* It was not there at the moment of the backup, and that is remembered. */
	assert_int_equal(rows_between(&r, 'B', 'C'), 1);
	rig_do(&r, "ListBackups", "{}");
	assert_non_null(strstr(rig_body(&r), "'BackupName':'abc'"));
	rig_close(&r);
}

TEST(dynamodb_log_records_round_trip)
{
	struct key k;
	struct ddb_log_record got;
	const char value[] = "\3\0\0\0abcrow";
	ddb_log_key(&k, 7, 12345, 9);
	assert_true(ddb_log_read(key_str(&k), str_of(value, sizeof(value) - 1), &got));
	assert_int_equal(got.at_ms, 12345);
	assert_int_equal(got.sequence, 9);
	assert_str(got.item, "abc");
	assert_str(got.row, "row");
	assert_true(ddb_log_read(key_str(&k), str_of(value, 7), &got));
	assert_null(got.row.p);
	assert_false(ddb_log_read(key_str(&k), str_of(value, 6), &got));
}
