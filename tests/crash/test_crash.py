"""Pulls the plug, again and again, and asks for everything that was acknowledged.

Several clients write; each notes when an operation was sent and when it was acknowledged. After the
kill and the restart a key may hold what an operation wrote unless another one that was sent after its
acknowledgement was acknowledged too: so the last one, or one that was under way. HANEUL_SEED repeats a run.
"""
import base64
import hashlib
import os
import random
import threading
import time

from haneul import ROOT, Haneul, Skip
from wire import Broken, Wire, code_of, xml

SOAK = bool(os.environ.get("HANEUL_SOAK"))
KILLS = int(os.environ.get("HANEUL_KILLS") or (220 if SOAK else 25))
SEED = int(os.environ.get("HANEUL_SEED") or random.SystemRandom().randrange(1 << 32))
CLIENTS = 4
BIN = os.path.join(ROOT, "build/release/haneul")
PART = 5 << 20
POOL = random.Random(1).randbytes(PART + (1 << 20))
GONE = "gone"


class Write:
    def __init__(self, value):
        self.value, self.sent, self.acked = value, time.monotonic(), None


class Upload:
    def __init__(self, upload_id):
        self.id, self.parts, self.completing = upload_id, {}, False  # parts: number -> (md5, body)


class Wrong(Exception):
    pass


class Journal:
    """What the clients know. One lock: the load is the server's, not ours."""

    def __init__(self):
        self.lock = threading.Lock()
        self.plain = {}      # key -> [Write]; value: (md5, size) or GONE
        self.versions = {}   # version id -> (key, md5, size) or (key, GONE) for a delete marker
        self.doomed = set()  # version ids whose removal was sent
        self.removed = set() # … and acknowledged
        self.unsure = {}     # key -> versions whose acknowledgement never came
        self.unsure_removal = set()
        self.uploads = {}    # key -> Upload
        self.counts = {}
        self.broken = 0

    def begin(self, key, value):
        w = Write(value)
        with self.lock:
            self.plain.setdefault(key, [Write(GONE)] if key not in self.plain else []).append(w)
        return w

    def done(self, w, what):
        with self.lock:
            w.acked = time.monotonic()
            self.counts[what] = self.counts.get(what, 0) + 1

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def possible(self, key):
        writes = self.plain[key]
        return {w.value for w in writes
                if not any(o.acked and w.acked and o.sent > w.acked for o in writes)}


def fresh_journal_entry(value):
    w = Write(value)
    w.acked = w.sent
    return w


