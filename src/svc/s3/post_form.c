#include "svc/s3/post_form.h"

#define FORM_TYPE "multipart/form-data"
#define BOUNDARY_MAX 200

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

/* name=value or name="value" among parameters separated by ';'. */
static struct str
parameter(struct str rest, struct str name)
{
	while (rest.p) {
		/* A ';' inside quotes does not end the value. */
		size_t end = 0;
		bool quoted = false;
		while (end < rest.len && (quoted || rest.p[end] != ';')) {
			if (rest.p[end] == '\\' && quoted && end + 1 < rest.len)
				end++;
			else if (rest.p[end] == '"')
				quoted = !quoted;
			end++;
		}
		struct str value = str_trim(str_slice(rest, 0, end));
		rest = end < rest.len ? str_slice(rest, end + 1, rest.len) : STR_NULL;
		struct str key = str_trim(str_cut(&value, '='));
		if (!value.p || !str_eq_nocase(key, name))
			continue;
		value = str_trim(value);
		if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
			value = str_slice(value, 1, value.len - 1);
		return value;
	}
	return STR_NULL;
}

/* Takes a line that ends with CRLF off *rest. */
static bool
line_take(struct str *rest, struct str *ret_line)
{
	long end = str_find_str(*rest, STR("\r\n"));
	if (end < 0)
		return false;
	*ret_line = str_slice(*rest, 0, (size_t)end);
	*rest = str_slice(*rest, (size_t)end + 2, rest->len);
	return true;
}

struct part {
	struct str name, file_name, type, value;
};

static bool
part_head(struct str *rest, struct part *p)
{
	struct str line;
	while (line_take(rest, &line)) {
		if (!line.len)
			return p->name.p != NULL;
		struct str value = line, key = str_trim(str_cut(&value, ':'));
		if (!value.p)
			return false;
		if (str_eq_nocase(key, STR("content-type")))
			p->type = str_trim(value);
		if (!str_eq_nocase(key, STR("content-disposition")))
			continue;
		value = str_trim(value);
		if (!starts_nocase(value, STR("form-data")))
			return false;
		p->name = parameter(value, STR("name"));
		p->file_name = parameter(value, STR("filename"));
	}
	return false;
}

/* The value ends before CRLF, the delimiter and either "--" or CRLF. */
static bool
part_value(struct str *rest, struct str delimiter, struct str *ret_value, bool *ret_last)
{
	size_t from = 0;
	for (;;) {
		long at = str_find_str(str_slice(*rest, from, rest->len), delimiter);
		if (at < 0)
			return false;
		size_t end = from + (size_t)at, next = end + delimiter.len;
		struct str after = str_slice(*rest, next, rest->len);
		*ret_last = str_starts(after, STR("--"));
		if (*ret_last || str_starts(after, STR("\r\n"))) {
			*ret_value = str_slice(*rest, 0, end);
			*rest = str_slice(after, 2, after.len);
			return true;
		}
		from = next;
	}
}

static enum s3_form_result
parts_read(struct str body, struct str delimiter, struct s3_form *f)
{
	size_t head = 0;
	bool last = false;
	while (!last) {
		struct part p = { .name = STR_NULL };
		if (!part_head(&body, &p) || !part_value(&body, delimiter, &p.value, &last))
			return S3_FORM_MALFORMED;
		/* What follows the file is not looked at, but a second file is told. */
		if (str_eq_nocase(p.name, STR("file"))) {
			if (f->files_n++ == 0) {
				f->file = p.value;
				f->file_name = p.file_name;
				f->file_type = p.type;
			}
			continue;
		}
		if (f->files_n)
			continue;
		head += p.name.len + p.value.len;
		if (head > S3_FORM_HEAD_MAX || f->n == S3_FORM_FIELDS_MAX)
			return S3_FORM_TOO_LARGE;
		f->v[f->n++] = (struct s3_form_field){ p.name, p.value };
	}
	return S3_FORM_OK;
}

enum s3_form_result
s3_form_parse(struct str content_type, struct str body, struct s3_form *ret)
{
	char delimiter[BOUNDARY_MAX + 4] = "\r\n--";
	ret->n = ret->files_n = 0;
	ret->file = ret->file_name = ret->file_type = STR_NULL;
	if (!starts_nocase(content_type, STR(FORM_TYPE)))
		return S3_FORM_NOT_MULTIPART;
	struct str boundary = parameter(content_type, STR("boundary"));
	if (!boundary.len || boundary.len > BOUNDARY_MAX)
		return S3_FORM_MALFORMED;
	memcpy(delimiter + 4, boundary.p, boundary.len);
	struct str whole = str_of(delimiter, boundary.len + 4),
		   first = str_slice(whole, 2, whole.len);
	/* A preamble is allowed; none of the browsers sends one. */
	long at = str_starts(body, first) ? 0 : str_find_str(body, whole);
	if (at < 0)
		return S3_FORM_MALFORMED;
	body = str_slice(body, (size_t)at + (at ? whole.len : first.len), body.len);
	if (!str_starts(body, STR("\r\n")))
		return S3_FORM_MALFORMED;
	return parts_read(str_slice(body, 2, body.len), whole, ret);
}

struct str
s3_form_get(const struct s3_form *f, struct str name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (str_eq_nocase(f->v[i].name, name))
			return f->v[i].value;
	return STR_NULL;
}

void
s3_form_expand(struct arena *a, struct s3_form *f)
{
	struct str name = f->file_name.p ? f->file_name : STR("");
	for (size_t i = name.len; i-- > 0;)
		if (name.p[i] == '/' || name.p[i] == '\\') {
			name = str_slice(name, i + 1, name.len);
			break;
		}
	for (unsigned i = 0; i < f->n; i++) {
		struct str v = f->v[i].value;
		long at = str_find_str(v, STR("${filename}"));
		if (at < 0 || str_eq_nocase(f->v[i].name, STR("policy")))
			continue;
		struct str tail = str_slice(v, (size_t)at + 11, v.len);
		v = arena_concat(a, str_slice(v, 0, (size_t)at), name);
		f->v[i].value = arena_concat(a, v, tail);
	}
}
