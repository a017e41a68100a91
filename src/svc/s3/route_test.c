#include "svc/s3/route.h"

#include "svc/s3/s3.h"
#include "unit.h"
#include "wire/http_server.h"

static const struct {
	const char *host;
	enum s3_host_kind kind;
	const char *bucket;
} hosts[] = {
	{ "", S3_HOST_PATH, NULL },
	{ "localhost", S3_HOST_PATH, NULL },
	{ "localhost:4566", S3_HOST_PATH, NULL },
	{ "127.0.0.1:4566", S3_HOST_PATH, NULL },
	{ "[::1]:4566", S3_HOST_PATH, NULL },
	{ "build-host:4566", S3_HOST_PATH, NULL },
	{ "s3.amazonaws.com", S3_HOST_PATH, NULL },
	{ "s3.eu-west-1.amazonaws.com", S3_HOST_PATH, NULL },
	{ "s3-eu-west-1.amazonaws.com", S3_HOST_PATH, NULL },
	{ "s3.localhost.localstack.cloud:4566", S3_HOST_PATH, NULL },
	{ "localhost.localstack.cloud:4566", S3_HOST_PATH, NULL },
	{ "b.s3.amazonaws.com", S3_HOST_VIRTUAL, "b" },
	{ "b.s3.amazonaws.com.", S3_HOST_VIRTUAL, "b" },
	{ "B.S3.amazonaws.com", S3_HOST_VIRTUAL, "B" },
	{ "my.b.s3.eu-west-1.amazonaws.com", S3_HOST_VIRTUAL, "my.b" },
	{ "b.s3-eu-west-1.amazonaws.com:443", S3_HOST_VIRTUAL, "b" },
	{ "b.s3.dualstack.eu-west-1.amazonaws.com", S3_HOST_VIRTUAL, "b" },
	{ "x.s3.y.s3.localhost.localstack.cloud:4566", S3_HOST_VIRTUAL, "x.s3.y" },
	{ "b.localhost:4566", S3_HOST_VIRTUAL, "b" },
	{ "b.s3-website-us-east-1.amazonaws.com", S3_HOST_WEBSITE, "b" },
	{ "a.b.s3-website.eu-central-1.amazonaws.com", S3_HOST_WEBSITE, "a.b" },
	{ "b.s3-website.localhost.localstack.cloud:4566", S3_HOST_WEBSITE, "b" },
	{ "b.s3-website-us-east-1.localhost:4566", S3_HOST_WEBSITE, "b" },
	{ "s3-website-us-east-1.amazonaws.com", S3_HOST_WEBSITE, NULL },
	{ "www.example.com", S3_HOST_CUSTOM, "www.example.com" },
	{ "s3x.example.com", S3_HOST_CUSTOM, "s3x.example.com" },
};

TEST(s3_hosts)
{
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		struct str bucket;
		enum s3_host_kind kind = s3_host_parse(str_c(hosts[i].host), &bucket);
		if (kind != hosts[i].kind || !str_eq(bucket, str_c(hosts[i].bucket)) ||
			(bucket.p != NULL) != (hosts[i].bucket != NULL))
			fail_msg("%s: kind %d, bucket %.*s", hosts[i].host, kind, STR_FMT(bucket));
	}
}