class Client(threading.Thread):
    """Does one operation after the other until the connection breaks."""

    def __init__(self, number, port, journal, seed):
        super().__init__(daemon=True)
        self.n, self.j, self.r = number, journal, random.Random(seed)
        self.w = Wire(port)
        self.error = None

    def run(self):
        ops = [(self.put, 30), (self.put_shared, 8), (self.delete, 8), (self.delete_many, 3), (self.copy, 10),
               (self.put_version, 14), (self.delete_key_of_version, 4), (self.delete_version, 8), (self.part, 3),
               (self.complete, 3), (self.read, 10)]
        calls, weights = zip(*ops)
        try:
            while True:
                self.r.choices(calls, weights)[0]()
        except Broken:
            self.j.broken += 1
        except Exception as e:
            self.error = e
        finally:
            self.w.close()

    def call(self, want, method, path, body=None, headers=None):
        status, head, data = self.w.call(method, path, body, headers)
        if status != want:
            raise Wrong(f"{method} {path}: {status} {code_of(data)}")
        return head, data

    def body(self):
        """Rows hold small bodies, files the others; both sides of the line are wanted."""
        size = self.r.choice([0, 1, self.r.randrange(2000), self.r.randrange(2000), self.r.randrange(40000),
                              self.r.randrange(300 << 10)])
        at = self.r.randrange(len(POOL) - size)
        data = self.r.randbytes(min(size, 8)) + POOL[at:at + max(size - 8, 0)]
        return data, (hashlib.md5(data).hexdigest(), size)

    def own(self):
        return f"c{self.n}/k{self.r.randrange(10)}"

    def put(self):
        self.put_at(self.own())

    def put_shared(self):
        self.put_at(f"shared/k{self.r.randrange(3)}")

    def put_at(self, key):
        data, value = self.body()
        w = self.j.begin(key, value)
        head, _ = self.call(200, "PUT", f"/plain/{key}", data)
        if head["etag"] != f'"{value[0]}"':
            raise Wrong(f"the ETag of {key}")
        self.j.done(w, "put")

    def delete(self):
        key = self.own()
        w = self.j.begin(key, GONE)
        self.call(204, "DELETE", f"/plain/{key}")
        self.j.done(w, "delete")

    def delete_many(self):
        keys = sorted({self.own() for _ in range(3)})
        writes = [self.j.begin(k, GONE) for k in keys]
        doc = "<Delete>" + "".join(f"<Object><Key>{k}</Key></Object>" for k in keys) + "</Delete>"
        md5 = base64.b64encode(hashlib.md5(doc.encode()).digest()).decode()
        _, data = self.call(200, "POST", "/plain?delete", doc.encode(), {"Content-MD5": md5})
        if len(xml(data).findall("Deleted")) != len(keys):
            raise Wrong(f"DeleteObjects: {data[:500]}")
        for w in writes:
            self.j.done(w, "delete of many")

    def known(self, key):
        """What this client's own key holds, when nothing is unsure about it."""
        if key not in self.j.plain:
            return None
        values = self.j.possible(key)
        value = next(iter(values)) if len(values) == 1 else GONE
        return None if value == GONE else value

    def copy(self):
        source, to = self.own(), self.own()
        value = self.known(source)
        if not value or source == to:
            return
        w = self.j.begin(to, value)
        _, data = self.call(200, "PUT", f"/plain/{to}", None, {"x-amz-copy-source": f"/plain/{source}"})
        if xml(data).tag != "CopyObjectResult":
            raise Wrong(f"CopyObject: {data[:300]}")
        self.j.done(w, "copy")

    def read(self):
        key = self.own()
        value = self.known(key)
        if value:
            _, data = self.call(200, "GET", f"/plain/{key}")
            if hashlib.md5(data).hexdigest() != value[0]:
                raise Wrong(f"the body of {key}")
            self.j.count("read")

    # ---- versions ----

    def put_version(self):
        key = f"c{self.n}/v{self.r.randrange(4)}"
        data, value = self.body()
        with self.j.lock:
            self.j.unsure.setdefault(key, []).append(value)
        head, _ = self.call(200, "PUT", f"/versioned/{key}", data)
        with self.j.lock:
            self.j.unsure[key].remove(value)
            self.j.versions[head["x-amz-version-id"]] = (key, *value)
        self.j.count("version")

    def delete_key_of_version(self):
        key = f"c{self.n}/v{self.r.randrange(4)}"
        with self.j.lock:
            self.j.unsure.setdefault(key, []).append(GONE)
        head, _ = self.call(204, "DELETE", f"/versioned/{key}")
        with self.j.lock:
            self.j.unsure[key].remove(GONE)
            self.j.versions[head["x-amz-version-id"]] = (key, GONE)
        self.j.count("marker")

    def delete_version(self):
        mine = [(v, x[0]) for v, x in list(self.j.versions.items()) if x[0].startswith(f"c{self.n}/")]
        if len(mine) < 6:
            return
        version, key = self.r.choice(mine)
        with self.j.lock:
            self.j.unsure_removal.add(version)
        self.call(204, "DELETE", f"/versioned/{key}?versionId={version}")
        with self.j.lock:
            self.j.unsure_removal.discard(version)
            self.j.removed.add((key, version))
            del self.j.versions[version]
        self.j.count("version removed")

    # ---- multipart: an upload lives on over kills ----

    def part(self):
        key = f"c{self.n}/m{self.r.randrange(2)}"
        if key not in self.j.uploads:
            _, data = self.call(200, "POST", f"/plain/{key}?uploads")
            self.j.uploads[key] = Upload(xml(data).findtext("UploadId"))
            self.j.count("upload")
        upload, parts = self.j.uploads[key].id, self.j.uploads[key].parts
        if len(parts) < 2:
            n = 1 if 1 not in parts else 2
            at = self.r.randrange(1 << 18)
            data = POOL[at:at + PART] if n == 1 else POOL[at:at + self.r.randrange(1, 200000)]
            head, _ = self.call(200, "PUT", f"/plain/{key}?partNumber={n}&uploadId={upload}", data)
            parts[n] = (hashlib.md5(data).hexdigest(), data)
            if head["etag"] != f'"{parts[n][0]}"':
                raise Wrong("the ETag of a part")
            self.j.count("part")

    def complete(self):
        ready = [k for k, u in list(self.j.uploads.items()) if k.startswith(f"c{self.n}/") and len(u.parts) == 2]
        if not ready:
            return self.part()
        key = ready[0]
        upload, parts = self.j.uploads[key].id, self.j.uploads[key].parts
        whole = parts[1][1] + parts[2][1]
        w = self.j.begin(key, (hashlib.md5(whole).hexdigest(), len(whole)))
        doc = "<CompleteMultipartUpload>" + "".join(
            f'<Part><PartNumber>{n}</PartNumber><ETag>"{parts[n][0]}"</ETag></Part>' for n in (1, 2)
        ) + "</CompleteMultipartUpload>"
        self.j.uploads[key].completing = True
        _, data = self.call(200, "POST", f"/plain/{key}?uploadId={upload}", doc.encode())
        if xml(data).tag != "CompleteMultipartUploadResult":
            raise Wrong(f"CompleteMultipartUpload: {data[:300]}")
        del self.j.uploads[key]
        self.j.done(w, "complete")


