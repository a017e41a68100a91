"""Bodies are sealed under <data>/master-key, of which each zone has a copy: without any, or with another, nothing may
start and nothing be overwritten; with one of them everything is there."""
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
        copies = [f"{h.data}/blobs/_cloud/zone-{z}/master-key" for z in "abc"]
        for copy in copies:
            assert open(copy, "rb").read() == key and os.stat(copy).st_mode & 0o777 == 0o600
        for p in [path, *copies]:
            os.unlink(p)
        assert "is missing" in refused(h) and not os.path.exists(path)
        for p in [path, *copies]:
            with open(p, "wb") as f:
                f.write(os.urandom(len(key)))
        assert "is not the one" in refused(h)
        with open(path, "wb") as f:
            f.write(key)
        os.chmod(path, 0o600)
        h.start()
        assert h.client("s3").get_object(Bucket="sealed", Key="k")["Body"].read() == b"secret" * 5000
        h.stop()
        for p in [path, *copies]:
            assert open(p, "rb").read() == key
        os.unlink(path)
        os.unlink(copies[0])
        with open(copies[1], "r+b") as f:
            f.write(b"x")
        h.start()
        assert h.client("s3").get_object(Bucket="sealed", Key="k")["Body"].read() == b"secret" * 5000
        for p in [path, *copies]:
            assert open(p, "rb").read() == key
