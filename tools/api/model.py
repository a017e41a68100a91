"""One service's .api files as a checked model: names resolved, clashes refused."""
import re

import notation as n

# Words that cannot be C member names (keywords, and macros of the headers that we include).
C_WORDS = set("""auto break case char const continue default do double else enum extern float for goto if
inline int long register restrict return short signed sizeof static struct switch typedef union unsigned
void volatile while bool true false asm typeof unix linux NULL EOF errno stdin stdout stderr assert
major minor BUFSIZ RAND_MAX INFINITY NAN""".split())
UNIT = {"str": "str", "blob": "str", "int": "i64", "long": "i64", "time": "i64", "float": "f64",
        "double": "f64", "bool": "bool", "document": "document"}
MEMBER = {"str": "struct str ", "blob": "struct str ", "int": "struct opt_i64 ",
          "long": "struct opt_i64 ", "time": "struct opt_time ", "float": "struct opt_f64 ",
          "double": "struct opt_f64 ", "bool": "struct opt_bool ", "document": "struct json *",
          "body": "struct body *", "events": "struct body *"}
INLINE = {"str": "struct str ", "blob": "struct str ", "int": "int64_t ", "long": "int64_t ",
          "time": "int64_t ", "float": "double ", "double": "double ", "bool": "bool ",
          "document": "struct json *"}
SHARED_LISTS = {"str", "i64", "f64", "bool", "document"}
SHAPE_ATTRS = ("min", "max", "pattern", "item", "key", "value", "flat", "iso", "http", "epoch")


def snake(name):
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name.replace(".", "_").replace("-", "_"))
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def c_name(name):
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return name + "_" if name in C_WORDS else name


class Resolved:
    """A type with aliases followed: kind, name of the struct or enum, element, key, attributes."""
    __slots__ = ("kind", "name", "elem", "key", "attrs")

    def __init__(self, kind, name, elem, key, attrs):
        self.kind, self.name, self.elem, self.key, self.attrs = kind, name, elem, key, attrs


