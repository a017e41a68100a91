"""The rows of make bench about S3 (run.py calls them): bodies, listings, memory, connections, other servers."""
import hashlib
import os
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import run
from ceph import Ceph
from haneul import Haneul, wait_until

MIB = 1 << 20


def put_bytes(o, connections, body, keys):
    """Bytes of durable signed PUTs a second."""
    with Haneul("--strict", bin=run.BIN) as h:
        key = run.root_key(h)
        h.client("s3").create_bucket(Bucket="bench")
        return run.load(h.port, seconds=o.seconds, method="PUT", path="/bench/b%d", keys=keys, body_bytes=body,
                        connections=connections, sign=key)["rps"] * body


def digest_rate(data):
    began = time.perf_counter()
    hashlib.md5(data).digest()
    hashlib.sha256(data).digest()
    return len(data) / (time.perf_counter() - began)


def disk_rate(data):
    with tempfile.NamedTemporaryFile(prefix="haneul-bench-") as f:
        began = time.perf_counter()
        for at in range(0, len(data), MIB):
            os.write(f.fileno(), data[at:at + MIB])
        os.fdatasync(f.fileno())
        return len(data) / (time.perf_counter() - began)


def bench_bodies(o):
    data = os.urandom(64 * MIB)
    runs = [(put_bytes(o, 1, 64 * MIB, 4), digest_rate(data), disk_rate(data)) for _ in range(o.rounds)]
    r = statistics.median(a / min(b, c) for a, b, c in runs)
    a, b, c = (statistics.median(x[i] for x in runs) / MIB for i in range(3))
    run.row("PUT 64 MiB durable, one stream / the slower of digests, disk", f"{r:.2f}x", "0.8x or better", r >= 0.8,
            f"{a:.0f} MiB/s; MD5+SHA-256 {b:.0f}, disk write+sync {c:.0f}")
    r, a, b = run.ratio_of(lambda: put_bytes(o, 8, 8 * MIB, 8), lambda: put_bytes(o, 1, 8 * MIB, 8), o.rounds)
    run.row("PUT 8 MiB durable, 8 streams / one stream", f"{r:.2f}x", "1.5x or better", r >= 1.5,
            f"{a / MIB:.0f} / {b / MIB:.0f} MiB/s")


def bench_memory(o, size=5 << 30):
    """size bytes go up and come down again, in bodies of 8 MiB; on small disks and in hurried runs less of them."""
    if shutil.disk_usage(tempfile.gettempdir()).free < 4 << 30:
        return run.row("resident memory while 5 GiB go up and down", "", "32 MiB more or less", None, "no room on the disk")
    with Haneul("--strict", bin=run.BIN) as h:
        key = run.root_key(h)
        h.client("s3").create_bucket(Bucket="bench")
        run.load(h.port, seconds=0.5, path="/health")
        before, peak, moved = h.rss_bytes(), 0, 0
        until = time.monotonic() + 60 * o.seconds
        for method in ("PUT", "GET"):
            done = 0
            while done < size and time.monotonic() < until:
                p = subprocess.Popen([run.LOAD, "--port", str(h.port), "--json", "--seconds", "2", "--method", method, "--path", "/bench/b%d",
                                      "--keys", "32", "--connections", "8", "--sign", key]
                                     + (["--body-bytes", str(8 * MIB)] if method == "PUT" else []), stdout=subprocess.PIPE, text=True)
                while p.poll() is None:
                    peak = max(peak, h.rss_bytes())
                    time.sleep(0.05)
                done += run.json.loads(p.stdout.read())["requests"] * 8 * MIB
            moved += done
    more = (peak - before) / MIB
    run.row("resident memory while 5 GiB go up and down", f"{more:.1f} MiB more", "32 MiB or less", more <= 32,
            f"{moved / (1 << 30):.1f} GiB moved")


