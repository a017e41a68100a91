#include "svc/s3/post_form.h"

#include "base/text.h"
#include "unit.h"

#define TYPE STR("multipart/form-data; boundary=xYz")
#define FIELD(name, value)                                                                         \
	"--xYz\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(name, value)                                                                     \
	"--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" name                 \
	"\"\r\nContent-Type: "                                                                     \
	"text/plain\r\n\r\n" value "\r\n"
#define END "--xYz--\r\n"

static const struct {
	const char *type, *body;
	enum s3_form_result result;
} forms[] = {
	{ "multipart/form-data; boundary=xYz", FIELD("key", "k") FILE_PART("a.txt", "hi") END,
		S3_FORM_OK },
	{ "Multipart/Form-Data;boundary=\"xYz\"", FIELD("key", "k") FILE_PART("a.txt", "hi") END,
		S3_FORM_OK },
	{ "multipart/form-data; charset=utf-8; boundary=xYz", FILE_PART("", "") END, S3_FORM_OK },
	{ "multipart/form-data; boundary=xYz", "ignored\r\n" FIELD("key", "k") END, S3_FORM_OK },
	{ "application/json", "", S3_FORM_NOT_MULTIPART },
	{ "multipart/form-data", FIELD("key", "k") END, S3_FORM_MALFORMED },
	{ "multipart/form-data; boundary=", FIELD("key", "k") END, S3_FORM_MALFORMED },
	{ "multipart/form-data; boundary=other", FIELD("key", "k") END, S3_FORM_MALFORMED },
	{ "multipart/form-data; boundary=xYz", "", S3_FORM_MALFORMED },
	{ "multipart/form-data; boundary=xYz", FIELD("key", "k"), S3_FORM_MALFORMED },
	{ "multipart/form-data; boundary=xYz", "--xYz\r\n\r\nno name\r\n" END, S3_FORM_MALFORMED },
	{ "multipart/form-data; boundary=xYz",
		"--xYz\r\nContent-Disposition: attachment\r\n\r\nx\r\n" END, S3_FORM_MALFORMED },
	{ "multipart/form-data; boundary=xYz",
		"--xYz\nContent-Disposition: form-data; name=a\n\nx\n--xYz--\n",
		S3_FORM_MALFORMED },
};

TEST(s3_forms_parse)
{
	struct s3_form f;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (s3_form_parse(str_c(forms[i].type), str_c(forms[i].body), &f) !=
			forms[i].result)
			fail_msg("form %zu", i);
}

TEST(s3_form_fields)
{
	struct s3_form f;
	struct arena a;
	arena_init(&a);
	struct str body = STR(FIELD("key", "up/${filename}") FIELD("Content-Type", "a\r\nb")
			FILE_PART("C:\\\\x\\\\pic.png", "two\r\n--xY lines") FIELD("late", "x")
				END);
	assert_int_equal(s3_form_parse(TYPE, body, &f), S3_FORM_OK);
	s3_form_expand(&a, &f);
	assert_int_equal(f.n, 2);
	assert_str(s3_form_get(&f, STR("KEY")), "up/pic.png");
	assert_str(s3_form_get(&f, STR("content-type")), "a\r\nb");
	assert_true(s3_form_get(&f, STR("late")).p == NULL);
	assert_int_equal(f.files_n, 1);
	assert_str(f.file, "two\r\n--xY lines");
	assert_str(f.file_type, "text/plain");
	arena_done(&a);
}

TEST(s3_form_too_much_before_the_file)
{
	struct s3_form f;
	struct buf b = { 0 };
	for (unsigned i = 0; i < S3_FORM_FIELDS_MAX + 1; i++)
		buf_add_lit(&b, FIELD("a", "b"));
	buf_add_lit(&b, END);
	assert_int_equal(s3_form_parse(TYPE, buf_str(&b), &f), S3_FORM_TOO_LARGE);
	buf_clear(&b);
	buf_add_lit(&b, "--xYz\r\nContent-Disposition: form-data; name=a\r\n\r\n");
	for (unsigned i = 0; i < S3_FORM_HEAD_MAX; i++)
		buf_add_c(&b, 'x');
	buf_add_lit(&b, "\r\n" FILE_PART("f", "x") END);
	assert_int_equal(s3_form_parse(TYPE, buf_str(&b), &f), S3_FORM_TOO_LARGE);
	buf_done(&b);
}

