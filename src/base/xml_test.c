#include "base/xml.h"
#include "unit.h"

static struct arena a;

static void
refused(struct str in, const char *why)
{
	struct xml_error e = { 0 };
	if (xml_parse(&a, in, 0, &e))
		fail_msg("accepted: %.*s", STR_FMT(in));
	assert_string_equal(e.why, why);
	assert_true(e.at <= in.len);
	arena_reset(&a);
}

TEST(xml_reads_a_request)
{
	struct xml *x = xml_parse(&a,
		STR("\xef\xbb\xbf<?xml version='1.0' encoding=\"utf-8\"?>\n"
		    "<!-- c --><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
		    "  <Object ><Key>a&amp;b&#x20;&#233;</Key></Object>\n"
		    "  <Object><Key><![CDATA[<x>&amp;]]> y</Key><Empty/></Object>\r\n"
		    "  <Grantee xmlns:xsi='u' "
		    "xsi:type='Canonical&quot;User\n'/><Quiet>true</Quiet>\n"
		    "</Delete >\n<!-- end -->\n"),
		0, NULL);
	assert_non_null(x);
	assert_str(x->name, "Delete");
	assert_str(x->prefix, "");
	assert_str(xml_attr(x, STR("xmlns")), "http://s3.amazonaws.com/doc/2006-03-01/");
	assert_int_equal(x->children_n, 4);
	struct xml *o = xml_child(x, STR("Object"));
	assert_ptr_equal(o->parent, x);
	assert_str(xml_child_text(o, STR("Key")), "a&b \xc3\xa9");
	o = xml_next(o, STR("Object"));
	assert_str(xml_child_text(o, STR("Key")), "<x>&amp; y");
	assert_str(xml_child_text(o, STR("Empty")), "");
	assert_null(xml_child_text(o, STR("None")).p);
	assert_null(xml_next(o, STR("Object")));
	struct xml *g = xml_child(x, STR("Grantee"));
	assert_str(xml_attr(g, STR("type")), "Canonical\"User ");
	assert_str(g->attrs[1].prefix, "xsi");
	assert_str(xml_child_text(x, STR("Quiet")), "true");
	assert_str(x->text, "\n  \n  \n  \n");
	arena_done(&a);
}

TEST(xml_refuses_what_could_expand)
{
	refused(STR("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), "name expected");
	refused(STR("<a><!ENTITY b></a>"), "name expected");
	refused(STR("<a>&b;</a>"), "unknown reference");
	refused(STR("<a><?php x?></a>"), "name expected");
	refused(STR("<?xml-stylesheet href='x'?><a/>"), "malformed declaration");
	refused(STR("<?xml version='1.0' encoding='utf-16'?><a/>"), "encoding is not UTF-8");
	arena_done(&a);
}

TEST(xml_refuses_malformed_documents)
{
	refused(STR(""), "element expected");
	refused(STR_NULL, "element expected");
	refused(STR("text"), "element expected");
	refused(STR("<a>"), "end tag expected");
	refused(STR("<a></b>"), "end tag of another element");
	refused(STR("<a></ab>"), "> expected");
	refused(STR("<a/><b/>"), "something behind the root element");
	refused(STR("<a b=c/>"), "quote expected");
	refused(STR("<a b/>"), "= expected");
	refused(STR("<a b='1'c='2'/>"), "> expected");
	refused(STR("<a b='1' b='2'/>"), "attribute given twice");
	refused(STR("<a b='<'/>"), "< in a value");
	refused(STR("<a b='/>"), "no end");
	refused(STR("<a:/>"), "name expected");
	refused(STR("<1/>"), "name expected");
	refused(STR("< a/>"), "name expected");
	refused(STR("<a>&#0;</a>"), "unknown reference");
	refused(STR("<a>&#xd800;</a>"), "unknown reference");
	refused(STR("<a>&#x110000;</a>"), "unknown reference");
	refused(STR("<a>&#;</a>"), "unknown reference");
	refused(STR("<a>&#1a;</a>"), "unknown reference");
	refused(STR("<a>&amp</a>"), "unknown reference");
	refused(STR("<a>\x01</a>"), "control character");
	refused(STR("<a>\xff</a>"), "malformed UTF-8");
	refused(STR("<a>]]></a>"), "]]> in text");
	refused(STR("<a><!-- -- --></a>"), "-- in a comment");
	refused(STR("<a><![CDATA[x</a>"), "no end");
	refused(STR(" <?xml version='1.0'?><a/>"), "name expected");
	arena_done(&a);
}

TEST(xml_depth_is_bounded)
{
	struct buf b = { 0 };
	for (int i = 0; i < 65; i++)
		buf_add_lit(&b, "<a>");
	for (int i = 0; i < 65; i++)
		buf_add_lit(&b, "</a>");
	refused(buf_str(&b), "nested too deeply");
	assert_non_null(xml_parse(&a, buf_str(&b), 65, NULL));
	buf_done(&b);
	arena_done(&a);
}

TEST(xml_line_ends_become_one)
{
	struct xml *x = xml_parse(&a, STR("<a>1\r\n2\r3\n&#13;<b/>4</a>"), 0, NULL);
	assert_str(x->text, "1\n2\n3\n\r4");
	arena_done(&a);
}

TEST(xml_writes_and_escapes)
{
	struct buf b = { 0 };
	xml_write_declaration(&b);
	xml_write_open_ns(&b, "R", "http://x/");
	xml_write_element(&b, "ETag", STR("\"e\""));
	xml_write_element(&b, "Key", STR("a<b>&'\r\n\t\x1f\x01\xff\xed\x95\x98"));
	xml_write_element(&b, "None", STR_NULL);
	xml_write_element(&b, "Empty", STR(""));
	xml_write_element_i64(&b, "N", -5);
	xml_write_element_bool(&b, "B", true);
	xml_write_begin(&b, "G");
	xml_write_attr(&b, "xsi:type", STR("a\n\"b\""));
	xml_write_begin_end(&b);
	xml_write_close(&b, "G");
	xml_write_close(&b, "R");
	assert_str(buf_str(&b),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://x/\">"
		"<ETag>&quot;e&quot;</ETag><Key>a&lt;b&gt;&amp;'&#xD;\n\t&#x1F;&#x1;"
		"\xef\xbf\xbd\xed\x95\x98</Key><Empty></Empty><N>-5</N><B>true</B>"
		"<G xsi:type=\"a&#xA;&quot;b&quot;\"></G></R>");
	struct xml *x = xml_parse(&a, buf_str(&b), 0, NULL);
	assert_str(xml_child_text(x, STR("Key")), "a<b>&'\r\n\t\x1f\x01\xef\xbf\xbd\xed\x95\x98");
	buf_done(&b);
	arena_done(&a);
}

TEST(xml_children_know_what_text_stands_before_them)
{
	struct arena own;
	arena_init(&own);
	struct xml *x = xml_parse(
		&own, STR("<a>x<b/>&amp;<!-- c --><![CDATA[z]]><c>in</c>e</a>"), 0, NULL);
	assert_str(x->text, "x&ze");
	assert_int_equal(x->child->at, 1);
	assert_int_equal(x->child->next->at, 3);
	arena_done(&own);
}
