"""Pulls the plug of real machines: of the server, of its agent, or of both, in the middle of launches, stops, starts, attaches,
snapshots and terminations; afterwards what is in the kernel and on the disk is what the rows say, and nothing else.

A round is a few operations and one kill at a random moment. HANEUL_KILLS and HANEUL_SEED choose others than 6, or 200 with HANEUL_SOAK=1.
"""
import glob
import hashlib
import os
import random
import re
import signal
import subprocess
import threading
import time

import ec2_play as play
from haneul import ROOT, Haneul, Skip, wait_until

KILLS = int(os.environ.get("HANEUL_KILLS") or (200 if os.environ.get("HANEUL_SOAK") else 6))
SEED = int(os.environ.get("HANEUL_SEED") or random.SystemRandom().randrange(1 << 32))
BIN = os.path.join(ROOT, "build/release/haneul")
MACHINES, VOLUMES, SNAPSHOTS = 6, 4, 3
UNSETTLED = {"pending", "stopping", "shutting-down", "creating", "deleting", "attaching", "detaching"}


def children(pid):
    try:
        return [int(c) for t in os.listdir(f"/proc/{pid}/task") for c in open(f"/proc/{pid}/task/{t}/children").read().split()]
    except OSError:
        return []


def named(pids, name):
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/comm") as f:
                found += [pid] if f.read().strip() == name else []
        except OSError:
            pass
    return found


def agents(h):
    return [a for g in named(children(h.proc.pid), "haneul-guard") for a in named(children(g), "haneul-agent")]


def kill(h, whom):
    """The server and its agent, or one of them. True: it must be started again."""
    ends = agents(h)
    if whom != "agent":
        h.proc.kill()
    if whom != "server":
        for pid in ends:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    return whom != "agent"


