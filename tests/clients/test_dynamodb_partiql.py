"""PartiQL through boto3, the aws CLI and IAM: statements, batches, transactions, pages, errors."""
import json

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from haneul import REGION, error_code


def message(call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        return e.response["Error"]["Message"]
    return None


def plain(item):
    return {k: TypeDeserializer().deserialize(v) for k, v in item.items()}


def select(c, statement, *parameters, **options):
    if parameters:
        options["Parameters"] = list(parameters)
    return [plain(i) for i in c.execute_statement(Statement=statement, **options)["Items"]]


def music(h, name):
    c = h.client("dynamodb")
    c.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[dict(AttributeName="artist", KeyType="HASH"), dict(AttributeName="song", KeyType="RANGE")],
        AttributeDefinitions=[dict(AttributeName=a, AttributeType="S") for a in ("artist", "song", "genre")],
        GlobalSecondaryIndexes=[dict(IndexName="by-genre", Projection=dict(ProjectionType="ALL"),
                                     KeySchema=[dict(AttributeName="genre", KeyType="HASH")])])
    for i in range(12):
        c.execute_statement(Statement=f"INSERT INTO \"{name}\" VALUE {{'artist': ?, 'song': ?, 'genre': 'pop', 'n': {i}}}",
                            Parameters=[{"S": f"a{i % 3}"}, {"S": f"s{i:02}"}])
    return c


def test_statements(h):
    c = music(h, "sql-music")
    assert [i["song"] for i in select(c, 'SELECT song FROM "sql-music" WHERE artist = ? ORDER BY song DESC', {"S": "a1"})] == [
        "s10", "s07", "s04", "s01"]
    assert {i["n"] for i in select(c, 'SELECT * FROM "sql-music"."by-genre" WHERE genre = \'pop\' AND n > 9')} == {10, 11}
    key = "artist = 'a0' AND song = 's00'"
    assert select(c, f'UPDATE "sql-music" SET n = n + 5, tags = <<\'x\', \'y\'>> WHERE {key} RETURNING ALL NEW *')[0]["n"] == 5
    assert select(c, f'UPDATE "sql-music" SET tags = set_delete(tags, <<\'x\'>>) WHERE {key} RETURNING MODIFIED NEW *') == [
        {"tags": {"y"}}]
    assert error_code(c.execute_statement, Statement=f'UPDATE "sql-music" SET n = 1 WHERE {key} AND n = 0') == (
        "ConditionalCheckFailedException")
    assert error_code(c.execute_statement, Statement="INSERT INTO \"sql-music\" VALUE {'artist':'a0','song':'s00'}") == (
        "DuplicateItemException")
    assert select(c, f'DELETE FROM "sql-music" WHERE {key} RETURNING ALL OLD *')[0]["song"] == "s00"
    assert select(c, f'SELECT * FROM "sql-music" WHERE {key}') == []
    assert message(c.execute_statement, Statement="SLECT") == (
        "Statement wasn't well formed, can't be processed: Expected data manipulation")
    meta = boto3.resource("dynamodb", endpoint_url=h.endpoint, region_name=REGION, aws_access_key_id=h.key,
                          aws_secret_access_key=h.secret).meta
    got = meta.client.execute_statement(Statement='SELECT n FROM "sql-music" WHERE artist=? AND song=?',
                                        Parameters=["a1", "s01"])
    assert got["Items"] == [{"n": 1}]


def test_pages_follow_their_tokens(h):
    c = music(h, "sql-pages")
    for where, count in (("", 12), ("WHERE artist IN ['a2', 'a0'] AND song > 's02'", 6)):
        options, got, pages = {}, [], 0
        while True:
            page = c.execute_statement(Statement=f'SELECT song FROM "sql-pages" {where}', Limit=2, **options)
            got += [i["song"]["S"] for i in page["Items"]]
            pages += 1
            if "NextToken" not in page:
                break
            options = {"NextToken": page["NextToken"]}
        assert len(got) == len(set(got)) == count and pages > count / 2 - 1
        assert message(c.execute_statement, Statement='SELECT * FROM "sql-pages"', NextToken=options["NextToken"]) == (
            "NextToken does not match request")


