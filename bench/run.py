#!/usr/bin/env python3
"""make bench: Haneul beside well-known servers, on the same work, in the same run, as ratios.

Starts every server itself, on free ports of the loopback, and ends each by its id. Absolute figures
vary with the machine; the ratios are what counts. Each pair is measured in turn, several times, and the
median of the ratios is given.

    run.py [--only start,get,...] [--rounds 3] [--seconds 3] [--json FILE]
"""
import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from haneul import Haneul, wait_until  # noqa: E402

BIN = os.path.join(ROOT, "build/release/haneul")
LOAD = os.path.join(ROOT, "build/release/load")
rows = []


def row(name, value, reach, ok=None, note=""):
    rows.append(dict(name=name, value=value, reach=reach, ok=ok, note=note))
    mark = {True: "reached", False: "MISSED", None: ""}[ok]
    print(f"{name:58} {value:>14}   {reach:24} {mark:8} {note}", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def load(port, **options):
    args = [LOAD, "--port", str(port), "--json"]
    for k, v in options.items():
        if v is True:
            args.append("--" + k.replace("_", "-"))
        elif isinstance(v, list):
            for one in v:
                args += ["--" + k.replace("_", "-"), one]
        elif v is not None:
            args += ["--" + k.replace("_", "-"), str(v)]
    done = subprocess.run(args, capture_output=True, text=True)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    out = json.loads(done.stdout)
    if out["failed"]:
        raise RuntimeError(f"{out['failed']} of {out['requests']} requests failed: {' '.join(args)}")
    return out


class Nginx:
    """Serves one folder; access log off, open-file cache on, one worker for each processor."""

    def __init__(self, folder):
        self.dir = tempfile.mkdtemp(prefix="haneul-bench-nginx-")
        self.port = free_port()
        os.chmod(self.dir, 0o755)
        with open(f"{self.dir}/nginx.conf", "w") as f:
            f.write(f"""worker_processes auto; pid {self.dir}/pid; error_log {self.dir}/error.log; daemon off;
user root;
events {{ worker_connections 2048; }}
http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 75;
open_file_cache max=1000; open_file_cache_valid 60s; default_type application/octet-stream;
client_body_temp_path {self.dir}; proxy_temp_path {self.dir}; fastcgi_temp_path {self.dir}; uwsgi_temp_path {self.dir}; scgi_temp_path {self.dir};
server {{ listen 127.0.0.1:{self.port} reuseport; root {folder}; }} }}
""")

    def __enter__(self):
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.proc = subprocess.Popen([nginx, "-c", f"{self.dir}/nginx.conf"], stderr=subprocess.DEVNULL)
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, what="nginx")
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def ratio_of(a, b, rounds):
    """Runs a and b in turn; the median of a/b and the medians of both."""
    pairs = [(a(), b()) for _ in range(rounds)]
    return (statistics.median(x / y for x, y in pairs), statistics.median(x for x, _ in pairs),
            statistics.median(y for _, y in pairs))


def public_bucket(h, *objects):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="bench")
    s3.delete_public_access_block(Bucket="bench")
    s3.put_bucket_policy(Bucket="bench", Policy=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                                "Resource": "arn:aws:s3:::bench/*"}]}))
    for key, size in objects:
        s3.put_object(Bucket="bench", Key=key, Body=os.urandom(size))
    return s3


def strict():
    return Haneul("--strict", bin=BIN)


def root_key(h):
    env = subprocess.run([BIN, "env", "--data", h.data], capture_output=True, text=True).stdout
    values = dict(line[7:].split("=", 1) for line in env.splitlines())
    h.key, h.secret = values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]
    return f"{h.key}:{h.secret}"


