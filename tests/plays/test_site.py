"""A real site, from the bundler to the browser, through the real CLI; and the plug pulled in between."""
import hashlib
import html
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading

from haneul import Haneul, Skip, wait_until
from wire import Broken, Wire

HERE = os.path.dirname(os.path.abspath(__file__))
HOSTS = "MAP *.s3-website-us-east-1.localhost.localstack.cloud 127.0.0.1"


def build_site(folder):
    """Builds a copy of site/ and returns its dist."""
    if not shutil.which("npm"):
        raise Skip("npm is not installed")
    site = os.path.join(folder, "site")
    shutil.copytree(os.path.join(HERE, "site"), site, ignore=shutil.ignore_patterns("node_modules", "dist"))
    got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=site, text=True,
                         capture_output=True, timeout=300)
    if got.returncode:
        raise Skip("npm install failed (is the registry reachable?): " + got.stderr.strip()[-300:])
    got = subprocess.run(["npm", "run", "build"], cwd=site, text=True, capture_output=True, timeout=300)
    assert got.returncode == 0, got.stderr[-3000:]
    return os.path.join(site, "dist")


def files_of(folder):
    return [os.path.join(d, f) for d, _, names in os.walk(folder) for f in names]


class Browser:
    def __init__(self, folder):
        self.path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not self.path:
            raise Skip("chromium is not installed")
        self.folder, self.n = folder, 0

    def run(self, url, *options):
        self.n += 1
        profile = os.path.join(self.folder, f"profile-{self.n}")
        done = subprocess.run(
            [self.path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
             f"--user-data-dir={profile}", f"--host-resolver-rules={HOSTS}", "--virtual-time-budget=30000", *options, url],
            capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def text(self, url):
        """id -> text of the page's elements after its scripts ran."""
        page = self.run(url, "--dump-dom")
        return {i: html.unescape(t) for i, t in re.findall(r'<p id="(\w+)">([^<]*)</p>', page)}


def check_pages(browser, address, images):
    got = browser.text(address + "/")
    assert got["result"].startswith(f"images {images} of {images}; "), got
    rules = int(re.search(r"rules (\d+)", got["result"]).group(1))
    assert rules > images, got
    assert got["result"].endswith("background rgb(240, 248, 255); flag true; lazy sky blue"), got
    assert got["greeting"] == "Hello from the bucket — 안녕", got
    assert browser.text(address + "/guide/")["where"] == "/guide/"
    assert browser.text(address + "/no/such/page")["missing"] == "This page went over the horizon."


def transfers(done):
    return re.findall(r"(?:^|\r)(upload|delete|copy|download): ", done.stdout, re.M)


def check_bucket(h, bucket, dist):
    """Every file of the build lies in the bucket, byte for byte, and nothing else."""
    s3 = h.client("s3")
    listed = {o["Key"]: o["ETag"].strip('"') for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 100}) for o in page.get("Contents", [])}
    for path in files_of(dist):
        with open(path, "rb") as f:
            data = f.read()
        key = os.path.relpath(path, dist)
        assert listed.pop(key, None) == hashlib.md5(data).hexdigest(), key
        status, _, body = Wire(h.port).call("GET", f"/{bucket}/{key}")
        assert status == 200 and body == data, key
    return listed


class Load(threading.Thread):
    """Writes until the plug is pulled and remembers what was acknowledged."""

    def __init__(self, port, n):
        super().__init__(daemon=True)
        self.w, self.n, self.acked, self.r = Wire(port), n, {}, random.Random(n)

    def run(self):
        try:
            for i in range(100000):
                body = self.r.randbytes(self.r.choice([10, 3000, 60000, 300000]))
                if self.w.call("PUT", f"/uploads/{self.n}/{i}", body)[0] == 200:
                    self.acked[f"{self.n}/{i}"] = hashlib.md5(body).hexdigest()
        except Broken:
            pass


