"""Disks that fail and fill up: a clear error, and what was acknowledged stays."""
import hashlib
import os
import random
import re
import shutil
import subprocess
import tempfile

from haneul import ROOT, Haneul, Skip
from wire import Broken, Wire, code_of, xml

BIN = os.path.join(ROOT, "build/release/haneul")
POOL = random.Random(2).randbytes(1 << 20)
SIZES = (0, 100, 5000, 40000, 200000)


def body(i):
    size = SIZES[i % len(SIZES)]
    return POOL[i * 977 % 700000:][:size]


def put_many(w, n, acked, first=0):
    """Notes in acked what was acknowledged; returns the refusals as (status, code, message)."""
    refused = []
    for i in range(first, first + n):
        status, _, data = w.call("PUT", f"/bucket/k{i}", body(i))
        if status == 200:
            acked[f"k{i}"] = hashlib.md5(body(i)).hexdigest()
        else:
            refused.append((status, code_of(data), xml(data).findtext("Message")))
    return refused


def check_acked(w, acked):
    for key, md5 in acked.items():
        status, _, data = w.call("GET", f"/bucket/{key}")
        assert status == 200, f"{key}: {status} {code_of(data)}"
        assert hashlib.md5(data).hexdigest() == md5, f"the body of {key}"


def check_listing(w, acked):
    status, _, data = w.call("GET", "/bucket?list-type=2")
    assert status == 200
    listed = {e.findtext("Key") for e in xml(data).findall("Contents")}
    assert listed == set(acked), f"listed and acknowledged differ: {listed ^ set(acked)}"


def metric(h, name):
    found = re.search(rf"^{name} (\d+)$", h.get("/metrics")[2].decode(), re.M)
    return int(found.group(1)) if found else None


def fail_with(fault, want, read_only):
    if not os.access(BIN, os.X_OK):
        raise Skip("build/release/haneul is not built")
    data = tempfile.mkdtemp(prefix="haneul-test-")
    try:
        with Haneul(bin=BIN, data=data) as h:
            assert Wire(h.port).call("PUT", "/bucket")[0] == 200
        with Haneul(bin=BIN, data=data, env={"HANEUL_FAULT": fault}) as h:
            w, acked = Wire(h.port), {}
            refused = put_many(w, 60, acked)
            assert refused, "the fault did not strike"
            for status, code, message in refused:
                assert (status, code) == want, f"{status} {code}: {message}"
                assert "durable" in message or "read-only" in message, message
            check_acked(w, acked)
            check_listing(w, acked)
            assert metric(h, "haneul_store_read_only") == int(read_only)
            more = put_many(w, 5, acked, 100)
            assert bool(more) == read_only
        assert "ERROR" in h.errors, "the log does not say that the disk failed"
        with Haneul(bin=BIN, data=data) as h:
            w = Wire(h.port)
            check_acked(w, acked)
            check_listing(w, acked)
            assert put_many(w, 5, acked, 200) == []
    finally:
        shutil.rmtree(data, ignore_errors=True)


def test_sync_fails_for_good():
    fail_with("sync=EIO@10", (500, "InternalError"), read_only=True)


def test_sync_fails_once():
    """What the kernel dropped once is never there again: nothing may be acknowledged over it. Both copies' syncs."""
    fail_with("sync=EIO@10-11", (500, "InternalError"), read_only=True)


def test_sync_of_one_copy_fails():
    """The other copy holds what is acknowledged; the failed one is filled again."""
    if not os.access(BIN, os.X_OK):
        raise Skip("build/release/haneul is not built")
    with Haneul(bin=BIN) as h:
        assert Wire(h.port).call("PUT", "/bucket")[0] == 200
        h.stop()
        h.env["HANEUL_FAULT"] = "sync=EIO@10-10"
        h.start()
        acked = {}
        refused = put_many(Wire(h.port), 60, acked)
        assert len(refused) <= 1, refused
        check_acked(Wire(h.port), acked)
        h.kill()
        del h.env["HANEUL_FAULT"]
        h.start()
        check_acked(Wire(h.port), acked)
        check_listing(Wire(h.port), acked)


def test_write_fails():
    fail_with("write=EIO@20", (500, "InternalError"), read_only=True)


def test_log_full_for_a_while():
    fail_with("write=ENOSPC@20-24", (503, "ServiceUnavailable"), read_only=False)


def mount(folder, mib, again=False):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m" + (",remount" if again else ""),
                           "haneul-test", folder], capture_output=True, text=True)
    if done.returncode:
        raise Skip("a tmpfs cannot be mounted here: " + done.stderr.strip())


def test_disk_full():
    """A file system of 48 MiB: refuses when full, goes on after a delete, loses nothing."""
    if os.geteuid():
        raise Skip("mounting a small file system needs root")
    folder = tempfile.mkdtemp(prefix="haneul-test-full-")
    try:
        mount(folder, 48)
    except Skip:
        os.rmdir(folder)
        raise
    h = Haneul(bin=BIN, data=folder + "/data")
    try:
        h.start()
        w, acked, refused = Wire(h.port), {}, []
        assert w.call("PUT", "/bucket")[0] == 200
        for i in range(0, 2000, 50):
            refused += put_many(w, 50, acked, i)
            if len(refused) > 100:
                break
        assert len(refused) > 100, "the disk did not fill up"
        assert {(s, c) for s, c, _ in refused} == {(503, "ServiceUnavailable")}, set(refused)
        status, _, data = w.call("PUT", "/bucket/large", POOL * 30)
        assert status == 503, f"{status} {code_of(data)}"
        check_acked(w, acked)
        assert w.call("GET", "/bucket/large")[0] == 404
        h.kill()
        h.start()
        w = Wire(h.port)
        check_acked(w, acked)
        mount(folder, 120, again=True)
        assert put_many(w, 20, acked, 5000) == [], "there is room again, but it goes on refusing"
        check_acked(w, acked)
        h.stop()
        h.start()
        check_acked(Wire(h.port), acked)
        h.stop()
    finally:
        h.kill()
        subprocess.run(["umount", folder], check=False)
        os.rmdir(folder)


def test_start_on_a_full_disk_says_so():
    if os.geteuid():
        raise Skip("mounting a small file system needs root")
    folder = tempfile.mkdtemp(prefix="haneul-test-full-")
    try:
        mount(folder, 1)
    except Skip:
        os.rmdir(folder)
        raise
    try:
        with open(folder + "/filler", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass
        done = subprocess.run([BIN, "start", "--data", folder + "/data", "--port", "0"], capture_output=True,
                              text=True, timeout=20)
        assert done.returncode == 1, done.returncode
        assert "No space left on device" in done.stderr, done.stderr
    finally:
        subprocess.run(["umount", folder], check=False)
        os.rmdir(folder)
