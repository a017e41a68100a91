#include "aws/validate.h"

#include "aws/errors.h"
#include "aws/pattern.h"
#include "base/buf.h"

/*
 * How the validator of a service speaks. CLASSIC lists every violation in one sentence; the others
 * name the first.
 */
enum style {
	STYLE_CLASSIC, /* "2 validation errors detected: Value 'x' at 'y' failed to satisfy constraint: …; …" */
	STYLE_MISSING, /* as CLASSIC, but a member that is absent is MissingParameter */
	STYLE_EC2,
	STYLE_S3,
};

static const struct dialect {
	const char *service; /* NULL: any other one */
	enum style style;
	struct api_error error; /* CLASSIC; code NULL: ValidationException or ValidationError */
} dialects[] = {
	{ "ec2", STYLE_EC2, { .code = NULL } },
	{ "s3", STYLE_S3, { .code = NULL } },
	{ "sqs", STYLE_MISSING, { .code = "InvalidParameterValue", .status = 400 } },
	{ "rds", STYLE_MISSING, { .code = "InvalidParameterValue", .status = 400 } },
	{ "elasticache", STYLE_MISSING, { .code = "InvalidParameterValue", .status = 400 } },
	{ "redshift", STYLE_MISSING, { .code = "InvalidParameterValue", .status = 400 } },
	{ "cloudwatch", STYLE_MISSING, { .code = "InvalidParameterValue", .status = 400 } },
	{ "logs", STYLE_CLASSIC, { .code = "InvalidParameterException", .status = 400 } },
	{ "ecr", STYLE_CLASSIC, { .code = "InvalidParameterException", .status = 400 } },
	{ "ecs", STYLE_CLASSIC, { .code = "InvalidParameterException", .status = 400 } },
	{ "eks", STYLE_CLASSIC, { .code = "InvalidParameterException", .status = 400 } },
	{ "route53", STYLE_CLASSIC, { .code = "InvalidInput", .status = 400 } },
	{ "cloudfront", STYLE_CLASSIC, { .code = "InvalidArgument", .status = 400 } },
	{ "s3control", STYLE_CLASSIC, { .code = "InvalidRequest", .status = 400 } },
	{ NULL, STYLE_CLASSIC, { .code = NULL } },
};

static const struct api_error missing_parameter = { .code = "MissingParameter", .status = 400 };
static const struct api_error invalid_value = { .code = "InvalidParameterValue", .status = 400 };
static const struct api_error s3_no_body = { .code = "MissingRequestBodyError",
	.message = "Request Body is empty", .status = 400 };
static const struct api_error s3_invalid_request = { .code = "InvalidRequest", .status = 400 };

#define VIOLATIONS_MAX 20
#define VIOLATIONS_MAX_DYNAMODB 10
#define VALUE_SHOWN_MAX 1024
#define DEPTH_MAX 48

/* Where in the input we are: a chain through the callers' frames. */
struct place {
	const struct place *up;
	const struct field *field; /* NULL: an element of the list or map above */
	struct str key;            /* map */
	uint32_t index;            /* list, from 1 */
};

struct check {
	struct call *c;
	const struct dialect *d;
	struct buf text;
	unsigned found, max, depth; /* violations: so many, and no more than so many are told */
	int result; /* of the styles that stop at the first */
};

static const struct dialect *
dialect_of(const struct service *s)
{
	const struct dialect *d = dialects;
	while (d->service && (!s || strcmp(d->service, s->name) != 0))
		d++;
	return d;
}

/* ---- names and values in sentences */

/* 'tags.1.member.value': lower first letters, elements as number.member or key.member. */
static void
add_path(struct buf *b, const struct place *p)
{
	if (p->up) {
		add_path(b, p->up);
		buf_add_c(b, '.');
	}
	if (p->field) {
		const char *name = p->field->name;
		buf_add_c(b, name[0] >= 'A' && name[0] <= 'Z' ? (char)(name[0] + 32) : name[0]);
		buf_add(b, name + 1, strlen(name + 1));
		return;
	}
	if (p->key.p)
		buf_add_str(b, str_slice(p->key, 0, VALUE_SHOWN_MAX));
	else
		buf_add_u64(b, p->index);
	buf_add_lit(b, ".member");
}

