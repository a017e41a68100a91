"""Backups, restores and point-in-time recovery: equal to what the table held at the moment, while it went on changing."""
import json
import random

from botocore.exceptions import ClientError

from haneul import Haneul, error_code, wait_until

DAY = 86400


def advance(h, seconds):
    assert h.get("/_haneul/clock", method="POST", data=json.dumps({"advance_ms": int(seconds * 1000)}).encode())[0] == 200


def now(h):
    return json.loads(h.get("/_haneul/clock")[2])["now_ms"] / 1000


def make(c, name):
    c.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[dict(AttributeName="h", KeyType="HASH"), dict(AttributeName="r", KeyType="RANGE")],
        AttributeDefinitions=[dict(AttributeName=a, AttributeType=t) for a, t in (("h", "S"), ("r", "N"), ("g", "S"))],
        GlobalSecondaryIndexes=[dict(IndexName="by-g", Projection=dict(ProjectionType="ALL"),
                                     KeySchema=[dict(AttributeName="g", KeyType="HASH")])])
    return c.describe_table(TableName=name)["Table"]["TableArn"]


def load(c, name, count, size=600):
    items = [{"h": {"S": f"h{i % 50}"}, "r": {"N": str(i)}, "g": {"S": f"g{i % 7}"}, "pad": {"S": "x" * size}} for i in range(count)]
    for at in range(0, count, 25):
        left = {name: [{"PutRequest": {"Item": i}} for i in items[at:at + 25]]}
        while left:
            left = c.batch_write_item(RequestItems=left)["UnprocessedItems"]
    return {(i["h"]["S"], i["r"]["N"]): i for i in items}


def change(c, name, state, rng, count):
    """Some changes of every kind, in the table and in `state`."""
    for _ in range(count):
        n = rng.randrange(12000)
        key = (f"h{n % 50}", str(n))
        if rng.random() < 0.3:
            c.delete_item(TableName=name, Key={"h": {"S": key[0]}, "r": {"N": key[1]}})
            state.pop(key, None)
        else:
            state[key] = {"h": {"S": key[0]}, "r": {"N": key[1]}, "g": {"S": f"g{rng.randrange(9)}"}, "v": {"N": str(rng.randrange(99))}}
            c.put_item(TableName=name, Item=state[key])


def contents(c, name, index=None):
    got, options = {}, {"IndexName": index} if index else {}
    for page in c.get_paginator("scan").paginate(TableName=name, **options):
        for i in page["Items"]:
            assert (i["h"]["S"], i["r"]["N"]) not in got
            got[(i["h"]["S"], i["r"]["N"])] = i
    return got


