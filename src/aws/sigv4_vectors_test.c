#include "aws/sigv4_internal.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* The public suite: a folder for each case with the signed request, its canonical request, the
 * string to sign and the Authorization header. */
#define VECTOR_MS 1440938160000 /* 20150830T123600Z */

struct vector {
	struct buf text; /* backs all */
	struct sigv4_request r;
	struct http_header headers[16];
	struct str body;
};

static struct str
file_read(struct buf *b, const char *dir, const char *name, const char *ending)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, ending);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	b->len = fread(buf_reserve(b, 16384), 1, 16384, f);
	fclose(f);
	return buf_str(b);
}

/* Our server refuses folded values; here they are joined to their header, line ends and all. */
static void
vector_load(struct vector *v, struct str text)
{
	struct str rest = text, line = str_cut(&rest, '\n');
	long end = str_rfind(line, ' ');
	v->r.method = str_cut(&line, ' ');
	v->r.query = str_slice(line, 0, (size_t)end - v->r.method.len - 1);
	v->r.path = str_cut(&v->r.query, '?');
	v->r.headers = v->headers;
	while (rest.p) {
		line = str_cut(&rest, '\n');
		if (line.len == 0)
			break;
		if (line.p[0] == ' ') {
			struct str *last = &v->headers[v->r.headers_n - 1].value;
			last->len = (size_t)(line.p + line.len - last->p);
			continue;
		}
		struct http_header *h = &v->headers[v->r.headers_n++];
		h->name = str_cut(&line, ':');
		h->value = line;
	}
	v->body = rest.p ? rest : STR("");
}

static void
check_verified(const char *dir, const char *name, struct vector *v, struct arena *a)
{
	struct buf want = { 0 }, canonical = { 0 }, authz = { 0 };
	struct sigv4_failure f = { 0 };
	struct sigv4_auth auth;
	unsigned char body[32], hash[32];
	char string[SIGV4_STRING_MAX];

	/* One .sreq of the suite holds another case's signature, so what .authz says is verified.
	 */
	for (unsigned i = 0; i < v->r.headers_n; i++)
		if (str_is(v->headers[i].name, "Authorization"))
			v->headers[i].value = file_read(&authz, dir, name, "authz");
	sha256(v->body, body);
	assert_int_equal(sigv4_parse(&v->r, SIGV4_STYLE_QUERY, a, &auth, &f), 0);
	sigv4_canonical(&v->r, &auth, body, &canonical);
	assert_str(file_read(&want, dir, name, "creq"), canonical.p);
	sha256(buf_str(&canonical), hash);
	size_t n = sigv4_string_to_sign(auth.amz_date, auth.scope, hash, string);
	buf_clear(&want);
	assert_true(str_eq(file_read(&want, dir, name, "sts"), str_of(string, n)));

	const struct session s = { .token = auth.token, .expires_ms = VECTOR_MS + 1 };
	struct credential c = { .access_key = STR("AKIDEXAMPLE"),
		.secret = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
		.session = auth.token.p ? &s : NULL };
	struct sigv4_expect e = { .region = STR("us-east-1"),
		.service = STR("service"),
		.real_ms = VECTOR_MS,
		.virtual_ms = VECTOR_MS,
		.body_sha256 = body };
	if (sigv4_verify(&v->r, &auth, &c, &e, a, &f))
		fail_msg("%s: %.*s", name, STR_FMT(f.message));
	assert_true(auth.verified);
	c.secret = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ");
	assert_int_not_equal(sigv4_verify(&v->r, &auth, &c, &e, a, &f), 0);
	assert_ptr_equal(f.error, &ERR_SignatureDoesNotMatch);
	buf_done(&want);
	buf_done(&authz);
	buf_done(&canonical);
}

/* Signs the request anew, without the headers that the signer adds. */
static void
check_signed(const char *dir, const char *name, struct vector *v, struct arena *a)
{
	struct buf want = { 0 };
	unsigned char body[32];
	struct http_header kept[16];
	struct sigv4_request r = v->r;
	struct str authz = file_read(&want, dir, name, "authz");
	bool token_signed = str_find_str(authz, STR("x-amz-security-token")) >= 0;
	struct sigv4_signer s = { .access_key = STR("AKIDEXAMPLE"),
		.secret = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
		.region = STR("us-east-1"),
		.service = STR("service"),
		.now_ms = VECTOR_MS,
		.body_sha256 = body };
	struct sigv4_signed out;

	sha256(v->body, body);
	r.headers = kept;
	r.headers_n = 0;
	for (unsigned i = 0; i < v->r.headers_n; i++) {
		struct str n = v->headers[i].name;
		if (str_eq_nocase(n, STR("x-amz-security-token"))) {
			if (token_signed)
				s.token = v->headers[i].value;
		} else if (!str_eq_nocase(n, STR("x-amz-date")) &&
			   !str_eq_nocase(n, STR("authorization"))) {
			kept[r.headers_n++] = v->headers[i];
		}
	}
	sigv4_sign(&r, &s, a, &out);
	assert_true(str_eq(authz, out.headers[out.headers_n - 1].value));
	buf_done(&want);
}

static unsigned
run_folder(const char *dir)
{
	unsigned cases = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		char path[800];
		if (e->d_name[0] == '.' || e->d_type == DT_REG)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s.sreq", dir, e->d_name, e->d_name);
		FILE *f = fopen(path, "r");
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (!f) {
			cases += run_folder(path);
			continue;
		}
		fclose(f);
		struct vector v = { 0 };
		struct arena a;
		arena_init(&a);
		vector_load(&v, file_read(&v.text, path, e->d_name, "sreq"));
		check_verified(path, e->d_name, &v, &a);
		check_signed(path, e->d_name, &v, &a);
		arena_done(&a);
		buf_done(&v.text);
		cases++;
	}
	closedir(d);
	return cases;
}

TEST(sigv4_public_vectors)
{
	char dir[600];
	if (!unit_vectors_dir()) {
		test_skip("the folder of public vectors is not there");
		return;
	}
	snprintf(dir, sizeof(dir), "%s/sigv4", unit_vectors_dir());
	DIR *d = opendir(dir);
	if (!d) {
		test_skip("no sigv4 vectors in the folder of public vectors");
		return;
	}
	closedir(d);
	assert_true(run_folder(dir) >= 30);
}