/* EC2's own spelling: Filter.1.Name, as the client sent it. */
static void
add_query_path(struct buf *b, const struct place *p)
{
	if (p->up) {
		add_query_path(b, p->up);
		buf_add_c(b, '.');
	}
	if (!p->field) {
		buf_add_u64(b, p->index);
		return;
	}
	const char *name = p->field->query ? p->field->query : p->field->wire;
	buf_add_c(b, name[0] >= 'a' && name[0] <= 'z' ? (char)(name[0] - 32) : name[0]);
	buf_add(b, name + 1, strlen(name + 1));
}

static bool
is_secret(const struct place *p)
{
	for (; p; p = p->up)
		if (p->field && p->field->flags & FIELD_SENSITIVE)
			return true;
	return false;
}

static void
add_text(struct buf *b, struct str s)
{
	buf_add_str(b, str_slice(s, 0, VALUE_SHOWN_MAX));
}

/* `item`: as it lies in a list. */
static void
add_item(struct buf *b, const struct shape *s, const void *item)
{
	switch (s->kind) {
	case SHAPE_STR:
		add_text(b, *(const struct str *)item);
		break;
	case SHAPE_INT:
	case SHAPE_LONG:
	case SHAPE_TIME:
		buf_add_i64(b, *(const int64_t *)item);
		break;
	case SHAPE_BOOL:
		buf_printf(b, "%s", *(const bool *)item ? "true" : "false");
		break;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		buf_printf(b, "%g", *(const double *)item);
		break;
	default:
		buf_printf(b, "%s", s->name ? s->name : "");
	}
}

static void
add_items(struct buf *b, const struct shape *s, const struct list_any *list)
{
	const char *p = list->v;
	size_t start = b->len;
	buf_add_c(b, s->kind == SHAPE_MAP ? '{' : '[');
	for (uint32_t i = 0; i < list->n && b->len - start < VALUE_SHOWN_MAX; i++, p += s->size) {
		if (i)
			buf_add_lit(b, ", ");
		if (s->kind == SHAPE_MAP) {
			add_text(b, *(const struct str *)p);
			buf_add_c(b, '=');
		}
		add_item(b, s->value, p + (s->kind == SHAPE_MAP ? s->value_offset : 0));
	}
	buf_add_c(b, s->kind == SHAPE_MAP ? '}' : ']');
}

static void
add_value(struct buf *b, const struct shape *s, const void *item)
{
	if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP)
		add_items(b, s, item);
	else
		add_item(b, s, item);
}

/* ---- telling */

/* The EC2 way: the first violation is the answer. */
static void
tell_ec2(struct check *k, const struct place *p, const struct shape *s, const void *item,
	 struct str constraint)
{
	struct buf b = { 0 };
	const struct api_error *e = item ? &invalid_value : &missing_parameter;
	if (item) {
		buf_add_lit(&b, "Value (");
		add_value(&b, s, item);
		buf_add_lit(&b, ") for parameter ");
		add_query_path(&b, p);
		buf_add_lit(&b, " is invalid. ");
		buf_add_str(&b, constraint);
	} else {
		buf_add_lit(&b, "The request must contain the parameter ");
		add_query_path(&b, p);
	}
	k->result = call_fail(k->c, e, "%.*s", STR_FMT(buf_str(&b)));
	buf_done(&b);
}

/* S3's handlers check nearly everything with errors of their own; here only what no handler can
 * answer better: a body that must be there, an element of its XML. */
