"""The aws CLI as people use it: s3 mb, cp, mv, rm, sync, ls, presign, and s3api."""
import json
import os
import tempfile
import urllib.request

MIB = 1 << 20


def tree(folder, files):
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def test_copy_move_remove(h):
    h.cli("s3", "mb", "s3://cli-copies")
    assert "cli-copies" in h.cli("s3", "ls").stdout
    with tempfile.TemporaryDirectory() as d:
        data = os.urandom(9 * MIB)
        tree(d, {"in.bin": data, "하늘 & sea.txt": "sky".encode()})
        h.cli("s3", "cp", f"{d}/in.bin", "s3://cli-copies/a/in.bin", "--metadata", "k=v", "--content-type", "x/y")
        h.cli("s3", "cp", f"{d}/하늘 & sea.txt", "s3://cli-copies/")
        h.cli("s3", "cp", "s3://cli-copies/a/in.bin", "s3://cli-copies/b/copy.bin")
        h.cli("s3", "mv", "s3://cli-copies/b/copy.bin", "s3://cli-copies/b/moved.bin")
        h.cli("s3", "cp", "s3://cli-copies/b/moved.bin", f"{d}/out.bin")
        assert read(f"{d}/out.bin") == data
        assert h.cli("s3", "cp", "s3://cli-copies/하늘 & sea.txt", "-").stdout == "sky"
        h.cli("s3", "cp", "-", "s3://cli-copies/piped", input="from a pipe")
        assert h.cli("s3", "cp", "s3://cli-copies/piped", "-").stdout == "from a pipe"
        h.cli("s3", "rm", "--recursive", "s3://cli-copies", "--exclude", "*", "--include", "b/*")
        listed = h.cli("s3", "ls", "--recursive", "--summarize", "s3://cli-copies").stdout
        assert "b/moved.bin" not in listed and "Total Objects: 3" in listed
    head = h.cli_json("s3api", "head-object", "--bucket", "cli-copies", "--key", "a/in.bin")
    assert head["Metadata"] == {"k": "v"} and head["ContentType"] == "x/y" and head["ContentLength"] == 9 * MIB
    assert h.cli("s3", "rb", "s3://cli-copies", ok=False).returncode
    h.cli("s3", "rb", "--force", "s3://cli-copies")


def test_sync(h):
    h.cli("s3", "mb", "s3://cli-sync")
    with tempfile.TemporaryDirectory() as d:
        tree(f"{d}/in", {f"dir-{i % 5}/f{i}.txt": os.urandom(i * 37) for i in range(60)})
        assert h.cli("s3", "sync", f"{d}/in", "s3://cli-sync/x").stdout.count("upload: ") == 60
        assert h.cli("s3", "sync", f"{d}/in", "s3://cli-sync/x").stdout == ""
        assert h.cli("s3", "sync", "s3://cli-sync/x", "s3://cli-sync/y", "--exclude", "dir-1/*").stdout.count("copy: ") == 48
        os.unlink(f"{d}/in/dir-0/f0.txt")
        assert h.cli("s3", "sync", "--delete", f"{d}/in", "s3://cli-sync/x").stdout.count("delete: ") == 1
        h.cli("s3", "sync", "s3://cli-sync/x", f"{d}/out")
        for folder, _, names in os.walk(f"{d}/in"):
            for name in names:
                path = os.path.join(folder, name)
                assert read(path) == read(path.replace(f"{d}/in", f"{d}/out")), path
    assert "PRE dir-0/" in h.cli("s3", "ls", "s3://cli-sync/x/").stdout


def test_presign(h):
    h.cli("s3", "mb", "s3://cli-signed")
    h.cli("s3", "cp", "-", "s3://cli-signed/k", input="signed")
    url = h.cli("s3", "presign", "s3://cli-signed/k", "--expires-in", "30").stdout.strip()
    with urllib.request.urlopen(url) as r:
        assert r.read() == b"signed"


def test_s3api(h):
    def api(*args, **k):
        return h.cli_json("s3api", *args, **k)
    api("create-bucket", "--bucket", "cli-api", "--create-bucket-configuration", "LocationConstraint=eu-central-1",
        "--region", "eu-central-1")
    assert api("get-bucket-location", "--bucket", "cli-api")["LocationConstraint"] == "eu-central-1"
    api("put-bucket-versioning", "--bucket", "cli-api", "--versioning-configuration", "Status=Enabled")
    with tempfile.TemporaryDirectory() as d:
        tree(d, {"one": b"1", "two": b"2"})
        first = api("put-object", "--bucket", "cli-api", "--key", "k", "--body", f"{d}/one", "--tagging", "a=b")
        api("put-object", "--bucket", "cli-api", "--key", "k", "--body", f"{d}/two", "--checksum-algorithm", "SHA256")
        api("get-object", "--bucket", "cli-api", "--key", "k", "--version-id", first["VersionId"], f"{d}/back")
        assert read(f"{d}/back") == b"1"
    assert len(api("list-object-versions", "--bucket", "cli-api")["Versions"]) == 2
    assert api("get-object-tagging", "--bucket", "cli-api", "--key", "k")["TagSet"] == []
    attributes = api("get-object-attributes", "--bucket", "cli-api", "--key", "k", "--object-attributes", "ETag", "Checksum")
    assert attributes["Checksum"]["ChecksumSHA256"]
    gone = api("delete-objects", "--bucket", "cli-api", "--delete", json.dumps({"Objects": [{"Key": "k"}, {"Key": "none"}]}))
    assert len(gone["Deleted"]) == 2 and gone["Deleted"][0]["DeleteMarker"]


def test_failures(h):
    done = h.cli("s3", "ls", "s3://cli-nobody-has-this", ok=False)
    assert done.returncode in (254, 255) and "NoSuchBucket" in done.stderr
    done = h.cli("s3api", "get-object", "--bucket", "cli-nobody-has-this", "--key", "k", "/dev/null", ok=False)
    assert done.returncode in (254, 255) and "The specified bucket does not exist" in done.stderr
    done = h.cli("s3api", "create-session", "--bucket", "cli-nobody-has-this", ok=False)
    assert done.returncode in (254, 255) and "NoSuchBucket" in done.stderr
    h.cli("s3", "mb", "s3://cli-taken")
    assert h.cli("s3", "mb", "s3://cli-taken", ok=False).returncode in (0, 1)
    done = h.cli("s3", "cp", "s3://cli-taken/none", "/dev/null", ok=False)
    assert done.returncode == 1 and "404" in done.stderr
