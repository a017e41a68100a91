"""Events arrive in queues and through topics."""
import json

from haneul import error_code, wait_until

ACCOUNT = "000000000000"


def queue(h, name, policy=True):
    sqs = h.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    if policy:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                    "Action": "sqs:SendMessage", "Resource": arn}]})})
    return sqs, url, arn


def receive(sqs, url, n):
    got = []

    def enough():
        for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            got.append(json.loads(m["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return len(got) >= n
    wait_until(enough)
    return got


def test_queue_is_told(h):
    s3, b = h.client("s3"), "notify-queue"
    s3.create_bucket(Bucket=b)
    sqs, url, arn = queue(h, "s3-events")
    s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration={"QueueConfigurations": [
        {"Id": "mine", "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"],
         "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".txt"}]}}}]})
    assert receive(sqs, url, 1)[0]["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=b, Key="in/a b.txt", Body=b"hello")
    s3.put_object(Bucket=b, Key="out/a.txt", Body=b"hello")
    s3.copy_object(Bucket=b, Key="in/c.txt", CopySource={"Bucket": b, "Key": "in/a b.txt"})
    s3.delete_object(Bucket=b, Key="in/c.txt")
    records = [m["Records"][0] for m in receive(sqs, url, 3)]
    by_name = {r["eventName"]: r for r in records}
    assert sorted(by_name) == ["ObjectCreated:Copy", "ObjectCreated:Put", "ObjectRemoved:Delete"]
    put = by_name["ObjectCreated:Put"]
    assert put["eventSource"] == "aws:s3" and put["eventVersion"] == "2.1" and put["s3"]["configurationId"] == "mine"
    assert put["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{b}"
    assert put["s3"]["object"]["key"] == "in/a+b.txt" and put["s3"]["object"]["size"] == 5
    assert put["s3"]["object"]["eTag"] == "5d41402abc4b2a76b9719d911017c592"
    got = s3.get_bucket_notification_configuration(Bucket=b)["QueueConfigurations"][0]
    assert got["Id"] == "mine" and got["QueueArn"] == arn


def test_topic_is_told(h):
    s3, b, sns = h.client("s3"), "notify-topic", h.client("sns")
    s3.create_bucket(Bucket=b)
    sqs, url, arn = queue(h, "s3-topic-events")
    topic = sns.create_topic(Name="s3-topic")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                "Action": "sns:Publish", "Resource": topic}]}))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                                                "Action": "sqs:SendMessage", "Resource": arn}]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectTagging:*"]}]})
    s3.put_object(Bucket=b, Key="k", Body=b"x")
    s3.put_object_tagging(Bucket=b, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    seen = [json.loads(m["Message"]) for m in receive(sqs, url, 2)]
    assert any(m.get("Records", [{}])[0].get("eventName") == "ObjectTagging:Put" for m in seen)


def test_what_is_refused(h):
    s3, b = h.client("s3"), "notify-refused"
    s3.create_bucket(Bucket=b)
    sqs, url, arn = queue(h, "s3-closed", policy=False)

    def put(*q):
        return error_code(s3.put_bucket_notification_configuration, Bucket=b,
                          NotificationConfiguration={"QueueConfigurations": list(q)})
    assert put({"QueueArn": arn + "-gone", "Events": ["s3:ObjectCreated:*"]}) == "InvalidArgument"
    assert put({"QueueArn": "arn:aws:sns:us-east-1:1:x", "Events": ["s3:ObjectCreated:*"]}) == "InvalidArgument"
    _, _, ok = queue(h, "s3-open")
    assert put({"QueueArn": ok, "Events": ["s3:ObjectEaten:*"]}) == "MalformedXML"
    same = {"QueueArn": ok, "Events": ["s3:ObjectCreated:*"]}
    assert put(same, {"QueueArn": ok, "Events": ["s3:ObjectCreated:Put"]}) == "InvalidArgument"
    assert put(same) is None
