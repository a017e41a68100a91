"""The .api notation: text to items and back. docs/api-notation.md describes it.

Nothing here knows C, a wire protocol or a file: parse() takes text, format_items() returns text,
and parse(format_items(parse(t))) == parse(t).
"""
import re
from dataclasses import dataclass, field

SCALARS = ("str", "blob", "bool", "int", "long", "float", "double", "time", "document", "body")
KINDS = ("reads", "writes", "streams-in", "streams-out", "waits")
FLAGS = ("anonymous", "no-permission", "own-auth", "unwrapped", "checksum")
# Attributes with a value and without one; any other word is a spelling mistake.
VALUED = {"min", "max", "pattern", "item", "key", "value", "query", "header", "headers", "uri",
          "wire", "qname", "ns", "host"}
BARE = {"required", "flat", "attr", "token", "secret", "iso", "http", "epoch", "json", "payload",
        "status", "event-header", "event-payload", "uri", "host"}
OP_PROPS = {"action": 2, "status": 1, "root": 1, "wrapper": 1, "host": 1, "page": 9}
SERVICE_PROPS = {"id", "title", "version", "protocols", "target", "xmlns", "path_prefix",
                 "query_compatible", "own-auth"}
TOKEN = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*")+')
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_.\-]*$")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class ApiError(Exception):
    """A line that does not follow the notation."""


@dataclass
class Type:
    kind: str                 # a word of SCALARS, "list", "map", "events" or "ref"
    name: str = None          # ref and events: what it refers to
    elem: "Type" = None       # list, map
    key: "Type" = None        # map

    def words(self):
        if self.kind == "ref":
            return [self.name]
        if self.kind == "events":
            return ["events", self.name]
        if self.kind == "list":
            return ["list"] + self.elem.words()
        if self.kind == "map":
            return ["map"] + self.key.words() + self.elem.words()
        return [self.kind]


@dataclass
class Field:
    name: str
    type: Type
    attrs: dict = field(default_factory=dict)
    number: int = 0


@dataclass
class Struct:
    name: str
    kind: str                 # "struct", "union" or "row"
    fields: list = field(default_factory=list)
    attrs: dict = field(default_factory=dict)


@dataclass
class Alias:
    name: str
    type: Type
    attrs: dict = field(default_factory=dict)


@dataclass
class Enum:
    name: str
    values: list = field(default_factory=list)


@dataclass
class Error:
    code: str
    status: int = 400
    message: str = None
    query: str = None
    receiver: bool = False
    fields: list = field(default_factory=list)


@dataclass
class Op:
    name: str
    kind: str
    method: str = None
    uri: str = None
    props: dict = field(default_factory=dict)
    flags: list = field(default_factory=list)
    ins: list = field(default_factory=list)
    outs: list = field(default_factory=list)
    errs: list = field(default_factory=list)


@dataclass
class Service:
    name: str
    props: dict = field(default_factory=dict)


def unquote(text):
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m.group(1), m.group(1)), text[1:-1])


def quote(text):
    if text and not re.search(r'[\s"]', text) and not text.startswith("#"):
        return text
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def split(line):
    return TOKEN.findall(line) if '"' in line else line.split()


def parse_type(words, at):
    """Returns the type and the index of the first word after it."""
    if at >= len(words):
        raise ApiError("a type is missing")
    word = words[at]
    if word == "list":
        elem, at = parse_type(words, at + 1)
        return Type("list", elem=elem), at
    if word == "map":
        key, at = parse_type(words, at + 1)
        elem, at = parse_type(words, at)
        return Type("map", elem=elem, key=key), at
    if word == "events":
        return Type("events", name=words[at + 1]), at + 2
    if word in SCALARS:
        return Type(word), at + 1
    if not NAME.match(word) or "=" in word:
        raise ApiError(f"'{word}' is no type")
    return Type("ref", name=word), at + 1


def parse_attrs(words, at):
    attrs = {}
    for word in words[at:]:
        name, eq, value = word.partition("=")
        if name not in (VALUED if eq else BARE):
            raise ApiError(f"unknown attribute '{word}'")
        if name in attrs:
            raise ApiError(f"attribute '{name}' twice")
        attrs[name] = unquote(value) if eq else True
    return attrs


def parse_field(words, at, number=0):
    if at >= len(words):
        raise ApiError("a member name is missing")
    if not NAME.match(words[at]):
        raise ApiError(f"'{words[at]}' is no member name")
    kind, after = parse_type(words, at + 1)
    return Field(words[at], kind, parse_attrs(words, after), number)


def open_item(words):
    head = words[0]
    if len(words) < 2:
        raise ApiError(f"'{head}' needs a name")
    name = words[1]
    if head in ("struct", "union", "row"):
        return Struct(name, head, [], parse_attrs(words, 2))
    if head == "type":
        kind, after = parse_type(words, 2)
        return Alias(name, kind, parse_attrs(words, after))
    if head == "enum":
        return Enum(name, [unquote(w) for w in words[2:]])
    if head == "service":
        return Service(name)
    if head == "error":
        error = Error(name)
        for word in words[2:]:
            if word.isdigit():
                error.status = int(word)
            elif word.startswith("query="):
                error.query = unquote(word[6:])
            elif word == "receiver":
                error.receiver = True
            elif word.startswith('"'):
                error.message = unquote(word)
            else:
                raise ApiError(f"unexpected '{word}'")
        return error
    if head == "op":
        if len(words) not in (3, 5) or words[2] not in KINDS:
            raise ApiError("op NAME KIND [METHOD URI]")
        return Op(name, words[2], *(words[3:5]))
    raise ApiError(f"unknown block '{head}'")


