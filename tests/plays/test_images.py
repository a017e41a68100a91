"""`haneul image`: root file systems and OCI images come in and go out, with the server running and without."""
import glob
import hashlib
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import tarfile
import tempfile

from ec2_play import in_state, launch, need_plane
from haneul import Haneul, binary, clean_env, run_command, wait_until

need_plane()
BUSYBOX = next(p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p))


def add(t, name, bytes=b"", mode=0o644, type=tarfile.REGTYPE, link=""):
    i = tarfile.TarInfo(name)
    i.size, i.mode, i.type, i.linkname = len(bytes), mode, type, link
    t.addfile(i, io.BytesIO(bytes))


def layer(files):
    """A tar of {name: bytes, or (mode, bytes), or "-> target"}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, what in files.items():
            if isinstance(what, str):
                add(t, name, type=tarfile.SYMTYPE, link=what[3:])
            elif name.endswith("/"):
                add(t, name, mode=0o755, type=tarfile.DIRTYPE)
            else:
                add(t, name, *(what if isinstance(what, tuple) else (what, 0o644)))
    return out.getvalue()


def root_files(title):
    with open(BUSYBOX, "rb") as f:
        shell = f.read()
    return {"bin/": b"", "etc/": b"", "home/": b"", "home/admin/": b"", "sbin/": b"", "tmp/": b"", "proc/": b"", "sys/": b"", "dev/": b"",
            "bin/busybox": (shell, 0o755), "bin/sh": "-> busybox", "bin/cat": "-> busybox", "bin/echo": "-> busybox",
            "etc/passwd": b"root:x:0:0::/:/bin/sh\n", "etc/os-release": f'PRETTY_NAME="{title}"\n'.encode()}


def docker_save(path, layers, tag):
    """As `docker save` writes it."""
    with tarfile.open(path, "w") as t:
        names = []
        for bytes in layers:
            names.append(f"{hashlib.sha256(bytes).hexdigest()}/layer.tar")
            add(t, names[-1], bytes)
        add(t, "config.json", b'{"architecture":"amd64","os":"linux"}')
        add(t, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [tag], "Layers": names}]).encode())


class Images:
    def __init__(self, data):
        self.data = data

    def __call__(self, *words, ok=True):
        done = run_command("image", *words, "--data", self.data, timeout=120)
        assert (done.returncode == 0) == ok, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if ok else done.stderr

    def listed(self):
        return json.loads(self("list", "--json"))

    def half(self):
        return glob.glob(os.path.join(self.data, "plane/layers/.new-*")) + glob.glob(os.path.join(self.data, "spool/*"))


def names_of(path):
    with tarfile.open(path) as t:
        return {os.path.normpath(m.name) for m in t}


def test_a_root_file_system_goes_in_and_out_while_the_server_runs(h):
    work, image = tempfile.mkdtemp(prefix="haneul-image-"), Images(h.data)
    try:
        tar = os.path.join(work, "My Root.tar")
        with open(tar, "wb") as f:
            f.write(layer(root_files("Little Linux 1")))
        said = image("import", tar)
        ami = said.split()[0]
        assert ami.startswith("ami-") and "haneul/my-root" in said and "Little Linux 1" in said and "user admin" in said, said
        ec2 = h.client("ec2")
        found = ec2.describe_images(Filters=[{"Name": "name", "Values": ["haneul/my-root"]}])["Images"]
        assert [i["ImageId"] for i in found] == [ami] and "Little Linux 1" in found[0]["Description"], found
        assert "already" in image("import", tar, ok=False)
        out = os.path.join(work, "out.tar")
        image("export", ami, out)
        assert {"etc/os-release", "bin/busybox", "home/admin"} <= names_of(out)
        assert "does not exist" in image("export", "ami-0123456789abcdef0", os.path.join(work, "no.tar"), ok=False)
        assert sorted(os.listdir(work)) == ["My Root.tar", "out.tar"], "nothing half is left"
        image("remove", "my-root")
        assert not ec2.describe_images(Filters=[{"Name": "name", "Values": ["haneul/my-root"]}])["Images"]
        bad = os.path.join(work, "bad.tar")
        with open(bad, "wb") as f:
            f.write(b"nonsense" * 1000)
        assert image("import", bad, ok=False)
        disk = os.path.join(work, "disk.vmdk")
        with open(disk, "wb") as f:
            f.write(b"KDMV" + bytes(4000))
        assert "qemu-img convert" in image("import", disk, ok=False)
        assert not image.half()
    finally:
        shutil.rmtree(work)


def test_a_docker_image_boots_and_is_what_the_usual_query_finds(h):
    work, image = tempfile.mkdtemp(prefix="haneul-image-"), Images(h.data)
    try:
        path = os.path.join(work, "saved.tar")
        docker_save(path, [layer(root_files("Ubuntu 24.04.9 LTS")), layer({"etc/second": b"of the second layer", "bin/.wh.echo": b""})], "mine:1")
        ec2 = h.client("ec2")
        query = {"Owners": ["099720109477"], "Filters": [{"Name": "name", "Values": ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"]}]}
        before = ec2.describe_images(**query)["Images"][0]
        assert "Ubuntu 24.04 is not at hand here: this is Haneul tiny" in before["Description"], before
        image("import", path, "--name", "ubuntu-noble", "--user", "root")
        after = ec2.describe_images(**query)["Images"][0]
        assert after["ImageId"] == before["ImageId"]
        assert after["Description"].startswith("Ubuntu 24.04.9 LTS") and "not at hand" not in after["Description"], after
        # What is not 24.04 says so.
        query["Filters"][0]["Values"] = ["ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-*"]
        jammy = ec2.describe_images(**query)["Images"][0]["Description"]
        assert "Ubuntu 22.04 is not at hand here: this is Ubuntu 24.04.9 LTS" in jammy, jammy
        script = "#!/bin/sh\n[ -e /bin/echo ] || echo hidden >> /dev/console\ncat /etc/second >> /dev/console\n"
        i = launch(ec2, ImageId=after["ImageId"], UserData=script)[0]["InstanceId"]

        def text():
            said = ec2.get_console_output(InstanceId=i, Latest=True).get("Output", "")
            return "hidden" in said and "of the second layer" in said
        wait_until(text, seconds=20, what="what the user data wrote to the console")
        ec2.terminate_instances(InstanceIds=[i])
        in_state(ec2, [i], "terminated")
        image("remove", "ubuntu-noble")
    finally:
        shutil.rmtree(work)


def raw_disk(path, tar, work):
    """A disk with one partition (MBR) with that tree, as cloud images are."""
    tree, part = os.path.join(work, "tree"), os.path.join(work, "part")
    with tarfile.open(tar) as t:
        t.extractall(tree, filter="fully_trusted")
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, part, "16m"], check=True, capture_output=True)
    table = bytearray(512)
    table[510:] = b"\x55\xaa"
    table[450] = 0x83
    table[454:462] = struct.pack("<II", 2048, 16 << 11)
    with open(path, "wb") as f, open(part, "rb") as fs:
        f.write(bytes(table) + bytes((1 << 20) - 512))
        shutil.copyfileobj(fs, f)


def test_disks_come_in_as_their_root_file_system(h):
    work, image = tempfile.mkdtemp(prefix="haneul-image-"), Images(h.data)
    try:
        tar, raw = os.path.join(work, "root.tar"), os.path.join(work, "cloud.img")
        with open(tar, "wb") as f:
            f.write(layer(root_files("Cloudy 1")))
        raw_disk(raw, tar, work)
        assert "Cloudy 1" in image("import", raw)
        out = os.path.join(work, "out.tar")
        image("export", "cloud", out)
        assert {"etc/os-release", "bin/busybox"} <= names_of(out)
        if shutil.which("qemu-img"):
            packed, above = os.path.join(work, "packed.qcow2"), os.path.join(work, "above.qcow2")
            subprocess.run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, packed], check=True)
            assert "Cloudy 1" in image("import", packed)
            # A disk that names another file would show any file of this host.
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, above], check=True)
            assert "stands on another file" in image("import", above, ok=False)
        empty = os.path.join(work, "empty.img")
        with open(empty, "wb") as f:
            f.write(bytes(510) + b"\x55\xaa" + bytes(1 << 20))
        assert "no root file system" in image("import", empty, ok=False)
        assert not image.half()
        mounted = open("/proc/self/mountinfo").read()
        assert f"{h.data}/plane/mnt" not in mounted, "nothing stays mounted"
        for loop in glob.glob("/sys/block/loop*/loop/backing_file"):
            try:
                assert work not in open(loop).read() and "/layers/" not in open(loop).read(), loop
            except OSError:
                pass
    finally:
        shutil.rmtree(work)


def test_what_cannot_be_pulled_says_what_is_missing(h):
    image = Images(h.data)
    assert "tiny, debian and ubuntu can be pulled" in image("pull", "plan9", ok=False)
    if not os.path.exists("/usr/share/keyrings/ubuntu-archive-keyring.gpg"):
        assert "apt-get install" in image("pull", "ubuntu", ok=False)
    assert "haneul/tiny" in image("pull", "tiny")
    assert "anew" in image("remove", "tiny", ok=False)
    assert image("export", "haneul/../../etc", "/dev/null/x", ok=False)


def test_without_a_server_and_a_killed_one_leaves_nothing_half():
    work = tempfile.mkdtemp(prefix="haneul-image-")
    data = os.path.join(work, "data")
    os.mkdir(data, 0o700)
    image, h = Images(data), Haneul(data=data)
    try:
        tar = os.path.join(work, "alone.tar")
        with open(tar, "wb") as f:
            f.write(layer(root_files("Alone 1")))
        image("import", tar)
        assert "Alone 1" in image("list")
        image("export", "alone", os.path.join(work, "out.tar"))
        assert "etc/os-release" in names_of(os.path.join(work, "out.tar"))
        # So much that it is still at it when the plug is pulled.
        large = os.path.join(work, "large.tar")
        with open(large, "wb") as f:
            f.write(layer({f"file-{i}": bytes(4096) for i in range(20000)}))
        h.start()
        command = subprocess.Popen([binary(), "image", "import", large, "--data", data], env=clean_env(), stderr=subprocess.DEVNULL)
        wait_until(lambda: glob.glob(os.path.join(data, "plane/layers/.new-*")), seconds=30, what="the import begins")
        h.kill()
        assert command.wait(30) != 0
        h.start()
        names = {i["image"] for i in image.listed()}
        assert {"alone", "tiny"} <= names and "large" not in names, names
        wait_until(lambda: not image.half(), seconds=20, what="nothing half")
        # An interrupted command: the server gives up or ends it, whole.
        command = subprocess.Popen([binary(), "image", "import", large, "--data", data], env=clean_env(), stderr=subprocess.DEVNULL)
        wait_until(lambda: glob.glob(os.path.join(data, "plane/layers/.new-*")), seconds=30, what="the import begins")
        command.send_signal(signal.SIGINT)
        assert command.wait(30) != 0
        wait_until(lambda: "large" in {i["image"] for i in image.listed()}, seconds=30, what="it ended by itself")
        assert not image.half()
        h.stop()
    finally:
        h.kill() # what a failure left running
        run_command("cleanup", "--data", data)
        shutil.rmtree(work)
