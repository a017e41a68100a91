#include "aws/errors.h"
#include "svc/s3/s3.h"

static struct str
etag_bare(struct str s)
{
	s = str_trim(s);
	if (str_starts(s, STR("W/")))
		s = str_slice(s, 2, s.len);
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		s = str_slice(s, 1, s.len - 1);
	return s;
}

/* A list of entity tags, or "*". */
static bool
etag_listed(struct str list, struct str etag)
{
	for (struct str rest = list; rest.p;) {
		struct str one = etag_bare(str_cut(&rest, ','));
		if (str_is(one, "*") || str_eq(one, etag))
			return true;
	}
	return false;
}

/* HTTP dates have whole seconds. */
static bool
modified_after(int64_t modified_ms, int64_t at_ms)
{
	return modified_ms / 1000 > at_ms / 1000;
}

enum s3_condition_result
s3_conditions_check(
	const struct s3_conditions *k, struct str etag, int64_t modified_ms, const char **ret_name)
{
	if (k->if_match.p) {
		*ret_name = "If-Match";
		if (!etag_listed(k->if_match, etag))
			return S3_COND_FAILED;
	} else if (k->unmodified_since.set) {
		*ret_name = "If-Unmodified-Since";
		if (modified_after(modified_ms, k->unmodified_since.ms))
			return S3_COND_FAILED;
	}
	if (k->if_none_match.p) {
		*ret_name = "If-None-Match";
		if (etag_listed(k->if_none_match, etag))
			return S3_COND_NOT_MODIFIED;
	} else if (k->modified_since.set) {
		*ret_name = "If-Modified-Since";
		if (!modified_after(modified_ms, k->modified_since.ms))
			return S3_COND_NOT_MODIFIED;
	}
	return S3_COND_PASS;
}

static int
precondition_failed(struct call *c, const char *name)
{
	call_fail(c, &S3_PreconditionFailed, NULL);
	return call_fail_field(c, "Condition", str_c(name));
}

int
s3_write_conditions(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct str if_match, struct str if_none_match)
{
	struct s3_object_row now = { 0 };
	if (!if_match.p && !if_none_match.p)
		return CALL_OK;
	if (if_match.p && if_none_match.p) {
		call_fail(c, &S3_NotImplemented, NULL);
		call_fail_field(c, "Header", STR("If-Match,If-None-Match"));
		return call_fail_field(c, "additionalMessage",
			STR("Multiple conditional request headers present in the request"));
	}
	bool there = s3_current_get(c, b, key, &now);
	if (if_none_match.p) {
		if (!str_is(str_trim(if_none_match), "*")) {
			call_fail(c, &S3_NotImplemented, NULL);
			return call_fail_field(c, "Header", STR("If-None-Match"));
		}
		return there ? precondition_failed(c, "If-None-Match") : CALL_OK;
	}
	if (!there) {
		call_fail(c, &S3_NoSuchKey, NULL);
		return call_fail_field(c, "Key", key);
	}
	return etag_listed(if_match, now.ETag) ? CALL_OK : precondition_failed(c, "If-Match");
}

static int
range_invalid(struct call *c, struct str header, uint64_t size)
{
	call_fail(c, &S3_InvalidRange, NULL);
	call_fail_field(c, "RangeRequested", header);
	return call_fail_field(
		c, "ActualObjectSize", arena_printf(c->arena, "%llu", (unsigned long long)size));
}

int
s3_range_parse(struct call *c, struct str header, uint64_t size, struct s3_range *ret)
{
	*ret = (struct s3_range){ 0, size, false };
	struct str s = str_trim(header);
	if (!header.p || !str_starts(s, STR("bytes=")) || str_find(s, ',') >= 0)
		return CALL_OK;
	s = str_slice(s, 6, s.len);
	long dash = str_find(s, '-');
	if (dash < 0)
		return CALL_OK;
	struct str a = str_trim(str_slice(s, 0, (size_t)dash)),
		   z = str_trim(str_slice(s, (size_t)dash + 1, s.len));
	uint64_t from, to;
	if (!a.len) {
		if (!str_to_u64(z, &to))
			return CALL_OK;
		if (!to || !size)
			return range_invalid(c, header, size);
		from = to < size ? size - to : 0;
		*ret = (struct s3_range){ from, size - from, true };
		return CALL_OK;
	}
	if (!str_to_u64(a, &from) || (z.len && !str_to_u64(z, &to)))
		return CALL_OK;
	if (!z.len || to >= size)
		to = size ? size - 1 : 0;
	if (from >= size)
		return range_invalid(c, header, size);
	if (to >= from)
		*ret = (struct s3_range){ from, to - from + 1, true };
	return CALL_OK;
}
