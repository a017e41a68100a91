#!/usr/bin/env python3
"""Writes the table of services, with the live operations that `haneul ops` counts, into the READMEs.

    ops_table.py [BINARY]       between the lines <!-- ops --> and <!-- /ops -->
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/debug/haneul")
    text = subprocess.run([binary, "ops"], capture_output=True, text=True, check=True).stdout
    titles = {line.split()[0]: line.split("missing", 1)[1].strip() for line in text.splitlines()}
    ops = json.loads(subprocess.run([binary, "ops", "--json"], capture_output=True, text=True, check=True).stdout)
    for name, heads in (("README.md", "| Service | | Live | Described |"), ("README.ko.md", "| 서비스 | | 동작 | 기술됨 |")):
        rows = [heads, "|---|---|---:|---:|"]
        for service in sorted(ops, key=lambda s: (-sum(ops[s].values()), s)):
            rows.append(f"| {service} | {titles[service]} | {sum(ops[service].values())} | {len(ops[service])} |")
        path = os.path.join(ROOT, name)
        with open(path) as f:
            old = f.read()
        new = re.sub(r"(<!-- ops -->\n).*?(<!-- /ops -->)", lambda m: m.group(1) + "\n".join(rows) + "\n" + m.group(2), old, flags=re.S)
        if new != old:
            with open(path, "w") as f:
                f.write(new)


if __name__ == "__main__":
    main()