def bench_start(o):
    times, rss = [], []
    data = tempfile.mkdtemp(prefix="haneul-bench-")
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for i in range(21):
        port = free_port()
        began = time.perf_counter()
        p = subprocess.Popen([BIN, "start", "--data", data, "--port", str(port)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    s.sendall(request)
                    if s.recv(100).startswith(b"HTTP/1.1 200"):
                        break
            time.sleep(0.0002)
        took = (time.perf_counter() - began) * 1000
        if i:
            times.append(took)
        time.sleep(0.05)
        with open(f"/proc/{p.pid}/status") as f:
            rss += [int(l.split()[1]) / 1024 for l in f if l.startswith("VmRSS")]
        p.terminate()
        p.wait()
    shutil.rmtree(data, ignore_errors=True)
    median = statistics.median(times)
    row("exec to first answered request, median of 20", f"{median:.1f} ms", "10 ms or less", median <= 10,
        "includes the harness's fork and exec")
    row("idle resident memory, median", f"{statistics.median(rss):.1f} MiB", "10 MiB or less", statistics.median(rss) <= 10)
    stripped = os.path.join(tempfile.gettempdir(), f"haneul-stripped-{os.getpid()}")
    subprocess.run(["strip", "-o", stripped, BIN], check=True)
    size = os.path.getsize(stripped) / 1e6
    os.unlink(stripped)
    row("stripped binary", f"{size:.2f} MB", "10 MB or less", size <= 10)


def bench_get(o):
    folder = tempfile.mkdtemp(prefix="haneul-bench-www-")
    os.chmod(folder, 0o755)
    with strict() as h:
        key = root_key(h)
        s3 = public_bucket(h, ("1k", 1024), ("10m", 10 << 20))
        for name in ("1k", "10m"):
            with open(f"{folder}/{name}", "wb") as f:
                f.write(s3.get_object(Bucket="bench", Key=name)["Body"].read())
        with Nginx(folder) as n:
            def ours(**k):
                return lambda: load(h.port, seconds=o.seconds, **k)["rps"]

            def theirs(path):
                return lambda: load(n.port, seconds=o.seconds, path=path)["rps"]
            r, a, b = ratio_of(ours(path="/bench/1k"), theirs("/1k"), o.rounds)
            row("GET 1 KiB public, 64 connections / nginx", f"{r:.2f}x", "1.0x or better", r >= 1.0, f"{a:.0f} / {b:.0f} per s")
            r, a, b = ratio_of(ours(path="/bench/1k", sign=key), theirs("/1k"), o.rounds)
            row("GET 1 KiB signed, 64 connections / nginx", f"{r:.2f}x", "0.75x or better", r >= 0.75, f"{a:.0f} / {b:.0f} per s")
            r, a, b = ratio_of(ours(path="/bench/10m", connections=8), theirs("/10m"), o.rounds)
            row("GET 10 MiB public, 8 connections / nginx", f"{r:.2f}x", "0.95x or better", r >= 0.95, f"{a:.0f} / {b:.0f} per s")
    shutil.rmtree(folder, ignore_errors=True)


def put_rate(o, key_prefix, *args):
    with Haneul("--strict", *args, bin=BIN) as h:
        key = root_key(h)
        h.client("s3").create_bucket(Bucket="bench")
        return load(h.port, seconds=o.seconds, method="PUT", path=f"/bench/{key_prefix}%d", keys=20000, body_bytes=1024,
                    sign=key)["rps"]


def bench_put(o):
    r, a, b = ratio_of(lambda: put_rate(o, "g"), lambda: put_rate(o, "s", "--durability", "sync-each"), o.rounds)
    row("PUT 1 KiB durable signed, 64 conn. / one sync per PUT", f"{r:.1f}x", "10x or better", r >= 10, f"{a:.0f} / {b:.0f} per s")


def sns_world(h, subscribers, raw):
    """A topic with that many queues; the topic, and the URL of the last queue."""
    sns, sqs = h.client("sns"), h.client("sqs")
    topic = sns.create_topic(Name="bench")["TopicArn"]
    for i in range(subscribers):
        url = sqs.create_queue(QueueName=f"bench-{i}")["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:000000000000:bench-{i}"
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                                                    "Action": "sqs:SendMessage", "Resource": arn}]})})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn,
                      Attributes={"RawMessageDelivery": "true" if raw else "false"})
    return topic, url


