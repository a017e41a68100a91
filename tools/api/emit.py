"""Writes the C header and tables of one Model."""
import notation as n
from model import SHAPE_ATTRS, c_name, snake

PROTOCOLS = {"query": "PROTO_QUERY", "ec2": "PROTO_EC2", "json-1.0": "PROTO_JSON10",
             "json-1.1": "PROTO_JSON11", "rest-json": "PROTO_REST_JSON",
             "rest-xml": "PROTO_REST_XML", "cbor": "PROTO_CBOR"}
KIND = {"reads": "OP_READS", "writes": "OP_WRITES", "streams-in": "OP_STREAMS_IN",
        "streams-out": "OP_STREAMS_OUT", "waits": "OP_WAITS"}
FLAG = {"anonymous": "OP_FLAG_ANONYMOUS", "no-permission": "OP_FLAG_NO_PERMISSION",
        "unwrapped": "OP_FLAG_UNWRAPPED", "checksum": "OP_FLAG_CHECKSUM",
        "own-auth": "OP_FLAG_OWN_AUTH"}
FIELD_FLAGS = {"required": "FIELD_REQUIRED", "flat": "FIELD_FLATTENED",
               "attr": "FIELD_XML_ATTRIBUTE", "token": "FIELD_IDEMPOTENCY",
               "secret": "FIELD_SENSITIVE", "iso": "FIELD_TIME_ISO", "http": "FIELD_TIME_HTTP",
               "epoch": "FIELD_TIME_EPOCH", "json": "FIELD_JSON_VALUE",
               "event-header": "FIELD_EVENT_HEADER", "event-payload": "FIELD_EVENT_PAYLOAD"}
LOCATIONS = (("query", "LOC_QUERY"), ("header", "LOC_HEADER"), ("headers", "LOC_HEADERS"),
             ("status", "LOC_STATUS"), ("payload", "LOC_PAYLOAD"), ("host", "LOC_HOST_LABEL"))
BANNER = "/* Made by tools/api/generate.py from the .api files of src/svc/%s; do not edit. */\n"


def c_str(text):
    if text is None:
        return "NULL"
    out = ['"']
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append("\\?" if char == "?" else char)
        else:
            out.append(f"\\{byte:03o}")
    return "".join(out) + '"'


def one(props, key):
    return props[key][0] if props.get(key) else None


