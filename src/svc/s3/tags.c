#include "svc/s3/s3.h"

#define TAG_KEY_MAX 128
#define TAG_VALUE_MAX 256

static int
tag_check(struct call *c, const struct s3_tag *t)
{
	if (!t->Key.p || !t->Key.len || str_utf8_count(t->Key) > TAG_KEY_MAX) {
		call_fail(c, &S3_InvalidTag, "The TagKey you have provided is invalid");
		return call_fail_field(c, "TagKey", t->Key.p ? t->Key : STR(""));
	}
	if (str_utf8_count(t->Value) > TAG_VALUE_MAX) {
		call_fail(c, &S3_InvalidTag, "The TagValue you have provided is invalid");
		call_fail_field(c, "TagKey", t->Key);
		return call_fail_field(c, "TagValue", t->Value);
	}
	if (str_starts(t->Key, STR("aws:"))) {
		call_fail(c, &S3_InvalidTag, "System tags cannot be added/updated by requester");
		return call_fail_field(c, "TagKey", t->Key);
	}
	return CALL_OK;
}

int
s3_tags_check(struct call *c, const struct s3_tag *tags, uint32_t n, uint32_t max)
{
	if (n > max)
		return max == 10 ? call_fail(c, &S3_BadRequest,
					   "Object tags cannot be greater than 10")
				 : call_fail(c, &S3_BadRequest,
					   "Bucket tag count cannot be greater than %u", max);
	for (uint32_t i = 0; i < n; i++) {
		if (tag_check(c, &tags[i]))
			return CALL_FAILED;
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(tags[i].Key, tags[j].Key)) {
				call_fail(c, &S3_InvalidTag,
					"Cannot provide multiple Tags with the same key");
				return call_fail_field(c, "TagKey", tags[i].Key);
			}
	}
	return CALL_OK;
}

int
s3_tags_parse(struct call *c, struct str text, struct s3_object_row *o)
{
	struct uri_param param;
	struct str rest = text;
	uint32_t n = 0;
	while (uri_param_next(&rest, &param))
		n++;
	if (n > 50)
		n = 50; /* far above the limit that fails below */
	S3_LIST_NEW(c, o->Tags, n);
	for (rest = text; o->Tags.n < n && uri_param_next(&rest, &param); o->Tags.n++) {
		struct s3_tag *t = &o->Tags.v[o->Tags.n];
		t->Key = uri_decode(c->arena, param.key, URI_PLUS_IS_SPACE);
		t->Value = param.value.p ? uri_decode(c->arena, param.value, URI_PLUS_IS_SPACE)
					 : STR("");
		if (!t->Key.p || !t->Value.p || !str_utf8_valid(t->Key) ||
			!str_utf8_valid(t->Value)) {
			call_fail(c, &S3_InvalidArgument,
				"The header 'x-amz-tagging' shall be encoded as UTF-8 then "
				"URLEncoded URL query "
				"parameters without tag name duplicates.");
			call_fail_field(c, "ArgumentName", STR("x-amz-tagging"));
			return call_fail_field(c, "ArgumentValue", text);
		}
	}
	return s3_tags_check(c, o->Tags.v, o->Tags.n, 10);
}