def list_fill(h, key, bucket, keys):
    h.client("s3").create_bucket(Bucket=bucket)
    for at in range(0, keys, 100000):
        n = min(keys - at, 100000)
        run.load(h.port, seconds=600, method="PUT", path=f"/{bucket}/{at // 100000:03}-%d", keys=n, body_bytes=10, sign=key, once=True)


def bench_list(o, many=1000000, few=2000):
    with Haneul("--strict", bin=run.BIN) as h:
        key = run.root_key(h)
        list_fill(h, key, "few", few)
        list_fill(h, key, "many", many)

        def page(bucket, after):
            path = f"/{bucket}?list-type=2&max-keys=1000" + (f"&start-after={after}" if after else "")
            return lambda: run.load(h.port, seconds=o.seconds, path=path, connections=1, sign=key)["rps"]
        for name, deep in (("first", ""), ("middle", f"{many // 200000:03}-")):
            r, a, b = run.ratio_of(page("few", "000-1" if deep else ""), page("many", deep), o.rounds)
            run.row(f"ListObjectsV2, {name} page of 1,000 of {many:,} / of {few:,}", f"{r:.2f}x", "1.3x or less", r <= 1.3,
                    f"{1e3 / b:.2f} / {1e3 / a:.2f} ms")


def bench_idle(o, n=10000):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Haneul("--strict", bin=run.BIN) as h:
        run.load(h.port, seconds=0.5, path="/health")
        before, open_ones = h.rss_bytes(), []
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", h.port))
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            s.recv(4096)
            open_ones.append(s)
        more = (h.rss_bytes() - before) / MIB
        for s in open_ones:
            s.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    run.row(f"{n:,} idle keep-alive connections, resident memory", f"{more:.1f} MiB more", "20 MiB or less", more <= 20)


class Other:
    """Another server that speaks S3, when it is installed: the variable names the folder of its program."""

    def __init__(self, name, variable, *args):
        self.name, self.args = name, args
        self.bin = shutil.which(args[0], path=os.environ.get(variable, "") + os.pathsep + os.environ["PATH"])
        self.how = f"{variable}=the folder of {args[0]}"

    key, secret, client = "S3RVER", "S3RVER", Haneul.client

    def __enter__(self):
        self.port, self.dir = run.free_port(), tempfile.mkdtemp(prefix="haneul-bench-other-")
        self.endpoint = f"http://127.0.0.1:{self.port}"
        args = [a.format(port=self.port, dir=self.dir) for a in self.args[1:]]
        self.proc = subprocess.Popen([self.bin, *args], env=dict(os.environ, GATEWAY_PORT=str(self.port), EDGE_PORT=str(self.port)),
                                     cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, 60, what=self.name)
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Gateway(Ceph):
    client = Haneul.client

    def __enter__(self):
        super().__enter__()
        try:
            wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, 60, what=self.name)
        except BaseException:
            self.__exit__()
            raise
        return self


def others_put_rate(o, other):
    with other:
        other.client("s3").create_bucket(Bucket="bench")
        return run.load(other.port, seconds=o.seconds, method="PUT", path="/bench/g%d", keys=20000, body_bytes=1024,
                        sign=f"{other.key}:{other.secret}")["rps"]


def bench_others(o):
    for other in (Other("moto", "MOTO", "moto_server", "-p", "{port}"), Other("ministack", "MINISTACK", "ministack"),
                  Other("s3rver", "S3RVER", "s3rver", "-d", "{dir}", "-p", "{port}", "-a", "127.0.0.1"), Gateway()):
        what = f"PUT 1 KiB signed, 64 connections / {other.name}"
        if not other.bin:
            run.row(what, "", "", None, f"not installed; {other.how}")
            continue
        r, a, b = run.ratio_of(lambda: run.put_rate(o, "g"), lambda one=other: others_put_rate(o, one), 1)
        run.row(what, f"{r:.0f}x", "10x or better", r >= 10, f"{a:.0f} (durable) / {b:.0f} per s")


BENCHES = {"s3-bodies": bench_bodies, "s3-memory": bench_memory, "s3-list": bench_list, "idle": bench_idle, "s3-others": bench_others}
