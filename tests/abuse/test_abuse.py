"""Clients that are slow, broken, greedy or hostile: the right refusal, bounded memory, others unhurt.

Only the loopback is used, and everything has a bound: connections, bytes and time.
"""
import base64
import contextlib
import hashlib
import os
import random
import resource
import select
import socket
import struct
import threading
import time

from haneul import ROOT, Haneul, Skip, wait_until
from wire import Wire, auth_headers, code_of

RELEASE = os.path.join(ROOT, "build/release/haneul")
SEED = int(os.environ.get("HANEUL_SEED") or random.SystemRandom().randrange(1 << 32))
MIB = 1 << 20


def head(method, target, *lines, auth=True, host=True):
    out = [f"{method} {target} HTTP/1.1"]
    if host:
        out.append("Host: 127.0.0.1")
    if auth:
        out += [f"{k}: {v}" for k, v in auth_headers().items()]
    return "\r\n".join([*out, *lines, "", ""]).encode("latin-1")


def dial(h):
    s = socket.create_connection(("127.0.0.1", h.port), timeout=10)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_all(s, seconds=10):
    """What comes until the server closes; the flag tells whether it did within the time."""
    out, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            got = s.recv(1 << 16)
        except socket.timeout:
            return out, False
        except ConnectionError:
            return out, True
        if not got:
            return out, True
        out += got
    return out, False


def status_of(data):
    return int(data[9:12]) if data.startswith(b"HTTP/1.1 ") else None


def exchange(h, raw, seconds=10):
    """Sends, closes its side only when told to, and returns (status, everything, was it closed)."""
    with dial(h) as s:
        try:
            s.sendall(raw)
        except ConnectionError:
            pass
        data, closed = read_all(s, seconds)
        return status_of(data), data, closed


def fds(h):
    return len(os.listdir(f"/proc/{h.proc.pid}/fd"))


def settled_fds(h, most, seconds=15):
    wait_until(lambda: fds(h) <= most, seconds, f"{fds(h)} descriptors back to {most}")


@contextlib.contextmanager
def neighbour(h, slowest_s=2.0):
    """A well-behaved client beside it all: each of its calls is answered, and soon."""
    w = Wire(h.port, timeout=10)
    assert w.call("PUT", "/neighbour")[0] in (200, 409)
    stop, worst, count, errors = threading.Event(), [0.0], [0], []

    def work():
        while not stop.is_set():
            began = time.monotonic()
            try:
                body = os.urandom(100)
                status = w.call("PUT", "/neighbour/k", body)[0], w.call("GET", "/neighbour/k")[2] == body
                if status != (200, True):
                    errors.append(status)
            except Exception as e:
                errors.append(e)
                return
            count[0] += 1
            worst[0] = max(worst[0], time.monotonic() - began)
            stop.wait(0.01)

    t = threading.Thread(target=work, daemon=True)
    t.start()
    try:
        yield worst
    finally:
        stop.set()
        t.join(15)
        w.close()
    assert not errors, f"the neighbour was hurt: {errors[:3]}"
    assert count[0], "the neighbour never got a turn"
    assert worst[0] < slowest_s, f"the neighbour waited {worst[0]:.2f} s"


def bucket(h, name="abuse"):
    assert Wire(h.port).call("PUT", f"/{name}")[0] in (200, 409)


@contextlib.contextmanager
def release(*args):
    if not os.access(RELEASE, os.X_OK):
        raise Skip("build/release/haneul is not built")
    with Haneul(*args, bin=RELEASE) as h:
        yield h


# ---- slow ----