#define DOC(conditions) "{\"expiration\":\"2030-01-01T00:00:00Z\",\"conditions\":[" conditions "]}"
#define KEY "[\"starts-with\",\"$key\",\"up/\"]"

static const struct {
	const char *document, *code, *message;
} documents[] = {
	{ DOC(KEY), NULL, NULL },
	{ DOC(KEY ",{\"bucket\":\"b\"}"), NULL, NULL },
	{ DOC("{\"key\":\"up/x\"},[\"eq\",\"$Bucket\",\"b\"]"), NULL, NULL },
	{ DOC(KEY ",[\"content-length-range\",0,5]"), NULL, NULL },
	{ DOC(KEY ",[\"content-length-range\",0,4]"), "EntityTooLarge",
		"Your proposed upload exceeds the maximum allowed size" },
	{ DOC(KEY ",[\"content-length-range\",6,9]"), "EntityTooSmall",
		"Your proposed upload is smaller than the minimum allowed size" },
	{ DOC(KEY ",{\"bucket\":\"c\"}"), "AccessDenied",
		"Invalid according to Policy: Policy Condition failed: [\"eq\", \"$bucket\", "
		"\"c\"]" },
	{ DOC("[\"starts-with\",\"$key\",\"down/\"]"), "AccessDenied",
		"Invalid according to Policy: Policy Condition failed: [\"starts-with\", \"$key\", "
		"\"down/\"]" },
	{ DOC(KEY ",{\"acl\":\"private\"}"), "AccessDenied",
		"Invalid according to Policy: Policy Condition failed: [\"eq\", \"$acl\", "
		"\"private\"]" },
	{ DOC("{\"bucket\":\"b\"}"), "AccessDenied",
		"Invalid according to Policy: Extra input fields: key" },
	{ "{\"expiration\":\"2020-01-01T00:00:00Z\",\"conditions\":[" KEY "]}", "AccessDenied",
		"Invalid according to Policy: Policy expired." },
	{ "{\"conditions\":[" KEY "]}", "InvalidPolicyDocument",
		"Invalid Policy: Policy missing expiration." },
	{ "{\"expiration\":\"2030-01-01T00:00:00Z\"}", "InvalidPolicyDocument",
		"Invalid Policy: Policy missing conditions." },
	{ "{\"expiration\":\"soon\",\"conditions\":[]}", "InvalidPolicyDocument",
		"Invalid Policy: Invalid 'expiration' value." },
	{ "{\"expiration\":\"2030-01-01 00:00:00+00:00\",\"conditions\":[]}",
		"InvalidPolicyDocument", "Invalid Policy: Invalid 'expiration' value." },
	{ "nonsense", "InvalidPolicyDocument", "Invalid Policy: Invalid JSON." },
	{ DOC("7"), "InvalidPolicyDocument", "Invalid Policy: Invalid 'conditions' value." },
	{ DOC("[\"eq\",\"$key\"]"), "InvalidPolicyDocument",
		"Invalid Policy: Invalid Condition: wrong number of arguments." },
	{ DOC("[\"like\",\"$key\",\"x\"]"), "InvalidPolicyDocument",
		"Invalid Policy: Invalid Condition: unknown operation." },
};

TEST(s3_form_policies)
{
	struct s3_form f;
	assert_int_equal(s3_form_parse(TYPE,
				 STR(FIELD("key", "up/x") FIELD("x-ignore-me", "1")
						 FILE_PART("x", "12345") END),
				 &f),
		S3_FORM_OK);
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		struct s3_form_verdict v;
		struct arena a;
		arena_init(&a);
		s3_form_judge(&a, &f, STR("b"), base64_text(&a, str_c(documents[i].document)),
			INT64_C(1767323045000), &v);
		if (!v.code != !documents[i].code ||
			(v.code && strcmp(v.code, documents[i].code) != 0) ||
			!str_eq(v.message, str_c(documents[i].message)))
			fail_msg("%s: %s %.*s", documents[i].document, v.code ? v.code : "fits",
				STR_FMT(v.message));
		arena_done(&a);
	}
}