static void
tell_s3(struct check *k, const struct place *p, const void *item)
{
	const struct place *top = p;
	while (top->up)
		top = top->up;
	uint8_t location = top->field->location;
	if (location == LOC_PAYLOAD && top == p && !item)
		k->result = call_fail(k->c, &s3_no_body, NULL);
	else if (location == LOC_PAYLOAD || location == LOC_BODY)
		k->result = call_fail(k->c, &ERR_SerializationException, NULL);
	else if (!item)
		k->result = call_fail(k->c, &s3_invalid_request,
			"Missing required header for this request: %s", top->field->wire);
}

static void
tell(struct check *k, const struct place *p, const struct shape *s, const void *item,
     const char *constraint)
{
	if (k->result || k->found >= k->max)
		return;
	if (k->d->style == STYLE_EC2) {
		tell_ec2(k, p, s, item, str_c(constraint));
		return;
	}
	if (k->d->style == STYLE_S3) {
		tell_s3(k, p, item);
		return;
	}
	if (k->d->style == STYLE_MISSING && !item) {
		struct buf b = { 0 };
		add_query_path(&b, p);
		k->result = call_fail(k->c, &missing_parameter,
				      "The request must contain the parameter %.*s.",
				      STR_FMT(buf_str(&b)));
		buf_done(&b);
		return;
	}
	if (k->found++)
		buf_add_lit(&k->text, "; ");
	buf_add_lit(&k->text, "Value ");
	if (!item) {
		buf_add_lit(&k->text, "null ");
	} else if (!is_secret(p)) {
		buf_add_c(&k->text, '\'');
		add_value(&k->text, s, item);
		buf_add_lit(&k->text, "' ");
	}
	buf_add_lit(&k->text, "at '");
	add_path(&k->text, p);
	buf_printf(&k->text, "' failed to satisfy constraint: %s", constraint);
}

/* ---- constraints */

static bool
enum_has(const struct shape *s, struct str v)
{
	for (const char *const *e = s->values; *e; e++)
		if (str_eq(v, str_c(*e)))
			return true;
	return false;
}

static bool
is_counted(const struct shape *s)
{
	return s->kind == SHAPE_STR || s->kind == SHAPE_BLOB || s->kind == SHAPE_LIST ||
	       s->kind == SHAPE_MAP;
}

enum rule { RULE_ENUM, RULE_PATTERN, RULE_MAX, RULE_MIN, RULE_N };

/* `number`: length, count or value. */
static bool
rule_holds(const struct shape *s, enum rule rule, const void *item, int64_t number)
{
	switch (rule) {
	case RULE_ENUM:
		return !s->values || enum_has(s, *(const struct str *)item);
	case RULE_PATTERN:
		return !s->pattern || pattern_matches(s->pattern, *(const struct str *)item);
	case RULE_MAX:
		return s->max == INT64_MAX || number <= s->max;
	default:
		return s->min == INT64_MIN || number >= s->min;
	}
}

static bool
rule_exists(const struct shape *s, enum rule rule)
{
	return rule == RULE_ENUM      ? s->values != NULL
	       : rule == RULE_PATTERN ? s->pattern != NULL
	       : rule == RULE_MAX     ? s->max != INT64_MAX
				      : s->min != INT64_MIN;
}

static void
add_rule(struct buf *b, const struct shape *s, enum rule rule)
{
	const char *what = is_counted(s) ? "length" : "value";
	switch (rule) {
	case RULE_ENUM:
		buf_add_lit(b, "Member must satisfy enum value set: [");
		for (const char *const *e = s->values; *e; e++)
			buf_printf(b, "%s%s", e == s->values ? "" : ", ", *e);
		buf_add_c(b, ']');
		break;
	case RULE_PATTERN:
		buf_printf(b, "Member must satisfy regular expression pattern: %s", s->pattern);
		break;
	case RULE_MAX:
		buf_printf(b, "Member must have %s less than or equal to %lld", what,
			(long long)s->max);
		break;
	default:
		buf_printf(b, "Member must have %s greater than or equal to %lld", what,
			   (long long)s->min);
	}
}