def restored(c, name):
    wait_until(lambda: c.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", 60)
    d = c.describe_table(TableName=name)["Table"]
    assert d["RestoreSummary"]["RestoreInProgress"] is False
    return d


def status(c, arn):
    return c.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"]


def test_a_backup_is_the_table_at_one_moment(h):
    c, rng = h.client("dynamodb"), random.Random(1)
    make(c, "bak")
    state = load(c, "bak", 6000)
    backup = c.create_backup(TableName="bak", BackupName="first")["BackupDetails"]
    then = dict(state)
    assert backup["BackupStatus"] == "CREATING" and backup["BackupType"] == "USER"
    change(c, "bak", state, rng, 400)
    wait_until(lambda: status(c, backup["BackupArn"]) == "AVAILABLE", 60)
    change(c, "bak", state, rng, 50)
    d = c.describe_backup(BackupArn=backup["BackupArn"])["BackupDescription"]
    assert d["SourceTableDetails"]["ItemCount"] == 6000 and d["SourceTableDetails"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [g["IndexName"] for g in d["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"]] == ["by-g"]
    t = c.restore_table_from_backup(TargetTableName="bak2", BackupArn=backup["BackupArn"])["TableDescription"]
    assert t["TableStatus"] == "CREATING" and t["RestoreSummary"]["SourceBackupArn"] == backup["BackupArn"]
    d = restored(c, "bak2")
    assert d["ItemCount"] == len(then) and d["TableSizeBytes"] == backup["BackupSizeBytes"]
    assert contents(c, "bak2") == then == contents(c, "bak2", "by-g")
    assert contents(c, "bak") == state
    c.restore_table_from_backup(TargetTableName="bak3", BackupArn=backup["BackupArn"], GlobalSecondaryIndexOverride=[],
                                BillingModeOverride="PROVISIONED",
                                ProvisionedThroughputOverride=dict(ReadCapacityUnits=5, WriteCapacityUnits=6))
    d = restored(c, "bak3")
    assert "GlobalSecondaryIndexes" not in d and d["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert c.delete_backup(BackupArn=backup["BackupArn"])["BackupDescription"]["BackupDetails"]["BackupStatus"] == "DELETED"
    assert error_code(c.describe_backup, BackupArn=backup["BackupArn"]) == "BackupNotFoundException"
    assert error_code(c.restore_table_from_backup, TargetTableName="bak4", BackupArn=backup["BackupArn"]) == "BackupNotFoundException"


def test_refusals_and_lists_of_backups(h):
    c = h.client("dynamodb")
    assert error_code(c.create_backup, TableName="none", BackupName="abc") == "TableNotFoundException"
    assert error_code(c.describe_continuous_backups, TableName="none") == "TableNotFoundException"
    arns = []
    for name in ("list-a", "list-b"):
        make(c, name)
        arns += [c.create_backup(TableName=name, BackupName=f"bk{i}")["BackupDetails"]["BackupArn"] for i in range(3)]
    for arn in arns:
        wait_until(lambda: status(c, arn) == "AVAILABLE", 30)
    got, start = [], {}
    while True:
        page = c.list_backups(Limit=2, **start)
        got += [b["BackupArn"] for b in page["BackupSummaries"]]
        if "LastEvaluatedBackupArn" not in page:
            break
        start = {"ExclusiveStartBackupArn": page["LastEvaluatedBackupArn"]}
    assert sorted(a for a in got if "/list-" in a) == sorted(arns)
    mine = c.list_backups(TableName="list-a")["BackupSummaries"]
    assert sorted(b["BackupArn"] for b in mine) == sorted(arns[:3]) and mine[0]["BackupSizeBytes"] == 0
    assert c.list_backups(TableName="list-a", BackupType="SYSTEM")["BackupSummaries"] == []
    assert error_code(c.restore_table_from_backup, TargetTableName="list-b", BackupArn=arns[0]) == "TableAlreadyExistsException"
    assert error_code(c.restore_table_from_backup, TargetTableName="list-c", BackupArn=arns[0], GlobalSecondaryIndexOverride=[
        dict(IndexName="other", KeySchema=[dict(AttributeName="g", KeyType="HASH")],
             Projection=dict(ProjectionType="ALL"))]) == "ValidationException"
    out = h.cli_json("dynamodb", "list-backups", "--table-name", "list-b")
    assert len(out["BackupSummaries"]) == 3


def test_recovery_to_the_second():
    with Haneul() as h:
        c, rng = h.client("dynamodb"), random.Random(2)
        arn = make(c, "pitr")
        state = load(c, "pitr", 3000)
        d = c.describe_continuous_backups(TableName="pitr")["ContinuousBackupsDescription"]
        assert d["ContinuousBackupsStatus"] == "ENABLED"
        assert d["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
        assert error_code(c.restore_table_to_point_in_time, SourceTableName="pitr", TargetTableName="xxx",
                          UseLatestRestorableTime=True) == "PointInTimeRecoveryUnavailableException"
        c.update_continuous_backups(TableName="pitr", PointInTimeRecoverySpecification=dict(
            PointInTimeRecoveryEnabled=True, RecoveryPeriodInDays=2))
        moments = []
        for _ in range(4):
            advance(h, 10)
            moments.append((now(h), dict(state)))
            advance(h, 10)
            change(c, "pitr", state, rng, 300)
        for i, (at, then) in enumerate(moments):
            t = c.restore_table_to_point_in_time(SourceTableName="pitr", TargetTableName=f"pit{i}", RestoreDateTime=at)
            assert t["TableDescription"]["RestoreSummary"]["SourceTableArn"] == arn
            change(c, "pitr", state, rng, 60)
            restored(c, f"pit{i}")
            assert contents(c, f"pit{i}") == then == contents(c, f"pit{i}", "by-g")
        c.restore_table_to_point_in_time(SourceTableArn=arn, TargetTableName="latest", UseLatestRestorableTime=True)
        restored(c, "latest")
        assert contents(c, "latest") == state == contents(c, "pitr")
        for wrong in (now(h) + 900, now(h) - 5 * DAY):
            assert error_code(c.restore_table_to_point_in_time, SourceTableName="pitr", TargetTableName="xxx",
                              RestoreDateTime=wrong) == "InvalidRestoreTimeException"
        advance(h, 2 * DAY)
        wait_until(lambda: error_code(c.restore_table_to_point_in_time, SourceTableName="pitr", TargetTableName="xxx",
                                      RestoreDateTime=moments[3][0]) == "InvalidRestoreTimeException", 30)
        d = c.describe_continuous_backups(TableName="pitr")["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert d["RecoveryPeriodInDays"] == 2 and d["EarliestRestorableDateTime"].timestamp() > moments[3][0]
        advance(h, DAY)
        c.restore_table_to_point_in_time(SourceTableName="pitr", TargetTableName="old", RestoreDateTime=now(h) - DAY)
        restored(c, "old")
        assert contents(c, "old") == state
        c.update_continuous_backups(TableName="pitr", PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=False))
        assert error_code(c.restore_table_to_point_in_time, SourceTableName="pitr", TargetTableName="xxx",
                          UseLatestRestorableTime=True) == "PointInTimeRecoveryUnavailableException"


def test_a_deleted_table_with_recovery_leaves_a_backup():
    with Haneul() as h:
        c = h.client("dynamodb")
        make(c, "gone")
        state = load(c, "gone", 2500)
        c.update_continuous_backups(TableName="gone", PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=True))
        c.delete_table(TableName="gone")
        make(c, "gone")
        c.put_item(TableName="gone", Item={"h": {"S": "new"}, "r": {"N": "1"}})
        assert c.list_backups(TableName="gone")["BackupSummaries"] == []
        b, = c.list_backups(TableName="gone", BackupType="SYSTEM")["BackupSummaries"]
        assert b["BackupName"] == "gone$DeletedTableBackup"
        wait_until(lambda: status(c, b["BackupArn"]) == "AVAILABLE", 30)
        c.restore_table_from_backup(TargetTableName="back", BackupArn=b["BackupArn"])
        restored(c, "back")
        assert contents(c, "back") == state and len(contents(c, "gone")) == 1
        advance(h, 35 * DAY + 60)
        wait_until(lambda: not c.list_backups(BackupType="ALL")["BackupSummaries"], 30)


def test_copies_go_on_after_the_plug_was_pulled():
    with Haneul() as h:
        c, rng = h.client("dynamodb"), random.Random(3)
        make(c, "crash")
        state = load(c, "crash", 5000, 2000)
        c.update_continuous_backups(TableName="crash", PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=True))
        arn = c.create_backup(TableName="crash", BackupName="abc")["BackupDetails"]["BackupArn"]
        then = dict(state)
        change(c, "crash", state, rng, 30)
        h.kill()
        h.start()
        c = h.client("dynamodb")
        change(c, "crash", state, rng, 30)
        wait_until(lambda: status(c, arn) == "AVAILABLE", 60)
        c.restore_table_from_backup(TargetTableName="one", BackupArn=arn)
        c.restore_table_to_point_in_time(SourceTableName="crash", TargetTableName="two", UseLatestRestorableTime=True)
        h.kill()
        h.start()
        c = h.client("dynamodb")
        for name, want in (("one", then), ("two", state), ("crash", state)):
            if name != "crash":
                restored(c, name)
            assert contents(c, name) == want == contents(c, name, "by-g")


def test_backups_ask_for_permission(h):
    c, iam = h.client("dynamodb"), h.client("iam")
    arn = make(c, "perm")
    iam.create_user(UserName="keeper")
    iam.put_user_policy(UserName="keeper", PolicyName="p", PolicyDocument=json.dumps(dict(Version="2012-10-17", Statement=[
        dict(Effect="Allow", Action=["dynamodb:CreateBackup", "dynamodb:DescribeBackup", "dynamodb:RestoreTableFromBackup"],
             Resource=[arn, arn + "/backup/*"])])))
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    u = h.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    backup = u.create_backup(TableName="perm", BackupName="mine")["BackupDetails"]["BackupArn"]
    wait_until(lambda: status(u, backup) == "AVAILABLE", 30)
    assert error_code(u.delete_backup, BackupArn=backup) == "AccessDeniedException"
    assert error_code(u.restore_table_from_backup, TargetTableName="other", BackupArn=backup) == "AccessDeniedException"
    try:
        h.client("dynamodb", key="999988887777", secret="x").describe_backup(BackupArn=backup)
        raise AssertionError("another account saw it")
    except ClientError as e:
        assert e.response["Error"]["Code"] in ("BackupNotFoundException", "AccessDeniedException")