def test_slow_and_half_closed(h):
    """Heads and bodies that never end, side by side, while another client works."""
    bucket(h)
    before = fds(h)
    big = os.urandom(8 * MIB)
    assert Wire(h.port).call("PUT", "/abuse/big", big)[0] == 200
    with neighbour(h):
        drip, stall, chunk, deaf = dial(h), dial(h), dial(h), [dial(h) for _ in range(20)]
        stall.sendall(head("PUT", "/abuse/stall", "Content-Length: 1000") + b"x" * 10)
        chunk.sendall(head("PUT", "/abuse/chunk", "Transfer-Encoding: chunked", "x-amz-decoded-content-length: 99",
                           "Content-Encoding: aws-chunked") + b"5\r\nab")
        for s in deaf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(head("GET", "/abuse/big"))
        # Half closed behind a whole request: still answered. Inside a body: refused at once.
        with dial(h) as half:
            half.sendall(head("GET", "/neighbour/k"))
            half.shutdown(socket.SHUT_WR)
            data, closed = read_all(half)
            assert status_of(data) in (200, 404) and closed
        with dial(h) as half:
            half.sendall(head("PUT", "/abuse/half", "Content-Length: 1000") + b"x" * 500)
            half.shutdown(socket.SHUT_WR)
            data, closed = read_all(half)
            assert closed and status_of(data) in (400, None), data[:300]
        text, began, data = head("GET", "/"), time.monotonic(), b""
        for i in range(60):
            try:
                drip.sendall(text[i:i + 1])
            except ConnectionError:
                break
            if select.select([drip], [], [], 0.5)[0]:
                break
        data, closed = read_all(drip, 5)
        took = time.monotonic() - began
        assert status_of(data) == 408 and closed, data[:200]
        assert 15 < took < 25, took
        for s, name in ((stall, "stall"), (chunk, "chunk")):
            data, closed = read_all(s, 25)
            assert status_of(data) == 400 and b"<Code>RequestTimeout</Code>" in data and closed, (name, data[:300])
            assert Wire(h.port).call("GET", f"/abuse/{name}")[0] == 404
        for s in (drip, stall, chunk, *deaf):
            s.close()
    assert Wire(h.port).call("GET", "/abuse/half")[0] == 404
    assert Wire(h.port).call("GET", "/abuse/big")[2] == big
    settled_fds(h, before + 4)


# ---- oversized ----

def refused(h, raw, status, code=None, closed=True):
    got, data, was_closed = exchange(h, raw, 10)
    assert got == status, f"{status} expected: {data[:300]} for {raw[:120]}"
    if code:
        assert f"<Code>{code}</Code>".encode() in data, f"{code} expected: {data[-600:]}"
    if closed:
        assert was_closed, f"the connection stays open after {raw[:120]}"
    return data


def test_oversized_heads(h):
    refused(h, head("GET", "/" + "a" * 20000), 414)
    refused(h, head("GET", "/", "X-Big: " + "a" * 70000), 431)
    refused(h, head("GET", "/", *[f"X-{i}: 1" for i in range(300)]), 431)
    refused(h, b"GET / HTTP/1.1\r\n" + b"X-Endless: " + b"a" * (1 << 20), 431)
    refused(h, b"A" * (1 << 20), 414)


def test_oversized_names_and_metadata(h):
    bucket(h)
    w = Wire(h.port)
    status, _, data = w.call("PUT", "/abuse/" + "k" * 1024, b"x")
    assert status == 200, code_of(data)
    for path in ("/abuse/" + "k" * 1025, "/abuse/" + "%C3%A9" * 513):
        status, _, data = Wire(h.port).call("GET", path)
        assert (status, code_of(data)) in ((400, "KeyTooLongError"), (404, "NoSuchKey")), (status, code_of(data))
    status, _, data = Wire(h.port).call("PUT", "/abuse/" + "k" * 1025, b"x")
    assert (status, code_of(data)) == (400, "KeyTooLongError")
    status, _, data = Wire(h.port).call("PUT", "/" + "b" * 300)
    assert (status, code_of(data)) == (400, "InvalidBucketName")
    status, _, data = Wire(h.port).call("PUT", "/abuse/m", b"x", {f"x-amz-meta-{i}": "v" * 400 for i in range(8)})
    assert (status, code_of(data)) == (400, "MetadataTooLarge")
    status, _, data = Wire(h.port).call("PUT", "/abuse/m", b"x", {"x-amz-meta-a": "v" * 2047})
    assert status == 200, code_of(data)


