"""Launching machines: from the call of RunInstances to the SSH banner, with the processor time of all that it takes.

Needs root, and says so elsewhere. Where the cpuacct group of version 1 is there, everything that runs for the cloud (server, agent,
keepers, the machines themselves) is counted in one group of it; kernel threads are not.
"""
import os
import select
import socket
import statistics
import sys
import time

from run import BIN, row

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
from haneul import Haneul, Skip  # noqa: E402
import ec2_play as play  # noqa: E402

ACCOUNTS = "/sys/fs/cgroup/cpuacct"


class Counted:
    """A group of cpuacct for what is started inside the with."""

    def __init__(self):
        self.dir = f"{ACCOUNTS}/haneul-bench-{os.getpid()}" if os.path.isdir(ACCOUNTS) else None

    def _move(self, to):
        with open(to + "/cgroup.procs", "w") as f:
            f.write(str(os.getpid()))

    def __enter__(self):
        if self.dir:
            os.makedirs(self.dir)
            self._move(self.dir)
        return self

    def __exit__(self, *_):
        if self.dir:
            self._move(ACCOUNTS)

    def ms(self):
        if not self.dir:
            return 0.0
        with open(self.dir + "/cpuacct.usage") as f:
            return int(f.read()) / 1e6

    def remove(self):
        if self.dir:
            for folder, _, _ in os.walk(self.dir, topdown=False):
                os.rmdir(folder)


def established(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1


def banners(addresses, seconds):
    """Until all have said who they are. An attempt that was lost, or made too early, is made again soon, as no client's kernel would."""
    end, left, open_sockets, tried = time.monotonic() + seconds, set(addresses), {}, {}
    while left:
        now = time.monotonic()
        assert now < end, f"no banner from {left}"
        for ip in left:
            if now - tried.get(ip, 0) > (0.003 if len(addresses) == 1 else 0.1) and not any(map(established, open_sockets.get(ip, []))):
                s = socket.socket()
                s.setblocking(False)
                s.connect_ex((ip, 22))
                open_sockets.setdefault(ip, []).append(s)
                tried[ip] = now
        owners = {s: ip for ip in left for s in open_sockets[ip]}
        for s in select.select(list(owners), [], [], 0.003)[0]:
            ip = owners[s]
            try:
                said = s.recv(64).startswith(b"SSH")
            except OSError:
                said = False
            open_sockets[ip].remove(s)
            s.close()
            if said:
                left.discard(ip)
            elif not open_sockets[ip]:
                tried.pop(ip, None)
        for ip in set(addresses) - left:
            while open_sockets.get(ip):
                open_sockets[ip].pop().close()


def launch(ec2, image, key, n):
    """(ms of the call, ms until all answer, ids)"""
    began = time.monotonic()
    made = ec2.run_instances(ImageId=image, MinCount=n, MaxCount=n, InstanceType="t3.micro", KeyName=key.name)["Instances"]
    called = time.monotonic()
    ids = [i["InstanceId"] for i in made]
    addresses = [i["PublicIpAddress"] for i in play.instances(ec2, ids)]
    banners(addresses, 60)
    return (called - began) * 1e3, (time.monotonic() - began) * 1e3, ids


def end(ec2, ids):
    ec2.terminate_instances(InstanceIds=ids)
    play.in_state(ec2, ids, "terminated")


def measure(h, counted):
    ec2 = h.client("ec2")
    play.open_ssh(ec2)
    key = play.Key(ec2, "bench")
    image = play.image(ec2)
    end(ec2, launch(ec2, image, key, 1)[2])  # makes the image
    times, cpu = [], []
    for _ in range(20):
        time.sleep(0.15)  # what the last one left is put away, and a keeper is ready
        began = counted.ms()
        _, took, ids = launch(ec2, image, key, 1)
        cpu.append(counted.ms() - began)
        times.append(took)
        end(ec2, ids)
    row("RunInstances to the SSH banner, median of 20", f"{statistics.median(times):.0f} ms", "50 ms or less",
        statistics.median(times) <= 50, f"{min(times):.0f}-{max(times):.0f}; processor {statistics.median(cpu):.0f} ms")
    time.sleep(0.5)
    began = counted.ms()
    called, took, ids = launch(ec2, image, key, 50)
    each = (counted.ms() - began) / 50
    row("50 instances in one call, all answering SSH", f"{took / 1e3:.2f} s", "1.5 s or less", took <= 1500,
        f"the call {called:.0f} ms; processor {each:.0f} ms each")
    end(ec2, ids)
    key.remove()
    assert h.command("reset", "--yes").returncode == 0


def bench_machines(_):
    counted = Counted()
    try:
        play.need_plane()
        with counted:
            h = Haneul(bin=BIN)
            h.start()
        try:
            measure(h, counted)
        finally:
            h.stop()
            h.remove()
    except Skip as e:
        row("machines", "skipped", "", None, str(e))
    finally:
        counted.remove()


BENCHES = {"machines": bench_machines}
