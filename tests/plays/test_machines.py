"""Machines without the cloud around them, by `haneul plane`: many at once, a killed server, what a guest can do, nothing left over."""
import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from haneul import Skip, binary, run_command

if os.geteuid() != 0:
    raise Skip("machines need root")


class Plane:
    """`haneul plane` on a directory; asks in order and waits for the answer of each."""

    def __init__(self, data):
        self.data = data
        self.proc = subprocess.Popen([binary(), "plane", "--data", data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reports, self.agent = [], None
        self.ready = self.until("ready")
        if not self.ready["machines"]:
            self.close()
            raise Skip(self.ready["why"])

    def until(self, op):
        while True:
            line = self.proc.stdout.readline()
            assert line, "the plane ended"
            said = json.loads(line)
            if said["op"] == "report":
                self.reports.append(said)
            elif said["op"] == op:
                return said

    def ask(self, op, *words):
        self.proc.stdin.write(" ".join([op, *words]) + "\n")
        self.proc.stdin.flush()
        return self.until(op)

    def do(self, op, *words):
        said = self.ask(op, *words)
        assert said["status"] == 0, said
        return said

    def close(self):
        self.proc.stdin.close()
        self.proc.wait(30)
        self.proc.stdout.close()

    def kill(self):
        """Server and agent at once, without a word."""
        for pid in (self.proc.pid, self.ready["agent"]):
            os.kill(pid, signal.SIGKILL)
        self.proc.wait()
        self.proc.stdin.close()
        self.proc.stdout.close()


def left_of(data):
    """Everything of that directory in the kernel."""
    left = [p for p in glob.glob("/run/haneul/slots/*") if open(p).read().startswith(data)]
    left += [line for line in open("/proc/self/mountinfo") if data in line]
    for loop in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            left += [loop] if open(loop).read().startswith(data) else []
        except OSError:
            pass
    return left


class Folder:
    def __enter__(self):
        self.path = os.path.realpath(tempfile.mkdtemp(prefix="haneul-test-"))
        return self.path

    def __exit__(self, *_):
        run_command("cleanup", "--data", self.path)
        shutil.rmtree(self.path, ignore_errors=True)


def test_fifty_machines_are_adopted_and_leave_nothing():
    with Folder() as data:
        p = Plane(data)
        p.do("pull", "tiny")
        began = time.monotonic()
        for i in range(50):
            p.proc.stdin.write(f"start i-{i}\n")
        p.proc.stdin.flush()
        for _ in range(50):
            assert p.until("start")["status"] == 0
        started = time.monotonic() - began
        p.kill()
        began = time.monotonic()
        p = Plane(data)
        adopted = time.monotonic() - began
        assert sorted(r["id"] for r in p.reports) == sorted(f"i-{i}" for i in range(50)) and all(r["state"] == 2 for r in p.reports), p.reports
        p.reports.clear()
        time.sleep(1)
        p.do("look")
        memory = [r["memory"] for r in p.reports]
        print(f"measured: 50 machines in {started:.2f} s, {sum(memory) / 50 / (1 << 20):.1f} MiB each, adopted in {adopted:.2f} s")
        assert max(memory) < 10 << 20
        assert left_of(data)
        p.do("remove-all")
        p.close()
        assert not left_of(data)


def test_a_killed_server_leaves_what_the_next_one_takes_over():
    """At some moment of many starts and stops the plug is pulled; then everything that runs is known, and can be ended."""
    with Folder() as data:
        for round_no in range(6):
            p = Plane(data)
            p.do("pull", "tiny")
            for i in range(6):
                p.proc.stdin.write(f"start k-{round_no}-{i}\n")
                if i % 2:
                    p.proc.stdin.write(f"kill k-{round_no}-{i - 1}\n")
            p.proc.stdin.flush()
            time.sleep(0.004 * round_no * round_no)
            p.kill()
        time.sleep(0.5)
        p = Plane(data)
        p.do("look")
        for r in [r["id"] for r in p.reports if r["state"] == 2]:
            p.do("kill", r)
        p.do("remove-all")
        p.close()
        assert not left_of(data)
        assert not glob.glob(os.path.join(data, "plane", "machines", "*"))


def test_an_end_without_machines_leaves_no_group():
    with Folder() as data:
        before = set(glob.glob("/sys/fs/cgroup/**/haneul-*", recursive=True))
        p = Plane(data)
        p.do("start", "short")
        p.do("kill", "short")
        p.close()
        mine = set(glob.glob("/sys/fs/cgroup/**/haneul-*", recursive=True)) - before
        tag = hashlib.sha256(data.encode()).hexdigest()[:8]
        assert not [g for g in mine if g.endswith(tag)], mine


def test_two_directories_do_not_meet():
    with Folder() as a, Folder() as b:
        p, q = Plane(a), Plane(b)
        p.do("start", "same")
        q.do("start", "same")
        p.do("remove-all")
        q.do("look", "same")
        assert q.reports[-1]["state"] == 2
        q.do("remove-all")
        p.close()
        q.close()
