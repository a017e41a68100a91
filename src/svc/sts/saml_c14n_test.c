#include "svc/sts/saml_c14n.h"

#include "unit.h"

static void
becomes(const char *from, const char *path, const char *prefix, const char *to)
{
	struct arena a;
	struct buf out = { 0 };
	struct c14n how = { .prefixes = { str_c(prefix) }, .prefixes_n = prefix ? 1 : 0 };
	arena_init(&a);
	const struct xml *x = xml_parse(&a, str_c(from), 0, NULL);
	assert_non_null(x);
	for (; *path; path++)
		x = *path == 'd' ? x->child : x->next;
	bool done = xml_canonical(&a, x, &how, &out);
	assert_int_equal(done, to != NULL);
	if (to)
		assert_str(buf_str(&out), to);
	buf_done(&out);
	arena_done(&a);
}

TEST(c14n_text_keeps_its_place)
{
	becomes("<?xml version=\"1.0\"?><!-- c --><a>x<b/>y<!-- c -->z<c  >&lt;&#13;</c  "
		">&gt;\r\n</a>",
		"", NULL, "<a>x<b></b>yz<c>&lt;&#xD;</c>&gt;\n</a>");
	becomes("<a><![CDATA[<&>]]><b/>\"'</a>", "", NULL, "<a>&lt;&amp;&gt;<b></b>\"'</a>");
}

TEST(c14n_attributes_are_sorted_and_escaped)
{
	becomes("<a z='1' xmlns:q='urn:a' xmlns:b='urn:b' b:a='2' q:z='3' "
		"a='&quot;&lt;>&#9;&#10;\t'/>",
		"", NULL,
		"<a xmlns:b=\"urn:b\" xmlns:q=\"urn:a\" a=\"&quot;&lt;>&#x9;&#xA; \" z=\"1\" "
		"q:z=\"3\" b:a=\"2\"></a>");
	becomes("<a xmlns:x='urn:a' xmlns:y='urn:a' x:k='1' y:k='2'/>", "", NULL, NULL);
}

TEST(c14n_namespaces_stand_where_they_are_used)
{
	static const char doc[] = "<r xmlns='urn:r' xmlns:u='urn:u' xmlns:v='urn:v'><u:a u:k='1'>"
				  "<b><u:c xmlns:u='urn:other'/></b></u:a></r>";
	becomes(doc, "d", NULL,
		"<u:a xmlns:u=\"urn:u\" u:k=\"1\"><b xmlns=\"urn:r\"><u:c xmlns:u=\"urn:other\">"
		"</u:c></b></u:a>");
	becomes(doc, "d", "v",
		"<u:a xmlns:u=\"urn:u\" xmlns:v=\"urn:v\" u:k=\"1\"><b xmlns=\"urn:r\">"
		"<u:c xmlns:u=\"urn:other\"></u:c></b></u:a>");
	becomes(doc, "d", "",
		"<u:a xmlns=\"urn:r\" xmlns:u=\"urn:u\" u:k=\"1\"><b><u:c xmlns:u=\"urn:other\">"
		"</u:c></b></u:a>");
	becomes("<a xmlns='urn:a'><b xmlns=''/></a>", "", NULL,
		"<a xmlns=\"urn:a\"><b xmlns=\"\"></b></a>");
	becomes("<a><b xmlns=''/></a>", "", NULL, "<a><b></b></a>");
	becomes("<a xml:lang='ko'/>", "", NULL, "<a xml:lang=\"ko\"></a>");
}

TEST(c14n_refuses_what_is_not_bound)
{
	becomes("<x:a/>", "", NULL, NULL);
	becomes("<a x:k='1'/>", "", NULL, NULL);
	becomes("<a xmlns:x=''/>", "", NULL, NULL);
	becomes("<a xmlns:xml='urn:x'/>", "", NULL, NULL);
	becomes("<a xmlns:x='http://www.w3.org/2000/xmlns/'/>", "", NULL, NULL);
}

/* One long name, used by many siblings. */
TEST(c14n_is_bounded)
{
	struct arena a;
	struct buf in = { 0 }, out = { 0 };
	struct c14n how = { 0 };
	arena_init(&a);
	buf_add_lit(&in, "<r xmlns:x='");
	memset(buf_reserve(&in, 20000), 'u', 20000);
	in.len += 20000;
	buf_add_lit(&in, "'>");
	for (int i = 0; i < 5000; i++)
		buf_add_lit(&in, "<x:a/>");
	buf_add_lit(&in, "</r>");
	const struct xml *x = xml_parse(&a, buf_str(&in), 0, NULL);
	assert_non_null(x);
	assert_false(xml_canonical(&a, x, &how, &out));
	assert_true(out.len < C14N_BYTES_MAX + 50000);
	buf_done(&in);
	buf_done(&out);
	arena_done(&a);
}
