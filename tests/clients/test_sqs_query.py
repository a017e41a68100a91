"""SQS over its older wire: signed forms and XML, built by hand with botocore's signer."""
import urllib.parse
import xml.etree.ElementTree as ET

NS = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def send(h, path, method="POST", signed=True, **params):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    form = urllib.parse.urlencode({"Version": "2012-11-05", **{k.replace("__", "."): v for k, v in params.items()}})
    url = h.endpoint + path + ("?" + form if method == "GET" else "")
    data = form if method == "POST" else None
    r = AWSRequest(method, url, data=data, headers={"Content-Type": "application/x-www-form-urlencoded"} if data else {})
    if signed:
        SigV4Auth(Credentials(h.key, h.secret), "sqs", "us-east-1").add_auth(r)
    p = r.prepare()
    status, headers, body = h.get(path + ("?" + form if method == "GET" else ""), dict(p.headers), method,
                                  p.body if isinstance(p.body, bytes) else p.body and p.body.encode())
    assert headers["content-type"].startswith("text/xml"), (status, body)
    return status, ET.fromstring(body)


def text(doc, name):
    found = doc.find(f".//{NS}{name}")
    return found.text if found is not None else None


def test_life_of_a_message(h):
    status, doc = send(h, "/", Action="CreateQueue", QueueName="q", Attribute__1__Name="VisibilityTimeout",
                       Attribute__1__Value="50", Tag__1__Key="a", Tag__1__Value="b")
    assert status == 200 and doc.tag == NS + "CreateQueueResponse" and text(doc, "RequestId")
    path = urllib.parse.urlparse(text(doc, "QueueUrl")).path
    assert path == "/000000000000/q"
    # The queue may be named by the path alone.
    status, doc = send(h, path, Action="SendMessage", MessageBody="a <b> & c", MessageAttribute__1__Name="k",
                       MessageAttribute__1__Value__DataType="String", MessageAttribute__1__Value__StringValue="v",
                       MessageAttribute__2__Name="n", MessageAttribute__2__Value__DataType="Binary",
                       MessageAttribute__2__Value__BinaryValue="AAEC")
    assert status == 200 and len(text(doc, "MD5OfMessageBody")) == 32 and len(text(doc, "MD5OfMessageAttributes")) == 32
    status, doc = send(h, "/", Action="ReceiveMessage", QueueUrl=h.endpoint + path, AttributeName__1="All",
                       MessageAttributeName__1="All")
    assert text(doc, "Body") == "a <b> & c"
    names = [a.find(NS + "Name").text for a in doc.iter(NS + "Attribute")]
    assert "SentTimestamp" in names and "ApproximateReceiveCount" in names
    attributes = {a.find(NS + "Name").text: a.find(NS + "Value") for a in doc.iter(NS + "MessageAttribute")}
    assert attributes["k"].find(NS + "StringValue").text == "v" and attributes["n"].find(NS + "BinaryValue").text == "AAEC"
    status, doc = send(h, path, Action="DeleteMessage", ReceiptHandle=text(doc, "ReceiptHandle"))
    assert status == 200 and doc.tag == NS + "DeleteMessageResponse"


def test_batches_and_attributes(h):
    send(h, "/", Action="CreateQueue", QueueName="batch")
    path = "/000000000000/batch"
    status, doc = send(h, path, Action="SendMessageBatch", SendMessageBatchRequestEntry__1__Id="a",
                       SendMessageBatchRequestEntry__1__MessageBody="x", SendMessageBatchRequestEntry__2__Id="b",
                       SendMessageBatchRequestEntry__2__MessageBody="\x02")
    assert [e.find(NS + "Id").text for e in doc.iter(NS + "SendMessageBatchResultEntry")] == ["a"]
    failed = next(doc.iter(NS + "BatchResultErrorEntry"))
    assert failed.find(NS + "Code").text == "InvalidMessageContents" and failed.find(NS + "SenderFault").text == "true"
    status, doc = send(h, path, Action="SendMessageBatch")
    assert status == 400 and text(doc, "Code") == "AWS.SimpleQueueService.EmptyBatchRequest"
    status, doc = send(h, path, Action="GetQueueAttributes", AttributeName__1="ApproximateNumberOfMessages",
                       AttributeName__2="QueueArn")
    got = {a.find(NS + "Name").text: a.find(NS + "Value").text for a in doc.iter(NS + "Attribute")}
    assert got == {"ApproximateNumberOfMessages": "1", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:batch"}
    status, doc = send(h, path, method="GET", Action="SetQueueAttributes", Attribute__Name="DelaySeconds", Attribute__Value="5")
    assert status in (200, 400)
    assert send(h, path, method="GET", Action="ListQueueTags")[0] == 200


def test_errors(h):
    status, doc = send(h, "/000000000000/none", Action="SendMessage", MessageBody="x")
    assert status == 400 and text(doc, "Code") == "AWS.SimpleQueueService.NonExistentQueue"
    assert text(doc, "Message") == "The specified queue does not exist for this wsdl version." and text(doc, "Type") == "Sender"
    status, doc = send(h, "/", Action="CreateQueue", QueueName="a b")
    assert status == 400 and text(doc, "Code") == "InvalidParameterValue"
    status, doc = send(h, "/", Action="NoSuchThing")
    assert status == 400 and text(doc, "Code") == "InvalidAction"
    send(h, "/", Action="CreateQueue", QueueName="locked")
    status, doc = send(h, "/000000000000/locked", method="GET", signed=False, Action="SendMessage", MessageBody="x")
    assert status in (400, 403) and text(doc, "Code") in ("AccessDenied", "MissingAuthenticationToken")


def test_each_operation_answers(h):
    send(h, "/", Action="CreateQueue", QueueName="all")
    path = "/000000000000/all"
    for params in (dict(Action="GetQueueUrl", QueueName="all"), dict(Action="ListQueues", QueueNamePrefix="al"),
                   dict(Action="TagQueue", Tag__1__Key="k", Tag__1__Value="v"), dict(Action="UntagQueue", TagKey__1="k"),
                   dict(Action="AddPermission", Label="l", AWSAccountId__1="111122223333", ActionName__1="SendMessage"),
                   dict(Action="RemovePermission", Label="l"), dict(Action="ListDeadLetterSourceQueues"),
                   dict(Action="SetQueueAttributes", Attribute__1__Name="DelaySeconds", Attribute__1__Value="0"),
                   dict(Action="ListMessageMoveTasks", SourceArn="arn:aws:sqs:us-east-1:000000000000:all"),
                   dict(Action="PurgeQueue"), dict(Action="DeleteQueue")):
        status, doc = send(h, path, **params)
        assert status == 200 and doc.tag == f"{NS}{params['Action']}Response", (params, ET.tostring(doc))
