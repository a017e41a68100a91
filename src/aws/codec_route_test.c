#include "aws/codec_route.h"
#include "unit.h"

static const struct shape text = { .name = "Text", .kind = SHAPE_STR };
static const struct field upload_fields[] = {
	{ "PartNumber", "partNumber", NULL, &text, FIELD_REQUIRED, 0, 0, LOC_QUERY },
	{ "UploadId", "uploadId", NULL, &text, FIELD_REQUIRED, 16, 0, LOC_QUERY },
};
static const struct field copy_fields[] = {
	{ "CopySource", "x-amz-copy-source", NULL, &text, FIELD_REQUIRED, 0, 0, LOC_HEADER },
};
static const struct shape upload_in = {
	.name = "U", .kind = SHAPE_STRUCT, .fields = upload_fields, .fields_n = 2
};
static const struct shape copy_in = {
	.name = "C", .kind = SHAPE_STRUCT, .fields = copy_fields, .fields_n = 1
};
static const struct op ops[] = {
	{ .name = "Copy", .method = "PUT", .uri = "/{Bucket}/{Key+}", .in = &copy_in },
	{ .name = "CreateBucket", .method = "PUT", .uri = "/{Bucket}" },
	{ .name = "GetAcl", .method = "GET", .uri = "/{Bucket}/{Key+}?acl" },
	{ .name = "GetFunction", .method = "GET", .uri = "/2015-03-31/functions/{Name}" },
	{ .name = "GetObject", .method = "GET", .uri = "/{Bucket}/{Key+}?x-id=GetObject" },
	{ .name = "GetPolicy", .method = "GET", .uri = "/2015-03-31/functions/{Name}/policy" },
	{ .name = "ListBuckets", .method = "GET", .uri = "/" },
	{ .name = "ListFunctions", .method = "GET", .uri = "/2015-03-31/functions/" },
	{ .name = "ListObjects", .method = "GET", .uri = "/{Bucket}" },
	{ .name = "ListObjectsV2", .method = "GET", .uri = "/{Bucket}?list-type=2" },
	{ .name = "PutObject", .method = "PUT", .uri = "/{Bucket}/{Key+}" },
	{ .name = "Tags", .method = "GET", .uri = "/tags/{Arn+}/all" },
	{ .name = "UploadPart", .method = "PUT", .uri = "/{Bucket}/{Key+}", .in = &upload_in },
};
static const struct service service = {
	.name = "routes", .target = "Routes_2020", .ops = ops, .ops_n = sizeof(ops) / sizeof(ops[0])
};

static const char *
routed(const char *method, const char *path, const char *query)
{
	const struct op *op = codec_route_rest(&service, str_c(method), str_c(path), str_c(query));
	return op ? op->name : "none";
}

TEST(route_rest_takes_the_most_specific)
{
	static const struct {
		const char *method, *path, *query, *name;
	} t[] = {
		{ "GET", "/", NULL, "ListBuckets" },
		{ "GET", "/b", NULL, "ListObjects" },
		{ "GET", "/b/", "", "ListObjects" },
		{ "GET", "/b", "prefix=x&list-type=2", "ListObjectsV2" },
		{ "GET", "/b", "list-type=1", "ListObjects" },
		{ "GET", "/b/k", "acl", "GetAcl" },
		{ "GET", "/b/k/l", "x=1&acl=", "GetAcl" },
		{ "GET", "/b//", "acl", "GetAcl" },
		{ "GET", "/b/k", "x-id=GetObject", "GetObject" },
		{ "GET", "/b/k", NULL, "none" },
		{ "PUT", "/b", NULL, "CreateBucket" },
		{ "PUT", "/b/k", NULL, "PutObject" },
		{ "PUT", "/b/k", "partNumber=1&uploadId=2", "UploadPart" },
		{ "PUT", "/b/k", "uploadId=2", "PutObject" },
		{ "DELETE", "/b", NULL, "none" },
		{ "GET", "/2015-03-31/functions", NULL, "ListFunctions" },
		{ "GET", "/2015-03-31/functions/", NULL, "ListFunctions" },
		{ "GET", "/2015-03-31/functions/f", NULL, "GetFunction" },
		{ "GET", "/2015-03-31/functions/f/policy", NULL, "GetPolicy" },
		{ "GET", "/tags/arn:a/b/c/all", NULL, "Tags" },
		{ "get", "/", NULL, "none" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const char *got = routed(t[i].method, t[i].path, t[i].query);
		if (strcmp(got, t[i].name) != 0)
			fail_msg("%s %s?%s: %s, want %s", t[i].method, t[i].path,
				t[i].query ? t[i].query : "", got, t[i].name);
	}
}

TEST(route_match_keeps_raw_labels)
{
	struct route_label l[4];
	assert_int_equal(route_match("/{Bucket}/{Key+}?x", STR("/b/a%2Fb//../c"), l, 4), 2);
	assert_str(l[0].name, "Bucket");
	assert_str(l[1].name, "Key");
	assert_str(l[1].value, "a%2Fb//../c");
	assert_true(l[1].greedy);
	assert_int_equal(route_match("/t/{Arn+}/all", STR("/t/a/b/all"), l, 4), 1);
	assert_str(l[0].value, "a/b");
	assert_int_equal(route_match("/t/{Arn+}/all", STR("/t/all"), l, 4), -1);
	assert_int_equal(route_match("/{A}/{B}", STR("/x"), l, 4), -1);
	assert_int_equal(route_match("/{A}", STR("//"), l, 4), -1);
}

TEST(route_by_target_and_cbor_path)
{
	struct str name;
	assert_string_equal(
		codec_route_target(&service, STR("Routes_2020.GetAcl"))->name, "GetAcl");
	assert_null(codec_route_target(&service, STR("Other.GetAcl")));
	assert_null(codec_route_target(&service, STR("Routes_2020.Nothing")));
	assert_null(codec_route_target(&service, STR("GetAcl")));
	assert_string_equal(
		codec_route_cbor(&service, STR("/service/X/operation/GetAcl"), &name)->name,
		"GetAcl");
	assert_str(name, "X");
	assert_null(codec_route_cbor(&service, STR("/service/X/operation/"), NULL));
	assert_null(codec_route_cbor(&service, STR("/service//operation/GetAcl"), NULL));
	assert_null(codec_route_cbor(&service, STR("/a"), NULL));
}

TEST(form_parameters)
{
	struct arena a;
	arena_init(&a);
	struct call c = { .arena = &a };
	assert_str(
		codec_form_param(&c, STR("Action=Run&Version=2016-11-15"), STR("Action")), "Run");
	assert_null(codec_form_param(&c, STR("ActionX=Run"), STR("Action")).p);
	arena_done(&a);
}
