"""The command line: every command, its exit codes, and what it says when it cannot."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from haneul import Haneul, Skip, run_command, wait_until

COMMANDS = ["start", "stop", "status", "logs", "env", "reset", "ops", "where", "doctor", "cleanup", "plane", "clock", "s3", "version", "help"]


class Folder:
    """A temporary directory; what runs in the background on it is stopped."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="haneul-test-")
        return self.path

    def __exit__(self, *_):
        run_command("stop", "--data", self.path)
        shutil.rmtree(self.path, ignore_errors=True)


def one_line(done):
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("haneul"), done.stderr
    return done.stderr


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def start_refused(*args, env=None, code=1):
    done = run_command("start", *args, env=env)
    assert done.returncode == code, done
    return one_line(done)


def files_of(folder):
    found = {}
    for d, _, names in os.walk(folder):
        for n in names:
            path = os.path.join(d, n)
            with open(path, "rb") as f:
                found[path] = f.read()
    return found


def test_every_command_has_help_and_refuses_what_it_does_not_know():
    for c in COMMANDS:
        done = run_command(c, "--help")
        assert done.returncode == 0 and done.stdout.startswith(f"Usage: haneul {c}") and not done.stderr, done
        assert "Exit codes:" in done.stdout
        done = run_command(c, "--bogus")
        assert done.returncode == 2 and not done.stdout and "--bogus" in one_line(done), done


def test_help_version_and_unknown_commands():
    assert run_command("version").stdout == run_command("--version").stdout
    for args in (["help"], ["--help"], ["-h"]):
        done = run_command(*args)
        assert done.returncode == 0 and all(f"  {c}" in done.stdout for c in COMMANDS)
    assert run_command("help", "start").stdout == run_command("start", "--help").stdout
    done = run_command("fly")
    assert done.returncode == 2 and '"fly"' in one_line(done)
    assert run_command().returncode == 2
    assert "\x1b" not in run_command("help").stdout + run_command("ops", "s3").stdout


def test_bad_values_of_settings():
    with Folder() as d:
        for args, word in ((["--port", "x"], "--port"), (["--port", "70000"], "70000"), (["--port"], "--port"),
                           (["--durability", "maybe"], "maybe"), (["--strict=perhaps"], "perhaps"), (["extra"], "extra")):
            assert word in start_refused("--data", d, *args, code=2)
        assert "EDGE_PORT" in start_refused("--data", d, env={"EDGE_PORT": "no"}, code=2)
        assert "HANEUL_PORT" in start_refused("--data", d, env={"HANEUL_PORT": "-1"}, code=2)
        with open(os.path.join(d, "haneul.conf"), "w") as f:
            f.write("# a comment\nport = 1\n\nbogus = 2\n")
        text = start_refused("--data", d, code=2)
        assert "haneul.conf:4" in text and "bogus" in text


def settings(*args, env=None):
    out = run_command("start", "--show-settings", *args, env=env).stdout
    return {line.split()[0]: line.split()[1:] for line in out.splitlines()}


def test_flags_win_over_the_environment_and_that_over_the_file():
    with Folder() as d:
        with open(os.path.join(d, "haneul.conf"), "w") as f:
            f.write("port = 1001\nworkers = 7\nregion = eu-west-1\n")
        got = settings("--data", d, "--port", "3003", env={"HANEUL_PORT": "2002", "HANEUL_WORKERS": "5"})
        assert got["port"] == ["3003", "flag"]
        assert got["workers"] == ["5", "environment"]
        assert got["region"] == ["eu-west-1", "file"]
        assert got["host"] == ["127.0.0.1", "default"]