class Model:
    def __init__(self, folder, items):
        self.folder = folder
        self.prefix = folder.replace("-", "_")
        self.service = None
        self.ops, self.structs, self.rows = {}, {}, {}
        self.enums, self.aliases, self.errors = {}, {}, {}
        homes = {n.Op: self.ops, n.Enum: self.enums, n.Alias: self.aliases, n.Error: self.errors}
        for item in items:
            if isinstance(item, n.Service):
                if self.service:
                    raise n.ApiError(f"{folder}: two service blocks")
                self.service = item
                continue
            home = homes.get(type(item))
            if home is None:
                home = self.rows if item.kind == "row" else self.structs
            name = item.code if isinstance(item, n.Error) else item.name
            if name in home:
                raise n.ApiError(f"{folder}: {name} is described twice")
            home[name] = item
        if not self.service:
            raise n.ApiError(f"{folder}: no service block")
        self.kept = set()  # ids of the blocks that rows reach: their fields need numbers
        self.check()

    # ---- names

    def struct_c(self, name):
        return f"{self.prefix}_{snake(name)}"

    def resolve(self, kind, attrs=()):
        attrs = dict(attrs)
        seen = set()
        while kind.kind == "ref" and kind.name in self.aliases:
            if kind.name in seen:
                raise n.ApiError(f"{self.folder}: type {kind.name} refers to itself")
            seen.add(kind.name)
            alias = self.aliases[kind.name]
            attrs = {**alias.attrs, **attrs}
            kind = alias.type
        if kind.kind == "ref":
            if kind.name in self.enums:
                return Resolved("str", kind.name, None, None, attrs)
            block = self.block(kind.name)
            if not block:
                raise n.ApiError(f"{self.folder}: nothing is called {kind.name}")
            return Resolved("union" if block.kind == "union" else "struct", kind.name, None, None,
                            attrs)
        if kind.kind == "events" and kind.name not in self.structs:
            raise n.ApiError(f"{self.folder}: nothing is called {kind.name}")
        return Resolved(kind.kind, kind.name, kind.elem, kind.key, attrs)

    def unit(self, kind):
        """The part of a list's or map's C name that tells its element, and whether it is shared."""
        r = self.resolve(kind)
        if r.kind in UNIT:
            return UNIT[r.kind], True
        if r.kind in ("struct", "union"):
            return self.item_c(r.name), False
        if r.kind in ("list", "map"):
            inner, _ = self.unit(r.elem)
            shared = inner in SHARED_LISTS
            return (f"list_{inner}" if r.kind == "list" else f"map_{inner}") if shared \
                else f"{inner}_{r.kind}", False
        raise n.ApiError(f"{self.folder}: {r.kind} cannot be in a list")

    def block(self, name):
        """What a type name means: AWS's struct before a row of the same name."""
        return self.structs.get(name) or self.rows.get(name)

    def item_c(self, name):
        return snake(name) + ("_row" if self.block(name).kind == "row" else "")

    def container_c(self, kind):
        r = self.resolve(kind)
        unit, shared = self.unit(r.elem)
        if shared:
            return f"{r.kind}_{unit}"
        name = f"{self.prefix}_{unit}_{r.kind}"
        if name in self.taken:
            name += "_items"
        return name

    def member_type(self, kind):
        r = self.resolve(kind)
        if r.kind in MEMBER:
            return MEMBER[r.kind]
        if r.kind in ("list", "map"):
            return f"struct {self.container_c(kind)} "
        return f"struct {self.prefix}_{self.item_c(r.name)} *"

    def inline_type(self, kind):
        r = self.resolve(kind)
        if r.kind in INLINE:
            return INLINE[r.kind]
        if r.kind in ("list", "map"):
            return f"struct {self.container_c(kind)} "
        return f"struct {self.prefix}_{self.item_c(r.name)} "

    # ---- walking

    def records(self):
        """Every C struct: (C name, AWS name, fields, block)."""
        for s in self.structs.values():
            yield self.struct_c(s.name), s.name, s.fields, s
        for s in self.rows.values():
            yield self.struct_c(s.name) + "_row", s.name, s.fields, s
        for e in self.errors.values():
            if e.fields:
                yield self.struct_c(e.code) + "_error", e.code, e.fields, e
        for op in self.ops.values():
            yield self.struct_c(op.name) + "_in", op.name + "Request", op.ins, op
            yield self.struct_c(op.name) + "_out", op.name + "Response", op.outs, op

    def containers(self):
        """C name -> (kind, element type) of lists and maps that this service defines itself."""
        found = {}

        def visit(kind):
            r = self.resolve(kind)
            if r.kind not in ("list", "map"):
                return
            visit(r.elem)
            if not self.unit(r.elem)[1]:
                found.setdefault(self.container_c(kind), (r.kind, r.elem))
        for _, _, fields, _ in self.records():
            for f in fields:
                visit(f.type)
        return found

    # ---- checks

    def check(self):
        names = {}
        for c, name, fields, block in self.records():
            if c in names:
                raise n.ApiError(f"{self.folder}: {name} and {names[c]} are both struct {c}")
            names[c] = name
            if len({f.name for f in fields}) != len(fields) and not isinstance(block, n.Op):
                raise n.ApiError(f"{self.folder}: {name} has a member twice")
        self.taken = set(names)
        for _, _, fields, _ in self.records():
            for f in fields:
                self.member_type(f.type)
        for op in self.ops.values():
            for side in (op.ins, op.outs):
                if len({f.name for f in side}) != len(side):
                    raise n.ApiError(f"{self.folder}: {op.name} has a member twice")
            for code in op.errs:
                if code not in self.errors:
                    raise n.ApiError(f"{self.folder}: {op.name}: no error {code}")
        for row in self.rows.values():
            self.keep(row)

    def keep(self, item):
        if id(item) in self.kept:
            return
        self.kept.add(id(item))
        numbers = [f.number for f in item.fields]
        if 0 in numbers or len(set(numbers)) != len(numbers):
            raise n.ApiError(f"{self.folder}: {item.name} is kept in rows: "
                             "each member needs a number of its own")
        if numbers and max(numbers) > 60000:
            raise n.ApiError(f"{self.folder}: {item.name}: numbers end at 60000")
        for f in item.fields:
            self.keep_type(f.type, item)

    def keep_type(self, kind, owner):
        r = self.resolve(kind)
        if r.kind in ("list", "map"):
            if r.kind == "map" and self.resolve(r.key).kind != "str":
                raise n.ApiError(f"{self.folder}: {owner.name}: map keys are text")
            self.keep_type(r.elem, owner)
        elif r.kind in ("struct", "union"):
            self.keep(self.block(r.name))
        elif r.kind in ("body", "events"):
            raise n.ApiError(f"{self.folder}: {owner.name}: a {r.kind} cannot be kept in a row")
