"""What survives the loss of a directory, and damage: rows and bodies, before a start and while it runs."""
import glob
import json
import os
import random
import shutil
import time
import urllib.request

from haneul import Haneul

BODY = {"small": b"s" * 700, "copied": b"c" * 90_000, "striped": b"r" * 700_000}


def fill(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="kept")
    for name, body in BODY.items():
        s3.put_object(Bucket="kept", Key=name, Body=body)
    for i in range(300):
        s3.put_object(Bucket="kept", Key=f"many/{i:04}", Body=b"%d" % i)
    h.client("sqs").create_queue(QueueName="kept")


def expect(h):
    s3 = h.client("s3")
    for name, body in BODY.items():
        assert s3.get_object(Bucket="kept", Key=name)["Body"].read() == body
    listed = s3.list_objects_v2(Bucket="kept", Prefix="many/")["Contents"]
    assert [o["Key"] for o in listed] == [f"many/{i:04}" for i in range(300)]
    assert s3.get_object(Bucket="kept", Key="many/0123")["Body"].read() == b"123"
    assert h.client("sqs").list_queues()["QueueUrls"]


def storage(h):
    return json.load(urllib.request.urlopen(f"{h.endpoint}/_haneul/storage"))


def await_whole(h, zones=()):
    for _ in range(600):
        s = storage(h)
        if all(c["whole"] for c in s["rows"]["copies"]) and len(s["rows"]["copies"]) == 2 and \
                not any(z["missing"] for z in s["zones"].values()) and s["state"] == "idle":
            return s
        time.sleep(0.05)
    raise AssertionError(f"not whole again: {s}")


def zone_wipe(h, zone):
    for path in glob.glob(f"{h.data}/blobs/*/zone-{zone}"):
        os.rename(path, f"{path}.gone")
        shutil.rmtree(f"{path}.gone")


def lose(h, what):
    if what == "rows":
        os.rename(f"{h.data}/rows", f"{h.data}/rows.gone")
        shutil.rmtree(f"{h.data}/rows.gone")
    else:
        zone_wipe(h, what)


def test_any_one_directory_may_be_lost_between_two_runs():
    with Haneul() as h:
        fill(h)
        for what in ["rows", "a", "b", "c", "rows", "c"]:
            h.stop()
            lose(h, what)
            h.start()
            expect(h)
            await_whole(h)


def test_directories_lost_while_it_runs_are_made_again():
    with Haneul() as h:
        fill(h)
        for what in ["rows", "c", "a", "rows", "b", "c"]:
            lose(h, what)
            expect(h)
            h.client("s3").put_object(Bucket="kept", Key=f"after-{what}", Body=what.encode() * 1000)
            time.sleep(1.2)
            await_whole(h)
            h.kill()
            h.start()
            expect(h)
            assert h.client("s3").get_object(Bucket="kept", Key=f"after-{what}")["Body"].read() == what.encode() * 1000


def test_flipped_bits_in_rows_and_zones_return_no_wrong_byte():
    rnd = random.Random(5)
    with Haneul() as h:
        fill(h)
        flips = 0
        for turn in range(20):
            h.stop()
            # In rows and keys one side at a time: two copies cannot be told apart where both are damaged.
            side = [f"{h.data}/rows/*/*", f"{h.data}/blobs/_cloud/zone-c/rows/*/*"][turn % 2]
            files = [p for p in glob.glob(side) if os.path.getsize(p) and not p.endswith("lock.mdb")]
            files += [p for p in glob.glob(f"{h.data}/blobs/us-east-1/zone-{'abc'[turn % 3]}/*/*")]
            files += [f"{h.data}/blobs/_cloud/zone-{'abc'[turn % 3]}/master-key"]
            for _ in range(50):
                path = rnd.choice(files)
                with open(path, "r+b") as f:
                    at = rnd.randrange(os.path.getsize(path))
                    f.seek(at)
                    byte = f.read(1)[0]
                    f.seek(at)
                    f.write(bytes([byte ^ 1 << rnd.randrange(8)]))
                flips += 1
            h.start()
            expect(h)
            urllib.request.urlopen(urllib.request.Request(f"{h.endpoint}/_haneul/storage", method="POST"))
            time.sleep(0.1)
            s = await_whole(h)
            assert s["rows"]["lost"] == 0 and s["total"]["lost"] == 0
        assert flips == 1000


def test_the_doctor_heals_a_stopped_cloud():
    with Haneul() as h:
        fill(h)
        h.stop()
        lose(h, "rows")
        zone_wipe(h, "a")
        out = h.command("doctor", "--storage")
        assert out.returncode == 0, out.stdout + out.stderr
        assert "in data    whole" in out.stdout and "in zone-c  whole" in out.stdout
        h.start()
        expect(h)