def post_xml(h, target, doc):
    md5 = base64.b64encode(hashlib.md5(doc).digest()).decode()
    status, _, data = Wire(h.port).call("POST" if "delete" in target else "PUT", target, doc, {"Content-MD5": md5})
    return status, code_of(data)


def test_oversized_bodies(h):
    bucket(h)
    # Refused by its announced length, before a byte of it is read.
    refused(h, head("PUT", "/abuse/huge", f"Content-Length: {6 << 30}"), 400, "EntityTooLarge")
    keys = b"".join(b"<Object><Key>%d</Key></Object>" % i for i in range(1001))
    assert post_xml(h, "/abuse?delete", b"<Delete>" + keys + b"</Delete>") == (400, "MalformedXML")
    status, code = post_xml(h, "/abuse?delete", b"<Delete>" + b" " * (20 * MIB) + b"</Delete>")
    assert status == 400 and code in ("MalformedXML", "MaxMessageLengthExceeded"), (status, code)
    status, code = post_xml(h, "/abuse?tagging", b"<Tagging><TagSet>" + b"<Tag><Key>a</Key><Value>b</Value></Tag>" * 30000
                            + b"</TagSet></Tagging>")
    assert status == 400, (status, code)
    refused(h, head("PUT", "/abuse/nolength"), 411, "MissingContentLength", closed=False)


def test_hostile_xml(h):
    bucket(h)
    laughs = (b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
              + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
              + b"]><Delete><Object><Key>&j;</Key></Object></Delete>")
    outside = (b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
               b"<Delete><Object><Key>&x;</Key></Object></Delete>")
    deep = b"<a>" * 100000
    for doc in (laughs, outside, deep, b"<Delete>" + deep, b"", b"<", b"<Delete/>", b"\0" * 100, b"\xff\xfe<\0D\0",
                b"<Delete><Object></Object></Delete>", b"<Delete><Object><Key>a</Key></Object>"):
        status, code = post_xml(h, "/abuse?delete", doc)
        assert status == 400, (doc[:60], status, code)


# ---- smuggling ----

SMUGGLED = head("PUT", "/abuse/smuggled", "Content-Length: 0")


