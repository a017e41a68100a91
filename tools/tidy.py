#!/usr/bin/env python3
"""Checks what the compiler does not: layers, sizes, words, tests beside the code.

    tidy.py            says what is wrong; exit 1
    tidy.py --update   writes tools/tidy_ratchet.txt anew, but only with fewer or smaller offences

Offences from before a rule stand in tools/tidy_ratchet.txt as `rule place number`. They may shrink
and must not grow, and a new one is an error: fix it, rather than adding a line there.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RATCHET = os.path.join(ROOT, "tools", "tidy_ratchet.txt")

LAYERS = {"base": "", "os": "base", "wire": "base os", "store": "base os", "aws": "base os wire store",
          "plane": "base os wire", "guest": "", "svc": "base os wire store aws plane", "main": "base os wire store aws plane svc"}
FILE_LINES, HEADER_LINES, FUNCTION_LINES, COLUMNS, TEST_FROM_LINES = 800, 300, 70, 100, 120
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|localtime|gmtime|asctime|ctime|atoi|atol|rand|alloca|system|popen)\s*\(")
# Put together here, so that this file does not contain them.
FOREIGN = re.compile("|".join([r"/wo" r"rk/(?!\.)", r"(?<![\w.$}])/ro" r"ot/", r"/fa" r"rm/", r"registry\.npm" r"js\.org", r"\bpy" r"pi\.org",
                               r"arti" r"factory", r"files\.python" r"hosted", r"proxy\.go" r"lang"]))
MARKS = re.compile(r"\b(" + "|".join(["FIX" "ME", "X" "XX", "HA" "CK"]) + r")\b")


def tracked():
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True)
    names = out.stdout.decode().split("\0") if out.returncode == 0 else [
        os.path.relpath(os.path.join(d, f), ROOT) for d, _, files in os.walk(ROOT) for f in files
        if not os.path.relpath(d, ROOT).startswith((".git", "build", "tests/.venv", "tests/js/node_modules"))]
    return sorted(n for n in names if n and os.path.isfile(os.path.join(ROOT, n)))


def code_only(text):
    """The text without comments and the insides of literals; lines stay where they are."""
    def blank(m):
        kept = m.group(0)
        return re.sub(r"[^\n]", "", kept) if kept[0] == "/" else kept[0] + " " * (len(kept) - 2) + kept[-1]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


class Tidy:
    def __init__(self):
        self.found, self.errors, self.wide = {}, [], 0

    def offence(self, rule, place, number=1):
        self.found[(rule, place)] = self.found.get((rule, place), 0) + number

    def layers(self, path, text):
        parts = path.split("/")
        layer, service = parts[1], parts[2] if parts[1] == "svc" else None
        allowed = LAYERS.get(layer, "").split() + [layer]
        for n, line in enumerate(text.split("\n"), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m:
                continue
            to = m.group(1).split("/")
            if len(to) == 1 and not (path.endswith(("_test.c", ".h")) and to[0] == "unit.h"):
                self.errors.append(f"{path}:{n}: include \"{m.group(1)}\" with its folder")
            elif len(to) > 1 and to[0] not in allowed:
                self.errors.append(f"{path}:{n}: {layer} may not use {to[0]} ({m.group(1)})")
            elif to[0] == "svc" and service and to[1] != service and to[2] != f"{to[1]}.h":
                self.errors.append(f"{path}:{n}: another service only through svc/{to[1]}/{to[1]}.h")

    def functions(self, path, text):
        lines = text.split("\n")
        began = None
        for n, line in enumerate(lines):
            if line == "{":
                began = n
                head = n - 1
                while head > 0 and not re.match(r"\w", lines[head]):
                    head -= 1
                name = re.match(r"(\w+)\(|TEST\((\w+)\)", lines[head])
                if not name:
                    self.offence("name-not-first", path)
            elif line == "}" and began is not None:
                if n - began - 1 > FUNCTION_LINES:
                    self.offence("function-lines", f"{path}:{began}", n - began - 1)
                began = None

    def c_file(self, path, raw, names):
        code, lines = code_only(raw), raw.split("\n")
        self.layers(path, raw)
        self.functions(path, code)
        for n, line in enumerate(code.split("\n"), 1):
            m = BANNED.search(line)
            if m and not path.endswith("banned.h") and not line.startswith("#"):
                self.offence("banned-function", path)
        if any(re.match(r" {4}\s*\S", l) for l in code.split("\n")):
            self.offence("indented-by-spaces", path)
        wide = sum(len(l.expandtabs(8)) > COLUMNS for l in lines)
        if wide:
            self.wide += wide
        if path.endswith(".h"):
            if len(lines) > HEADER_LINES:
                self.offence("header-lines", path, len(lines))
            if not raw.startswith("/*"):
                self.errors.append(f"{path}: a header opens with what it is")
            guard = "HANEUL_" + re.sub(r"[^A-Z0-9]", "_", path[4:].upper())
            if f"#ifndef {guard}\n#define {guard}\n" not in raw and not path.endswith("banned.h"):
                self.offence("guard", path)
        elif not path.endswith(("_test.c", "_fuzz.c")) and len(lines) > TEST_FROM_LINES:
            # tls_test.c is the test of tls.c, tls_ca.c and tls_conn.c. What clients can call has tests with clients.
            first = path[:-2].split("/")[-1].split("_")[0]
            beside = os.path.dirname(path) + "/" + first
            clients = "tests/clients/test_" + (path.split("/")[2] if path.startswith("src/svc/") else "cli_commands")
            if not any(n.startswith(beside) and n.endswith("_test.c") for n in names) and not (
                    path.startswith(("src/svc/", "src/main/")) and any(n.startswith(clients) for n in names)):
                self.offence("no-test-beside", path)

    def any_file(self, path, raw):
        lines = raw.split("\n")
        if len(lines) > FILE_LINES and path.endswith((".c", ".h", ".py", ".api", ".js")):
            self.offence("file-lines", path, len(lines))
        for n, line in enumerate(lines, 1):
            if FOREIGN.search(line):
                self.errors.append(f"{path}:{n}: a path of one machine or the host of a registry")
            if MARKS.search(line):
                self.errors.append(f"{path}:{n}: write an issue instead of {MARKS.search(line).group(1)}")
            if line != line.rstrip() and path.endswith((".c", ".h", ".py", ".api", ".md", "Makefile", ".sh")):
                self.errors.append(f"{path}:{n}: blanks at the end of the line")
        if raw and not raw.endswith("\n"):
            self.errors.append(f"{path}: no newline at the end")

    def readmes(self):
        heads = []
        for name in ("README.md", "README.ko.md"):
            path = os.path.join(ROOT, name)
            if not os.path.exists(path):
                self.errors.append(f"{name} is missing")
                return
            with open(path) as f:
                text = f.read()
            heads.append((len(re.findall(r"^#+ ", text, re.M)), len(re.findall(r"^```", text, re.M)),
                          len(re.findall(r"^\|", text, re.M))))
        if heads[0] != heads[1]:
            self.errors.append("README.md and README.ko.md differ in their headings, examples or tables: "
                               f"{heads[0]} and {heads[1]}")

    def run(self):
        names = set(tracked())
        for path in sorted(names):
            with open(os.path.join(ROOT, path), "rb") as f:
                raw = f.read()
            if path.startswith(("tests/corpus/", "tests/golden/")) or path == "LICENSE" or b"\0" in raw:
                continue
            raw = raw.decode("utf-8", "replace")
            self.any_file(path, raw)
            if path.startswith("src/") and path.endswith((".c", ".h")):
                self.c_file(path, raw, names)
        self.readmes()


def ratchet_read():
    kept = {}
    if os.path.exists(RATCHET):
        with open(RATCHET) as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    rule, place, number = line.split()
                    kept[(rule, place)] = int(number)
    return kept


def settle(found):
    """Places by line move: what counts for a function is its file and the size."""
    out = {}
    for (rule, place), number in found.items():
        if rule == "function-lines":
            place = place.split(":")[0]
            out[(rule, place)] = max(number, out.get((rule, place), 0))
        else:
            out[(rule, place)] = number
    return out


def main():
    t = Tidy()
    t.run()
    found, kept = settle(t.found), ratchet_read()
    worse = {k: n for k, n in found.items() if n > kept.get(k, 0)}
    better = [k for k, n in kept.items() if found.get(k, 0) < n]
    if "--update" in sys.argv:
        first = not os.path.exists(RATCHET)
        with open(RATCHET, "w") as f:
            f.write("# Offences from before their rule: see tools/tidy.py. Lines go, none come.\n")
            for k in sorted(found if first else kept):
                n = found.get(k, 0) if first else min(found.get(k, 0), kept[k])
                if n:
                    f.write(f"{k[0]} {k[1]} {n}\n")
        better = []
    for (rule, place), n in sorted(worse.items()):
        print(f"{place}: {rule}: {n}, allowed {kept.get((rule, place), 0)}")
    for line in t.errors:
        print(line)
    if better and not worse and not t.errors:
        print(f"{len(better)} offences shrank: tools/tidy.py --update keeps it so")
    tools = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "api", "test_api.py")], capture_output=True, text=True)
    if tools.returncode:
        print(tools.stdout + tools.stderr)
    bad = bool(worse and "--update" not in sys.argv) or bool(t.errors) or tools.returncode != 0
    if t.wide:
        print(f"{t.wide} lines are wider than {COLUMNS} columns: make format")
    print("tidy: " + ("not yet" if bad else f"fine, {len(found)} old offences left"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
