"""AWS's managed policies: src/svc/iam/managed.json to a C table, sorted by name."""
import json
import os

from emit import c_str
from notation import ApiError

PATHS = ("/", "/job-function/", "/service-role/", "/aws-service-role/")


def without_repeats(pairs):
    keys = [k for k, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ApiError(f"managed.json: {key} stands there twice")
    return dict(pairs)


def table_c(path):
    with open(path) as file:
        policies = json.load(file, object_pairs_hook=without_repeats)
    out = ["/* Made by tools/api/managed.py; do not edit. */", '#include "svc/iam/iam.h"', "",
           "const struct iam_managed iam_managed_table[] = {"]
    for name in sorted(policies, key=str.encode):
        p = policies[name]
        if p["path"] not in PATHS or not p["id"].startswith("ANPA"):
            raise ApiError(f"managed.json: path or id of {name}")
        document = json.dumps(p["document"], separators=(",", ":"))
        fields = ", ".join(c_str(text) for text in (p["path"], name, p["id"], p["description"], document))
        out.append(f"\t{{ {fields} }},")
    out += ["};", f"const uint32_t iam_managed_table_n = {len(policies)};"]
    return "\n".join(out) + "\n"


def add(src, out, texts):
    path = os.path.join(src, "svc/iam/managed.json")
    if os.path.exists(path):
        texts[os.path.join(out, "svc/iam/managed.c")] = table_c(path)