def test_names_of_other_clouds_in_the_environment():
    got = settings(env={"GATEWAY_LISTEN": "127.0.0.1:4999,0.0.0.0:443", "PERSISTENCE": "0", "DEBUG": "1",
                        "SERVICES": "s3,sqs", "LOCALSTACK_HOST": "cloud.example:4566"})
    assert got["host"][0] == "127.0.0.1" and got["port"][0] == "4999"
    assert got["durability"][0] == "ephemeral" and got["log-level"][0] == "debug"
    assert got["services"][0] == "s3,sqs" and got["public-host"][0] == "cloud.example:4566"
    got = settings(env={"EDGE_PORT": "4777", "LS_LOG": "warning", "PERSISTENCE": "1", "GATEWAY_LISTEN": ":4888"})
    assert got["port"][0] == "4777" and got["log-level"][0] == "warning" and got["durability"][0] == "full"
    assert settings("--ephemeral")["durability"][0] == "ephemeral"


def test_services_limits_who_answers():
    with Haneul(env={"SERVICES": "s3"}) as h:
        assert list(json.loads(h.get("/_localstack/health")[2])["services"]) == ["s3"]
    with Haneul(env={"SERVICES": "sqs"}) as h:
        assert "s3" not in json.loads(h.get("/_localstack/health")[2])["services"]
        assert h.cli("s3api", "list-buckets", ok=False).returncode != 0


def test_a_life_in_the_background():
    with Folder() as d:
        begun = run_command("start", "-d", "--data", d, "--port", "0")
        assert begun.returncode == 0 and "Ready." in begun.stdout and not begun.stderr, begun
        status = run_command("status", "--json", "--data", d)
        doc = json.loads(status.stdout)
        assert status.returncode == 0 and doc["running"] and doc["health"]["services"]["s3"] == "running"
        assert doc["endpoint"] in begun.stdout and f"process {doc['pid']}" in run_command("status", "--data", d).stdout
        exports = run_command("env", "--data", d).stdout
        assert f"export AWS_ENDPOINT_URL={doc['endpoint']}\n" in exports and "AWS_SECRET_ACCESS_KEY=test" in exports
        shell = subprocess.run(["sh", "-c", 'eval "$1"; echo "$AWS_ENDPOINT_URL"', "sh", exports], capture_output=True, text=True)
        assert shell.stdout.strip() == doc["endpoint"]
        assert "Ready." in run_command("logs", "--data", d).stdout
        stopped = run_command("stop", "--data", d)
        assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n"), stopped
        for c in (["stop"], ["status"], ["env"], ["reset", "--yes"], ["clock"]):
            done = run_command(*c, "--data", d)
            assert done.returncode == 3 and d in one_line(done), done
        assert json.loads(run_command("status", "--json", "--data", d).stdout) == {"running": False}


def test_a_failure_in_the_background_is_told():
    with Folder() as d, socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        done = run_command("start", "-d", "--data", d, "--port", str(s.getsockname()[1]))
        assert done.returncode == 1 and str(s.getsockname()[1]) in one_line(done), done


def test_strict_has_a_key_of_its_own():
    with Folder() as d:
        assert run_command("start", "-d", "--strict", "--data", d, "--port", "0").returncode == 0
        exports = dict(line.split()[1].split("=", 1) for line in run_command("env", "--data", d).stdout.splitlines())
        assert exports["AWS_ACCESS_KEY_ID"] != "test" and len(exports["AWS_SECRET_ACCESS_KEY"]) >= 32
        assert os.stat(os.path.join(d, "root-key")).st_mode & 0o077 == 0
        # Commands sign; who does not is refused.
        assert run_command("clock", "advance", "1h", "--data", d).returncode == 0
        assert run_command("reset", "--yes", "--data", d).returncode == 0
        endpoint = exports["AWS_ENDPOINT_URL"]
        refused = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST",
                                  endpoint + "/_haneul/reset"], capture_output=True, text=True)
        assert refused.stdout == "403", refused


def test_second_start_on_the_same_data(h):
    before = files_of(os.path.join(h.data, "rows"))
    text = start_refused("--data", h.data, "--port", "0")
    assert h.data in text and f"process {h.proc.pid}" in text
    assert files_of(os.path.join(h.data, "rows")) == before
    assert json.loads(h.command("status", "--json").stdout)["pid"] == h.proc.pid