static int64_t
number_of(const struct shape *s, const void *item)
{
	switch (s->kind) {
	case SHAPE_STR:
		return (int64_t)str_utf8_count(*(const struct str *)item);
	case SHAPE_BLOB:
		return (int64_t)((const struct str *)item)->len;
	case SHAPE_LIST:
	case SHAPE_MAP:
		return ((const struct list_any *)item)->n;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE: {
		double d = *(const double *)item;
		return d >= 9e18 ? INT64_MAX - 1 : d <= -9e18 ? INT64_MIN + 1 : (int64_t)d;
	}
	default:
		return *(const int64_t *)item;
	}
}

static bool
is_constrained(const struct shape *s)
{
	return s->kind != SHAPE_BOOL && s->kind != SHAPE_STRUCT && s->kind != SHAPE_UNION &&
	       s->kind != SHAPE_DOCUMENT && s->kind != SHAPE_BODY && s->kind != SHAPE_EVENTS &&
	       s->kind != SHAPE_TIME &&
	       (s->values || s->pattern || s->min != INT64_MIN || s->max != INT64_MAX);
}

static bool
scalar_holds(const struct shape *s, const void *item)
{
	if (!is_constrained(s))
		return true;
	int64_t number = number_of(s, item);
	for (enum rule r = 0; r < RULE_N; r++)
		if (!rule_holds(s, r, item, number))
			return false;
	return true;
}

static void
check_scalar(struct check *k, const struct place *p, const struct shape *s, const void *item)
{
	if (!is_constrained(s))
		return;
	int64_t number = number_of(s, item);
	for (enum rule r = 0; r < RULE_N; r++) {
		if (rule_holds(s, r, item, number))
			continue;
		struct buf b = { 0 };
		add_rule(&b, s, r);
		tell(k, p, s, item, b.p);
		buf_done(&b);
	}
}

/* A plain element that is wrong is told of the whole list, with every rule of the element. */
static void
tell_elements(struct check *k, const struct place *p, const struct shape *list,
	      const void *value, const struct shape *elem, const char *who)
{
	static const enum rule order[] = { RULE_MAX, RULE_MIN, RULE_PATTERN, RULE_ENUM };
	struct buf b = { 0 };
	bool more = false;
	buf_printf(&b, "%s must satisfy constraint: [", who);
	for (unsigned i = 0; i < RULE_N; i++) {
		if (!rule_exists(elem, order[i]))
			continue;
		if (more)
			buf_add_lit(&b, ", ");
		add_rule(&b, elem, order[i]);
		more = true;
	}
	buf_add_c(&b, ']');
	tell(k, p, list, value, b.p);
	buf_done(&b);
}

/* ---- the walk */

static void check_struct(struct check *k, const struct place *up, const struct shape *s,
			 const void *value);
static void check_list(struct check *k, const struct place *p, const struct shape *s,
		       const struct list_any *list);

static bool
is_plain(const struct shape *s)
{
	return s->kind != SHAPE_LIST && s->kind != SHAPE_MAP && s->kind != SHAPE_STRUCT &&
	       s->kind != SHAPE_UNION;
}

/* A list in a map is told of with the whole map, as a plain value is. */
static bool
is_list_of_map(const struct shape *s)
{
	return s->kind == SHAPE_MAP && s->value->kind == SHAPE_LIST;
}

static void
check_plain_elements(struct check *k, const struct place *p, const struct shape *s,
		     const struct list_any *list)
{
	bool map = s->kind == SHAPE_MAP, bad_key = false, bad_value = false;
	const char *at = list->v;
	for (uint32_t i = 0; i < list->n && !(bad_key && bad_value); i++, at += s->size) {
		bad_key = bad_key || (map && !scalar_holds(s->key, at));
		bad_value = bad_value ||
			    ((is_plain(s->value) || is_list_of_map(s)) &&
				    !scalar_holds(s->value, at + (map ? s->value_offset : 0)));
	}
	if (bad_key)
		tell_elements(k, p, s, list, s->key, "Map keys");
	if (bad_value)
		tell_elements(k, p, s, list, s->value, map ? "Map value" : "Member");
}