class Emitter:
    def __init__(self, model):
        self.m = model
        self.p = model.prefix
        self.upper = model.prefix.upper()
        self.shapes = {}    # content -> C name
        self.out = []
        self.enums = set()
        protocols = model.service.props.get("protocols", [])
        self.default = protocols[0] if protocols else "query"
        self.item = "item" if self.default == "ec2" else "member"

    def error_c(self, code):
        return f"{self.upper}_{c_name(code)}"

    # ---- header

    def header(self):
        m, p = self.m, self.p
        guard = f"HANEUL_GEN_{self.upper}_API_H"
        out = [BANNER % m.folder, HEADER_NOTE % {"p": p, "u": self.upper},
               f"#ifndef {guard}\n#define {guard}\n\n#include \"aws/call.h\"\n"]
        records = list(m.records())
        containers = m.containers()
        out += [f"struct {c};" for c, _, _, _ in records]
        out += [""]
        for name, (kind, elem) in containers.items():
            item = f"struct {name}_entry " if kind == "map" else m.inline_type(elem)
            if kind == "map":
                out.append(f"struct {name}_entry;")
            out.append(f"struct {name} {{\n\t{item}*v;\n\tuint32_t n;\n\tbool set;\n}};")
        out.append("")
        for c, name, fields, block in records:
            lines = [f"\t{m.member_type(f.type)}{c_name(f.name)};" for f in fields]
            if id(block) in m.kept:
                lines.append("\tstruct str unknown; /* of a newer build's row */")
            if not lines:
                lines.append("\tchar none_;")
            out.append(f"struct {c} {{\n" + "\n".join(lines) + "\n};")
        for name, (kind, elem) in containers.items():
            if kind == "map":
                out.append(f"struct {name}_entry {{\n\tstruct str key;\n"
                           f"\t{m.inline_type(elem)}value;\n}};")
        out.append("")
        for op in sorted(m.ops.values(), key=lambda o: o.name):
            s = m.struct_c(op.name)
            for suffix in ([""] if op.kind != "streams-in" else ["", "_prepare"]):
                out.append(f"int {s}{suffix}(struct call *c, const struct {s}_in *in, "
                           f"struct {s}_out *out);")
        out.append("")
        out += [f"extern const struct api_error {self.error_c(e)};" for e in sorted(m.errors)]
        out.append("")
        out += [f"extern const struct shape {c}_shape;" for c, _, _, _ in records]
        out.append(f"\nextern const struct service {p}_service;\n"
                   f"extern const struct service_hooks {p}_hooks; /* weak: may be left out */\n"
                   "\n#endif")
        return "\n".join(out) + "\n"

    # ---- shapes

    def enum(self, name):
        if name not in self.enums:
            self.enums.add(name)
            values = ", ".join(c_str(v) for v in self.m.enums[name].values)
            self.out.append(f"static const char *const e_{c_name(name)}[] = {{ {values}, NULL }};")
        return f"e_{c_name(name)}"

    def bound(self, attrs, key):
        text = attrs.get(key)
        if text is None:
            return "INT64_MIN" if key == "min" else "INT64_MAX"
        value = int(float(text)) if "." in text or "e" in text.lower() else int(text)
        if value <= -2**63:
            return "INT64_MIN"
        return f"INT64_C({value})" if abs(value) > 2**31 - 1 else str(value)

    def shape(self, kind, attrs=()):
        """The C name of the shape of a type; made when it is new. Equal ones are one."""
        m = self.m
        r = m.resolve(kind, attrs)
        if r.kind in ("struct", "union"):
            return f"{self.p}_{m.item_c(r.name)}_shape"
        if r.kind == "events":
            return f"{m.struct_c(r.name)}_shape"
        parts = [f".kind = SHAPE_{r.kind.upper()}",
                 f".min = {self.bound(r.attrs, 'min')}, .max = {self.bound(r.attrs, 'max')}"]
        if r.kind == "document" and kind.kind == "ref":
            parts.append(f".name = {c_str(kind.name)}")
        if r.name:
            parts.append(f".name = {c_str(r.name)}, .values = {self.enum(r.name)}")
        if r.attrs.get("pattern"):
            parts.append(f".pattern = {c_str(r.attrs['pattern'])}")
        flags = [FIELD_FLAGS[k] for k in ("flat", "iso", "http", "epoch") if k in r.attrs]
        if flags:
            parts.append(".flags = " + " | ".join(flags))
        if r.kind == "list":
            parts.append(f".value = &{self.shape(r.elem)}, "
                         f".value_wire = {c_str(r.attrs.get('item', self.item))}, "
                         f".size = sizeof({m.inline_type(r.elem).strip()})")
        if r.kind == "map":
            entry = m.container_c(kind) + "_entry"
            parts.append(f".key = &{self.shape(r.key)}, .value = &{self.shape(r.elem)}, "
                         f".key_wire = {c_str(r.attrs.get('key', 'key'))}, "
                         f".value_wire = {c_str(r.attrs.get('value', 'value'))}, "
                         f".size = sizeof(struct {entry}), "
                         f".value_offset = offsetof(struct {entry}, value)")
        content = ", ".join(parts)
        name = self.shapes.get(content)
        if not name:
            name = f"sh{len(self.shapes)}"
            self.shapes[content] = name
            self.out.append(f"static const struct shape {name} = {{ {content} }};")
        return name

    def location(self, f, block):
        if "uri" in f.attrs:
            label = f.name if f.attrs["uri"] is True else f.attrs["uri"]
            greedy = isinstance(block, n.Op) and block.uri and "{%s+}" % label in block.uri
            return "LOC_URI_GREEDY" if greedy else "LOC_URI", label
        for word, constant in LOCATIONS:
            if word in f.attrs:
                value = f.attrs[word]
                return constant, self.wire(f) if value is True else value
        return "LOC_BODY", self.wire(f)

    def wire(self, f):
        default = f.name[0].lower() + f.name[1:] if self.default == "ec2" else f.name
        return f.attrs.get("wire", default)

    def field(self, c, f, block):
        r = self.m.resolve(f.type, f.attrs)
        where, wire = self.location(f, block)
        flags = [FIELD_FLAGS[k] for k in FIELD_FLAGS if k in r.attrs]
        shape = self.shape(f.type, {k: v for k, v in f.attrs.items() if k in SHAPE_ATTRS})
        parts = [c_str(f.name), c_str(wire), c_str(f.attrs.get("qname")), f"&{shape}",
                 " | ".join(flags) or "0", f"offsetof(struct {c}, {c_name(f.name)})",
                 str(f.number), where]
        return "\t{ " + ", ".join(parts) + " },"

    def record(self, c, name, fields, block):
        rows = [self.field(c, f, block) for f in fields]
        parts = [f".name = {c_str(name)}", ".min = INT64_MIN, .max = INT64_MAX"]
        kind = "UNION" if isinstance(block, n.Struct) and block.kind == "union" else "STRUCT"
        if name in self.events:
            kind = "EVENTS"
        parts.append(f".kind = SHAPE_{kind}")
        if rows:
            self.out.append(f"static const struct field f_{c}[] = {{\n" + "\n".join(rows) + "\n};")
            parts.append(f".fields = f_{c}, .fields_n = {len(rows)}")
        space = block.attrs.get("ns") if isinstance(block, n.Struct) else None
        if space:
            prefix, eq, uri = space.partition("=")
            parts.append(f".xml_namespace = {c_str(uri if eq else space)}")
            if eq:
                parts.append(f".xml_prefix = {c_str(prefix)}")
        if id(block) in self.m.kept:
            parts.append(".flags = SHAPE_KEEPS_UNKNOWN")
        parts.append(f".size = sizeof(struct {c})")
        self.out.append(f"const struct shape {c}_shape = {{ {', '.join(parts)} }};")

    # ---- tables

    def error(self, e):
        shape = f"&{self.m.struct_c(e.code)}_error_shape" if e.fields else "NULL"
        self.out.append(f"const struct api_error {self.error_c(e.code)} = {{ {c_str(e.code)}, "
                        f"{c_str(e.query)}, {c_str(e.message)}, {e.status}, "
                        f"{'true' if e.receiver else 'false'}, {shape} }};")

    def op(self, op):
        s, props = self.m.struct_c(op.name), op.props
        parts = [f".name = {c_str(op.name)}"]
        action = props.get("action", [])
        for key, value in ((".action", action[0] if action else None),
                           (".resource", action[1] if len(action) > 1 else None),
                           (".method", op.method), (".uri", op.uri),
                           (".result_wrapper", one(props, "wrapper")),
                           (".root", one(props, "root")), (".host_prefix", one(props, "host"))):
            if value is not None:
                parts.append(f"{key} = {c_str(value)}")
        if op.errs:
            errors = ", ".join("&" + self.error_c(e) for e in op.errs)
            self.out.append(f"static const struct api_error *const er_{s}[] = {{ {errors}, NULL }};")
        parts.append(f".errors = {'er_' + s if op.errs else 'er_none'}")
        parts.append(f".in = &{s}_in_shape, .out = &{s}_out_shape, "
                     f".in_size = sizeof(struct {s}_in), .out_size = sizeof(struct {s}_out)")
        parts.append(f".kind = {KIND[op.kind]}")
        if one(props, "status"):
            parts.append(f".status = {int(one(props, 'status'))}")
        flags = op.flags + (["own-auth"] if "own-auth" in self.m.service.props
                            and "own-auth" not in op.flags else [])
        if flags:
            parts.append(".flags = " + " | ".join(FLAG[f] for f in flags))
        parts.append(f".handler = (op_handler *){s}")
        if op.kind == "streams-in":
            parts.append(f".prepare = (op_handler *){s}_prepare")
        return "\t{ " + ", ".join(parts) + " },"

    def service(self):
        m, props = self.m, self.m.service.props
        protocols = [PROTOCOLS[x] for x in props.get("protocols", [])]
        bits = " | ".join(f"1 << {x}" for x in protocols) or "0"
        rows = [f".name = {c_str(m.folder)}", f".id = {c_str(one(props, 'id'))}"]
        for key, name in (("version", "version"), ("target", "target"), ("xmlns", "xml_namespace"),
                          ("title", "title"), ("path_prefix", "path_prefix")):
            if one(props, key) is not None:
                rows.append(f".{name} = {c_str(one(props, key))}")
        if m.ops:
            rows.append(f".ops = ops, .ops_n = {len(m.ops)}")
        rows.append(f".protocols = {bits}, .protocol = {protocols[0]}")
        if "query_compatible" in props:
            rows.append(".query_compatible = true")
        rows.append(f".hooks = &{self.p}_hooks")
        return f"const struct service {self.p}_service = {{\n\t" + ",\n\t".join(rows) + ",\n};\n"

    def source(self):
        m = self.m
        self.events = set()
        for _, _, fields, _ in m.records():
            self.events |= {f.type.name for f in fields if f.type.kind == "events"}
        head = [BANNER % m.folder, f'#include "svc/{m.folder}/{self.p}_api.h"\n']
        for op in sorted(m.ops.values(), key=lambda o: o.name):
            head.append(f"#pragma weak {m.struct_c(op.name)}")
            if op.kind == "streams-in":
                head.append(f"#pragma weak {m.struct_c(op.name)}_prepare")
        head.append(f"#pragma weak {self.p}_hooks\n")
        for args in m.records():
            self.record(*args)
        for code in sorted(m.errors):
            self.error(m.errors[code])
        ops = sorted(m.ops.values(), key=lambda o: o.name)
        if any(not op.errs for op in ops):
            self.out.append("static const struct api_error *const er_none[] = { NULL };")
        rows = [self.op(op) for op in ops]
        if rows:
            self.out.append("static const struct op ops[] = {\n" + "\n".join(rows) + "\n};")
        return "\n".join(head + self.out) + "\n\n" + self.service()


HEADER_NOTE = """/*
 * Names here: an operation Foo has struct %(p)s_foo_in and struct %(p)s_foo_out; AWS's struct Bar is
 * struct %(p)s_bar; members keep AWS's spelling (a trailing _ where C forbids it). A list of Bar is
 * struct %(p)s_bar_list { struct %(p)s_bar *v; n; set; }, a map to Bar is struct %(p)s_bar_map with
 * struct %(p)s_bar_map_entry { key; value; }; lists and maps of plain values are list_str, list_i64,
 * list_f64, list_bool, list_document, map_str … of aws/shape.h. Errors are %(u)s_<Code>. A `row Bar`
 * is struct %(p)s_bar_row with %(p)s_bar_row_shape for row_encode and row_decode.
 * Handlers are declared here and weak in the table: one that nobody writes answers NotImplemented.
 */"""