def test_second_start_on_the_same_port(h):
    with Folder() as d:
        text = start_refused("--data", d, "--port", str(h.port))
        assert f"port {h.port} " in text and f"process {h.proc.pid} (haneul)" in text, text


def test_a_newer_data_directory_is_left_alone():
    with Folder() as d:
        with Haneul(data=d) as h:
            h.client("s3").create_bucket(Bucket="kept")
        with open(os.path.join(d, "rows", "version"), "w") as f:
            f.write("99\n")
        before = files_of(d)
        assert "newer" in start_refused("--data", d, "--port", "0")
        after = files_of(d)
        assert {k: v for k, v in after.items() if not k.endswith("lock")} == \
            {k: v for k, v in before.items() if not k.endswith("lock")}


def damaged_log(d, *copies):
    """A cloud with two buckets whose plug was pulled, then a flipped word in the first record of each copy's log."""
    h = Haneul(data=d).start()
    h.client("s3").create_bucket(Bucket="one-bucket")
    h.client("s3").create_bucket(Bucket="two-buckets")
    h.kill()
    for rows in copies:
        logs = os.path.join(d, rows, "_log")
        with open(os.path.join(logs, sorted(n for n in os.listdir(logs) if n.endswith(".log"))[-1]), "r+b") as f:
            f.seek(4096 + 60)
            f.write(b"\xff\xff\xff\xff")
    return h


def test_a_damaged_data_directory_is_refused():
    with Folder() as d:
        damaged_log(d, "rows", "blobs/_cloud/zone-c/rows")
        assert "damaged" in start_refused("--data", d, "--port", "0")


def test_a_damaged_copy_is_healed_from_the_other():
    for copy in ("rows", "blobs/_cloud/zone-c/rows"):
        with Folder() as d:
            with damaged_log(d, copy) as h:
                assert len(h.client("s3").list_buckets()["Buckets"]) == 2


def test_unusable_data_directories():
    with Folder() as d:
        path = os.path.join(d, "file")
        open(path, "w").close()
        assert path in start_refused("--data", path, "--port", "0")
        assert path in start_refused("--data", os.path.join(path, "below"), "--port", "0")
        if os.geteuid() != 0:
            os.chmod(d, 0o500)
            assert "ermission denied" in start_refused("--data", os.path.join(d, "new"), "--port", "0")
            os.chmod(d, 0o700)
        assert "/proc/nothing" in start_refused("--data", "/proc/nothing", "--port", "0")


def test_ephemeral_does_not_delete_what_is_kept():
    with Folder() as d:
        with Haneul(data=d) as h:
            h.client("s3").create_bucket(Bucket="kept")
        assert "kept" in start_refused("--data", d, "--port", "0", "--ephemeral")
        with Haneul(data=d) as h:
            assert [b["Name"] for b in h.client("s3").list_buckets()["Buckets"]] == ["kept"]


def test_a_file_that_may_not_grow():
    """As on a full disk: the cause is named, and what is there stays readable."""
    import resource
    with Folder() as d:
        with Haneul(data=d) as h:
            h.client("s3").create_bucket(Bucket="kept")

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
        done = run_command("start", "--data", os.path.join(d, "other"), "--port", "0", preexec_fn=limit)
        assert done.returncode == 1 and "full" in one_line(done), done
        with Haneul(data=d) as h:
            assert [b["Name"] for b in h.client("s3").list_buckets()["Buckets"]] == ["kept"]


