"""What the simulator says is what happens: random policies, each put to the simulator and to real calls.

HANEUL_SEED=n repeats a run; a failure prints its seed and the policies.
"""
import json
import os
import random

from haneul import error_code

SEED = int(os.environ.get("HANEUL_SEED", random.randrange(1 << 32)))
ROUNDS = 300 if os.environ.get("HANEUL_SOAK") else 60
ACCOUNT, REGION = "000000000000", "us-east-1"
USER = f"arn:aws:iam::{ACCOUNT}:user/team/dice"
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}

QUEUE, TOPIC = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dice", f"arn:aws:sns:{REGION}:{ACCOUNT}:dice"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dice"
ACTIONS = ["*", "s3:*", "s3:Get*", "s3:GetObject", "S3:getobject", "s3:Put?bject", "sqs:*", "sqs:SendMessage", "sns:Publish", "SNS:*",
           "dynamodb:GetItem", "dynamodb:*Item", "iam:GetUser", "iam:*", "s3:List*", "s3:ListBucket", "nothing:*"]
RESOURCES = ["*", "arn:aws:s3:::dice/*", "arn:aws:s3:::dice/a*", "arn:aws:s3:::dice/${aws:username}", "arn:aws:s3:::dice",
             "arn:aws:s3:::*", QUEUE, f"arn:aws:sqs:*:{ACCOUNT}:d?ce", TOPIC, TABLE, f"arn:aws:dynamodb:*:*:table/*", USER,
             f"arn:aws:iam::{ACCOUNT}:user/team/${{aws:username}}", f"arn:aws:iam::{ACCOUNT}:user/other/*", "arn:aws:s3:::dic/*"]
# What every call brings along; the simulator is told the same.
CONTEXT = {"aws:username": ("string", "dice"), "aws:SourceIp": ("ip", "127.0.0.1"), "aws:SecureTransport": ("boolean", "false"),
           "aws:PrincipalTag/team": ("string", "blue"), "aws:PrincipalAccount": ("string", ACCOUNT),
           "aws:RequestedRegion": ("string", REGION), "aws:PrincipalType": ("string", "User")}