# ---- after the restart ----

def check_plain(w, j):
    for key in sorted(j.plain):
        possible = j.possible(key)
        status, _, data = w.call("GET", f"/plain/{key}")
        found = GONE if status == 404 else (hashlib.md5(data).hexdigest(), len(data)) if status == 200 else None
        assert found, f"{key} is unreadable: {status} {code_of(data)}"
        assert found in possible, f"{key}: {found}, but should be one of {possible}: acknowledged and lost"
        j.plain[key] = [fresh_journal_entry(found)]


def list_all(w, bucket, query, tags):
    marker, rows = "", []
    while True:
        status, _, data = w.call("GET", f"/{bucket}?{query}{marker}")
        assert status == 200, f"listing {bucket}: {status} {code_of(data)}"
        doc = xml(data)
        rows += [e for e in doc if e.tag in tags]
        if doc.findtext("IsTruncated") != "true":
            return rows
        if "versions" in query:
            marker = (f"&key-marker={doc.findtext('NextKeyMarker')}"
                      f"&version-id-marker={doc.findtext('NextVersionIdMarker')}")
        else:
            marker = f"&continuation-token={doc.findtext('NextContinuationToken')}"


def check_listing(w, j):
    """The listing and the keys agree."""
    listed = {e.findtext("Key"): (e.findtext("ETag").strip('"'), int(e.findtext("Size")))
              for e in list_all(w, "plain", "list-type=2", ("Contents",))}
    there = {k: v[0].value for k, v in j.plain.items() if v[0].value != GONE}
    assert set(listed) == set(there), f"listed {set(listed) ^ set(there)}"
    for key, (etag, size) in listed.items():
        assert size == there[key][1] and ("-" in etag or etag == there[key][0]), f"{key} as listed"


