#!/usr/bin/env python3
"""Checks of the notation, the model and the generator: python3 tools/api/test_api.py"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import generate
import notation as n
from emit import Emitter, c_str
from model import Model, c_name, snake

SAMPLE = r'''service demo
  id demo
  title "Demo \"service\""
  version 2020-01-01
  protocols rest-xml query
  xmlns http://demo/

error NoSuchThing 404 query=Demo.NoSuchThing "The thing \"x\" does not exist."
  ThingName str
error Broken 500 receiver

op PutThing streams-in PUT /{Bucket}/{Key+}?thing
  action demo:PutThing arn:aws:demo:::{Bucket}/{Key}
  status 201
  checksum
  in  Bucket str      required uri min=3 max=63
  in  Key    str      required uri
  in  Mode   Mode     header=x-mode
  in  Labels map Name str headers=x-label-
  in  Body   body     payload
  out ETag   str      header=ETag
  err NoSuchThing Broken

op ListThings reads GET /
  root ThingList
  page in=Marker out=NextMarker
  out Things  list Thing flat wire=Thing
  out default str
  out When    time       iso

struct Thing ns=xsi=http://schema
  1 Key      str        required attr
  2 Parts    list list Part item=P
  3 Children map Name Thing key=K value=V
  4 Secret   str        secret

union Part
  1 Text   str
  2 Number long

enum Mode ON OFF "two words"

type Name str min=1 max=64 pattern="[a-z \"\\\\#]+"

row Thing
  1 Name  str
  2 Owner Thing
  7 Modes list Mode
'''


def refused(text, part):
    try:
        Model("demo", n.parse(text))
    except n.ApiError as error:
        assert part in str(error), (part, str(error))
        return
    raise AssertionError(f"accepted: {text!r}")


def test_round_trip():
    items = n.parse(SAMPLE)
    text = n.format_items(items)
    assert n.parse(text) == items
    assert n.format_items(n.parse(text)) == text
    assert items[-2].attrs["pattern"] == r'[a-z "\\#]+'
    assert items[1].message == 'The thing "x" does not exist.'


def test_every_file_of_the_tree():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "svc")
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".api"):
                with open(os.path.join(folder, name)) as file:
                    items = n.parse(file.read(), name)
                assert n.parse(n.format_items(items)) == items, name


def test_names():
    for name, want in (("PutObject", "put_object"), ("ListObjectsV2", "list_objects_v2"),
                       ("GetBucketCORS", "get_bucket_cors"), ("CreateVPC", "create_vpc"),
                       ("DescribeDBInstances", "describe_db_instances"),
                       ("ListMFADevices", "list_mfa_devices")):
        assert snake(name) == want, (name, snake(name))
    assert c_name("default") == "default_" and c_name("NULL") == "NULL_"
    assert c_name("InvalidKeyPair.Duplicate") == "InvalidKeyPair_Duplicate"
    assert c_str('a"\\\n?') == '"a\\"\\\\\\012\\?"'


def test_refusals():
    head = "service demo\n  protocols query\n"
    refused("op X reads\n", "no service")
    refused(head + "op X guesses\n", "op NAME KIND")
    refused(head + "op X reads\n  in A str requird\n", "unknown attribute")
    refused(head + "op X reads\n  in A Nothing\n", "nothing is called")
    refused(head + "op X reads\n  err Nothing\n", "no error")
    refused(head + "op X reads\nop X reads\n", "twice")
    refused(head + "op X reads\n  in A str\n  in A str\n", "twice")
    refused(head + "struct A\n  1 B str\nstruct AB\nstruct Ab\n", "both struct")
    refused(head + "type A B\ntype B A\nstruct S\n  1 X A\nrow R\n  1 S S\n", "itself")
    refused(head + "row R\n  1 A str\n  1 B str\n", "number")
    refused(head + "struct S\n  A str\nrow R\n  1 S S\n", "number")
    refused("  in A str\n", "before any block")
    try:
        n.parse("service demo\n\nop X\n", "f.api")
    except n.ApiError as error:
        assert str(error).startswith("f.api:3:"), error


def test_header_and_tables():
    emitter = Emitter(Model("demo", n.parse(SAMPLE)))
    header, source = emitter.header(), emitter.source()
    for part in ("struct demo_thing_list Things;", "struct str default_;",
                 "struct demo_part_list_list Parts;", "struct demo_thing_map Children;",
                 "struct map_str Labels;", "struct body *Body;", "struct demo_thing_row {",
                 "int demo_put_thing_prepare(", "extern const struct api_error DEMO_NoSuchThing;"):
        assert part in header, part
    for part in ("#pragma weak demo_put_thing\n", "LOC_URI_GREEDY", '"x-label-"', "LOC_HEADERS",
                 "OP_FLAG_CHECKSUM", ".status = 201", "SHAPE_KEEPS_UNKNOWN", "OP_STREAMS_IN",
                 ".protocols = 1 << PROTO_REST_XML | 1 << PROTO_QUERY", 'FIELD_TIME_ISO',
                 '"two words"', '.xml_prefix = "xsi"', '.root = "ThingList"'):
        assert part in source, part
    assert source.index('.name = "ListThings"') < source.index('.name = "PutThing"')


def test_files_are_written_only_when_changed():
    with tempfile.TemporaryDirectory() as top:
        svc = os.path.join(top, "src", "svc", "demo")
        os.makedirs(svc)
        with open(os.path.join(svc, "all.api"), "w") as file:
            file.write(SAMPLE)
        with open(os.path.join(svc, "things.c"), "w") as file:
            file.write("int\ndemo_list_things(struct call *c)\n{\n}\n")
        out, args = os.path.join(top, "out"), sys.argv
        sys.argv = ["generate", "--src", os.path.join(top, "src"), "--out", out]
        try:
            generate.main()
            path = os.path.join(out, "svc", "demo", "demo_api.c")
            os.utime(path, (1, 1))
            generate.main()
        finally:
            sys.argv = args
        assert os.stat(path).st_mtime == 1
        with open(os.path.join(out, "svc", "where.c")) as file:
            assert "things.c:2" in file.read()
        with open(os.path.join(out, "svc", "services.c")) as file:
            assert "&demo_service" in file.read()


def main():
    tests = [(k, v) for k, v in sorted(globals().items()) if k.startswith("test_")]
    for name, run in tests:
        run()
    print(f"{len(tests)} passed")


if __name__ == "__main__":
    main()
