"""Whoever has no permission gets nothing: each live operation of each service is called by a user without policies.

What an operation is called with is made from the SDK's own description of it; VALUES says what must be there for the
call to come as far as authorisation. A new operation is covered by itself.
"""
import datetime
import json
import re

import botocore.session
from botocore.exceptions import ClientError

from haneul import run_command

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
# Without any permission, as with AWS: who am I, and what needs its own proof.
FREE = {"sns": {"ConfirmSubscription"}, "sts": {"GetCallerIdentity", "GetSessionToken", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}}
# Input that is not good enough to be authorised; services whose own code authorises may not hide behind it.
INVALID = {"ValidationException", "ValidationError", "InvalidParameterValue", "MissingParameter", "SerializationException"}
STRICT = {"kms", "s3", "sns", "sqs", "sts"}
# Refused to everybody, with the reason.
BY_DESIGN = {"s3": {"GetObjectTorrent", "SelectObjectContent", "WriteGetObjectResponse"}}

ACCOUNT, REGION = "000000000000", "us-east-1"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
VALUES = {
    "PolicyDocument": POLICY, "AssumeRolePolicyDocument": POLICY, "PolicyInputList": POLICY, "Policy": POLICY,
    "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "PolicySourceArn": f"arn:aws:iam::{ACCOUNT}:user/nobody", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/walked",
    "Arn": f"arn:aws:iam::{ACCOUNT}:user/nobody", "Path": "/", "NewPath": "/", "Bucket": "walked", "Key": "k",
    "AccountId": ACCOUNT, "CopySource": "walked/k", "UploadId": "u" * 32, "VersionId": "v1",
}
# Of one service, or of one operation.
OWN = {
    "dynamodb": {"Statement": "SELECT * FROM walked WHERE h = 'x'"},
    "sqs": {"QueueUrl": f"http://127.0.0.1/{ACCOUNT}/walked", "SourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:walked",
            "AWSAccountIds": ACCOUNT, "Actions": "SendMessage", "TaskHandle": None},
    "sns": {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:walked", "ResourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:walked",
            "SubscriptionArn": None, "Protocol": "sqs", "Endpoint": f"arn:aws:sqs:{REGION}:{ACCOUNT}:walked",
            "PlatformApplicationArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:app/GCM/walked", "Platform": "GCM",
            "EndpointArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:endpoint/GCM/walked/00000000-0000-0000-0000-000000000000",
            "PhoneNumber": "+12345678901", "phoneNumber": "+12345678901", "AttributeName": "DisplayName", "AWSAccountId": ACCOUNT,
            "ActionName": "Publish", "Name": "walked", "Token": None},
}
MORE = {("kms", "GenerateDataKey"): {"KeySpec": "AES_256"}, ("kms", "RetireGrant"): {"KeyId": None, "GrantId": None},
        ("kms", "Decrypt"): {"CiphertextBlob": None}, ("kms", "ReEncrypt"): {"CiphertextBlob": None},
        ("kms", "ListRetirableGrants"): {"RetiringPrincipal": None},
        ("sns", "Publish"): {"TopicArn": OWN["sns"]["TopicArn"]}, ("sns", "Subscribe"): {"Endpoint": OWN["sns"]["Endpoint"]}}


def move_task(sqs):
    """The handle of a task that moves the letters of a dead-letter queue."""
    dead = sqs.create_queue(QueueName="walked-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = sqs.create_queue(QueueName="walked-source", Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": arn, "maxReceiveCount": 1})})["QueueUrl"]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": "m"} for i in range(10)])
    for _ in range(2):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]