def test_start_on_a_full_disk():
    with Folder() as d:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "haneul-test", d], capture_output=True).returncode:
            raise Skip("mounting a tmpfs needs root")
        try:
            with open(os.path.join(d, "ballast"), "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"\0" * 4096)
                except OSError:
                    pass
            text = start_refused("--data", os.path.join(d, "data"), "--port", "0")
            assert "full" in text and os.path.join(d, "data") in text, text
        finally:
            subprocess.run(["umount", d], check=True)


def test_not_loopback_wants_strict():
    with Folder() as d:
        assert "--strict" in start_refused("--data", d, "--port", "0", "--host", "0.0.0.0")


def test_ops_and_where():
    done = run_command("ops", "s3")
    assert done.returncode == 0 and "live     PutObject" in done.stdout and "0 missing" in done.stdout
    table = json.loads(run_command("ops", "--json").stdout)
    assert table["s3"]["PutObject"] is True and all(table["s3"].values())
    place = run_command("where", "s3:PutObject").stdout.strip()
    path, line = place.split(":")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, path)) as f:
        assert "s3_put_object" in f.read().splitlines()[int(line) - 1]
    missing = run_command("where", "s3:CreateSession")
    assert missing.returncode == 1 and "not implemented" in one_line(missing)
    for args in (["where"], ["where", "s3:Nothing"], ["where", "nothing"], ["ops", "nothing"]):
        done = run_command(*args)
        assert done.returncode == 2 and one_line(done), done


def test_doctor(h):
    done = h.command("doctor")
    assert done.returncode == 0 and "data directory" in done.stdout and f"process {h.proc.pid}" in done.stdout, done
    for line in done.stdout.splitlines():
        assert line.split()[0] in ("ok", "note", "fix:"), line
    assert run_command("doctor", "--data", "/proc/nothing").returncode == 1


def test_clock(h):
    assert h.command("clock").returncode == 0
    before = json.loads(h.get("/_haneul/clock")[2])["now_ms"]
    assert h.command("clock", "advance", "1d12h").returncode == 0
    now = json.loads(h.get("/_haneul/clock")[2])["now_ms"]
    assert 36 * 3600000 <= now - before < 36 * 3600000 + 60000
    assert "speed 3600" in h.command("clock", "speed", "3600").stdout
    assert "speed 1)" in h.command("clock", "speed", "1").stdout
    for bad in (["advance"], ["advance", "soon"], ["advance", "-1h"], ["speed", "x"], ["speed", "-1"], ["back"]):
        done = h.command("clock", *bad)
        assert done.returncode == 2 and one_line(done), bad


def test_api_log_says_who_did_what(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="logged-bucket")
    try:
        s3.get_object(Bucket="logged-bucket", Key="absent")
    except s3.exceptions.NoSuchKey:
        pass
    lines = [json.loads(l) for l in h.command("logs", "--api").stdout.splitlines()]
    made = [l for l in lines if l["eventName"] == "CreateBucket"][-1]
    assert made["status"] == 200 and made["sourceIPAddress"] == "127.0.0.1" and "Boto3" in made["userAgent"]
    assert made["principal"].endswith(":root") and made["recipientAccountId"] == "0" * 12 and made["requestID"]
    assert made["durationUs"] >= 0 and "bytesIn" in made and "bytesOut" in made
    failed = [l for l in lines if l["eventName"] == "GetObject"][-1]
    assert failed["status"] == 404 and failed["errorCode"] == "NoSuchKey" and failed["errorMessage"]
    assert len(h.command("logs", "--api", "-n", "1").stdout.splitlines()) == 1
    assert h.command("logs", "-n", "none").returncode == 2


def test_following_the_api_log(h):
    follow = subprocess.Popen([h.bin, "logs", "-f", "--api", "--data", h.data], stdout=subprocess.PIPE, text=True)
    try:
        h.client("s3").create_bucket(Bucket="followed-bucket")
        while True:
            line = follow.stdout.readline()
            assert line
            if "followed-bucket" in line:
                break
    finally:
        follow.kill()
        follow.wait()
        follow.stdout.close()


