"""Pulls the plug while directories are lost: lifecycle and replication run, a zone or the rows vanish under load or before the
start, and everything that was acknowledged must be there; in the end, nothing that nobody owns.
"""
import base64
import glob
import hashlib
import json
import os
import random
import shutil
import sys
import time
import urllib.request

from haneul import Haneul
from wire import Wire

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_crash as base  # noqa: E402

KILLS = int(os.environ.get("HANEUL_KILLS") or (300 if base.SOAK else 12))
PLACES = ("rows", "zone-a", "zone-b", "zone-c")

REPLICATION = b"""<ReplicationConfiguration><Role>arn:aws:iam::000000000000:role/r</Role><Rule><ID>all</ID><Priority>1</Priority>
<Status>Enabled</Status><Filter><Prefix></Prefix></Filter><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>
<Destination><Bucket>arn:aws:s3:::replica</Bucket></Destination></Rule></ReplicationConfiguration>"""
LIFECYCLE = b"""<LifecycleConfiguration><Rule><ID>lapse</ID><Status>Enabled</Status><Filter><Prefix>lapse/</Prefix></Filter>
<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"""


class Client(base.Client):
    """Also writes what lifecycle takes away."""

    def own(self):
        if self.r.randrange(8) == 0:
            self.lapsing()
        return super().own()

    def lapsing(self):
        data, _ = self.body()
        self.call(200, "PUT", f"/lapsing/lapse/c{self.n}-{self.r.randrange(20)}", data)
        self.j.count("lapsing")


def storage(h, method="GET"):
    return json.load(urllib.request.urlopen(urllib.request.Request(f"{h.endpoint}/_haneul/storage", method=method), timeout=30))


def round_of_care(h):
    """A whole one that begins now: the one under way may have passed what was just lost."""
    for _ in range(2):
        rounds = storage(h, "POST")["rounds"]
        for _ in range(1200):
            if storage(h)["rounds"] > rounds:
                break
            time.sleep(0.02)


def await_whole(h, what):
    """A second loss before the first is made good would be one too many."""
    round_of_care(h)
    for _ in range(1200):
        s = storage(h)
        copies = s["rows"]["copies"]
        if (len(copies) == 2 and all(c["whole"] for c in copies) and not any(z["missing"] for z in s["zones"].values())
                and s["state"] == "idle"):
            # A shard that was not made good would be missed at the next loss only.
            assert s["damaged"] == s["repaired"], s
            assert s["total"]["lost"] == 0 and s["rows"]["lost"] == 0, s
            return s
        time.sleep(0.05)
    raise AssertionError(f"not whole again after {what}: {s}")


def lose(h, what):
    paths = [f"{h.data}/rows"] if what == "rows" else glob.glob(f"{h.data}/blobs/*/{what}")
    for path in paths:
        os.rename(path, path + ".gone")
        shutil.rmtree(path + ".gone")


def check_replica(w, j):
    """What the source still has is in the copy, or arrives."""
    want = {v: x for v, x in j.versions.items() if x[1] != base.GONE}
    for _ in range(600):
        there = {e.findtext("VersionId"): (e.findtext("Key"), e.findtext("ETag").strip('"'), int(e.findtext("Size")))
                 for e in base.list_all(w, "replica", "versions", ("Version",))}
        missing = [v for v, x in want.items() if there.get(v) != tuple(x)]
        if not missing:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(missing)} of {len(want)} versions never reached the copy, {missing[0]}: {want[missing[0]]}")


def check_lapsed(h, w):
    assert h.command("clock", "advance", "49h").returncode == 0
    for _ in range(600):
        left = base.list_all(w, "lapsing", "list-type=2", ("Contents",))
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(left)} objects outlived their day: {left[0].findtext('Key')}")


def blob_files(h):
    return [p for z in "abc" for p in glob.glob(f"{h.data}/blobs/*/zone-{z}/??/*")]


def check_no_orphan(h, w):
    """With every object gone no file may be left after a round of the care."""
    for bucket, query, tags in (("plain", "list-type=2", ("Contents",)), ("versioned", "versions", ("Version", "DeleteMarker")),
                                ("replica", "versions", ("Version", "DeleteMarker")), ("lapsing", "list-type=2", ("Contents",))):
        for e in base.list_all(w, bucket, query, tags):
            version = e.findtext("VersionId") if query == "versions" else None
            path = f"/{bucket}/{e.findtext('Key')}" + (f"?versionId={version}" if version else "")
            assert w.call("DELETE", path)[0] == 204
    for e in base.list_all(w, "plain", "uploads", ("Upload",)):
        assert w.call("DELETE", f"/plain/{e.findtext('Key')}?uploadId={e.findtext('UploadId')}")[0] == 204
    time.sleep(1.1)
    for _ in range(200):
        storage(h, "POST")
        time.sleep(0.1)
        if not blob_files(h):
            return
    raise AssertionError(f"{len(blob_files(h))} files that nobody owns, {blob_files(h)[0]}")


def begin(h):
    w = Wire(h.port)
    for bucket in ("plain", "versioned", "replica", "lapsing"):
        assert w.call("PUT", f"/{bucket}")[0] == 200
    doc = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    for bucket in ("versioned", "replica"):
        assert w.call("PUT", f"/{bucket}?versioning", doc)[0] == 200
    for path, rules in (("/versioned?replication", REPLICATION), ("/lapsing?lifecycle", LIFECYCLE)):
        md5 = base64.b64encode(hashlib.md5(rules).digest()).decode()
        assert w.call("PUT", path, rules, {"Content-MD5": md5})[0] == 200
    w.close()


def one_kill(h, j, r, kill):
    clients = [Client(n, h.port, j, r.random()) for n in range(base.CLIENTS)]
    for c in clients:
        c.start()
    what, when = PLACES[kill % 4], r.choice(["under load", "between"])
    time.sleep(r.choice([0.01, 0.2, 0.5]) * (0.5 + r.random()))
    if when == "under load":
        lose(h, what)
        time.sleep(r.choice([0, 0.05, 1.0, 1.5]))
    h.kill()
    for c in clients:
        c.join(40)
        assert not c.is_alive(), "a client hangs"
        if c.error:
            raise c.error
    if when == "between":
        lose(h, what)
    h.start()
    base.check_all(h, j, 60, r)
    await_whole(h, f"{what} was lost {when}")


def test_kills_while_directories_are_lost():
    base.need_release()
    r, j = random.Random(base.SEED), base.Journal()
    began = time.monotonic()
    h = Haneul("--scrub-rate", "0", bin=base.BIN)
    try:
        h.start()
        begin(h)
        for kill in range(KILLS):
            one_kill(h, j, r, kill)
            if kill % 4 == 3 or kill + 1 == KILLS:
                w = Wire(h.port)
                check_replica(w, j)
                check_lapsed(h, w)
                w.close()
        h.stop()
        h.start()
        base.check_all(h, j, 1 << 30, r)
        w = Wire(h.port)
        check_no_orphan(h, w)
        w.close()
        h.stop()
    except BaseException:
        print(f"zones: FAILED with HANEUL_SEED={base.SEED}; the data is in {h.data}", flush=True)
        h.own_data = False
        h.kill()
        raise
    finally:
        h.remove()
    print(f"zones: {KILLS} kills and lost directories, {sum(j.counts.values())} operations acknowledged, 0 lost, no orphan; "
          f"seed {base.SEED}; {time.monotonic() - began:.0f} s; {dict(sorted(j.counts.items()))}", flush=True)