static const struct {
	const char *method, *host, *path, *query, *header, *result, *rewritten;
} routes[] = {
	{ "GET", "localhost", "/", "", NULL, "ListBuckets", NULL },
	{ "GET", "localhost", "/", "x-id=ListBuckets", NULL, "ListBuckets", NULL },
	{ "GET", "localhost", "/b", "", NULL, "ListObjects", NULL },
	{ "GET", "localhost", "/b/", "list-type=2&prefix=a", NULL, "ListObjectsV2", NULL },
	{ "GET", "localhost", "/b?", "", NULL, "ListObjects", NULL },
	{ "GET", "localhost", "/b/k", "", NULL, "GetObject", NULL },
	{ "GET", "localhost", "/b/k/l/", "", NULL, "GetObject", NULL },
	{ "GET", "localhost", "/b//k", "", NULL, "GetObject", NULL },
	{ "GET", "localhost", "/b/k", "x-id=GetObject", NULL, "GetObject", NULL },
	{ "GET", "localhost", "/b/k", "X-Amz-Signature=00&versionId=x", NULL, "GetObject", NULL },
	{ "GET", "localhost", "/b/k", "acl", NULL, "GetObjectAcl", NULL },
	{ "GET", "localhost", "/b/k", "uploadId=x", NULL, "ListParts", NULL },
	{ "HEAD", "localhost", "/b", "", NULL, "HeadBucket", NULL },
	{ "HEAD", "localhost", "/b/k", "", NULL, "HeadObject", NULL },
	{ "PUT", "localhost", "/b", "", NULL, "CreateBucket", NULL },
	{ "PUT", "localhost", "/b/k", "", NULL, "PutObject", NULL },
	{ "PUT", "localhost", "/b/k", "x-id=PutObject", NULL, "PutObject", NULL },
	{ "PUT", "localhost", "/b/k", "", "/a/b", "CopyObject", NULL },
	{ "PUT", "localhost", "/b/k", "x-id=CopyObject", "/a/b", "CopyObject", NULL },
	{ "PUT", "localhost", "/b/k", "partNumber=1&uploadId=x", NULL, "UploadPart", NULL },
	{ "PUT", "localhost", "/b/k", "partNumber=1&uploadId=x", "/a/b", "UploadPartCopy", NULL },
	{ "DELETE", "localhost", "/b", "", NULL, "DeleteBucket", NULL },
	{ "DELETE", "localhost", "/b", "policy", NULL, "DeleteBucketPolicy", NULL },
	{ "DELETE", "localhost", "/b", "notification", NULL, "!MethodNotAllowed", NULL },
	{ "DELETE", "localhost", "/b/k", "uploadId=x", NULL, "AbortMultipartUpload", NULL },
	{ "PUT", "localhost", "/b", "location", NULL, "!MethodNotAllowed", NULL },
	{ "PATCH", "localhost", "/b/k", "", NULL, "!MethodNotAllowed", NULL },
	{ "POST", "localhost", "/b", "delete", NULL, "DeleteObjects", NULL },
	{ "POST", "localhost", "/b/k", "uploads", NULL, "CreateMultipartUpload", NULL },
	{ "POST", "localhost", "/b", "", NULL, "!PreconditionFailed", NULL },
	{ "POST", "localhost", "/b", "", "form", "PostObject", NULL },
	{ "POST", "b.localhost", "/", "", "form", "PostObject", "/b" },
	{ "OPTIONS", "localhost", "/b/k", "", NULL, "PreflightBucket", NULL },
	{ "GET", "localhost", "/b/%zz", "", NULL, "!InvalidURI", NULL },
	{ "GET", "localhost", "/b/%4", "", NULL, "!InvalidURI", NULL },
	{ "GET", "localhost", "//b", "", NULL, "!InvalidURI", NULL },
	{ "GET", "b.s3.localhost.localstack.cloud:4566", "/", "", NULL, "ListObjects", "/b" },
	{ "PUT", "B.s3.amazonaws.com", "/", "", NULL, "CreateBucket", "/b" },
	{ "GET", "b.s3.amazonaws.com", "/k%2Fl", "", NULL, "GetObject", "/b/k%2Fl" },
	{ "GET", "b.s3.amazonaws.com", "//k", "", NULL, "GetObject", "/b//k" },
	{ "GET", "b.s3-website-us-east-1.amazonaws.com", "/", "", NULL, "WebsiteGetObject", NULL },
};

TEST(s3_routes)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		struct arena a;
		arena_init(&a);
		bool form = routes[i].header && strcmp(routes[i].header, "form") == 0;
		struct http_header h = { form ? STR("Content-Type") : STR("x-amz-copy-source"),
			form ? STR("multipart/form-data; boundary=x") : str_c(routes[i].header) };
		struct str path = str_c(routes[i].path);
		path = str_cut(&path, '?');
		struct call c = { .arena = &a,
			.service = &s3_service,
			.protocol = PROTO_REST_XML,
			.method = str_c(routes[i].method),
			.host = str_c(routes[i].host),
			.path = path,
			.raw_path = path,
			.query = str_c(routes[i].query),
			.headers = &h,
			.headers_n = routes[i].header != NULL };
		assert_true(s3_route(&c));
		const char *result = c.op ? c.op->name : c.error->code;
		const char *want = routes[i].result + (routes[i].result[0] == '!');
		if (strcmp(result, want) != 0 || (routes[i].result[0] == '!') != (c.op == NULL))
			fail_msg("%s %s%s?%s: %s, not %s", routes[i].method, routes[i].host,
				routes[i].path, routes[i].query, result, want);
		assert_str(
			c.path, routes[i].rewritten ? routes[i].rewritten : arena_cstr(&a, path));
		arena_done(&a);
	}
}