def check_versions(w, j, sample, r):
    listed = {}
    for e in list_all(w, "versioned", "versions", ("Version", "DeleteMarker")):
        key, version = e.findtext("Key"), e.findtext("VersionId")
        listed[version] = ((key, GONE) if e.tag == "DeleteMarker"
                           else (key, e.findtext("ETag").strip('"'), int(e.findtext("Size"))))
    for version, what in list(j.versions.items()):
        if version in j.unsure_removal and version not in listed:
            del j.versions[version]
            continue
        assert listed.get(version) == what, f"version {version} of {what}: listed as {listed.get(version)}"
    for version, what in listed.items():
        if version not in j.versions:
            rest = GONE if what[1] == GONE else what[1:]
            assert rest in j.unsure.get(what[0], []), f"a version that nobody wrote: {version} {what}"
            j.versions[version] = what
    j.unsure, j.unsure_removal = {}, set()
    for version in r.sample(sorted(j.versions), min(sample, len(j.versions))):
        key, *value = j.versions[version]
        if value[0] == GONE:
            continue
        status, _, data = w.call("GET", f"/versioned/{key}?versionId={version}")
        assert status == 200, f"version {version} of {key}: {status} {code_of(data)}"
        assert [hashlib.md5(data).hexdigest(), len(data)] == value, f"the body of version {version} of {key}"
    for key, version in list(j.removed)[:5]:
        assert w.call("GET", f"/versioned/{key}?versionId={version}")[0] == 404, "a removed version came back"
    j.removed = set()


def check_uploads(w, j):
    for key, u in list(j.uploads.items()):
        status, _, data = w.call("GET", f"/plain/{key}?uploadId={u.id}")
        if status == 404 and u.completing:
            del j.uploads[key]
            continue
        assert status == 200, f"upload {u.id} of {key}: {status} {code_of(data)}"
        listed = {int(e.findtext("PartNumber")): e.findtext("ETag").strip('"') for e in xml(data).findall("Part")}
        for n, (md5, _) in u.parts.items():
            assert listed.get(n) == md5, f"part {n} of {key}: listed as {listed.get(n)}"
        u.completing = False


def check_all(h, j, sample, r):
    w = Wire(h.port)
    check_plain(w, j)
    check_listing(w, j)
    check_versions(w, j, sample, r)
    check_uploads(w, j)
    w.close()


def need_release():
    if not os.access(BIN, os.X_OK):
        raise Skip("build/release/haneul is not built")


def test_kill_at_random_moments():
    need_release()
    r, j = random.Random(SEED), Journal()
    began, busy, starts = time.monotonic(), 0.0, []
    h = Haneul(bin=BIN)
    try:
        h.start()
        setup = Wire(h.port)
        for bucket in ("plain", "versioned"):
            assert setup.call("PUT", f"/{bucket}")[0] == 200
        doc = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert setup.call("PUT", "/versioned?versioning", doc)[0] == 200
        setup.close()
        for kill in range(KILLS):
            clients = [Client(n, h.port, j, r.random()) for n in range(CLIENTS)]
            for c in clients:
                c.start()
            wait = r.choice([0.01, 0.05, 0.2, 0.4, 0.6]) * (0.5 + r.random())
            time.sleep(wait)
            busy += wait
            h.kill()
            for c in clients:
                c.join(40)
                assert not c.is_alive(), "a client hangs"
                if c.error:
                    raise c.error
            before = time.monotonic()
            h.start()
            starts.append(time.monotonic() - before)
            check_all(h, j, 200 if SOAK else 60, r)
        h.stop()
        h.start()
        check_all(h, j, 1 << 30, r)
        h.stop()
    except BaseException:
        print(f"crash: FAILED with HANEUL_SEED={SEED}; the data is in {h.data}", flush=True)
        h.own_data = False
        h.kill()
        raise
    finally:
        h.remove()
    ops = sum(j.counts.values())
    starts.sort()
    print(f"crash: {KILLS} kills, {ops} operations acknowledged ({ops / busy:.0f} a second), {j.broken} cut off, "
          f"0 lost; restart median {starts[len(starts) // 2] * 1000:.0f} ms, worst {starts[-1] * 1000:.0f} ms; "
          f"seed {SEED}; {time.monotonic() - began:.0f} s; {dict(sorted(j.counts.items()))}", flush=True)
