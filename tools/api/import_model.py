#!/usr/bin/env python3
"""Writes first drafts of .api files from a machine-readable AWS model (botocore's form).

    import_model.py --models DIR --service s3 [--operations FILE] --out src/svc/s3

Facts only: names, types, locations, constraints, error codes; the models' documentation is never
read. The drafts are then edited by hand and the importer is not run on them again: it refuses to
overwrite a file unless --force is given.
"""
import argparse
import json
import os
import sys

import notation as n
import tables

SCALAR = {"string": "str", "character": "str", "blob": "blob", "boolean": "bool", "integer": "int",
          "long": "long", "float": "float", "double": "double", "timestamp": "time"}
TIME = {"iso8601": "iso", "rfc822": "http", "unixTimestamp": "epoch"}
LOCATION = {"uri": "uri", "querystring": "query", "header": "header", "headers": "headers",
            "statusCode": "status"}
PROTOCOL = {"rest-xml": "rest-xml", "rest-json": "rest-json", "query": "query", "ec2": "ec2",
            "smithy-rpc-v2-cbor": "cbor"}
ERROR_NOISE = {"message", "Message", "Code", "code", "Type", "RequestId"}


class Importer:
    def __init__(self, models, service):
        with open(os.path.join(models, service + ".json")) as file:
            model = json.load(file)
        with open(os.path.join(models, "wire-extras.json")) as file:
            self.extras = json.load(file).get(service, {})
        self.service = service
        self.shapes = model["service-2"]["shapes"]
        self.ops = model["service-2"]["operations"]
        self.meta = model["service-2"]["metadata"]
        self.pages = model.get("paginators-1", {}).get("pagination", {})
        self.protocol = self.meta["protocol"]
        self.rest = self.protocol.startswith("rest")
        self.inputs = {op["input"]["shape"] for op in self.ops.values() if "input" in op}
        self.uses = {}      # shape -> set of nouns
        self.order = []     # shapes in order of first use
        self.errors = {}
        self.documents = tables.DOCUMENTS.get(service, set())

    # ---- which shapes are written out by name

    def is_document(self, name):
        shape = self.shapes[name]
        if name in self.documents or shape.get("document"):
            return True
        return shape["type"] == "map" and shape["value"]["shape"] in self.documents

    def is_named(self, name):
        """Structs, enumerations and constrained scalars keep their name; lists are spelt out."""
        shape = self.shapes[name]
        kind = shape["type"]
        if self.is_document(name):
            return False
        if kind in ("structure",):
            return True
        if kind in ("list", "map"):
            return False
        return "enum" in shape or "pattern" in shape

    def use(self, name, noun, seen=None):
        seen = set() if seen is None else seen
        if name in seen:
            return
        seen.add(name)
        shape = self.shapes[name]
        if self.is_document(name):
            return
        if self.is_named(name):
            if name not in self.uses:
                self.order.append(name)
            self.uses.setdefault(name, set()).add(noun)
        for ref in list(shape.get("members", {}).values()) + \
                [shape[k] for k in ("member", "key", "value") if k in shape]:
            self.use(ref["shape"], noun, seen)

    # ---- types and attributes

    def element(self, name):
        """The type of a list's element or a map's value, where attributes cannot be given."""
        shape = self.shapes[name]
        if not self.is_named(name) and self.constraints(name) and not self.is_document(name) \
                and shape["type"] not in ("structure",):
            if name not in self.uses:
                self.order.append(name)
                self.uses[name] = set()
            self.uses[name].add(self.noun)
            return n.Type("ref", name=name)
        return self.type_of(name)

    def type_of(self, name):
        shape = self.shapes[name]
        if self.is_document(name):
            return n.Type("document")
        if shape.get("eventstream"):
            return n.Type("events", name=name)
        if self.is_named(name):
            return n.Type("ref", name=name)
        kind = shape["type"]
        if kind == "list":
            return n.Type("list", elem=self.element(shape["member"]["shape"]))
        if kind == "map":
            return n.Type("map", elem=self.element(shape["value"]["shape"]),
                          key=self.element(shape["key"]["shape"]))
        return n.Type(SCALAR[kind])

    def constraints(self, name):
        """Attributes of the shape itself; nothing for those that carry their own block."""
        shape, attrs = self.shapes[name], {}
        if shape["type"] == "structure" or self.is_document(name):
            return attrs
        for key in ("min", "max"):
            if key in shape:
                value = shape[key]
                attrs[key] = str(int(value)) if float(value) == int(value) else str(value)
        if "pattern" in shape:
            attrs["pattern"] = shape["pattern"]
        if shape.get("timestampFormat"):
            attrs[TIME[shape["timestampFormat"]]] = True
        if shape.get("sensitive"):
            attrs["secret"] = True
        if shape["type"] == "list":
            item = shape["member"].get("locationName") or \
                self.extra(name + ".member", "xmlName")
            if item and item != ("item" if self.protocol == "ec2" else "member"):
                attrs["item"] = item
        if shape["type"] == "map":
            for key in ("key", "value"):
                wire = shape[key].get("locationName") or self.extra(f"{name}.{key}", "xmlName")
                if wire and wire != key:
                    attrs[key] = wire
        if shape.get("flattened"):
            attrs["flat"] = True
        return attrs

    def extra(self, member, key):
        return self.extras.get("memberXmlNames", {}).get(member, {}).get(key)

    def names(self, owner, name, ref, attrs):
        """Location and names on the wire."""
        wire, where = ref.get("locationName", name), ref.get("location")
        target = self.shapes[ref["shape"]]
        flat = ref.get("flattened") or target.get("flattened") or \
            self.extra(f"{owner}.{name}", "xmlFlattened")
        if flat:
            attrs["flat"] = True
            if target["type"] == "list" and target["member"].get("locationName"):
                wire = target["member"]["locationName"]
                attrs.pop("item", None)
        if where:
            word = LOCATION[where]
            bare = word == "status" or (word == "uri" and wire == name)
            attrs[word] = True if bare else wire
        elif self.protocol == "ec2":
            # The default there is lowerFirst; input names start with a capital whatever is said.
            default = name[0].lower() + name[1:]
            if wire != default and not (owner in self.inputs and wire == name):
                attrs["wire"] = wire
        elif wire != name:
            attrs["wire"] = wire
        query = ref.get("queryName") or self.extra(f"{owner}.{name}", "xmlName")
        if query and query != wire and \
                (self.protocol != "ec2" or query != wire[0].upper() + wire[1:]):
            attrs["qname"] = query

    def member(self, owner, name, ref):
        shape = self.shapes[owner]
        target = self.shapes[ref["shape"]]
        attrs = {}
        if name in shape.get("required", []):
            attrs["required"] = True
        kind = self.type_of(ref["shape"])
        if not self.is_named(ref["shape"]):
            attrs.update(self.constraints(ref["shape"]))
        self.names(owner, name, ref, attrs)
        if shape.get("payload") == name:
            attrs["payload"] = True
            if target["type"] == "blob" and self.is_stream(owner, ref):
                kind = n.Type("body")
        flags = {"xmlAttribute": "attr", "idempotencyToken": "token", "hostLabel": "host",
                 "jsonvalue": "json", "eventheader": "event-header",
                 "eventpayload": "event-payload"}
        for key, word in flags.items():
            if ref.get(key):
                attrs[word] = True
        if ref.get("timestampFormat"):
            attrs[TIME[ref["timestampFormat"]]] = True
        return n.Field(name, kind, attrs)

    def is_stream(self, owner, ref):
        return ref.get("streaming") or self.shapes[ref["shape"]].get("streaming") or \
            (self.service == "s3" and ref["shape"] == "Body")

    def members(self, name, numbered=False):
        shape = self.shapes[name]
        out = [self.member(name, k, v) for k, v in shape.get("members", {}).items()]
        if numbered:
            for number, item in enumerate(out, 1):
                item.number = number
        return out

    # ---- blocks

    def shape_item(self, name):
        shape = self.shapes[name]
        if shape["type"] == "structure":
            attrs = {}
            if "xmlNamespace" in shape:
                space = shape["xmlNamespace"]
                attrs["ns"] = (space["prefix"] + "=" if "prefix" in space else "") + space["uri"]
            kind = "union" if shape.get("union") or shape.get("eventstream") else "struct"
            return n.Struct(name, kind, self.members(name, True), attrs)
        if "enum" in shape:
            return n.Enum(name, list(shape["enum"]))
        if shape["type"] in SCALAR:
            return n.Alias(name, n.Type(SCALAR[shape["type"]]), self.constraints(name))
        return n.Alias(name, self.type_of(name), self.constraints(name))

    def error_code(self, name):
        shape = self.shapes[name]
        query = self.extras.get("queryErrors", {}).get(name, {})
        code = query.get("code") or shape.get("error", {}).get("code") or name
        status = query.get("httpResponseCode") or shape.get("error", {}).get("httpStatusCode") \
            or self.extras.get("httpErrors", {}).get(name) or (500 if shape.get("fault") else 400)
        if self.protocol in ("query", "ec2"):
            return code, n.Error(code, status, receiver=bool(shape.get("fault")))
        return name, n.Error(name, status, query=code if code != name else None,
                             receiver=bool(shape.get("fault")))

    def add_error(self, name):
        code, error = self.error_code(name)
        if code not in self.errors:
            error.fields = [self.member(name, k, v)
                            for k, v in self.shapes[name].get("members", {}).items()
                            if k not in ERROR_NOISE]
            for item in error.fields:
                item.attrs = {k: v for k, v in item.attrs.items() if k in ("wire", "secret")}
            for key, ref in self.shapes[name].get("members", {}).items():
                if key not in ERROR_NOISE:
                    self.use(ref["shape"], "service")
            self.errors[code] = error
        return code

    def op_item(self, name):
        raw = self.ops[name]
        self.noun = tables.noun_of(self.service, name)
        op = n.Op(name, tables.kind_of(self.service, name))
        if self.rest:
            op.method, op.uri = raw["http"]["method"], raw["http"]["requestUri"]
        if "input" in raw:
            op.ins = self.members(raw["input"]["shape"])
        if "output" in raw:
            op.outs = self.members(raw["output"]["shape"])
        prefix = self.meta.get("signingName", self.meta["endpointPrefix"])
        resource = tables.resource_of(self.service, op.uri or "", {f.name for f in op.ins})
        op.props["action"] = [tables.action_of(self.service, prefix, name)] + \
            ([resource] if resource else [])
        status = raw["http"].get("responseCode")
        if status and status != 200:
            op.props["status"] = [str(status)]
        unbound = [f for f in op.outs if not {"header", "headers", "status"} & set(f.attrs)]
        if self.protocol == "rest-xml" and unbound and \
                not any("payload" in f.attrs for f in op.outs):
            shape = raw["output"]["shape"]
            op.props["root"] = [self.extras.get("xmlRootNames", {}).get(shape, shape)]
        if raw.get("output", {}).get("resultWrapper"):
            op.props["wrapper"] = [raw["output"]["resultWrapper"]]
        elif self.service in tables.PROTOCOLS and "query" in tables.PROTOCOLS[self.service] \
                and "output" in raw:
            op.props["wrapper"] = [name + "Result"]
        if raw.get("endpoint", {}).get("hostPrefix"):
            op.props["host"] = [raw["endpoint"]["hostPrefix"]]
        self.op_flags(op, raw)
        self.op_page(op)
        op.errs = sorted({self.add_error(e["shape"]) for e in raw.get("errors", [])})
        return op

    def op_flags(self, op, raw):
        for flag, table in (("no-permission", tables.NO_PERMISSION),
                            ("anonymous", tables.ANONYMOUS), ("unwrapped", tables.UNWRAPPED)):
            if op.name in table.get(self.service, ()):
                op.flags.append(flag)
        if raw.get("authtype") == "none" and "anonymous" not in op.flags:
            op.flags.append("anonymous")
        if raw.get("httpChecksumRequired") or \
                raw.get("httpChecksum", {}).get("requestChecksumRequired"):
            op.flags.append("checksum")

    def op_page(self, op):
        page = self.pages.get(op.name)
        if not page:
            return
        words = []
        for word, key in (("in", "input_token"), ("out", "output_token"), ("limit", "limit_key"),
                          ("more", "more_results"), ("result", "result_key")):
            value = page.get(key)
            if value:
                text = ",".join(value) if isinstance(value, list) else value
                words.append(f"{word}={text.replace(' || ', '|')}")
        op.props["page"] = words

    def service_item(self):
        meta, props = self.meta, {}
        prefix = tables.IAM_PREFIX.get(self.service,
                                       meta.get("signingName", meta["endpointPrefix"]))
        props["id"] = [prefix]
        props["title"] = [meta["serviceFullName"]]
        props["version"] = [meta["apiVersion"]]
        names = tables.PROTOCOLS.get(self.service)
        if not names:
            names = []
            for name in [meta["protocol"]] + [p for p in meta.get("protocols", [])
                                              if p != meta["protocol"]]:
                names.append("json-" + meta["jsonVersion"] if name == "json" else PROTOCOL[name])
        props["protocols"] = names
        if meta.get("targetPrefix"):
            props["target"] = [meta["targetPrefix"]]
        space = tables.XMLNS.get(self.service) or meta.get("xmlNamespace") or self.input_namespace()
        if space:
            props["xmlns"] = [space]
        if "awsQueryCompatible" in meta:
            props["query_compatible"] = []
        return n.Service(self.service, props)

    def input_namespace(self):
        for raw in self.ops.values():
            space = raw.get("input", {}).get("xmlNamespace")
            if space:
                return space["uri"]
        return None

    def run(self, wanted):
        """Returns {file stem: items}."""
        files = {}
        for name in wanted:
            noun = tables.noun_of(self.service, name)
            raw = self.ops[name]
            self.noun = noun
            for side in ("input", "output"):
                if side in raw:
                    top = raw[side]["shape"]
                    for ref in self.shapes[top].get("members", {}).values():
                        self.use(ref["shape"], noun)
            files.setdefault(noun, []).append(self.op_item(name))
        done, items = set(), {}
        while True:  # writing a block may name further constrained scalars
            todo = [s for s in self.order if s not in done]
            if not todo:
                break
            for name in todo:
                done.add(name)
                self.noun = min(self.uses[name] or {"shapes"})
                items[name] = self.shape_item(name)
        for name in self.order:
            nouns = self.uses[name]
            files.setdefault(next(iter(nouns)) if len(nouns) == 1 and "service" not in nouns
                             else "shapes", []).append(items[name])
        rank = {n.Op: 0, n.Struct: 1, n.Enum: 2, n.Alias: 3}
        for noun in files:
            files[noun].sort(key=lambda i: rank[type(i)])
        files["service"] = [self.service_item()]
        files["errors"] = self.error_items()
        return files

    def error_items(self):
        if self.service == "s3":
            from s3_errors import s3_errors
            for code, status, text in s3_errors():
                error = self.errors.setdefault(code, n.Error(code))
                error.status, error.message = status, text
        return [self.errors[code] for code in sorted(self.errors)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--operations", help="a file that lists the wanted operations, one a line")
    parser.add_argument("--out", required=True)
    parser.add_argument("--force", action="store_true")
    args = parser.parse_args()
    importer = Importer(args.models, args.service)
    dropped = tables.DROPPED.get(args.service, ())
    wanted = [name for name in importer.ops if name not in dropped]
    if args.operations:
        with open(args.operations) as file:
            asked = {line.strip() for line in file if line.strip() and line[0] != "#"}
        for name in sorted(asked - set(wanted)):
            print(f"{args.service}: no operation {name}", file=sys.stderr)
        wanted = [name for name in wanted if name in asked]
    os.makedirs(args.out, exist_ok=True)
    for noun, items in importer.run(wanted).items():
        path = os.path.join(args.out, noun + ".api")
        if os.path.exists(path) and not args.force:
            sys.exit(f"{path} exists; --force overwrites it")
        if items:
            with open(path, "w") as file:
                file.write(n.format_items(items))


if __name__ == "__main__":
    main()
