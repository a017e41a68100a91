#include "svc/s3/post_form.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* First line: the content type; then the body. Its "policy" field is judged as it is, not base64
 * only. */
int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct str body = str_of(input, size), type = str_cut(&body, '\n');
	static struct s3_form f;
	struct s3_form_verdict v;
	struct arena a;
	if (!body.p || s3_form_parse(type, body, &f) != S3_FORM_OK)
		return 0;
	arena_init(&a);
	assert(f.n <= S3_FORM_FIELDS_MAX);
	assert(!f.files_n || (f.file.p >= body.p && f.file.p + f.file.len <= body.p + body.len));
	s3_form_expand(&a, &f);
	s3_form_get(&f, STR("key"));
	s3_form_judge(&a, &f, STR("bucket"), s3_form_get(&f, STR("policy")), 0, &v);
	assert(!v.code || v.message.p);
	arena_done(&a);
	return 0;
}