static void
check_list(struct check *k, const struct place *p, const struct shape *s,
	   const struct list_any *list)
{
	bool map = s->kind == SHAPE_MAP, in_map = !p->field && p->key.p;
	if (!in_map || s->kind != SHAPE_LIST)
		check_scalar(k, p, s, list);
	if (++k->depth < DEPTH_MAX) {
		check_plain_elements(k, p, s, list);
		const char *at = is_plain(s->value) ? NULL : list->v;
		for (uint32_t i = 0; at && i < list->n && !k->result && k->found < k->max;
		     i++, at += s->size) {
			struct place here = { p, NULL, map ? *(const struct str *)at : STR_NULL,
				i + 1 };
			const void *item = at + (map ? s->value_offset : 0);
			if (s->value->kind == SHAPE_LIST || s->value->kind == SHAPE_MAP)
				check_list(k, &here, s->value, item);
			else
				check_struct(k, &here, s->value, item);
		}
	}
	k->depth--;
}

/* The value as it would lie in a list; NULL: absent. */
static const void *
member_value(const struct shape *s, const void *m)
{
	switch (s->kind) {
	case SHAPE_STR:
	case SHAPE_BLOB:
		return ((const struct str *)m)->p ? m : NULL;
	case SHAPE_BOOL:
		return ((const struct opt_bool *)m)->set ? m : NULL;
	case SHAPE_INT:
	case SHAPE_LONG:
		return ((const struct opt_i64 *)m)->set ? m : NULL;
	case SHAPE_TIME:
		return ((const struct opt_time *)m)->set ? m : NULL;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return ((const struct opt_f64 *)m)->set ? m : NULL;
	case SHAPE_LIST:
	case SHAPE_MAP:
		return ((const struct list_any *)m)->set ? m : NULL;
	default:
		return *(void *const *)m;
	}
}

static void
check_member(struct check *k, const struct place *p, const void *m)
{
	const struct field *f = p->field;
	const struct shape *s = f->shape;
	const void *value = member_value(s, m);
	if (!value) {
		/* A body that is absent is an empty one; the front hands it over after
		 * validation. */
		if (f->flags & FIELD_REQUIRED && s->kind != SHAPE_BODY && s->kind != SHAPE_EVENTS)
			tell(k, p, s, NULL, "Member must not be null");
		return;
	}
	if (s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION)
		check_struct(k, p, s, value);
	else if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP)
		check_list(k, p, s, value);
	else
		check_scalar(k, p, s, value);
}

static void
check_struct(struct check *k, const struct place *up, const struct shape *s, const void *value)
{
	if (++k->depth < DEPTH_MAX) {
		for (const struct field *f = s->fields;
		     f < s->fields + s->fields_n && !k->result && k->found < k->max; f++) {
			struct place here = { up, f, STR_NULL, 0 };
			check_member(k, &here, (const char *)value + f->offset);
		}
	}
	k->depth--;
}

int
validate_input(struct call *c, const struct op *op, const void *in)
{
	struct check k = { .c = c, .d = dialect_of(c->service), .max = VIOLATIONS_MAX };
	if (c->service && c->service->name && strcmp(c->service->name, "dynamodb") == 0)
		k.max = VIOLATIONS_MAX_DYNAMODB;
	check_struct(&k, NULL, op->in, in);
	if (!k.result && k.found) {
		const struct api_error *e =
			k.d->error.code ? &k.d->error : &ERR_ValidationException;
		k.result = call_fail(c, e, "%u validation error%s detected: %.*s", k.found,
				     k.found == 1 ? "" : "s", STR_FMT(buf_str(&k.text)));
	}
	buf_done(&k.text);
	return k.result;
}
