#include "aws/sigv4.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* First byte: the style; then lines: method, path, query, and headers as name:value. */
int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct http_header headers[32];
	struct sigv4_request r = { .headers = headers };
	struct sigv4_auth auth;
	struct sigv4_failure f = { 0 };
	struct arena a;

	if (size < 1)
		return 0;
	struct str rest = str_of(input + 1, size - 1);
	r.method = str_cut(&rest, '\n');
	r.path = rest.p ? str_cut(&rest, '\n') : STR("/");
	r.query = rest.p ? str_cut(&rest, '\n') : STR_NULL;
	while (rest.p && r.headers_n < 32) {
		struct str value = str_cut(&rest, '\n'), name = str_cut(&value, ':');
		headers[r.headers_n++] = (struct http_header){ name, value.p ? value : STR("") };
	}
	arena_init(&a);
	if (sigv4_parse(&r, input[0] % 5, &a, &auth, &f) == 0) {
		struct credential c = { .secret = STR("secret") };
		struct sigv4_expect e = { .real_ms = auth.time_ms + 1,
			.virtual_ms = auth.time_ms + 1 };
		int v = sigv4_verify(&r, &auth, &c, &e, &a, &f);
		assert(v == 0 || f.error);
		assert(v == 0 || !auth.verified);
	} else {
		assert(f.error);
	}
	arena_done(&a);
	return 0;
}
