"""The real binary under test: start it on a free port with a directory of its own, talk to it, kill it.

    with Haneul() as h:
        s3 = h.client("s3")
        h.cli("s3", "mb", "s3://b")

Binary: $HANEUL_BIN, else build/asan/haneul, else build/release/haneul. Every process that is started
here is ended here, by its id.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REGION = "us-east-1"
CLIENTS = re.compile("Boto3|aws-cli|aws-sdk-js", re.I)
# Operations that are refused by design, with the reason: being refused is what a client can see of them.
REFUSED = {"SelectObjectContent", "GetObjectTorrent", "EnableKinesisStreamingDestination", "DisableKinesisStreamingDestination",
           "UpdateKinesisStreamingDestination", "CreateSession", "RenameObject", "CreateBucketMetadataConfiguration",
           "CreateBucketMetadataTableConfiguration", "EnableEbsEncryptionByDefault", "GetPasswordData",
           "WriteGetObjectResponse", "CreateServiceSpecificCredential"}
# The whole answer of operations about settings that nobody has set.
UNSET = {"NoSuchConfiguration", "NoSuchLifecycleConfiguration", "ReplicationConfigurationNotFoundError",
         "ObjectLockConfigurationNotFoundError", "MetadataConfigurationNotFound"}


class Skip(Exception):
    """Raised by a test that cannot run here; the text says what is missing."""


def binary():
    for path in (os.environ.get("HANEUL_BIN"), "build/asan/haneul", "build/release/haneul", "build/debug/haneul"):
        if path and os.access(os.path.join(ROOT, path), os.X_OK):
            return os.path.join(ROOT, path)
    raise SystemExit("no binary: run make first")


def clean_env(extra=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HANEUL_"))}
    env.update(extra or {}, ASAN_OPTIONS="detect_leaks=0:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1")
    return env


def run_command(*args, bin=None, env=None, **options):
    options = dict(dict(capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60), **options)
    done = subprocess.run([bin or binary(), *args], env=clean_env(env), **options)
    if options.get("text") and done.stderr and ("Sanitizer" in done.stderr or "runtime error" in done.stderr):
        raise AssertionError(done.stderr)
    return done


class Haneul:
    def __init__(self, *args, data=None, env=None, key="test", secret="test", bin=None):
        self.args, self.env = list(args), dict(env or {})
        self.key, self.secret, self.bin = key, secret, bin or binary()
        self.data = data or tempfile.mkdtemp(prefix="haneul-test-")
        self.own_data = data is None
        self.proc = None
        self.port = None
        self.errors = ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.remove()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, port=0):
        """Starts and waits for the line `Ready.`"""
        self.log = tempfile.TemporaryFile("w+")
        self.proc = subprocess.Popen(
            [self.bin, "start", "--data", self.data, "--port", str(port or self.port or 0), *self.args,
             *(["--api-log-all"] if os.environ.get("HANEUL_SEEN") else [])],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=clean_env(self.env), cwd=ROOT)
        while True:
            line = self.proc.stdout.readline()
            if not line:
                self.proc.wait()
                self.log.seek(0)
                self.errors = self.log.read()
                raise RuntimeError(f"haneul ended with {self.proc.returncode}: {self.errors[-4000:]}")
            if "http://" in line and ":" in line:
                for word in line.replace("=", " ").split():
                    if word.startswith("http://127.0.0.1:"):
                        self.port = int(word.rsplit(":", 1)[1].strip("/'\""))
            if line.strip() == "Ready.":
                return self

    def stop(self):
        """Ends it as Ctrl-C does and insists on a clean exit."""
        if not self.proc:
            return
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGINT)
        try:
            code = self.proc.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self.proc.stdout.close()
        self.log.seek(0)
        self.errors = self.log.read()
        self.log.close()
        self.proc = None
        if code != 0 or "Sanitizer" in self.errors or "runtime error" in self.errors:
            raise RuntimeError(f"haneul ended with {code}:\n{self.errors[-6000:]}")

    def kill(self):
        """Pulls the plug."""
        if self.proc:
            self.proc.kill()
            self.proc.wait()
            self.proc.stdout.close()
            self.log.close()
            self.proc = None

    def note_operations(self):
        """Leaves for run.py which operations the clients called with success; see its coverage()."""
        folder = os.environ.get("HANEUL_SEEN")
        seen = set()
        for name in ("api.jsonl.1", "api.jsonl"):
            try:
                with open(os.path.join(self.data, "logs", name)) as f:
                    lines = f.read().splitlines()
            except OSError:
                continue
            for line in lines if folder else []:
                try:
                    call = json.loads(line)
                except ValueError:
                    continue  # the plug was pulled in the middle of it
                done = call["status"] < 400 or call.get("errorCode") in UNSET or call["eventName"] in REFUSED
                if done and CLIENTS.search(call["userAgent"]):
                    seen.add(f"{call['service']} {call['eventName']}\n")
        if seen:
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as f:
                f.writelines(sorted(seen))

    def remove(self):
        self.note_operations()
        if os.path.isdir(os.path.join(self.data, "plane")) and os.geteuid() == 0:
            run_command("cleanup", "--data", self.data, bin=self.bin)  # machines outlive their server
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def rss_bytes(self):
        with open(f"/proc/{self.proc.pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) * 1024

    def command(self, *args, data=True, env=None, **options):
        """Runs `haneul ARGS --data …`; the finished process."""
        return run_command(*args, *(["--data", self.data] if data else []), bin=self.bin, env=env, **options)

    def client(self, service, key=None, secret=None, region=REGION, **config):
        import boto3
        from botocore.config import Config
        options = dict(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=60)
        options.update(config)
        return boto3.client(service, endpoint_url=self.endpoint, region_name=region,
                            aws_access_key_id=key or self.key, aws_secret_access_key=secret or self.secret,
                            config=Config(**options))

    def cli_env(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env.update(AWS_ENDPOINT_URL=self.endpoint, AWS_ACCESS_KEY_ID=self.key, AWS_SECRET_ACCESS_KEY=self.secret,
                   AWS_DEFAULT_REGION=REGION, AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="",
                   AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
        return env

    def cli(self, *args, ok=True, input=None):
        """Runs the real aws CLI. ok=False returns the finished process whatever its code."""
        aws = os.path.join(os.path.dirname(sys.executable), "aws")
        done = subprocess.run([aws if os.path.exists(aws) else "aws", *args], env=self.cli_env(), input=input,
                              capture_output=True, text=True, timeout=300)
        if ok and done.returncode:
            raise AssertionError(f"aws {' '.join(args)}: {done.returncode}\n{done.stderr}\n{done.stdout}")
        return done

    def cli_json(self, *args):
        out = self.cli(*args, "--output", "json").stdout
        return json.loads(out) if out.strip() else {}

    def get(self, path, headers=None, method="GET", data=None):
        """(status, headers, body) of a plain HTTP request, whatever the status."""
        req = urllib.request.Request(self.endpoint + path, headers=headers or {}, method=method, data=data)
        try:
            with urllib.request.urlopen(req, timeout=30) as r:
                return r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()


def error_code(call, *args, **kwargs):
    """The AWS error code that the boto3 call raises; None when it succeeds."""
    from botocore.exceptions import ClientError
    try:
        call(*args, **kwargs)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return None


def wait_until(check, seconds=20, what="the condition"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = check()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")