def smuggling_forms():
    def put(*lines, body=b""):
        return head("PUT", "/abuse/ok", *lines) + body
    yield put("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED)
    yield put("Content-Length: 0", "Content-Length: 5", body=SMUGGLED)
    yield put("Content-Length: 0, 5", body=SMUGGLED)
    for value in ("+0", "-1", "0x0", "0 0", "0;", "1e1", "", "18446744073709551616", "99999999999999999999999", "٣"):
        yield put(f"Content-Length: {value}".encode().decode("latin-1"), body=SMUGGLED)
    for value in ("xchunked", "chunked, identity", "identity, chunked", "chunked;", "chunked, chunked", "\vchunked",
                  "gzip, chunked", "identity", "", "\"chunked\"", "chunked\0"):
        yield put(f"Transfer-Encoding: {value}", body=b"0\r\n\r\n" + SMUGGLED)
    yield put("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=b"0\r\n\r\n" + SMUGGLED)
    yield put("Transfer-Encoding : chunked", body=b"0\r\n\r\n" + SMUGGLED)
    yield put("Content-Length : 0", body=SMUGGLED)
    yield put(" Content-Length: 0", body=SMUGGLED)
    yield put("X: y", "\tfolded: 1", "Content-Length: 0", body=SMUGGLED)
    yield put("X: y\nContent-Length: 0", body=SMUGGLED)
    yield put("X: y\rContent-Length: 0", body=SMUGGLED)
    yield put("X: y\0z", "Content-Length: 0", body=SMUGGLED)
    yield put("X\0: y", "Content-Length: 0", body=SMUGGLED)
    yield put(": y", "Content-Length: 0", body=SMUGGLED)
    yield put("no colon", "Content-Length: 0", body=SMUGGLED)
    for size in ("0x0", "-0", "+0", " 0", "0 ", "", "fffffffffffffffff", "g", "0\n", "1\r\nab\r\n0", "0\r"):
        yield put("Transfer-Encoding: chunked", body=size.encode() + b"\r\n\r\n" + SMUGGLED)
    yield put("Transfer-Encoding: chunked", body=b"2\r\nabX\r\n0\r\n\r\n" + SMUGGLED)
    yield put("Transfer-Encoding: chunked", body=b"2\nab\n0\n\n" + SMUGGLED)
    yield put("Transfer-Encoding: chunked", body=b"1;a=\"\n\"\r\na\r\n0\r\n\r\n" + SMUGGLED)
    yield put("Transfer-Encoding: chunked", body=b"0\r\nbad trailer\r\n\r\n" + SMUGGLED)
    yield put("Transfer-Encoding: chunked", body=b"0\r\nA: b\nC: d\r\n\r\n" + SMUGGLED)
    plain = head("PUT", "/abuse/ok", "Content-Length: 0")
    yield plain.replace(b"\r\n", b"\n") + SMUGGLED
    yield plain.replace(b" HTTP/1.1", b" HTTP/1.1 ") + SMUGGLED
    yield plain.replace(b" HTTP/1.1", b"  HTTP/1.1") + SMUGGLED
    yield plain.replace(b" HTTP/1.1", b" HTTP/11") + SMUGGLED
    yield plain.replace(b" HTTP/1.1", b" http/1.1") + SMUGGLED
    yield plain.replace(b" HTTP/1.1", b"") + SMUGGLED
    yield plain.replace(b"PUT ", b"P\0T ", 1) + SMUGGLED
    yield plain.replace(b"PUT ", b"PUT\t", 1) + SMUGGLED
    yield plain.replace(b"Host: 127.0.0.1\r\n", b"") + SMUGGLED
    yield plain.replace(b"Host: 127.0.0.1", b"Host: 127.0.0.1\r\nHost: other") + SMUGGLED
    yield plain.replace(b"Host: 127.0.0.1", b"Host: a b") + SMUGGLED
    yield plain.replace(b"/abuse/ok", b"/abuse/\x01ok") + SMUGGLED
    yield plain.replace(b"/abuse/ok", b"abuse/ok") + SMUGGLED


def test_smuggling(h):
    bucket(h)
    bad = []
    for raw in smuggling_forms():
        status, data, closed = exchange(h, raw, 5)
        if status not in (400, 411, 501, 505) or not closed:
            bad.append((raw[raw.find(b"UNSIGNED-PAYLOAD") + 18:][:90], status, "closed" if closed else "open"))
        if Wire(h.port).call("GET", "/abuse/smuggled")[0] != 404:
            bad.append((raw[:200], "SMUGGLED"))
            Wire(h.port).call("DELETE", "/abuse/smuggled")
    assert not bad, "\n".join(map(str, bad))


# ---- bodies in chunks of AWS's ----

def test_aws_chunked_nonsense(h):
    bucket(h)
    r = random.Random(SEED)
    sha = {"STREAMING-UNSIGNED-PAYLOAD-TRAILER": b"", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": b";chunk-signature=" + b"0" * 64,
           "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": b";chunk-signature=" + b"0" * 64}
    made = []
    for form, signed in sha.items():
        bodies = [b"", b"5", b"5\r\nhello", b"zz\r\n\r\n", b"-1\r\n\r\n", b"ffffffffffffffffff\r\n", b"7fffffffffffffff\r\nx",
                  b"5" + signed + b"\r\nhello", b"5" + signed + b"\r\nhelloXX0" + signed + b"\r\n\r\n",
                  b"6" + signed + b"\r\nhello!\r\n0" + signed + b"\r\n\r\n",
                  b"5;chunk-signature=\r\nhello\r\n0\r\n\r\n", b"5;" + b"x" * 100000, b"0" * 100000,
                  b"5" + signed + b"\nhello\n0\n\n", r.randbytes(5000),
                  b"5" + signed + b"\r\nhello\r\n0" + signed + b"\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
                  b"5" + signed + b"\r\nhello\r\n0" + signed + b"\r\n" + b"a: b\r\n" * 10000 + b"\r\n"]
        for body in bodies:
            lines = [f"Content-Length: {len(body)}", "x-amz-decoded-content-length: 5", "Content-Encoding: aws-chunked",
                     "x-amz-trailer: x-amz-checksum-crc32"]
            raw = head("PUT", "/abuse/chunked", *lines).replace(b"UNSIGNED-PAYLOAD", form.encode(), 1) + body
            with dial(h) as s:
                try:
                    s.sendall(raw)
                    s.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                data, closed = read_all(s)
            if status_of(data) not in (400, 403) or not closed:
                made.append((form, body[:60], data[:200], data[-300:]))
    assert not made, "\n".join(map(str, made))
    assert Wire(h.port).call("GET", "/abuse/chunked")[0] == 404


# ---- noise ----

def test_random_bytes(h):
    """Noise, and good requests with a few bytes changed."""
    bucket(h)
    r, before = random.Random(SEED + 1), fds(h)
    good = [head("GET", "/abuse?list-type=2"), head("PUT", "/abuse/n", "Content-Length: 3") + b"abc",
            head("PUT", "/abuse/n", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
            head("POST", "/abuse?delete", "Content-Length: 55") + b"<Delete><Object><Key>nothing</Key></Object></Delete>xxxx",
            head("GET", "/abuse/n", "Range: bytes=0-1,2-3"), head("POST", "/", "Content-Length: 9") + b"Action=No",
            head("GET", "/abuse?uploads&max-uploads=1&key-marker=x"), head("GET", "/abuse?versions&max-keys=2")]
    with neighbour(h, 5):
        for i in range(400):
            raw = bytearray(r.randbytes(r.randrange(1, 3000)) if i % 4 == 0 else r.choice(good))
            for _ in range(r.randrange(0, 6)):
                raw[r.randrange(len(raw))] = r.randrange(256)
            with dial(h) as s:
                try:
                    s.sendall(bytes(raw))
                    if r.random() < 0.7:
                        s.shutdown(socket.SHUT_WR)
                    else:
                        s.close()
                        continue
                except OSError:
                    continue
                data, _ = read_all(s, 5)
                assert status_of(data) in (None, 501, 505) or status_of(data) < 500, (SEED, bytes(raw), data[:300])
    settled_fds(h, before + 4)


def test_tls_garbage(h):
    r, before = random.Random(SEED + 2), fds(h)
    hello = bytes.fromhex("16030100a5010000a10303") + bytes(32) + bytes.fromhex("00") + bytes(130)
    with neighbour(h, 5):
        for i in range(150):
            with dial(h) as s:
                body = r.randbytes(r.randrange(600))
                raw = [b"\x16\x03\x01" + struct.pack(">H", len(body)) + body, hello, hello[:r.randrange(1, len(hello))],
                       b"\x16", b"\x16\x03\x03\xff\xff" + body, b"\x80\x2e\x01\x03\x01" + body, b"\x15\x03\x01\x00\x02\x02\x28",
                       b"\x16\x03\x01\x00\x00" * 100][i % 8]
                s.sendall(raw)
                s.shutdown(socket.SHUT_WR)
                data, closed = read_all(s, 5)
                assert closed and status_of(data) in (None, 400), data[:100]
    settled_fds(h, before + 4)


# ---- floods ----

def test_pipelined_flood():
    """Requests without end and nobody who reads the replies: the server stops reading instead of buffering."""
    with release() as h:
        bucket(h)
        assert Wire(h.port).call("PUT", "/abuse/k", bytes(1000))[0] == 200
        before, files = h.rss_bytes(), fds(h)
        flood = head("GET", "/abuse/k") * 400
        with neighbour(h):
            conns = [dial(h) for _ in range(200)]
            for s in conns:
                s.setblocking(False)
            sent, end = 0, time.monotonic() + 5
            while time.monotonic() < end:
                some = 0
                for s in conns:
                    try:
                        some += s.send(flood)
                    except BlockingIOError:
                        pass
                sent += some
                if not some:
                    time.sleep(0.05)
                    if not select.select([], conns, [], 0)[1]:
                        break
            grown = h.rss_bytes() - before
            for s in conns:
                s.close()
        assert grown < 120 * MIB, f"{grown / MIB:.0f} MiB for {sent / MIB:.0f} MiB of requests"
        settled_fds(h, files + 4)
        # One who reads gets every answer, in order.
        with dial(h) as s:
            n, got = 3000, 0
            t = threading.Thread(target=s.sendall, args=(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * n,), daemon=True)
            t.start()
            data = b""
            while got < n:
                some = s.recv(1 << 16)
                assert some, f"closed after {got} replies"
                data += some
                got += data.count(b"HTTP/1.1 200")
                data = data[-11:] if not data.endswith(b"HTTP/1.1 200") else b""
            t.join(5)
        print(f"abuse: {sent / MIB:.0f} MiB of pipelined requests: {grown / MIB:.1f} MiB more resident", flush=True)


def test_connection_flood():
    """Thousands of connections that come and go, some in the middle of something."""
    with release() as h:
        bucket(h)
        Wire(h.port).call("GET", "/")
        files, r = fds(h), random.Random(SEED + 3)
        with neighbour(h, 5):
            for _ in range(6):
                conns = [dial(h) for _ in range(500)]
                for s in conns:
                    raw = r.choice([b"", b"GET", head("GET", "/"), head("PUT", "/abuse/f", "Content-Length: 99999") + b"x" * 999])
                    if raw:
                        s.send(raw)
                for s in conns:
                    if r.random() < 0.5:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
        settled_fds(h, files + 4)
        assert Wire(h.port).call("GET", "/abuse/f")[0] == 404


def room_for_files(n):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n:
        raise Skip(f"{n} descriptors are not allowed here (RLIMIT_NOFILE {hard})")
    if soft != resource.RLIM_INFINITY and soft < n:
        resource.setrlimit(resource.RLIMIT_NOFILE, (n, hard))


def test_ten_thousand_idle_connections():
    room_for_files(12000)
    with release() as h:
        Wire(h.port).call("GET", "/")
        before, files = h.rss_bytes(), fds(h)
        with neighbour(h, 5):
            conns = [dial(h) for _ in range(10000)]
            for s in conns[::10]:
                s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            for s in conns[::10]:
                assert s.recv(4096).startswith(b"HTTP/1.1 200")
            wait_until(lambda: fds(h) >= files + 10000, what="10,000 connections")
            grown = h.rss_bytes() - before
            for s in conns:
                s.close()
        print(f"abuse: 10,000 idle connections: {grown / MIB:.1f} MiB more resident", flush=True)
        assert grown < 20 * MIB, f"{grown / MIB:.1f} MiB"
        settled_fds(h, files + 4)


def test_more_connections_than_allowed():
    with release("--connections", "100") as h:
        w = Wire(h.port)
        assert w.call("PUT", "/abuse")[0] == 200
        conns = [dial(h) for _ in range(300)]
        refused_n = 0
        for s in conns[150:]:
            try:
                s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            except ConnectionError:
                pass
            data, closed = read_all(s, 0.5)
            refused_n += closed and status_of(data) in (503, None)
        assert refused_n >= 140, refused_n
        assert w.call("PUT", "/abuse/k", b"x")[0] == 200, "who was there before is served"
        for s in conns:
            s.close()
        wait_until(lambda: h.get("/health")[0] == 200, 5, "new connections are taken again")


def test_memory_cap():
    """Many heads that never end fill the buffers: refused with 503 before the memory runs out."""
    room_for_files(4000)
    with release("--memory", "16") as h:
        Wire(h.port).call("GET", "/")
        before, files = h.rss_bytes(), fds(h)
        conns = [dial(h) for _ in range(1500)]
        statuses = []
        for s in conns:
            try:
                s.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 60000)
            except ConnectionError:
                pass
        time.sleep(0.5)
        grown = h.rss_bytes() - before
        for s in conns:
            s.settimeout(0.001)
            try:
                statuses.append(status_of(s.recv(4096)))
            except (socket.timeout, ConnectionError):
                pass
            s.close()
        assert statuses.count(503) > 100, f"{statuses.count(503)} of {len(statuses)} answers are 503"
        assert grown < 48 * MIB, f"{grown / MIB:.0f} MiB although 16 are allowed"
        settled_fds(h, files + 4)
        assert Wire(h.port).call("GET", "/")[0] == 200


def test_many_uploads_at_once():
    """Bodies that all come at once pass through windows: memory does not grow with them."""
    with release() as h:
        bucket(h)
        body, before = os.urandom(4 * MIB), h.rss_bytes()
        peak, errors = [0], []

        def put(i):
            try:
                status, _, data = Wire(h.port).call("PUT", f"/abuse/u{i}", body)
                if status != 200:
                    errors.append((status, code_of(data)))
            except Exception as e:
                errors.append(e)
            peak[0] = max(peak[0], h.rss_bytes())

        with neighbour(h, 10):
            threads = [threading.Thread(target=put, args=(i,)) for i in range(60)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        assert not errors, errors[:3]
        grown = peak[0] - before
        print(f"abuse: 60 uploads of 4 MiB at once: {grown / MIB:.1f} MiB more resident", flush=True)
        assert grown < 120 * MIB, f"{grown / MIB:.0f} MiB"


def test_uploads_that_never_end():
    """Each may hold a window; together they may not hold more than was allowed."""
    room_for_files(4000)
    with release("--memory", "64") as h:
        bucket(h)
        before, files = h.rss_bytes(), fds(h)
        start = head("PUT", "/abuse/u", "Content-Length: 5000000") + bytes(1 << 20)
        with neighbour(h, 5):
            conns = [dial(h) for _ in range(400)]
            for s in conns:
                s.settimeout(2)
                with contextlib.suppress(OSError):
                    s.sendall(start)
            time.sleep(0.3)
            grown, statuses, codes = h.rss_bytes() - before, [], 0
            for s in conns:
                s.settimeout(0.01)
                with contextlib.suppress(OSError):
                    data = s.recv(4096)
                    statuses.append(status_of(data))
                    codes += b"<Code>SlowDown</Code>" in data
                s.close()
        print(f"abuse: 400 uploads that stall, 64 MiB allowed: {statuses.count(503)} refused, "
              f"{grown / MIB:.1f} MiB more resident", flush=True)
        assert statuses.count(503) > 200 and codes > 200, (len(statuses), codes)
        assert grown < 128 * MIB, f"{grown / MIB:.0f} MiB"
        settled_fds(h, files + 4)
        assert Wire(h.port).call("PUT", "/abuse/u", bytes(1 << 20))[0] == 200


def test_downloads_that_nobody_reads():
    """The same the other way round: large replies wait, small requests go on."""
    room_for_files(4000)
    with release("--memory", "64") as h:
        bucket(h)
        assert Wire(h.port).call("PUT", "/abuse/big", os.urandom(16 * MIB))[0] == 200
        before, files, conns = h.rss_bytes(), fds(h), []
        with neighbour(h, 5):
            for _ in range(600):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.settimeout(5)
                s.connect(("127.0.0.1", h.port))
                s.sendall(head("GET", "/abuse/big"))
                conns.append(s)
            statuses, codes = [], 0
            for s in conns:
                data = s.recv(4096)
                statuses.append(status_of(data))
                codes += b"<Code>SlowDown</Code>" in data
            grown = h.rss_bytes() - before
            for s in conns:
                s.close()
        print(f"abuse: 600 downloads that nobody reads, 64 MiB allowed: {statuses.count(503)} refused, "
              f"{grown / MIB:.1f} MiB more resident", flush=True)
        assert set(statuses) == {200, 503} and codes == statuses.count(503), (set(statuses), codes)
        assert grown < 128 * MIB, f"{grown / MIB:.0f} MiB"
        settled_fds(h, files + 4)
        assert len(Wire(h.port).call("GET", "/abuse/big")[2]) == 16 * MIB
