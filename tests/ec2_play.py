"""What the plays about machines share: is a plane there, start instances, get inside by SSH, see that nothing is left."""
import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from haneul import Skip, run_command, wait_until

SSH = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
       "-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes"]


def need_plane():
    """Skips with the reason where machines or networks cannot be real."""
    if os.geteuid() != 0:
        raise Skip("machines need root here")
    told = run_command("doctor").stdout
    missing = re.search(r"(?m)^(?!ok)\w+\s+(?:machines|networks)\s.*(?:\n\s+fix:.*)?", told)
    if missing:
        raise Skip(" ".join(missing.group().split()))


def image(ec2):
    """The built-in image."""
    found = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "name", "Values": ["*tiny*", "al2023-ami-*"]}])["Images"]
    assert found, "no image is there"
    return sorted(found, key=lambda i: "tiny" not in i["Name"])[0]["ImageId"]


class Key:
    """A key pair whose private half lies in a file of its own."""

    def __init__(self, ec2, name="play", kind="ed25519", format="pem"):
        self.folder = tempfile.TemporaryDirectory(prefix="haneul-key-")  # goes with the key, also when a test fails
        self.path = os.path.join(self.folder.name, name + "." + format)
        made = ec2.create_key_pair(KeyName=name, KeyType=kind, KeyFormat=format)
        self.name, self.fingerprint = name, made["KeyFingerprint"]
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(made["KeyMaterial"])

    def remove(self):
        self.folder.cleanup()


def launch(ec2, n=1, **options):
    options.setdefault("ImageId", image(ec2))
    options.setdefault("InstanceType", "t3.micro")
    ids = [i["InstanceId"] for i in ec2.run_instances(MinCount=n, MaxCount=n, **options)["Instances"]]
    return running(ec2, ids)


def instances(ec2, ids):
    found = {i["InstanceId"]: i for r in ec2.describe_instances(InstanceIds=ids)["Reservations"] for i in r["Instances"]}
    return [found[i] for i in ids]


def in_state(ec2, ids, state, seconds=60):
    def look():
        now = instances(ec2, ids)
        return now if all(i["State"]["Name"] == state for i in now) else None
    try:
        return wait_until(look, seconds=seconds, what=f"{ids} {state}")
    except AssertionError:
        raise AssertionError(str([(i["State"], i.get("StateReason")) for i in instances(ec2, ids)]))


def running(ec2, ids):
    return in_state(ec2, ids, "running")


def open_ssh(ec2, group=None):
    """The default network lets nobody in; SSH may come from anywhere."""
    group = group or ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"][0]["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    return group


def ssh_once(address, key, command, user="ec2-user", jump=None, timeout=60):
    line = ["ssh", "-i", key.path if hasattr(key, "path") else key, *SSH]
    if jump:
        proxy = " ".join(["ssh", "-i", key.path, *SSH, "-W", "%h:%p", f"{user}@{jump}"])
        line += ["-o", f"ProxyCommand={proxy}"]
    try:
        return subprocess.run([*line, f"{user}@{address}", command], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        # Behind another machine ssh's own ConnectTimeout does not count: dropped packets are silence.
        return subprocess.CompletedProcess(line, 255, "", "timed out")


def ssh(address, key, command, seconds=30, **options):
    """The command's output; tries until the machine lets us in."""
    last = []

    def attempt():
        done = ssh_once(address, key, command, **options)
        last[:] = [done]
        return done if done.returncode != 255 else None
    try:
        done = wait_until(attempt, seconds=seconds, what=f"SSH to {address}")
    except AssertionError:
        raise AssertionError(f"no SSH to {address}: {last[0].stderr}")
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def leftovers(h):
    """What of this data directory's is still on the machine."""
    tag = None
    for root in ("/run/haneul",):
        for name in os.listdir(root) if os.path.isdir(root) else []:
            if name == "slots":
                continue  # named by numbers, not by the directory's tag
            state = os.path.join(root, name)
            for folder, _, files in os.walk(state):
                for f in files:
                    try:
                        with open(os.path.join(folder, f), errors="ignore") as text:
                            if h.data in text.read(4096):
                                tag = name
                    except OSError:
                        pass
    found = []
    with open("/proc/self/mountinfo") as f:
        found += [line.split()[4] for line in f if h.data in line or (tag and f"/{tag}/" in line)]
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        if tag and any(tag in n for n in names):
            found += [os.path.join(folder, n) for n in names if tag in n]
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout if shutil.which("ip") else ""
    found += [line.split(":")[1].strip() for line in links.splitlines() if tag and tag in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cgroup") as f:
                if tag and tag in f.read():
                    found.append(f"process {pid}")
        except OSError:
            pass
    return found


def in_groups(tag):
    """(control group, process) of whatever the machines of that tag consist of."""
    found = []
    for folder, _, files in os.walk("/sys/fs/cgroup"):
        if f"/haneul-{tag}" in folder and "cgroup.procs" in files:
            with open(os.path.join(folder, "cgroup.procs")) as f:
                found += [(folder, int(pid)) for pid in f.read().split()]
    return found


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def kill_all(pids):
    """Stopped first, so that none sees another's end and puts something away."""
    for sign in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass


def remove_groups(tag):
    for folder, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if f"/haneul-{tag}" in folder:
            wait_until(lambda folder=folder: not os.path.isdir(folder) or rmdir(folder), what="an empty group")


def rmdir(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


def power_cut(h):
    """Server, guard, agent, keepers and machines end at once; then /run, devices, namespaces and groups are as after a boot."""
    tag = hashlib.sha256(os.path.realpath(h.data).encode()).hexdigest()[:8]
    machines = {pid for _, pid in in_groups(tag)}
    keepers = {parent(pid) for pid in machines} - machines - {0, 1}
    own = {h.proc.pid} | keepers | machines
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if parent(pid) == h.proc.pid or parent(parent(pid)) == h.proc.pid:
            own.add(int(pid))
    kill_all(own)
    h.kill()
    wait_until(lambda: not in_groups(tag), what="the end of all")
    for path in [os.path.join("/run/haneul/slots", name) for name in os.listdir("/run/haneul/slots")]:
        with open(path) as f:
            mine = f.read() == os.path.join(os.path.realpath(h.data), "plane")
        if mine:
            os.unlink(path)
    for name in os.listdir("/run/haneul"):
        folder = os.path.join("/run/haneul", name)
        if not os.path.exists(folder + "/.data") or open(folder + "/.data").read().split("\n")[0] != os.path.realpath(h.data):
            continue
        for pin in os.listdir(folder):
            subprocess.run(["umount", "-l", os.path.join(folder, pin)], capture_output=True)
        shutil.rmtree(folder)
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            with open(path) as f:
                mine = f.read().startswith(os.path.realpath(h.data))
        except OSError:
            continue
        if mine:
            subprocess.run(["losetup", "-d", "/dev/" + path.split("/")[3]], check=True)
    remove_groups(tag)


def timed(what):
    began = time.monotonic()
    result = what()
    return result, time.monotonic() - began