class World:
    """What exists, made by the root, and the user who may nothing."""

    def __init__(self, h):
        self.h = h
        s3, sqs, sns, iam = (h.client(n) for n in ("s3", "sqs", "sns", "iam"))
        s3.create_bucket(Bucket="walked")
        s3.put_object(Bucket="walked", Key="k", Body=b"x")
        upload = s3.create_multipart_upload(Bucket="walked", Key="k")["UploadId"]
        sqs.create_queue(QueueName="walked")
        topic = sns.create_topic(Name="walked")["TopicArn"]
        sub = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com", ReturnSubscriptionArn=True)["SubscriptionArn"]
        iam.create_role(RoleName="walked", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}))
        iam.create_user(UserName="nobody")
        self.key = iam.create_access_key(UserName="nobody")["AccessKey"]
        self.own = {**OWN, "s3": {"UploadId": upload}, "sns": {**OWN["sns"], "SubscriptionArn": sub, "Token": "0" * 160}}
        self.own["sqs"] = {**OWN["sqs"], "TaskHandle": move_task(sqs)}
        kms = h.client("kms")
        key = kms.create_key()["KeyMetadata"]
        box = kms.encrypt(KeyId=key["Arn"], Plaintext=b"x")["CiphertextBlob"]
        self.own["kms"] = {"KeyId": key["Arn"], "TargetKeyId": key["KeyId"], "AliasName": "alias/walked", "CiphertextBlob": box,
                           "DestinationKeyId": key["Arn"], "RetiringPrincipal": VALUES["Arn"], "KeySpec": "AES_256",
                           "GrantId": kms.create_grant(KeyId=key["Arn"], GranteePrincipal=VALUES["RoleArn"],
                                                       Operations=["Encrypt"])["GrantId"]}

    def text(self, service, shape, name):
        found = self.own.get(service, {}).get(name) or VALUES.get(name)
        if found:
            return found
        if shape.enum:
            return shape.enum[0]
        return "x" * max(shape.metadata.get("min", 1), 1)

    def value(self, service, shape, name):
        kind, least = shape.type_name, shape.metadata.get("min", 1) or 1
        if kind == "structure":
            if getattr(shape, "is_document_type", False):
                return {}
            return {n: self.value(service, m, n) for n, m in shape.members.items()
                    if n in shape.required_members or (n == "QueueUrl" and service == "sqs")}
        if kind == "list":
            return [self.value(service, shape.member, name)]
        if kind == "map":
            return {self.value(service, shape.key, "key"): self.value(service, shape.value, "value")}
        return {"string": lambda: self.text(service, shape, name), "boolean": lambda: True, "blob": lambda: self.own.get(service, {}).get(name, b"x" * least),
                "timestamp": lambda: datetime.datetime(2030, 1, 1)}.get(kind, lambda: least)()


def plain_host(request, **_):
    """The SDK puts accounts and routes in front of a host that is an address here."""
    request.url = re.sub(r"//[^/]+\.127\.0\.0\.1:", "//127.0.0.1:", request.url)


def refusal(client, operation, params):
    """The code of the error; None: it was done."""
    try:
        done = client._make_api_call(operation, params)
        # These answer for each key, or statement.
        if operation == "DeleteObjects" and "Errors" in done:
            return done["Errors"][0]["Code"]
        return done["Responses"][0].get("Error", {}).get("Code") if operation == "BatchExecuteStatement" else None
    except ClientError as e:
        status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        # A HEAD has no body to say it in.
        return "AccessDenied" if status == 403 and e.response["Error"]["Code"] == "403" else e.response["Error"]["Code"]


def test_nobody_may_anything(h):
    w, session, wrong, walked = World(h), botocore.session.get_session(), [], 0
    live = json.loads(run_command("ops", "--json").stdout)
    for service, operations in sorted(live.items()):
        client = h.client(service, key=w.key["AccessKeyId"], secret=w.key["SecretAccessKey"],
                          parameter_validation=False)
        client.meta.events.register("before-sign", plain_host)
        model = session.get_service_model(service)
        for operation in sorted(o for o, is_live in operations.items() if is_live):
            if operation not in model.operation_names or operation in BY_DESIGN.get(service, ()):
                continue
            shape = model.operation_model(operation).input_shape
            params = w.value(service, shape, "") if shape else {}
            for name, value in MORE.get((service, operation), {}).items():
                params[name] = value or w.value(service, shape.members[name], name)
            code = refusal(client, operation, params)
            walked += 1
            if operation in FREE.get(service, ()):
                fine = code not in DENIED
            else:
                fine = code in DENIED or (code in INVALID and service not in STRICT)
            if not fine:
                wrong.append(f"{service}:{operation}: {code}")
    assert not wrong, "\n".join(wrong)
    assert walked > 300
