"""Bodies are sealed under <data>/master-key: without it, or with another, nothing may start and nothing be overwritten."""
import os

from haneul import Haneul


def refused(h):
    try:
        h.start()
    except RuntimeError as e:
        return str(e)
    raise AssertionError("it started")


def test_a_lost_or_strange_key_is_refused_and_the_old_one_reads_all():
    with Haneul() as h:
        h.client("s3").create_bucket(Bucket="sealed")
        h.client("s3").put_object(Bucket="sealed", Key="k", Body=b"secret" * 5000)
        h.stop()
        path = f"{h.data}/master-key"
        with open(path, "rb") as f:
            key = f.read()
        os.unlink(path)
        assert "is missing" in refused(h) and not os.path.exists(path)
        with open(path, "wb") as f:
            f.write(os.urandom(len(key)))
        assert "is not the one" in refused(h)
        with open(path, "wb") as f:
            f.write(key)
        os.chmod(path, 0o600)
        h.start()
        assert h.client("s3").get_object(Bucket="sealed", Key="k")["Body"].read() == b"secret" * 5000