def test_batches_and_transactions(h):
    c = music(h, "sql-batch")
    got = c.batch_execute_statement(ReturnConsumedCapacity="TOTAL", Statements=[
        dict(Statement='SELECT n FROM "sql-batch" WHERE artist=? AND song=?', Parameters=[{"S": "a1"}, {"S": "s01"}]),
        dict(Statement='SELECT n FROM "sql-batch" WHERE n = 5'), dict(Statement="SELECT")])
    assert got["Responses"][0] == {"TableName": "sql-batch", "Item": {"n": {"N": "1"}}}
    assert [r["Error"]["Code"] for r in got["Responses"][1:]] == ["ValidationError"] * 2
    assert got["ConsumedCapacity"] == [{"TableName": "sql-batch", "CapacityUnits": 0.5}]
    add = 'UPDATE "sql-batch" SET n = n + 1 WHERE artist=\'a1\' AND song=\'s01\''
    fails = 'EXISTS(SELECT * FROM "sql-batch" WHERE artist=\'a2\' AND song=\'s02\' AND n = 77)'
    holds = fails.replace("77", "2")
    try:
        c.execute_transaction(TransactStatements=[dict(Statement=add), dict(Statement=fails)])
        raise AssertionError("it went through")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "TransactionCanceledException"
        assert [r["Code"] for r in e.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    for _ in range(2):
        c.execute_transaction(TransactStatements=[dict(Statement=add), dict(Statement=holds)], ClientRequestToken="once")
    assert error_code(c.execute_transaction, TransactStatements=[dict(Statement=add)], ClientRequestToken="once") == (
        "IdempotentParameterMismatchException")
    got = c.execute_transaction(TransactStatements=[
        dict(Statement='SELECT n FROM "sql-batch" WHERE artist=\'a1\' AND song=\'s01\''),
        dict(Statement='SELECT n FROM "sql-batch" WHERE artist=\'a1\' AND song=\'none\'')])
    assert got["Responses"] == [{"Item": {"n": {"N": "2"}}}, {}]


def test_the_cli_speaks_it(h):
    h.cli("dynamodb", "create-table", "--table-name", "sql-cli", "--billing-mode", "PAY_PER_REQUEST", "--key-schema",
          "AttributeName=h,KeyType=HASH", "--attribute-definitions", "AttributeName=h,AttributeType=S")
    h.cli("dynamodb", "execute-statement", "--statement", "INSERT INTO \"sql-cli\" VALUE {'h': 'k', 'n': 1}")
    got = json.loads(h.cli("dynamodb", "execute-statement", "--statement", 'SELECT n FROM "sql-cli" WHERE h = ?',
                           "--parameters", '[{"S": "k"}]').stdout)
    assert got["Items"] == [{"n": {"N": "1"}}]


def test_policies_speak_of_statements(h):
    c = music(h, "sql-iam")
    iam = h.client("iam")
    iam.create_user(UserName="sql")
    arn = c.describe_table(TableName="sql-iam")["Table"]["TableArn"]
    iam.put_user_policy(UserName="sql", PolicyName="p", PolicyDocument=json.dumps(dict(Version="2012-10-17", Statement=[
        dict(Effect="Allow", Action="dynamodb:PartiQLSelect", Resource=[arn, arn + "/index/*"]),
        dict(Effect="Deny", Action="dynamodb:PartiQLSelect", Resource=[arn, arn + "/index/*"],
             Condition={"Bool": {"dynamodb:FullTableScan": "true"}}),
        dict(Effect="Allow", Action="dynamodb:PartiQLUpdate", Resource=arn,
             Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a1"],
                                                      "dynamodb:Attributes": ["artist", "song", "n"]}})])))
    key = iam.create_access_key(UserName="sql")["AccessKey"]
    u = h.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    def code(statement):
        return error_code(u.execute_statement, Statement=statement)
    assert code('SELECT * FROM "sql-iam" WHERE artist = \'a1\'') is None
    assert code('SELECT * FROM "sql-iam"."by-genre" WHERE genre = \'pop\'') is None
    assert code('SELECT * FROM "sql-iam" WHERE n = 1') == "AccessDeniedException"
    assert code('SELECT * FROM "sql-iam"') == "AccessDeniedException"
    assert code('UPDATE "sql-iam" SET n = 9 WHERE artist = \'a1\' AND song = \'s01\'') is None
    assert code('UPDATE "sql-iam" SET n = 9 WHERE artist = \'a2\' AND song = \'s02\'') == "AccessDeniedException"
    assert code('UPDATE "sql-iam" SET z = 9 WHERE artist = \'a1\' AND song = \'s01\'') == "AccessDeniedException"
    assert code('DELETE FROM "sql-iam" WHERE artist = \'a1\' AND song = \'s01\'') == "AccessDeniedException"
    got = u.batch_execute_statement(Statements=[
        dict(Statement='DELETE FROM "sql-iam" WHERE artist = \'a1\' AND song = \'s01\'')])
    assert got["Responses"][0]["Error"]["Code"] == "AccessDenied"