def sns_rates(server, o, subscribers, raw):
    """(publishes acknowledged a second, deliveries a second from the first publish to the last one queued)."""
    with server as h:
        sqs, (topic, url) = h.client("sqs"), sns_world(h, subscribers, raw)
        h.client("sns").publish(TopicArn=topic, Message="the first one makes the signing key")
        form = urllib.parse.urlencode({"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": "x" * 100})
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(form)
            f.flush()
            began = time.monotonic()
            out = load(h.port, seconds=o.seconds, method="POST", path="/", body_file=f.name, sign="test:test", service="sns",
                       header="content-type: application/x-www-form-urlencoded")
        want = out["requests"] + 1

        def arrived():
            n = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
            return int(n["Attributes"]["ApproximateNumberOfMessages"]) >= want
        wait_until(arrived, 600, "the last delivery")
        return out["rps"], want * subscribers / (time.monotonic() - began)


def bench_sns(o):
    for raw in (False, True):
        runs = [sns_rates(Haneul(bin=BIN), o, 100, raw) for _ in range(o.rounds)]
        rate = statistics.median(r[1] for r in runs)
        row(f"publish to 100 SQS subscribers, {'raw' if raw else 'signed envelope'}: deliveries", f"{rate:.0f}/s",
            "50,000 a second or more", rate >= 50000, f"{statistics.median(r[0] for r in runs):.0f} publishes acknowledged a second")
    for raw in (False, True):
        name = f"publish to 3 SQS subscribers, {'raw' if raw else 'signed envelope'}: deliveries"
        if not Ministack().bin:
            rate = statistics.median(sns_rates(Haneul(bin=BIN), o, 3, raw)[1] for _ in range(o.rounds))
            row(name, f"{rate:.0f}/s", "10x ministack", None, "ministack is not installed")
            continue
        r, a, b = ratio_of(lambda: sns_rates(Haneul(bin=BIN), o, 3, raw)[1], lambda: sns_rates(Ministack(), o, 3, raw)[1], o.rounds)
        row(name + " / ministack", f"{r:.1f}x", "10x or better", r >= 10, f"{a:.0f} / {b:.0f} a second; ministack signs nothing")


def dynamo_tables(h):
    c = h.client("dynamodb")
    c.create_table(TableName="bench", KeySchema=[dict(AttributeName="h", KeyType="HASH")],
                   AttributeDefinitions=[dict(AttributeName="h", AttributeType="S")], BillingMode="PAY_PER_REQUEST")
    c.create_table(TableName="ranges", KeySchema=[dict(AttributeName="h", KeyType="HASH"), dict(AttributeName="r", KeyType="RANGE")],
                   AttributeDefinitions=[dict(AttributeName="h", AttributeType="S"), dict(AttributeName="r", AttributeType="N")],
                   BillingMode="PAY_PER_REQUEST")
    return c


def dynamo(h, o, op, body, **options):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write(json.dumps(body))
        f.flush()
        return load(h.port, seconds=o.seconds, method="POST", sign=f"{h.key}:{h.secret}", service="dynamodb", body_file=f.name,
                    header=["Content-Type: application/x-amz-json-1.0", f"X-Amz-Target: DynamoDB_20120810.{op}"], **options)["rps"]


DYNAMO_KEYS = 200000  # different requests; the table holds DYNAMO_ITEMS
DYNAMO_ITEMS = int(os.environ.get("HANEUL_BENCH_ITEMS", 1000000))
DYNAMO_ITEM = {"h": {"S": "key-%d-aaaaaaaa"}, "v": {"S": "x" * 175}}
DYNAMO_GET = {"TableName": "bench", "Key": {"h": DYNAMO_ITEM["h"]}}


