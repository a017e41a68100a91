/* The policy document of a form: when it ends, and what each field must be. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "svc/s3/post_form.h"

struct judge {
	struct arena *a;
	const struct s3_form *f;
	struct str bucket;
	struct s3_form_verdict *v;
	bool named[S3_FORM_FIELDS_MAX]; /* by some condition */
};

static bool
invalid(struct judge *j, const char *why)
{
	j->v->code = "InvalidPolicyDocument";
	j->v->message = arena_printf(j->a, "Invalid Policy: %s", why);
	return false;
}

static bool
denied(struct judge *j, struct str why)
{
	j->v->code = "AccessDenied";
	j->v->message = arena_concat(j->a, STR("Invalid according to Policy: "), why);
	return false;
}

static bool
condition_failed(struct judge *j, const char *op, struct str name, struct str value)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	buf_printf(&b, "Policy Condition failed: [\"%s\", ", op);
	json_write_str(&w, arena_concat(j->a, STR("$"), name));
	buf_add_lit(&b, ", ");
	w.more = false;
	json_write_str(&w, value);
	buf_add_lit(&b, "]");
	denied(j, arena_dup(j->a, buf_str(&b)));
	buf_done(&b);
	return false;
}

static struct str
field_named(struct judge *j, struct str name)
{
	struct str value = str_eq_nocase(name, STR("bucket")) ? j->bucket : STR_NULL;
	for (unsigned i = 0; i < j->f->n; i++)
		if (str_eq_nocase(j->f->v[i].name, name)) {
			j->named[i] = true;
			if (!value.p)
				value = j->f->v[i].value;
		}
	return value;
}

/* Content-Type may be a list; then each of its types has to fit. */
static bool
begins(struct str name, struct str value, struct str prefix)
{
	if (!str_eq_nocase(name, STR("content-type")))
		return str_starts(value, prefix);
	while (value.p)
		if (!str_starts(str_trim(str_cut(&value, ',')), prefix))
			return false;
	return true;
}

static bool
condition_text(struct judge *j, bool exact, struct str name, struct str wanted)
{
	struct str value = field_named(j, name);
	bool fits = value.p && (exact ? str_eq(value, wanted) : begins(name, value, wanted));
	return fits || condition_failed(j, exact ? "eq" : "starts-with", name, wanted);
}

static bool
number_of(const struct json *x, int64_t *ret)
{
	return json_i64(x, ret) || str_to_i64(json_text(x), ret);
}

static bool
condition_length(struct judge *j, const struct json *c)
{
	int64_t min, max, size = (int64_t)j->f->file.len;
	if (!number_of(json_at(c, 1), &min) || !number_of(json_at(c, 2), &max))
		return invalid(j, "Invalid content-length-range.");
	if (size >= min && size <= max)
		return true;
	bool large = size > max;
	j->v->code = large ? "EntityTooLarge" : "EntityTooSmall";
	j->v->message =
		large ? STR("Your proposed upload exceeds the maximum allowed size")
		      : STR("Your proposed upload is smaller than the minimum allowed size");
	j->v->limit = large ? max : min;
	return false;
}

static bool
condition_list(struct judge *j, const struct json *c)
{
	struct str op = json_text(json_at(c, 0)), name = json_text(json_at(c, 1)),
		   value = json_text(json_at(c, 2));
	if (c->n != 3 || !op.p)
		return invalid(j, "Invalid Condition: wrong number of arguments.");
	if (str_eq_nocase(op, STR("content-length-range")))
		return condition_length(j, c);
	bool exact = str_eq_nocase(op, STR("eq"));
	if (!exact && !str_eq_nocase(op, STR("starts-with")))
		return invalid(j, "Invalid Condition: unknown operation.");
	if (!name.len || name.p[0] != '$' || !value.p)
		return invalid(
			j, "Invalid Condition: Starts-With and Eq need \"$field\" and a value.");
	return condition_text(j, exact, str_slice(name, 1, name.len), value);
}

static bool
condition_object(struct judge *j, const struct json *c)
{
	if (c->n != 1)
		return invalid(j, "Invalid Simple-Condition: Simple-Conditions must have exactly "
				  "one property specified.");
	struct str value = json_text(&c->members[0].value);
	if (!value.p)
		return invalid(j, "Invalid Simple-Condition: value must be a string.");
	return condition_text(j, true, c->members[0].key, value);
}

static bool
needs_no_condition(struct str name)
{
	return str_eq_nocase(name, STR("policy")) || str_eq_nocase(name, STR("x-amz-signature")) ||
	       str_eq_nocase(name, STR("AWSAccessKeyId")) ||
	       str_eq_nocase(name, STR("signature")) ||
	       (name.len >= 9 && str_eq_nocase(str_slice(name, 0, 9), STR("x-ignore-")));
}

static bool
all_named(struct judge *j)
{
	for (unsigned i = 0; i < j->f->n; i++)
		if (!j->named[i] && !needs_no_condition(j->f->v[i].name))
			return denied(j,
				arena_concat(j->a, STR("Extra input fields: "), j->f->v[i].name));
	return true;
}

void
s3_form_judge(struct arena *a, const struct s3_form *f, struct str bucket, struct str document,
	int64_t now_ms, struct s3_form_verdict *ret)
{
	struct judge j = { .a = a, .f = f, .bucket = bucket, .v = ret };
	struct str text = base64_bytes(a, document, BASE64_LENIENT);
	int64_t expires_ms;
	*ret = (struct s3_form_verdict){ NULL, STR_NULL, 0 };
	struct json *doc = text.p ? json_parse(a, text, 8, NULL) : NULL;
	if (!json_is(doc, JSON_OBJECT)) {
		invalid(&j, "Invalid JSON.");
		return;
	}
	const struct json *list = json_get_lit(doc, "conditions");
	struct str expiration = json_get_text(doc, STR("expiration"));
	if (!expiration.p || !list) {
		invalid(&j,
			expiration.p ? "Policy missing conditions." : "Policy missing expiration.");
		return;
	}
	/* Other forms of a date are none here: "2026-01-02 03:04:05+00:00". */
	bool gmt = str_find(expiration, 'T') == 10 && str_ends(expiration, STR("Z"));
	if (!gmt || !time_parse(expiration, &expires_ms) || !json_is(list, JSON_ARRAY)) {
		invalid(&j, list->kind == JSON_ARRAY ? "Invalid 'expiration' value."
						     : "Invalid 'conditions' value.");
		return;
	}
	if (expires_ms <= now_ms) {
		denied(&j, STR("Policy expired."));
		return;
	}
	for (uint32_t i = 0; i < list->n; i++) {
		const struct json *c = &list->items[i];
		bool known = json_is(c, JSON_ARRAY) || json_is(c, JSON_OBJECT);
		if (!known && !invalid(&j, "Invalid 'conditions' value."))
			return;
		if (json_is(c, JSON_ARRAY) ? !condition_list(&j, c) : !condition_object(&j, c))
			return;
	}
	all_named(&j);
}
