"""A real HTTP subscriber: handshake, signatures, retries, dead letters, unsubscribing."""
import hashlib
import json
import os
import socket
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from haneul import error_code, wait_until  # noqa: E402
from sns_util import Subscriber, queue, receive, verify  # noqa: E402


def subscribe(h, name, s, **attributes):
    sns = h.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    sub = sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=s.url, Attributes=attributes,
                        ReturnSubscriptionArn=True)["SubscriptionArn"]
    headers, body, _ = s.wait(1)
    assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation" and headers["x-amz-sns-topic-arn"] == arn
    m = json.loads(body)
    assert verify(m) and m["TopicArn"] == arn
    return sns, arn, sub, m


def test_handshake_and_signatures(h):
    with Subscriber() as s:
        sns, arn, sub, m = subscribe(h, "web", s)
        sns.publish(TopicArn=arn, Message="before")
        assert error_code(sns.confirm_subscription, TopicArn=arn, Token="0" * 160) == "InvalidParameter"
        assert sub.encode() in urllib.request.urlopen(m["SubscribeURL"]).read()
        sns.publish(TopicArn=arn, Message="héllo", Subject="S")
        headers, body, _ = s.wait(2)
        assert headers["x-amz-sns-message-type"] == "Notification" and headers["x-amz-sns-subscription-arn"] == sub
        assert headers["content-type"] == "text/plain; charset=UTF-8"
        n = json.loads(body)
        assert n["Message"] == "héllo" and headers["x-amz-sns-message-id"] == n["MessageId"] and verify(n)
        assert n["SigningCertURL"].endswith(".pem")
        n["Message"] = "forged"
        assert not verify(n)
        a = sns.get_subscription_attributes(SubscriptionArn=sub)["Attributes"]
        assert a["ConfirmationWasAuthenticated"] == "false" and "EffectiveDeliveryPolicy" in a
        urllib.request.urlopen(n["UnsubscribeURL"]).read()
        headers, body, _ = s.wait(3)
        gone = json.loads(body)
        assert gone["Type"] == "UnsubscribeConfirmation" and verify(gone)
        assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []


def test_authenticate_on_unsubscribe(h):
    with Subscriber() as s:
        sns, arn, sub, m = subscribe(h, "web-auth", s)
        got = sns.confirm_subscription(TopicArn=arn, Token=m["Token"], AuthenticateOnUnsubscribe="true")
        assert got["SubscriptionArn"] == sub
        try:
            urllib.request.urlopen(f"{h.endpoint}/?Action=Unsubscribe&SubscriptionArn={sub}")
            raise AssertionError("it was let through")
        except urllib.error.HTTPError as e:
            assert e.code == 403 and b"AuthorizationError" in e.read()
        sns.unsubscribe(SubscriptionArn=sub)
        assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []


def test_raw_and_content_type(h):
    with Subscriber() as s:
        sns, arn, sub, m = subscribe(h, "web-raw", s, RawMessageDelivery="true", DeliveryPolicy=json.dumps(
            {"requestPolicy": {"headerContentType": "application/json"}}))
        sns.confirm_subscription(TopicArn=arn, Token=m["Token"])
        sns.publish(TopicArn=arn, Message='{"x":1}')
        headers, body, _ = s.wait(2)
        assert body == '{"x":1}' and headers["x-amz-sns-rawdelivery"] == "true"
        assert headers["content-type"] == "application/json"


def test_retries_then_dead_letter(h):
    dead_url, dead_arn = queue(h, "web-dead")
    with Subscriber() as s:
        sns, arn, sub, m = subscribe(h, "web-retry", s, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn}),
                                     DeliveryPolicy=json.dumps({"healthyRetryPolicy": {
                                         "minDelayTarget": 10, "maxDelayTarget": 20, "numRetries": 3,
                                         "numNoDelayRetries": 1, "backoffFunction": "linear"}}))
        sns.confirm_subscription(TopicArn=arn, Token=m["Token"])
        s.answers += [500, 503]
        sns.publish(TopicArn=arn, Message="third time")
        s.wait(3)                       # at once, and at once again
        h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 30000}')
        assert json.loads(s.wait(4)[1])["Message"] == "third time"
        s.answers += [500] * 4
        sns.publish(TopicArn=arn, Message="never")
        for n in range(5, 9):
            s.wait(n, 20) if n < 7 else wait_until(
                lambda: h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 30000}') and len(s.got) >= n, 20, "retries")
        assert json.loads(receive(h, dead_url)[0])["Message"] == "never"
        s.answers.append(404)           # what the endpoint refuses is not tried again
        sns.publish(TopicArn=arn, Message="refused")
        assert json.loads(receive(h, dead_url)[0])["Message"] == "refused"
        assert len(s.got) == 9