class OtherDynamo:
    """A local substitute, when it is installed: DYNALITE, MOTO and MINISTACK name the bin folders of temporary installations."""

    def __init__(self, name, variable, command):
        self.name, self.key, self.secret = name, "test", "test"
        self.bin = shutil.which(command[0], path=os.environ.get(variable, "") + os.pathsep + os.environ["PATH"])
        self.port, self.command = free_port(), command[1:]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        args = [a.replace("PORT", str(self.port)) for a in self.command]
        self.proc = subprocess.Popen([self.bin, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     env=dict(os.environ, GATEWAY_PORT=str(self.port), EDGE_PORT=str(self.port)))
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, 60, what=self.name)
        return self

    client = Haneul.client

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()


def other_dynamos():
    return [OtherDynamo("dynalite", "DYNALITE", ["dynalite", "--port", "PORT", "--createTableMs", "0"]),
            OtherDynamo("moto", "MOTO", ["moto_server", "-p", "PORT"]), OtherDynamo("ministack", "MINISTACK", ["ministack"])]


def dynamo_put(h, o):
    return dynamo(h, o, "PutItem", {"TableName": "bench", "Item": DYNAMO_ITEM}, keys=DYNAMO_KEYS, random=True)


def dynamo_get(h, o):
    return dynamo(h, o, "GetItem", DYNAMO_GET, keys=DYNAMO_KEYS, random=True)


def dynamo_fill(h, c, items):
    """Items key-N-aaaaaaaa to key-N-yyyyyyyy for each N, in groups of 25; the seconds that it took."""
    began = time.monotonic()
    dynamo(h, argparse.Namespace(seconds=None), "BatchWriteItem", {"RequestItems": {"bench": [
        {"PutRequest": {"Item": {"h": {"S": f"key-%d-{chr(97 + k) * 8}"}, "v": DYNAMO_ITEM["v"]}}} for k in range(25)]}},
        keys=items // 25, once=True)
    took = time.monotonic() - began
    count = c.describe_table(TableName="bench")["Table"]["ItemCount"]
    if count != items:
        raise RuntimeError(f"{count} items of {items} are there")
    return took


def dynamo_put_rates(o):
    """A second, grouped and with one sync for each put, on the same table of a million items, in turn."""
    data, rates = tempfile.mkdtemp(prefix="haneul-bench-"), []
    try:
        with Haneul(bin=BIN, data=data) as h:
            dynamo_fill(h, dynamo_tables(h), DYNAMO_ITEMS)
        for _ in range(o.rounds):
            one = []
            for more in ([], ["--durability", "sync-each"]):
                with Haneul(*more, bin=BIN, data=data) as h:
                    one.append(dynamo_put(h, o))
            rates.append(one)
    finally:
        shutil.rmtree(data)
    return [statistics.median(r) for r in zip(*rates)] + [statistics.median(a / b for a, b in rates)]


def dynamo_hot_item(h, o, c):
    rate = dynamo(h, o, "UpdateItem", {
        "TableName": "bench", "Key": {"h": {"S": "hot"}}, "UpdateExpression": "ADD n :one", "ConditionExpression": "attribute_not_exists(n) OR n > :zero",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":zero": {"N": "0"}}}, connections=16)
    row("UpdateItem with a condition, 16 clients, one item", f"{rate:.0f} per s", "10,000 per s or more", rate >= 10000)


def beside_other(h, other, o, put_reach, get_reach):
    for name, measure, reach in (("PutItem durable", dynamo_put, put_reach), ("GetItem", dynamo_get, get_reach)):
        title, wanted = f"{name} / {other.name} in memory", f"{reach:g}x or better" if reach else "listed"
        try:
            r, a, b = ratio_of(lambda: measure(h, o), lambda: measure(other, o), o.rounds)
        except RuntimeError as e:  # moto's server ends the connection after each answer
            row(title, "-", wanted, None, str(e)[:80])
            continue
        row(title, f"{r:.1f}x", wanted, r >= reach if reach else None, f"{a:.0f} / {b:.0f} per s")


