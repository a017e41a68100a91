#!/usr/bin/env python3
"""Runs the test suites and ends with one line: `N passed, N failed, N skipped`.

    run.py tidy unit fuzz clients plays crash abuse      the suites of `make test`
    run.py clients -k presigned                only tests whose module:function contains the text
    run.py --soak crash                        longer kills and loads (HANEUL_SOAK=1)

A suite is a folder with test_*.py; a test is a function test_*(h) or test_*(): with the parameter h
it gets a Haneul that is shared by its module (set MODULE_ARGS = [...] for its options). Modules run
side by side, one process each, as many as there are processors.
"""
import argparse
import importlib.util
import inspect
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)


def load(path):
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_one(name, test, h):
    from haneul import Skip
    began = time.monotonic()
    try:
        test(*([h] if inspect.signature(test).parameters else []))
        return name, "ok", "", time.monotonic() - began
    except Skip as why:
        return name, "skipped", str(why), time.monotonic() - began
    except BaseException:
        return name, "FAILED", traceback.format_exc(), time.monotonic() - began


def run_module(job):
    path, pattern = job
    from haneul import Haneul, Skip
    short = os.path.relpath(path, HERE)[:-3]
    results = []
    try:
        module = load(path)
    except Skip as why:
        return [(short, "skipped", str(why), 0)]
    except Exception:
        return [(short, "FAILED", traceback.format_exc(), 0)]
    tests = [(f"{short}:{n}", f) for n, f in vars(module).items()
             if n.startswith("test_") and callable(f) and pattern in f"{short}:{n}"]
    shared = None
    try:
        if any(inspect.signature(f).parameters for _, f in tests):
            shared = Haneul(*getattr(module, "MODULE_ARGS", [])).start()
        for name, test in tests:
            results.append(run_one(name, test, shared))
            if shared and shared.proc.poll() is not None:
                results.append((f"{short}: the server", "FAILED", f"ended with {shared.proc.returncode}", 0))
                break
    except Exception:
        results.append((short, "FAILED", traceback.format_exc(), 0))
    finally:
        if shared:
            try:
                shared.stop()
            except Exception:
                results.append((f"{short}: the server's end", "FAILED", traceback.format_exc(), 0))
            shared.remove()
    return results


def show(results, counts, seconds=None):
    for name, outcome, text, took in results:
        key = {"ok": 0, "FAILED": 1, "skipped": 2}[outcome]
        counts[key] += 1
        line = f"{outcome:8}{name}" + (f"  ({took:.1f} s)" if took >= 1 else "")
        if outcome == "skipped":
            line += f": {text}"
        print(line, flush=True)
        if outcome == "FAILED":
            print("    " + text.strip().replace("\n", "\n    "), flush=True)


def run_unit(pattern, counts):
    """The C unit tests; their runner is cmocka's."""
    path = os.path.join(ROOT, "build/asan/unit")
    done = subprocess.run([path] + ([pattern] if pattern else []), capture_output=True, text=True, cwd=ROOT)
    text = done.stdout + done.stderr
    passed = len(re.findall(r"^\[       OK \]", text, re.M))
    failed = len(re.findall(r"^\[  FAILED  \] src", text, re.M)) // 2 or len(re.findall(r"^\[  FAILED  \] src", text, re.M))
    skipped = len(re.findall(r"^\[  SKIPPED \] src", text, re.M)) // 2 or len(re.findall(r"^\[  SKIPPED \] src", text, re.M))
    for line in sorted(set(re.findall(r"^skipped: .*|^vectors: .*", text, re.M))):
        print("unit    " + line)
    if done.returncode and not failed:
        failed = 1
    if failed:
        kept = [l for l in text.splitlines() if not re.match(r"^\[ RUN|^\[       OK", l)]
        print("\n".join(kept[-200:]))
    print(f"unit: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    counts[0] += passed
    counts[1] += failed
    counts[2] += skipped


# Services whose tests are still being written; a gap of theirs is shown, but fails nothing.
UNFINISHED = set()


def coverage(folder, counts):
    """Every live operation was called with success by a client from a registry, or the run fails."""
    from haneul import binary
    seen = set()
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as f:
            seen |= {tuple(line.split()) for line in f}
    live = json.loads(subprocess.run([binary(), "ops", "--json"], capture_output=True, text=True, check=True).stdout)
    for service, ops in sorted(live.items()):
        ops = {op for op, is_live in ops.items() if is_live}
        missing = sorted(op for op in ops if (service, op) not in seen)
        if ops:
            text = f"of {len(ops)} live operations no client called: {', '.join(missing)}" if missing else ""
            outcome = "ok" if not missing else "skipped" if service in UNFINISHED else "FAILED"
            show([(f"coverage:{service}", outcome, text, 0)], counts)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("suites", nargs="+")
    p.add_argument("-k", default="")
    p.add_argument("-j", type=int, default=os.cpu_count() or 2)
    p.add_argument("--soak", action="store_true")
    o = p.parse_args()
    if o.soak:
        os.environ["HANEUL_SOAK"] = "1"
    counts, began, jobs = [0, 0, 0], time.monotonic(), []
    for suite in o.suites:
        if suite == "unit":
            run_unit(o.k, counts)
            continue
        if suite == "tidy":
            done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/tidy.py")])
            counts[1 if done.returncode else 0] += 1
            continue
        folder = os.path.join(HERE, suite)
        jobs += [(os.path.join(folder, f), o.k) for f in sorted(os.listdir(folder))
                 if f.startswith("test_") and f.endswith(".py")]
    covered = tempfile.TemporaryDirectory(prefix="haneul-seen-") if "clients" in o.suites and not o.k else None
    if covered:
        os.environ["HANEUL_SEEN"] = covered.name
    # A fresh interpreter for each module: no module sees another's leftovers.
    with multiprocessing.get_context("spawn").Pool(o.j, maxtasksperchild=1) as pool:
        for results in pool.imap_unordered(run_module, jobs):
            show(results, counts)
    if covered:
        coverage(covered.name, counts)
    print(f"took {time.monotonic() - began:.0f} s")
    print(f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped", flush=True)
    return 1 if counts[1] or not counts[0] else 0


if __name__ == "__main__":
    sys.exit(main())
