"""The JavaScript SDK v3, by tests/js/*.mjs; each file prints a line for each of its tests."""
import os
import shutil
import subprocess

from haneul import ROOT, Skip

FOLDER = os.path.join(ROOT, "tests/js")


def run(h, name, package="client-sts"):
    if not shutil.which("node"):
        raise Skip("node is not installed")
    if not os.path.isdir(os.path.join(FOLDER, "node_modules/@aws-sdk", package)):
        raise Skip("the SDK is not installed in tests/js (tools/deps.sh test)")
    done = subprocess.run(["node", name, h.endpoint], cwd=FOLDER, capture_output=True, text=True, timeout=120,
                          env=h.cli_env())
    assert done.returncode == 0 and "ok " in done.stdout, done.stdout + done.stderr
    assert "FAILED" not in done.stdout, done.stdout


def test_s3(h):
    run(h, "s3.mjs")


def test_messaging(h):
    run(h, "messaging.mjs")


def test_identity(h):
    run(h, "identity.mjs")


def test_dynamodb(h):
    run(h, "dynamodb.mjs", "lib-dynamodb")
