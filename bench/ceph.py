"""A Ceph gateway on one node, for bench/s3.py: a monitor, a storage daemon on a sparse file, and radosgw; loopback only.

It needs the programs of Debian's ceph-mon, ceph-osd and radosgw, installed or unpacked (`dpkg -x`): CEPH=the folder that holds
usr/bin, / by default. Everything lies in a temporary folder; the processes are this script's children and end with it.
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import time

import run

CONF = """[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon2},v1:127.0.0.1:{mon}]
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
run dir = {dir}
admin socket = {dir}/$name.asok
log file = {dir}/$name.log
pid file =
plugin dir = {lib}/ceph
erasure code dir = {lib}/ceph/erasure-code
osd class dir = {lib}/rados-classes
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
osd objectstore = bluestore
bluestore block size = 20000000000
osd memory target = 1000000000
osd data = {dir}/osd
mon data = {dir}/mon
rgw data = {dir}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
ms mon client mode = crc
rgw enable usage log = false
"""


class Ceph:
    name, key, secret = "a one-node Ceph gateway", "CEPHKEY", "cephsecret"
    how = "CEPH=the folder with usr/bin/radosgw, ceph-mon and ceph-osd"

    def __init__(self):
        self.root = os.environ.get("CEPH", "/").rstrip("/")
        self.bin = all(os.access(f"{self.root}/usr/bin/{n}", os.X_OK) for n in ("radosgw", "ceph-mon", "ceph-osd", "monmaptool"))

    def program(self, name, *args):
        return [f"{self.root}/usr/bin/{name}", "-c", f"{self.dir}/ceph.conf", *args]

    def call(self, name, *args):
        done = subprocess.run(self.program(name, *args), env=self.env, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{name} {' '.join(args)}: {done.stderr[-1000:]}")
        return done.stdout

    def daemon(self, name, *args):
        self.procs.append(subprocess.Popen(self.program(name, "-f", *args), env=self.env, cwd=self.dir,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def __enter__(self):
        self.dir, self.procs = tempfile.mkdtemp(prefix="haneul-bench-ceph-"), []
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        lib = (glob.glob(f"{self.root}/usr/lib/*/ceph") or [f"{self.root}/usr/lib/ceph"])[0]
        base = os.path.dirname(lib)
        self.env = dict(os.environ, LD_LIBRARY_PATH=":".join([base, lib, base.replace("/usr/lib/", "/lib/", 1)]))
        fsid = subprocess.run(["cat", "/proc/sys/kernel/random/uuid"], capture_output=True, text=True).stdout.strip()
        mon, mon2, self.port = run.free_port(), run.free_port(), run.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        for name in ("osd", "mon", "rgw"):
            os.mkdir(f"{self.dir}/{name}")
        with open(f"{self.dir}/ceph.conf", "w") as f:
            f.write(CONF.format(fsid=fsid, dir=self.dir, lib=base, mon=mon, mon2=mon2, port=self.port))
        subprocess.run([f"{self.root}/usr/bin/monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon2},v1:127.0.0.1:{mon}]",
                        f"{self.dir}/monmap"], env=self.env, check=True, capture_output=True)
        self.call("ceph-mon", "--mkfs", "-i", "a", "--monmap", f"{self.dir}/monmap")
        self.daemon("ceph-mon", "-i", "a")
        osd = subprocess.run(["cat", "/proc/sys/kernel/random/uuid"], capture_output=True, text=True).stdout.strip()
        self.rados_retry(lambda: self.mon_command("osd new", uuid=osd))
        self.call("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd)
        self.daemon("ceph-osd", "-i", "0")
        self.call("radosgw-admin", "user", "create", "--uid", "bench", "--display-name", "bench", "--access-key", self.key,
                  "--secret-key", self.secret)
        self.daemon("radosgw", "-n", "client.rgw")

    def rados_retry(self, f):
        for _ in range(60):
            try:
                return f()
            except RuntimeError:
                time.sleep(0.5)
        return f()

    def mon_command(self, prefix, **more):
        """The `ceph` program is Python against librados; one command needs no more than this."""
        code = ("import json,sys,rados\nc=rados.Rados(conffile=sys.argv[1]);c.connect(timeout=10)\n"
                "r,o,e=c.mon_command(sys.argv[2],b'')\nprint(r,e);sys.exit(bool(r))")
        path = ":".join(glob.glob(f"{self.root}/usr/lib/python3*/dist-packages"))
        done = subprocess.run(["/usr/bin/python3", "-c", code, f"{self.dir}/ceph.conf", json.dumps({"prefix": prefix, **more})],
                              env=dict(self.env, PYTHONPATH=path), capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{prefix}: {done.stdout}{done.stderr[-800:]}")

    def __exit__(self, *_):
        for p in reversed(self.procs):
            p.terminate()
        for p in reversed(self.procs):
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