def bench_dynamodb(o):
    a, b, r = dynamo_put_rates(o)
    row("PutItem 200 B durable signed, 64 conn. / one sync per put", f"{r:.1f}x", "10x or better", r >= 10, f"{a:.0f} / {b:.0f} per s, a table of {DYNAMO_ITEMS:,}")
    with Haneul(bin=BIN) as h:
        c = dynamo_tables(h)
        dynamo_put(h, o)
        for other in other_dynamos():
            reach = other.name == "dynalite"
            if not other.bin:
                row(f"PutItem, GetItem / {other.name}", "-", "1.5x, 3x" if reach else "listed", None, "not installed")
                continue
            with other:
                dynamo_tables(other)
                beside_other(h, other, o, 1.5 if reach else None, 3 if reach else None)
        r, a, b = ratio_of(lambda: dynamo_get(h, o), lambda: load(h.port, seconds=o.seconds, path="/health")["rps"], o.rounds)
        row("GetItem signed / an HTTP hello of the same server", f"{r:.2f}x", "0.5x or better", r >= 0.5, f"{a:.0f} / {b:.0f} per s")
        for i in range(0, 100, 25):
            c.batch_write_item(RequestItems={"ranges": [{"PutRequest": {"Item": {
                "h": {"S": "p"}, "r": {"N": str(k)}, "v": {"S": "x" * 180}}}} for k in range(i, i + 25)]})
        rate = dynamo(h, o, "Query", {"TableName": "ranges", "KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"S": "p"}}})
        row("Query of 100 items of 200 B, 64 connections", f"{rate:.0f} per s", "10,000 per s or more", rate >= 10000)
        dynamo_hot_item(h, o, c)


def folder_bytes(path):
    return int(subprocess.run(["du", "-sk", path], capture_output=True, text=True, check=True).stdout.split()[0]) * 1024


def bench_dynamodb_load(o):
    """Ten million items of 200 B: what they cost in memory, on disk (both copies), and at the next start."""
    with Haneul("--memtable", "64", bin=BIN) as h:
        c = dynamo_tables(h)
        took = dynamo_fill(h, c, 10000000)
        t = c.describe_table(TableName="bench")["Table"]
        row("10,000,000 items: loaded", f"{t['ItemCount'] / took:.0f} per s", "", None, f"{took:.0f} s")
        row("10,000,000 items: memory of its own", f"{anonymous_mib(h):.0f} MiB", "as configured", None, "memtables of 64 MiB, up to three")
        h.stop()
        bytes_on_disk = folder_bytes(h.data)
        began = time.monotonic()
        h.start()
        first = h.client("dynamodb").get_item(TableName="bench", Key={"h": {"S": "key-7-aaaaaaaa"}})
        start = time.monotonic() - began
        assert "Item" in first
        row("10,000,000 items: start to the first answer", f"{start:.2f} s", "1 s or less", start <= 1)
        r = bytes_on_disk / t["TableSizeBytes"]
        row("10,000,000 items: disk / bytes of the items", f"{r:.2f}x", "2.5x or less", r <= 2.5,
            f"{bytes_on_disk >> 20} / {t['TableSizeBytes'] >> 20} MiB; {r / 2:.2f}x for each of the two copies")


BENCHES = dict(sns=bench_sns, start=bench_start, get=bench_get, put=bench_put, dynamodb=bench_dynamodb, dynamodb_load=bench_dynamodb_load)

QUEUE = os.path.join(ROOT, "build/release/queue")


class Ministack:
    """Its process, when `ministack` is installed (a temporary virtual environment will do: MINISTACK=its bin folder)."""

    def __init__(self):
        self.bin = shutil.which("ministack", path=os.environ.get("MINISTACK", "") + os.pathsep + os.environ["PATH"])
        self.port, self.key, self.secret = free_port(), "test", "test"
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.proc = subprocess.Popen([self.bin], env=dict(os.environ, GATEWAY_PORT=str(self.port), EDGE_PORT=str(self.port)),
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, 60, what="ministack")
        return self

    client = Haneul.client

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()


def cpu_us(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(map(int, f.read().rsplit(") ", 1)[1].split()[11:13])) * 1e6 / os.sysconf("SC_CLK_TCK")


def make_queue(h, name="bench"):
    return h.client("sqs").create_queue(QueueName=name)["QueueUrl"]


def send_load(h, key, url, seconds, batch=0):
    body = tempfile.NamedTemporaryFile("w", suffix=".json")
    one = {"MessageBody": "x" * 100}
    json.dump({"QueueUrl": url, "Entries": [dict(one, Id=str(i)) for i in range(batch)]} if batch else {"QueueUrl": url, **one}, body)
    body.flush()
    args = [LOAD, "--port", str(h.port), "--method", "POST", "--service", "sqs", "--sign", key, "--json", "--seconds", str(seconds),
            "--header", "content-type: application/x-amz-json-1.0", "--header", f"x-amz-target: AmazonSQS.SendMessage{'Batch' if batch else ''}",
            "--body-file", body.name]
    out = json.loads(subprocess.run(args, capture_output=True, text=True).stdout)
    if out["failed"]:
        raise RuntimeError(f"{out['failed']} sends failed")
    return out


def rounds_load(h, key, url, seconds, *args):
    path = "/" + url.split("/", 3)[3]
    out = subprocess.run([QUEUE, "--port", str(h.port), "--sign", key, "--queue", path, "--seconds", str(seconds), *args, "rounds"],
                         capture_output=True, text=True)
    return json.loads(out.stdout)["rps"]


def haneul_queue(o, work, *args):
    with Haneul("--strict", *args, bin=BIN) as h:
        key = root_key(h)
        return work(h, key, make_queue(h), o.seconds)


def ministack_queue(o, work):
    with Ministack() as m:
        return work(m, "test:test", make_queue(m), o.seconds)


def send_rate(h, key, url, seconds):
    return send_load(h, key, url, seconds)["rps"]


def bench_sqs_send(o):
    r, a, b = ratio_of(lambda: haneul_queue(o, send_rate), lambda: haneul_queue(o, send_rate, "--durability", "sync-each"), o.rounds)
    row("SendMessage durable signed, 64 conn. / one sync each", f"{r:.1f}x", "10x or better", r >= 10, f"{a:.0f} / {b:.0f} per s")
    with Haneul("--strict", bin=BIN) as h:
        key = root_key(h)
        url = make_queue(h)
        send_load(h, key, url, 0.5)
        ratios = []
        for _ in range(o.rounds):
            began = cpu_us(h.proc.pid)
            sends = send_load(h, key, url, o.seconds)["requests"]
            per_send = (cpu_us(h.proc.pid) - began) / sends
            began = cpu_us(h.proc.pid)
            hellos = load(h.port, seconds=o.seconds, path="/health")["requests"]
            ratios.append((per_send / ((cpu_us(h.proc.pid) - began) / hellos), per_send))
        r, us = statistics.median(x for x, _ in ratios), statistics.median(x for _, x in ratios)
        row("CPU of a signed SendMessage / of GET /health", f"{r:.1f}x", "3x or less", r <= 3, f"{us:.1f} us")
    if Ministack().bin:
        r, a, b = ratio_of(lambda: haneul_queue(o, send_rate), lambda: ministack_queue(o, send_rate), o.rounds)
        row("SendMessage durable signed / ministack", f"{r:.1f}x", "12x or better", r >= 12, f"{a:.0f} / {b:.0f} per s")


def bench_sqs_rounds(o):
    if not Ministack().bin:
        rate = haneul_queue(o, rounds_load)
        row("send + receive + delete, 64 connections", f"{rate:.0f}/s", "15x ministack", None, "ministack is not installed")
        return
    r, a, b = ratio_of(lambda: haneul_queue(o, rounds_load), lambda: ministack_queue(
        o, lambda *k: rounds_load(*k, "--dummy")), o.rounds)
    row("send + receive + delete, 64 connections / ministack", f"{r:.1f}x", "15x or better", r >= 15, f"{a:.0f} / {b:.0f} per s")


def bench_sqs_polls(o):
    with Haneul("--strict", bin=BIN) as h:
        key = root_key(h)
        path = "/" + make_queue(h).split("/", 3)[3]
        before = h.rss_bytes()
        p = subprocess.Popen([QUEUE, "--port", str(h.port), "--sign", key, "--queue", path, "--connections", "10000", "polls"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        p.stdout.readline()
        time.sleep(2)
        more = (h.rss_bytes() - before) / (1 << 20)
        out = json.loads(p.communicate("\n")[0])
    row("10,000 parked long polls, resident memory more", f"{more:.1f} MiB", "30 MiB or less", more <= 30)
    row("a message wakes a parked receiver, median", f"{out['p50_us'] / 1000:.2f} ms", "5 ms or less", out["p50_us"] <= 5000,
        f"p99 {out['p99_us'] / 1000:.1f} ms; both syncs included")


def anonymous_mib(h):
    """Memory of its own: pages of files that the kernel could take back do not count."""
    with open(f"/proc/{h.proc.pid}/status") as f:
        return [int(l.split()[1]) / 1024 for l in f if l.startswith("RssAnon")][0]


def bench_sqs_deep(o):
    """MESSAGES=10000000 is what the row is about; a million shows the same and takes seconds."""
    messages = int(os.environ.get("MESSAGES", 1000000))
    with Haneul("--strict", bin=BIN) as h:
        key = root_key(h)
        url = make_queue(h)
        began, highest = time.perf_counter(), 0
        while messages > 0:
            messages -= send_load(h, key, url, min(10, max(1, messages / 50000)), batch=10)["requests"] * 10
            highest = max(highest, anonymous_mib(h))
        filled = time.perf_counter() - began
        s = h.client("sqs")
        n = int(s.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
                ["Attributes"]["ApproximateNumberOfMessages"])
        flat_url = make_queue(h, "flat")
        r, deep, flat = ratio_of(lambda: rounds_load(h, key, url, o.seconds), lambda: rounds_load(h, key, flat_url, o.seconds), o.rounds)
        highest = max(highest, anonymous_mib(h))
        disk = sum(os.path.getsize(os.path.join(d, f)) for d, _, names in os.walk(h.data) for f in names) / 1e9
        h.stop()
        began = time.perf_counter()
        h.start()
        took = time.perf_counter() - began
        row(f"rounds on a queue of {n / 1e6:.1f} M messages / on an empty one", f"{r:.2f}x", "", None,
            f"{deep:.0f} / {flat:.0f} per s; filled in {filled:.0f} s by batches of 10; {disk:.1f} GB on disk")
        row("its memory at the most (16 MiB of rows wait for the merge)", f"{highest:.0f} MiB", "", None, "anonymous pages")
        row("start with that queue", f"{took:.2f} s", "1 s or less", took <= 1)


def bench_authorize(o):
    runs = []
    for _ in range(o.rounds):
        with tempfile.TemporaryDirectory(prefix="haneul-bench-") as folder:
            runs.append(json.loads(subprocess.run([os.path.join(ROOT, "build/release/authorize"), folder, "50"], capture_output=True,
                                                  text=True, check=True).stdout))
    us = statistics.median(r["p50_ns"] for r in runs) / 1000
    row("authorisation with 50 attached statements, median", f"{us:.2f} us", "5 us or less", us <= 5,
        f"p99 {statistics.median(r['p99_ns'] for r in runs) / 1000:.2f} us; each run in a snapshot of its own")


BENCHES.update({"authorize": bench_authorize, "sqs-send": bench_sqs_send, "sqs-rounds": bench_sqs_rounds, "sqs-polls": bench_sqs_polls,
                "sqs-deep": bench_sqs_deep})


def main():
    sys.modules["run"] = sys.modules["__main__"]
    import machines
    import s3
    BENCHES.update(s3.BENCHES)
    BENCHES.update(machines.BENCHES)
    p = argparse.ArgumentParser()
    p.add_argument("--only", default=",".join(BENCHES))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--json")
    o = p.parse_args()
    print(f"{os.cpu_count()} processors; medians of {o.rounds} rounds of {o.seconds:g} s")
    for name in o.only.split(","):
        BENCHES[name](o)
    if o.json:
        with open(o.json, "w") as f:
            json.dump(rows, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