def test_throttled_deliveries_keep_their_distance(h):
    with Subscriber() as s:
        sns, arn, sub, m = subscribe(h, "web-slow", s, DeliveryPolicy=json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 5}}))
        sns.confirm_subscription(TopicArn=arn, Token=m["Token"])
        policy = json.loads(sns.get_subscription_attributes(SubscriptionArn=sub)["Attributes"]["EffectiveDeliveryPolicy"])
        assert policy["throttlePolicy"] == {"maxReceivesPerSecond": 5}
        began = time.monotonic()
        for i in range(6):
            sns.publish(TopicArn=arn, Message=str(i))
        s.wait(7)
        # Five waits of 200 ms lie between six deliveries; none can be shorter.
        assert time.monotonic() - began > 0.95
        assert sorted(json.loads(b)["Message"] for _, b, _ in s.got[1:]) == list("012345")


def statuses(h, arn, failed=False):
    group = "sns/" + "/".join(arn.split(":")[3:]) + ("/Failure" if failed else "")
    events = json.loads(h.get(f"/_haneul/sns-status.json?logGroupName={group}")[2])["events"]
    assert all(e["logGroupName"] == group for e in events)
    return [json.loads(e["message"]) for e in events]


def test_delivery_status_of_http_and_queues(h):
    role = "arn:aws:iam::000000000000:role/feedback"
    with Subscriber() as s:
        sns, arn, sub, m = subscribe(h, "web-status", s, DeliveryPolicy=json.dumps(
            {"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 1}}))
        sns.confirm_subscription(TopicArn=arn, Token=m["Token"])
        url, qarn = queue(h, "web-status-q")
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn)
        barred = queue(h, "web-status-barred", allow=False)[1]
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=barred)
        sns.publish(TopicArn=arn, Message="nobody asked")
        s.wait(2)
        receive(h, url)
        assert statuses(h, arn) == statuses(h, arn, True) == []
        for kind in ("HTTP", "SQS"):
            sns.set_topic_attributes(TopicArn=arn, AttributeName=f"{kind}SuccessFeedbackRoleArn", AttributeValue=role)
            sns.set_topic_attributes(TopicArn=arn, AttributeName=f"{kind}FailureFeedbackRoleArn", AttributeValue=role)
        sns.set_topic_attributes(TopicArn=arn, AttributeName="HTTPSuccessFeedbackSampleRate", AttributeValue="100")
        sent = sns.publish(TopicArn=arn, Message="told")["MessageId"]
        wait_until(lambda: len(statuses(h, arn)) == 2 and len(statuses(h, arn, True)) == 1, 10, "the events")
        good = {e["delivery"]["destination"]: e for e in statuses(h, arn)}
        assert set(good) == {s.url, qarn} and all(e["status"] == "SUCCESS" for e in good.values())
        assert good[s.url]["delivery"]["attempts"] == 1 and good[s.url]["delivery"]["statusCode"] == 200
        assert good[qarn]["notification"]["messageId"] == sent and good[qarn]["notification"]["topicArn"] == arn
        assert good[qarn]["notification"]["messageMD5Sum"] == hashlib.md5(b"told").hexdigest()
        bad = statuses(h, arn, True)[0]
        assert bad["status"] == "FAILURE" and bad["delivery"]["destination"] == barred
        # Successes no more; a failure that was tried twice.
        for kind in ("HTTP", "SQS"):
            sns.set_topic_attributes(TopicArn=arn, AttributeName=f"{kind}SuccessFeedbackSampleRate", AttributeValue="0")
        s.answers += [500, 500]
        sns.publish(TopicArn=arn, Message="broken")
        wait_until(lambda: len(statuses(h, arn, True)) == 3, 10, "the events")
        last = [e for e in statuses(h, arn, True) if e["delivery"]["destination"] == s.url][0]
        assert last["delivery"]["attempts"] == 2 and last["delivery"]["statusCode"] == 500 and len(statuses(h, arn)) == 2


def test_endpoint_down_keeps_others_going(h):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sns = h.client("sns")
    arn = sns.create_topic(Name="half-down")["TopicArn"]
    url, qarn = queue(h, "half-down-q")
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=f"http://127.0.0.1:{port}/")
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=qarn)
    sns.publish(TopicArn=arn, Message="goes on")
    assert json.loads(receive(h, url)[0])["Message"] == "goes on"


def test_pending_ends_after_three_days(h):
    with Subscriber() as s:
        sns, arn, sub, m = subscribe(h, "web-pending", s)
        h.get("/_haneul/clock", method="POST", data=b'{"advance_ms": 259300000}')
        wait_until(lambda: not sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"], 10, "the end")
        assert error_code(sns.confirm_subscription, TopicArn=arn, Token=m["Token"]) == "InvalidParameter"