class World:
    """What the rows say against what is there, both as sets of words."""

    def __init__(self, h):
        self.data, self.plane = h.data, os.path.join(h.data, "plane")
        self.tag = hashlib.sha256(self.data.encode()).hexdigest()[:8]

    def rows(self, ec2):
        want, settled = set(), True
        for i in (i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]):
            state = i["State"]["Name"]
            settled &= state not in UNSETTLED
            if state != "terminated":
                want.add(f"folder {i['InstanceId']}")
                want |= {f"network {i['VpcId']}"}
            if state == "running":
                want |= {f"machine {i['InstanceId']}", f"link {i['PrivateIpAddress']}"}
        for v in ec2.describe_volumes()["Volumes"]:
            settled &= v["State"] not in UNSETTLED and all(a["State"] not in UNSETTLED for a in v["Attachments"])
            root = any(a["Device"] == "/dev/xvda" for a in v["Attachments"])
            want.add(f"root {v['VolumeId']}" if root else f"volume {v['VolumeId']}")
            for a in v["Attachments"]:
                if not root and f"machine {a['InstanceId']}" in want:
                    want.add(f"device {v['VolumeId']}")
        for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            settled &= s["State"] == "completed"
            want.add(f"snapshot {s['SnapshotId']}")
        return want, settled

    def slots(self):
        held = set()
        for path in glob.glob("/run/haneul/slots/*"):
            try:
                with open(path) as f:
                    held |= {os.path.basename(path)} if f.read() == self.plane else set()
            except OSError:
                pass
        return held

    def groups(self):
        return {os.path.basename(g): g for g in glob.glob(f"/sys/fs/cgroup/pids/**/haneul-{self.tag}/[0-9]*", recursive=True)} or {
            os.path.basename(g): g for g in glob.glob(f"/sys/fs/cgroup/**/haneul-{self.tag}/[0-9]*", recursive=True)}

    def processes(self):
        """Slots with somebody in them; the spare's stage counts apart."""
        busy, waiting = set(), set()
        for slot, group in self.groups().items():
            for folder, _, files in os.walk(group):
                pids = open(folder + "/cgroup.procs").read().split() if "cgroup.procs" in files else []
                stage = named(pids, "haneul-stage")
                waiting |= {slot} if stage else set()
                busy |= {slot} if len(pids) > len(stage) else set()
        return busy, waiting

    def links(self, networks):
        """Addresses to which a router has a link, by its routes."""
        found = set()
        for pin in networks:
            routes = subprocess.run(["nsenter", f"--net={pin}", "ip", "-o", "route"], capture_output=True, text=True).stdout
            found |= set(re.findall(r"(?m)^(\d+\.\d+\.\d+\.\d+) dev v", routes))
            links = re.findall(r"(?m)^\d+: (v[^@:]+)", subprocess.run(["nsenter", f"--net={pin}", "ip", "-o", "link"],
                                                                     capture_output=True, text=True).stdout)
            if len(links) != len(set(re.findall(r"(?m)^\d[\d.]+ dev (v\S+)", routes))):
                found.add(f"{len(links)} links without their routes")
        return found

    def there(self):
        have = {f"{folder[:-1]} {name}" for folder in ("roots", "volumes", "snapshots") for name in os.listdir(f"{self.plane}/{folder}")}
        have |= {f"folder {os.path.basename(p)}" for p in glob.glob(self.plane + "/machines/*")}
        machines = {p.split("/")[-2] for p in glob.glob(self.plane + "/machines/*/state")}
        have |= {f"machine {m}" for m in machines}
        for path in glob.glob("/sys/block/loop*/loop/backing_file"):
            try:
                with open(path) as f:
                    backing = f.read().strip()
            except OSError:
                continue
            if backing.startswith(self.plane):
                have.add(f"device {os.path.basename(backing)}")
        networks = [p for d in glob.glob("/run/haneul/*/.data") if open(d).read().split("\n")[0] == self.data
                    for p in glob.glob(os.path.dirname(d) + "/[a-z]*")]
        have |= {f"network {os.path.basename(p)}" for p in networks} | {f"link {ip}" for ip in self.links(networks)}
        busy, waiting = self.processes()
        slots, groups = self.slots(), set(self.groups())
        if len(busy) != len(machines) or len(waiting) > 1:
            have.add(f"{len(busy)} groups with processes and {len(waiting)} that wait, for {len(machines)} machines")
        if slots != groups or slots != busy | waiting:
            have.add(f"slots {slots}, groups {groups}, with processes {busy}, waiting {waiting}")
        with open("/proc/self/mountinfo") as f:
            have |= {f"mount {line.split()[4]}" for line in f if self.data in line}
        return have

    def agrees(self, ec2, seconds=60):
        seen = []

        def look():
            want, settled = self.rows(ec2)
            have = self.there()
            seen[:] = [sorted(want - have), sorted(have - want), settled]
            return settled and want == have
        try:
            wait_until(look, seconds=seconds, what="a world as in the rows")
        except AssertionError:
            raise AssertionError(f"missing {seen[0]}, left over {seen[1]}, settled {seen[2]} (seed {SEED})") from None


