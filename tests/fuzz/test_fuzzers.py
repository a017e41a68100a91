"""Every *_fuzz.c for FUZZ_SECONDS (2 unless told) from its corpus: nothing crashes, leaks or hangs."""
import os
import re
import subprocess

from haneul import ROOT, Skip

SECONDS = os.environ.get("FUZZ_SECONDS", "2")
BUILD = os.path.join(ROOT, "build", "fuzz")


def fuzz(path):
    def run():
        name = os.path.basename(path)[:-len("_fuzz.c")]
        program = os.path.join(BUILD, path[:-2])
        if not os.access(program, os.X_OK):
            raise Skip("make fuzz builds it")
        found = os.path.join(BUILD, "found", name)
        os.makedirs(found, exist_ok=True)
        seeds = os.path.join(ROOT, "tests", "corpus", name)
        done = subprocess.run([program, f"-max_total_time={SECONDS}", "-timeout=10", "-rss_limit_mb=1024", "-close_fd_mask=1",
                               "-print_final_stats=1", f"-artifact_prefix={found}/", found,
                               *([seeds] if os.path.isdir(seeds) else [])], capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, done.stderr[-4000:]
        runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        assert runs and int(runs.group(1)) > 100, done.stderr[-1000:]
    return run


for folder, _, files in os.walk(os.path.join(ROOT, "src")):
    for file in files:
        if file.endswith("_fuzz.c"):
            globals()["test_" + file[:-len("_fuzz.c")]] = fuzz(os.path.relpath(os.path.join(folder, file), ROOT))