def pull_the_plug(h, dist, bucket):
    """Kills it while a sync and four writers are at work."""
    loads = [Load(h.port, n) for n in range(4)]
    for l in loads:
        l.start()
    aws = subprocess.Popen([os.path.join(os.path.dirname(sys.executable), "aws"), "s3", "sync",
                            dist, f"s3://{bucket}", "--cli-connect-timeout", "2"], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, env=dict(h.cli_env(), AWS_MAX_ATTEMPTS="1"))
    first = "".join(aws.stdout.readline() for _ in range(20))
    wait_until(lambda: sum(len(l.acked) for l in loads) > 200, 30, "200 writes")
    h.kill()
    said = first + aws.communicate(timeout=60)[0]
    for l in loads:
        l.join(40)
    acked = {k: v for l in loads for k, v in l.acked.items()}
    # What the CLI called uploaded was acknowledged to it; its lines are separated by carriage returns too.
    synced = re.findall(rf"upload: .* to s3://{bucket}/(\S+)", said)
    return acked, synced


def test_site():
    folder = tempfile.mkdtemp(prefix="haneul-play-")
    try:
        browser, dist = Browser(folder), build_site(folder)
        files = files_of(dist)
        images = len(os.listdir(os.path.join(folder, "site/node_modules/flag-icons/flags/4x3")))
        assert len(files) > 300, len(files)
        with Haneul(data=os.path.join(folder, "data")) as h:
            play(h, browser, dist, images, len(files))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(h, browser, dist, images, files_n):
    bucket, s3 = "flags.example", h.client("s3")
    h.cli("s3", "mb", f"s3://{bucket}")
    h.cli("s3", "mb", "s3://uploads")
    h.cli("s3", "website", f"s3://{bucket}", "--index-document", "index.html", "--error-document", "404.html")
    address = f"http://{bucket}.s3-website-us-east-1.localhost.localstack.cloud:{h.port}"
    assert len(transfers(h.cli("s3", "sync", dist, f"s3://{bucket}"))) == files_n
    assert check_bucket(h, bucket, dist) == {}

    # Private until a policy says otherwise.
    assert h.get("/", {"Host": address[7:]})[0] == 403
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                                      "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    assert h.cli("s3api", "put-bucket-policy", "--bucket", bucket, "--policy", json.dumps(policy), ok=False).returncode
    h.cli("s3api", "delete-public-access-block", "--bucket", bucket)
    h.cli("s3api", "put-bucket-policy", "--bucket", bucket, "--policy", json.dumps(policy))
    check_pages(browser, address, images)
    shot = os.environ.get("HANEUL_SCREENSHOT")
    if shot:
        browser.run(address + "/", f"--screenshot={shot}", "--window-size=1200,900")

    # A second sync has nothing to do; a changed file is one transfer; a removed one goes with --delete.
    assert transfers(h.cli("s3", "sync", dist, f"s3://{bucket}")) == []
    with open(os.path.join(dist, "greeting.json"), "w") as f:
        f.write('{"greeting": "Hello from the bucket — 안녕", "changed": true}')
    assert transfers(h.cli("s3", "sync", dist, f"s3://{bucket}")) == ["upload"]
    s3.put_object(Bucket=bucket, Key="left/over.txt", Body=b"x")
    assert transfers(h.cli("s3", "sync", "--delete", dist, f"s3://{bucket}")) == ["delete"]

    # The plug, while all this is written again into another bucket.
    h.cli("s3", "mb", "s3://second")
    acked, synced = pull_the_plug(h, dist, "second")
    h.start()
    w = Wire(h.port)
    for key, md5 in acked.items():
        status, _, body = w.call("GET", f"/uploads/{key}")
        assert status == 200 and hashlib.md5(body).hexdigest() == md5, f"{key}: acknowledged and lost"
    for key in synced:
        with open(os.path.join(dist, key), "rb") as f:
            assert w.call("GET", f"/second/{key}")[2] == f.read(), f"{key}: uploaded by the CLI and lost"
    assert check_bucket(h, bucket, dist) == {}
    check_pages(browser, address, images)
    h.cli("s3", "sync", dist, "s3://second")
    assert check_bucket(h, "second", dist) == {}
    back = os.path.join(os.path.dirname(dist), "back")
    h.cli("s3", "sync", f"s3://{bucket}", back)
    assert subprocess.run(["diff", "-r", dist, back]).returncode == 0
    print(f"site: {files_n} files, {images} images in the browser; {len(acked)} writes and {len(synced)} files of a sync "
          "acknowledged before the plug was pulled, all there afterwards", flush=True)