class Work:
    """Random operations; refusals and broken connections are of no interest."""

    def __init__(self, h, rng, key, image):
        self.rng, self.key, self.image, self.counts = rng, key, image, {}
        self.ec2 = h.client("ec2", read_timeout=10)

    def some(self, what, state):
        if what == "instance":
            found = [i["InstanceId"] for r in self.ec2.describe_instances(
                Filters=[{"Name": "instance-state-name", "Values": state.split()}])["Reservations"] for i in r["Instances"]]
        else:
            found = [v["VolumeId"] for v in self.ec2.describe_volumes(
                Filters=[{"Name": "status", "Values": state.split()}, {"Name": "size", "Values": ["1"]}])["Volumes"]]
        return self.rng.choice(found) if found else None, len(found)

    def launch(self):
        if self.some("instance", "pending running stopping stopped")[1] < MACHINES:
            self.ec2.run_instances(ImageId=self.image, MinCount=1, MaxCount=self.rng.randint(1, 3), InstanceType="t3.micro",
                                   KeyName=self.key.name)

    def stop(self):
        self.ec2.stop_instances(InstanceIds=[self.some("instance", "running")[0]], Force=self.rng.random() < 0.5)

    def start(self):
        self.ec2.start_instances(InstanceIds=[self.some("instance", "stopped")[0]])

    def terminate(self):
        self.ec2.terminate_instances(InstanceIds=[self.some("instance", "pending running stopped")[0]])

    def volume(self):
        if self.some("volume", "creating available in-use")[1] < VOLUMES:
            found = [s["SnapshotId"] for s in self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]]
            of = dict(SnapshotId=self.rng.choice(found)) if found and self.rng.random() < 0.4 else {}
            self.ec2.create_volume(AvailabilityZone=self.zone(), Size=1, **of)

    def zone(self):
        found = [i for r in self.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
        return found[0]["Placement"]["AvailabilityZone"] if found else "us-east-1a"

    def attach(self):
        self.ec2.attach_volume(VolumeId=self.some("volume", "available")[0], InstanceId=self.some("instance", "running stopped")[0],
                               Device="/dev/sd" + self.rng.choice("fghijk"))

    def detach(self):
        self.ec2.detach_volume(VolumeId=self.some("volume", "in-use")[0])

    def remove(self):
        self.ec2.delete_volume(VolumeId=self.some("volume", "available")[0])

    def snapshot(self):
        if len(self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]) < SNAPSHOTS:
            self.ec2.create_snapshot(VolumeId=self.some("volume", "available in-use")[0])

    def forget(self):
        self.ec2.delete_snapshot(SnapshotId=self.rng.choice(self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"])["SnapshotId"])

    def run(self, until):
        from botocore.exceptions import BotoCoreError, ClientError
        names = ["launch"] * 4 + ["stop"] * 2 + ["start"] * 3 + ["terminate"] * 2 + ["volume"] * 2 + ["attach"] * 4 + ["detach", "remove", "forget"] + ["snapshot"] * 2
        while not until.is_set():
            name = self.rng.choice(names)
            try:
                getattr(self, name)()
                self.counts[name] = self.counts.get(name, 0) + 1
            except (BotoCoreError, ClientError, IndexError):
                pass


def a_round(h, rng, key, image, counts):
    work, end = Work(h, rng, key, image), threading.Event()
    thread = threading.Thread(target=work.run, args=(end,))
    thread.start()
    time.sleep(rng.uniform(0.02, 0.9))
    again = kill(h, rng.choice(["server", "server", "agent", "agent", "both"]))
    if again:
        end.set()
    else:
        time.sleep(rng.uniform(0, 0.3))
        end.set()
    thread.join()
    for name, n in work.counts.items():
        counts[name] = counts.get(name, 0) + n
    if again:
        h.kill()
        h.start()


def test_the_world_equals_the_rows_after_every_kill():
    play.need_plane()
    if not os.access(BIN, os.X_OK):
        raise Skip("build/release/haneul is not built")
    rng, counts = random.Random(SEED), {}
    print(f"seed {SEED}")
    with Haneul(bin=BIN) as h:
        ec2, world = h.client("ec2"), World(h)
        group = play.open_ssh(ec2)
        assert group
        key, image = play.Key(ec2, "crash"), play.image(ec2)
        for n in range(KILLS):
            a_round(h, rng, key, image, counts)
            ec2 = h.client("ec2")
            world.agrees(ec2)
            if n % 10 == 9:
                print(f"{n + 1} kills, {counts}", flush=True)
        up = [i for r in ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])["Reservations"]
              for i in r["Instances"]]
        for i in up:
            assert play.ssh(i["PublicIpAddress"], key, "echo up") == "up"
        assert h.command("reset", "--yes").returncode == 0
        wait_until(lambda: not play.leftovers(h), what="an empty machine")
        key.remove()
    print(f"{KILLS} kills, {counts}")