def add_op_line(op, words):
    head = words[0]
    if head == "in":
        op.ins.append(parse_field(words, 1))
    elif head == "out":
        op.outs.append(parse_field(words, 1))
    elif head == "err":
        op.errs.extend(words[1:])
    elif head in FLAGS and len(words) == 1:
        op.flags.append(head)
    elif head in OP_PROPS and 1 < len(words) <= OP_PROPS[head] + 1 and head not in op.props:
        op.props[head] = [unquote(w) for w in words[1:]]
    else:
        raise ApiError(f"unexpected '{head}' in op {op.name}")


def add_line(item, words):
    if isinstance(item, Op):
        add_op_line(item, words)
    elif isinstance(item, Struct):
        numbered = words[0].isdigit()
        item.fields.append(parse_field(words, 1 if numbered else 0,
                                       int(words[0]) if numbered else 0))
    elif isinstance(item, Enum):
        item.values.extend(unquote(w) for w in words)
    elif isinstance(item, Error):
        item.fields.append(parse_field(words, 0))
    elif isinstance(item, Service):
        if words[0] not in SERVICE_PROPS or words[0] in item.props:
            raise ApiError(f"unexpected '{words[0]}' in service")
        item.props[words[0]] = [unquote(w) for w in words[1:]]
    else:
        raise ApiError("an indented line without a block")


def parse(text, filename="<text>"):
    items = []
    for number, line in enumerate(text.split("\n"), 1):
        body = line.strip()
        if not body or body[0] == "#":
            continue
        try:
            if line[0] in " \t":
                if not items:
                    raise ApiError("an indented line before any block")
                add_line(items[-1], split(body))
            else:
                items.append(open_item(split(body)))
        except ApiError as error:
            raise ApiError(f"{filename}:{number}: {error}") from None
        except IndexError:
            raise ApiError(f"{filename}:{number}: the line is not complete") from None
    return items


def attr_words(attrs):
    return [k if v is True else f"{k}={quote(str(v))}" for k, v in attrs.items()]


def columns(rows):
    """Rows of (head, name, type, rest) with the first three padded to common widths."""
    if not rows:
        return []
    widths = [max(len(r[i]) for r in rows) for i in range(3)]
    widths[1], widths[2] = min(widths[1], 32), min(widths[2], 24)
    out = []
    for head, name, kind, rest in rows:
        line = f"  {head:<{widths[0]}} " if widths[0] else "  "
        line += f"{name:<{widths[1]}} {kind:<{widths[2]}} {rest}"
        out.append(line.rstrip())
    return out


def field_rows(head, fields):
    return [(str(f.number) if f.number else head, f.name, " ".join(f.type.words()),
             " ".join(attr_words(f.attrs))) for f in fields]


def wrap(head, words, width=100):
    lines, line = [], head
    for word in words:
        if len(line) + 1 + len(word) > width:
            lines.append(line)
            line = "  " + word
        else:
            line += " " + word
    return lines + [line]


def format_op(op):
    head = f"op {op.name} {op.kind}"
    out = [head + (f" {op.method} {op.uri}" if op.method else "")]
    for name in OP_PROPS:
        if name in op.props:
            out.append(f"  {name} " + " ".join(quote(w) for w in op.props[name]))
    out += [f"  {flag}" for flag in op.flags]
    out += columns(field_rows("in", op.ins) + field_rows("out", op.outs))
    if op.errs:
        lines = wrap("err", op.errs, 92)
        out += ["  " + lines[0]] + ["  err" + line[1:] for line in lines[1:]]
    return out


def format_item(item):
    if isinstance(item, Op):
        return format_op(item)
    if isinstance(item, Struct):
        return [" ".join([item.kind, item.name] + attr_words(item.attrs))] + \
            columns(field_rows("", item.fields))
    if isinstance(item, Alias):
        return [" ".join(["type", item.name] + item.type.words() + attr_words(item.attrs))]
    if isinstance(item, Enum):
        return wrap("enum " + item.name, [quote(v) for v in item.values])
    if isinstance(item, Error):
        words = ["error", item.code, str(item.status)]
        words += [f"query={quote(item.query)}"] if item.query else []
        words += ["receiver"] if item.receiver else []
        if item.message is not None:
            text = quote(item.message)
            words.append(text if text.startswith('"') else f'"{text}"')
        return [" ".join(words)] + columns(field_rows("", item.fields))
    out = [f"service {item.name}"]
    for name, words in item.props.items():
        out.append(f"  {name} " + " ".join(quote(w) for w in words))
    return [line.rstrip() for line in out]


def format_items(items):
    """One empty line between blocks; rows of errors and types stay together."""
    out, before = [], None
    for item in items:
        lines = format_item(item)
        dense = isinstance(item, (Error, Alias)) and type(item) is before and len(lines) == 1
        if out and not dense:
            out.append("")
        out += lines
        before = type(item) if len(lines) == 1 else None
    return "\n".join(out) + "\n"