def test_the_structured_log_has_all_that_is_asked_of_it():
    with Haneul("--log-level", "debug", "--log-format", "json") as h:
        h.client("s3").create_bucket(Bucket="in-the-log")
        h.stop()
        calls = [json.loads(l) for l in h.errors.splitlines() if '"aws.call"' in l]
        line = [c for c in calls if c.get("operation") == "CreateBucket"][-1]
        for name in ("request", "service", "operation", "principal", "status", "duration_us", "bytes_in", "bytes_out", "from"):
            assert name in line, (name, line)
        assert line["status"] == 200 and line["service"] == "s3"


def test_metrics_tell_of_every_part(h):
    h.client("s3").create_bucket(Bucket="counted-bucket")
    text = h.get("/metrics")[2].decode()
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    assert values['haneul_calls_total{service="s3",operation="CreateBucket"}'] >= 1
    for name in ("haneul_resident_bytes", "haneul_connections_open", "haneul_store_syncs_total", "haneul_store_disk_bytes",
                 "haneul_due_run_total", "haneul_blobs_damaged_total", "haneul_blobs_repaired_total", "haneul_blobs_lost_total",
                 'haneul_tasks_done_total{kind="s3-blob-remove"}', 'haneul_tasks_running{kind="s3-blob-remove"}'):
        assert name in values, name


def test_tls_on_the_same_port(h):
    with Folder() as d:
        ca = os.path.join(d, "ca.pem")
        with open(ca, "wb") as f:
            f.write(h.get("/_haneul/ca.pem")[2])
        url = f"https://localhost:{h.port}/_localstack/health"
        done = subprocess.run(["curl", "-sS", "--cacert", ca, "--resolve", f"localhost:{h.port}:127.0.0.1", url],
                              capture_output=True, text=True)
        assert done.returncode == 0 and '"edition"' in done.stdout, done
        assert subprocess.run(["curl", "-sS", url, "--resolve", f"localhost:{h.port}:127.0.0.1"],
                              capture_output=True).returncode != 0


def test_init_hooks():
    with Folder() as d:
        def hook(stage, name, text, mode=0o755):
            os.makedirs(os.path.join(d, stage), exist_ok=True)
            with open(os.path.join(d, stage, name), "w") as f:
                f.write(text)
            os.chmod(os.path.join(d, stage, name), mode)
        out = os.path.join(d, "out")
        for stage in ("boot", "start", "ready", "shutdown"):
            hook(stage + ".d", "01-first.sh", f"echo {stage} >> {out}\n", 0o644)
        hook("ready.d", "02-environment.sh",
             f'#!/bin/sh\necho "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_DEFAULT_REGION" >> {out}\ncurl -sf "$AWS_ENDPOINT_URL/_localstack/health" >/dev/null\n')
        hook("ready.d", "03-program", f"#!/bin/sh\necho program >> {out}\n")
        hook("ready.d", "04-fails.sh", "exit 3\n")
        hook("ready.d", "notes.txt", "not to be run\n", 0o644)
        with Haneul("--init-dir", d) as h:
            def done():
                doc = json.loads(h.get("/_localstack/init")[2])
                return doc["completed"]["READY"] and doc
            doc = wait_until(done)
            assert doc["completed"] == {"BOOT": True, "START": True, "READY": True, "SHUTDOWN": False}
            states = {(s["stage"], s["name"]): s["state"] for s in doc["scripts"]}
            assert states[("READY", "02-environment.sh")] == "SUCCESSFUL" and states[("READY", "04-fails.sh")] == "ERROR"
            assert ("READY", "notes.txt") not in states and states[("BOOT", "01-first.sh")] == "SUCCESSFUL"
            h.stop()
            with open(out) as f:
                assert f.read().splitlines() == ["boot", "start", "ready", f"http://127.0.0.1:{h.port} test us-east-1",
                                                 "program", "shutdown"]


def test_ctrl_c_ends_it_cleanly_while_a_client_is_there():
    h = Haneul().start()
    try:
        with socket.create_connection(("127.0.0.1", h.port)):
            began = time.monotonic()
            h.stop()
            assert time.monotonic() - began < 5
        assert not os.path.exists(os.path.join(h.data, "running.json"))
    finally:
        h.remove()
