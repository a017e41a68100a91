#!/usr/bin/env python3
"""Makes the C structs, field tables and dispatch rows of every service from its .api files.

    generate.py --src src --out build/gen

For each folder src/svc/X with .api files: OUT/svc/X/X_api.h and X_api.c; then OUT/svc/services.c (the
list of services) and OUT/svc/where.c (which source line implements an operation), and the table of IAM's managed policies. A file is written
only when its content changes; files of services that are gone are removed.
"""
import argparse
import os
import re
import sys

import managed
import notation as n
from emit import Emitter, c_str
from model import Model, snake

FUNCTION = re.compile(r"^([a-z][a-z0-9_]*)\(", re.M)


def write_if_changed(path, text):
    try:
        with open(path) as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def load(folder, name):
    items = []
    for entry in sorted(os.listdir(folder)):
        if entry.endswith(".api"):
            path = os.path.join(folder, entry)
            with open(path) as file:
                items += n.parse(file.read(), path)
    return Model(name, items) if items else None


def load_all(src):
    root = os.path.join(src, "svc")
    models = []
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        folder = os.path.join(root, name)
        model = load(folder, name) if os.path.isdir(folder) else None
        if model:
            models.append(model)
    return models


def handlers(src, model):
    """Operation -> "path:line" of the function that implements it."""
    wanted = {model.struct_c(op): op for op in model.ops}
    found = {}
    for folder, _, names in os.walk(os.path.join(src, "svc", model.folder)):
        for name in sorted(names):
            if not name.endswith(".c") or name.endswith(("_test.c", "_fuzz.c")):
                continue
            path = os.path.join(folder, name)
            with open(path, errors="replace") as file:
                text = file.read()
            for match in FUNCTION.finditer(text):
                if match.group(1) in wanted:
                    line = text.count("\n", 0, match.start()) + 1
                    found[wanted[match.group(1)]] = f"{path}:{line}"
    return found


def services_c(models):
    names = [m.prefix for m in models]
    out = ["/* Made by tools/api/generate.py; do not edit. */", '#include "aws/call.h"', ""]
    out += [f"extern const struct service {p}_service;" for p in names]
    out.append("\nconst struct service *const services[] = {")
    out += [f"\t&{p}_service," for p in names]
    out += ["\tNULL,", "};", f"const unsigned services_n = {len(names)};"]
    return "\n".join(out) + "\n"


def where_c(src, models):
    out = ["/* Made by tools/api/generate.py; do not edit. */", '#include "aws/where.h"', "",
           "const struct where wheres[] = {"]
    total = 0
    for model in models:
        found = handlers(src, model)
        for op in sorted(found):
            out.append(f"\t{{ {c_str(model.folder)}, {c_str(op)}, {c_str(found[op])} }},")
        total += len(found)
    out += ["\t{ NULL, NULL, NULL },", "};", f"const unsigned wheres_n = {total};"]
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--src", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    try:
        models = load_all(args.src)
        texts = {}
        for model in models:
            base = os.path.join(args.out, "svc", model.folder, model.prefix)
            emitter = Emitter(model)
            texts[base + "_api.h"] = emitter.header()
            texts[base + "_api.c"] = emitter.source()
        texts[os.path.join(args.out, "svc", "services.c")] = services_c(models)
        texts[os.path.join(args.out, "svc", "where.c")] = where_c(args.src, models)
        managed.add(args.src, args.out, texts)
    except n.ApiError as error:
        sys.exit(str(error))
    for path, text in texts.items():
        write_if_changed(path, text)
    for folder, _, names in os.walk(os.path.join(args.out, "svc")):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".c", ".h")) and path not in texts:
                os.remove(path)


if __name__ == "__main__":
    main()
