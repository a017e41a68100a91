"""A real HTTP subscriber: handshake, signatures, retries, dead letters, unsubscribing."""
import json
import os
import socket
import sys
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