CONDITIONS = [
    {"StringEquals": {"aws:username": "dice"}}, {"StringEquals": {"aws:username": ["x", "dice"]}}, {"StringNotEquals": {"aws:username": "dice"}},
    {"StringLike": {"aws:PrincipalTag/team": "bl*"}}, {"StringEquals": {"aws:PrincipalTag/team": "red"}},
    {"StringEqualsIgnoreCase": {"aws:PrincipalTag/Team": "BLUE"}}, {"StringEquals": {"aws:PrincipalTag/none": "x"}},
    {"StringEqualsIfExists": {"aws:PrincipalTag/none": "x"}}, {"StringNotEquals": {"aws:PrincipalTag/none": "x"}},
    {"Null": {"aws:PrincipalTag/none": "true"}}, {"Null": {"aws:PrincipalTag/team": "true"}}, {"Null": {"aws:TokenIssueTime": "true"}},
    {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.1/32"]}},
    {"Bool": {"aws:SecureTransport": "false"}}, {"Bool": {"aws:SecureTransport": "true"}}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
    {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {"NumericGreaterThan": {"aws:EpochTime": "1577836800"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, {"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}},
    {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/team/*"}}, {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/dice"}},
    {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}},
]


def statement(r, principal=None):
    s = {"Effect": "Allow" if r.random() < 0.7 else "Deny"}
    s["NotAction" if r.random() < 0.1 else "Action"] = r.sample(ACTIONS, r.choice([1, 1, 2, 3]))
    s["NotResource" if r.random() < 0.1 else "Resource"] = r.sample(RESOURCES, r.choice([1, 1, 2, 3]))
    for c in r.sample(CONDITIONS, r.choice([0, 0, 0, 1, 1, 2])):
        s.setdefault("Condition", {}).update(c)
    return s


def policy(r):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement(r) for _ in range(r.choice([1, 2, 2, 3, 4]))]})


def bucket_policy(r):
    s = {"Effect": r.choice(["Allow", "Allow", "Deny"]), "Action": r.choice(["s3:*", "s3:GetObject", "s3:PutObject", "s3:Get*"]),
         "Principal": r.choice(["*", {"AWS": USER}, {"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/else"}]),
         "Resource": r.choice(["arn:aws:s3:::dice/*", "arn:aws:s3:::dice/a", ["arn:aws:s3:::dice", "arn:aws:s3:::dice/dice"]])}
    for c in r.sample(CONDITIONS, r.choice([0, 0, 1])):
        s["Condition"] = c
    return json.dumps({"Version": "2012-10-17", "Statement": [s]})


def requests(client):
    """(action, resource, what makes the call)"""
    s3, url = client("s3"), client("sqs").meta.endpoint_url + f"/{ACCOUNT}/dice"
    for key in ("a", "b", "dice"):
        yield "s3:GetObject", f"arn:aws:s3:::dice/{key}", lambda k=key: error_code(s3.get_object, Bucket="dice", Key=k)
        yield "s3:PutObject", f"arn:aws:s3:::dice/{key}", lambda k=key: error_code(s3.put_object, Bucket="dice", Key=k, Body=b"y")
    yield "s3:ListBucket", "arn:aws:s3:::dice", lambda: error_code(s3.list_objects_v2, Bucket="dice")
    # As in examples of AWS, a policy that names arn:aws:s3:::* is enough here.
    yield "s3:ListAllMyBuckets", "arn:aws:s3:::*", lambda: error_code(s3.list_buckets)
    yield "sqs:SendMessage", QUEUE, lambda: error_code(client("sqs").send_message, QueueUrl=url, MessageBody="m")
    yield "sqs:ReceiveMessage", QUEUE, lambda: error_code(client("sqs").receive_message, QueueUrl=url)
    yield "sns:Publish", TOPIC, lambda: error_code(client("sns").publish, TopicArn=TOPIC, Message="m")
    yield "dynamodb:GetItem", TABLE, lambda: error_code(client("dynamodb").get_item, TableName="dice", Key={"k": {"S": "x"}})
    yield "iam:GetUser", USER, lambda: error_code(client("iam").get_user, UserName="dice")


def world(h):
    iam = h.client("iam")
    iam.create_user(UserName="dice", Path="/team/", Tags=[{"Key": "team", "Value": "blue"}])
    for key in ("a", "b", "dice"):
        if key == "a":
            h.client("s3").create_bucket(Bucket="dice")
            h.client("s3").delete_public_access_block(Bucket="dice")
        h.client("s3").put_object(Bucket="dice", Key=key, Body=b"x")
    h.client("sqs").create_queue(QueueName="dice")
    h.client("sns").create_topic(Name="dice")
    h.client("dynamodb").create_table(TableName="dice", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                                      AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
    key, clients = iam.create_access_key(UserName="dice")["AccessKey"], {}

    def client(service):
        if service not in clients:
            clients[service] = h.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
        return clients[service]
    return client


def test_the_simulator_says_what_happens(h):
    r, client, iam, s3 = random.Random(SEED), world(h), h.client("iam"), h.client("s3")
    entries = [{"ContextKeyName": k, "ContextKeyType": t, "ContextKeyValues": [v]} for k, (t, v) in CONTEXT.items()]
    seen = {True: 0, False: 0}
    for number in range(ROUNDS):
        mine, bound = policy(r), policy(r) if r.random() < 0.3 else None
        resource = bucket_policy(r) if r.random() < 0.5 else None
        iam.put_user_policy(UserName="dice", PolicyName="p", PolicyDocument=mine)
        if bound:
            arn = iam.create_policy(PolicyName=f"bound{number}", PolicyDocument=bound)["Policy"]["Arn"]
            iam.put_user_permissions_boundary(UserName="dice", PermissionsBoundary=arn)
        if resource:
            s3.put_bucket_policy(Bucket="dice", Policy=resource)
        for action, arn, call in requests(client):
            ask = {"ActionNames": [action], "ResourceArns": [arn], "ContextEntries": entries, "CallerArn": USER}
            if resource and arn.startswith("arn:aws:s3:::dice"):
                ask["ResourcePolicy"] = resource
            more = {"PermissionsBoundaryPolicyInputList": [bound]} if bound else {}
            custom = iam.simulate_custom_policy(PolicyInputList=[mine], **more, **ask)["EvaluationResults"][0]["EvalDecision"]
            principal = iam.simulate_principal_policy(PolicySourceArn=USER, **ask)["EvaluationResults"][0]["EvalDecision"]
            real = call() not in DENIED
            seen[real] += 1
            assert custom == principal and (custom == "allowed") == real, (
                f"seed {SEED}, {action} on {arn}: custom {custom}, principal {principal}, real {'allowed' if real else 'denied'}\n"
                f"policy {mine}\nboundary {bound}\nbucket policy {ask.get('ResourcePolicy')}")
        if bound:
            iam.delete_user_permissions_boundary(UserName="dice")
        if resource:
            s3.delete_bucket_policy(Bucket="dice")
    print(f"simulator: seed {SEED}, {ROUNDS} policies, {seen[True]} calls allowed, {seen[False]} denied")
    assert min(seen.values()) > ROUNDS // 4
