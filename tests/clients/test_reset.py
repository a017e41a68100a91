"""Emptying the cloud while it runs."""
import os
import threading
import time

from haneul import Haneul, error_code


def blob_files(h):
    """Of bodies: the second copy of the rows lies beside them."""
    return [os.path.join(d, f) for d, _, names in os.walk(os.path.join(h.data, "blobs")) for f in names if "_cloud" not in d]


def fill(s3, bucket):
    s3.create_bucket(Bucket=bucket)
    for i in range(20):
        s3.put_object(Bucket=bucket, Key=f"small/{i}", Body=b"x" * 10)
    s3.put_object(Bucket=bucket, Key="large", Body=os.urandom(3 << 20))


def reset(h):
    status, _, body = h.get("/_haneul/reset", method="POST", data=b"")
    assert status == 200, body


def test_reset_empties_and_goes_on():
    with Haneul() as h:
        s3 = h.client("s3")
        fill(s3, "one")
        assert blob_files(h)
        reset(h)
        assert s3.list_buckets()["Buckets"] == []
        assert error_code(s3.get_object, Bucket="one", Key="large") == "NoSuchBucket"
        assert not [f for f in blob_files(h) if os.path.getsize(f) > 4096]
        # The same name again shows nothing of the old bucket.
        s3.create_bucket(Bucket="one")
        assert s3.list_objects_v2(Bucket="one")["KeyCount"] == 0
        s3.put_object(Bucket="one", Key="new", Body=b"new")
        h.kill()
        h.start()
        s3 = h.client("s3")
        assert [o["Key"] for o in s3.list_objects_v2(Bucket="one")["Contents"]] == ["new"]
        assert s3.get_object(Bucket="one", Key="new")["Body"].read() == b"new"


def test_a_reset_wakes_who_waits():
    """A long poll on a queue that went is answered at once, as if the queue had been deleted."""
    with Haneul() as h:
        sqs = h.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        said, began = [], time.monotonic()
        polls = [threading.Thread(target=lambda: said.append(error_code(h.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20)))
                 for _ in range(3)]
        for t in polls:
            t.start()
        time.sleep(0.5)
        reset(h)
        for t in polls:
            t.join()
        assert said == ["AWS.SimpleQueueService.NonExistentQueue"] * 3 and time.monotonic() - began < 15, said


def test_reset_survives_a_kill():
    with Haneul() as h:
        fill(h.client("s3"), "gone")
        reset(h)
        h.kill()
        h.start()
        assert h.client("s3").list_buckets()["Buckets"] == []


def test_other_names_of_the_same(h):
    for path in ("/moto-api/reset", "/_localstack/state/reset"):
        h.client("s3").create_bucket(Bucket="short-lived")
        assert h.get(path, method="POST", data=b"")[0] == 200
        assert h.client("s3").list_buckets()["Buckets"] == []


def test_the_command_waits_and_asks_who_is_there(h):
    h.client("s3").create_bucket(Bucket="by-command")
    done = h.command("reset", "--yes")
    assert (done.returncode, done.stdout) == (0, "Empty.\n"), done
    assert h.client("s3").list_buckets()["Buckets"] == []


def test_without_yes_and_without_a_terminal_nothing_happens(h):
    h.client("s3").create_bucket(Bucket="stays")
    done = h.command("reset")
    assert done.returncode == 2 and "--yes" in done.stderr, done
    assert [b["Name"] for b in h.client("s3").list_buckets()["Buckets"]] == ["stays"]


def test_resets_beside_writers():
    """What is acknowledged after the last reset is there; nothing fails but with a bucket that went."""
    with Haneul() as h:
        stop, wrong = threading.Event(), []

        def work(n):
            s3 = h.client("s3")
            while not stop.is_set():
                code = error_code(s3.create_bucket, Bucket=f"bucket-{n}") or \
                    error_code(s3.put_object, Bucket=f"bucket-{n}", Key="k", Body=b"z" * 300000) or \
                    error_code(s3.get_object, Bucket=f"bucket-{n}", Key="k")
                if code not in (None, "NoSuchBucket", "NoSuchKey", "BucketAlreadyOwnedByYou"):
                    wrong.append(code)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        for t in threads:
            t.start()
        for _ in range(20):
            reset(h)
        s3 = h.client("s3")
        s3.create_bucket(Bucket="last")
        s3.put_object(Bucket="last", Key="k", Body=b"y" * 300000)
        stop.set()
        for t in threads:
            t.join()
        assert not wrong, wrong
        assert s3.get_object(Bucket="last", Key="k")["Body"].read() == b"y" * 300000
