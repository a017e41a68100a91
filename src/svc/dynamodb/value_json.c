/* Values from the wire and back: {"S": "…"}, and AWS's sentences for what is wrong with them. */
#include "base/text.h"
#include "svc/dynamodb/dynamodb.h"

int
ddb_fail(struct call *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return call_fail(c, &ERR_ValidationException, "%.*s", STR_FMT(text));
}

int
ddb_fail_wrap(struct call *c, const char *before, const char *after)
{
	c->error_message =
		arena_printf(c->arena, "%s%.*s%s", before, STR_FMT(c->error_message), after);
	return CALL_FAILED;
}

/* ---- types: what the front end checks before anything else */

static int bad(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int
bad(struct call *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return call_fail(c, &ERR_SerializationException, "%.*s", STR_FMT(text));
}

static const char not_expected[] = "Start of structure or map found where not expected";
static const char value_map[] = "Unrecognized collection type java.util.Map<java.lang.String, "
				"com.amazonaws.dynamodb.v20120810.AttributeValue>";
static const char cast[] =
	"class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to "
	"class "
	"java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
	"java.lang.Class are in module java.base of loader 'bootstrap')";

static bool
is_decimal(struct str number)
{
	return str_find(number, '.') >= 0 || str_find(number, 'e') >= 0 ||
	       str_find(number, 'E') >= 0;
}

static int
scalar_refuse(struct call *c, const struct json *j, const char *wanted)
{
	if (j->kind == JSON_OBJECT)
		return bad(c, not_expected);
	if (j->kind == JSON_ARRAY)
		return bad(c, "Unrecognized collection type class java.lang.%s", wanted);
	return bad(c, "%s cannot be converted to %s",
		j->kind == JSON_BOOL  ? (j->b ? "TRUE_VALUE" : "FALSE_VALUE")
		: is_decimal(j->text) ? "DECIMAL_VALUE"
				      : "NUMBER_VALUE",
		wanted);
}

static int
check_text(struct call *c, const struct json *j)
{
	return j->kind == JSON_STR || j->kind == JSON_NULL ? 0 : scalar_refuse(c, j, "String");
}

static int
bool_word(struct str s)
{
	static const char *const yes[] = { "true", "1", "yes" }, *const no[] = { "false", "0",
		"no" };
	for (unsigned i = 0; i < 3; i++) {
		if (str_eq_nocase(s, str_c(yes[i])))
			return 1;
		if (str_eq_nocase(s, str_c(no[i])))
			return 0;
	}
	return -1;
}

static int
check_bool(struct call *c, const struct json *j)
{
	if (j->kind == JSON_BOOL || j->kind == JSON_NULL)
		return 0;
	if (j->kind == JSON_STR)
		return bool_word(j->text) >= 0 ? 0
					       : bad(c, "Unexpected token received from parser");
	return scalar_refuse(c, j, "Boolean");
}

static int
check_blob(struct call *c, const struct json *j)
{
	if (j->kind == JSON_NULL)
		return 0;
	if (j->kind == JSON_OBJECT)
		return bad(c, not_expected);
	if (j->kind == JSON_ARRAY)
		return bad(c, "Unrecognized collection type class java.nio.ByteBuffer");
	if (j->kind != JSON_STR)
		return bad(c, "only base-64-encoded strings are convertible to bytes");
	if (j->text.len % 4)
		return bad(c,
			"Base64 encoded length is expected a multiple of 4 bytes but found: %zu",
			j->text.len);
	if (!base64_bytes(c->arena, j->text, BASE64_STRICT).p)
		return bad(c, "Invalid last non-pad Base64 character dectected");
	return 0;
}

static int check_value(struct call *c, const struct json *j, bool element, unsigned depth);

static int
check_list(struct call *c, const struct json *j, int type, unsigned depth)
{
	if (j->kind == JSON_NULL)
		return 0;
	if (j->kind != JSON_ARRAY)
		return bad(
			c, "%s", j->kind == JSON_OBJECT ? not_expected : "Unexpected field type");
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json *e = &j->items[i];
		int r = type == DDB_L    ? check_value(c, e, true, depth)
			: type == DDB_BS ? check_blob(c, e)
					 : check_text(c, e);
		if (r)
			return r;
	}
	return 0;
}

static int
check_map(struct call *c, const struct json *j, bool element, unsigned depth)
{
	if (j->kind == JSON_NULL)
		return 0;
	if (j->kind == JSON_ARRAY)
		return bad(c, value_map);
	if (j->kind != JSON_OBJECT)
		return bad(c, "%s", element ? cast : "Unexpected field type");
	for (uint32_t i = 0; i < j->n; i++)
		if (check_value(c, &j->members[i].value, true, depth))
			return CALL_FAILED;
	return 0;
}

static int
check_value(struct call *c, const struct json *j, bool element, unsigned depth)
{
	if (j->kind == JSON_NULL || depth > 2 * DDB_NESTING_MAX)
		return 0;
	if (j->kind == JSON_ARRAY)
		return bad(c, "Unrecognized collection type class "
			      "com.amazonaws.dynamodb.v20120810.AttributeValue");
	if (j->kind != JSON_OBJECT)
		return bad(c, "%s",
			element ? "Unexpected value type in payload" : "Unexpected field type");
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json *v = &j->members[i].value;
		int type = ddb_type_of(j->members[i].key), r = 0;
		if (type == DDB_S || type == DDB_N)
			r = check_text(c, v);
		else if (type == DDB_B)
			r = check_blob(c, v);
		else if (type == DDB_BOOL || type == DDB_NULL)
			r = check_bool(c, v);
		else if (type == DDB_M)
			r = check_map(c, v, false, depth + 1);
		else if (type >= 0)
			r = check_list(c, v, type, depth + 1);
		if (r)
			return r;
	}
	return 0;
}

int
ddb_document_check(struct call *c, const struct shape *s, const struct json *j, bool element)
{
	if (s->name && strcmp(s->name, "AttributeMap") == 0)
		return check_map(c, j, element, 0);
	return check_value(c, j, element, 0);
}

/* ---- reading */

static const struct json null_number = { .kind = JSON_STR };

static int
read_number(struct call *c, const struct json *j, struct str *ret)
{
	uint8_t bytes[DDB_NUMBER_BYTES];
	size_t len = 0;
	struct str text = j->kind == JSON_STR ? j->text : null_number.text;
	if (!text.len)
		return ddb_fail(c, "The parameter cannot be converted to a numeric value");
	switch (ddb_number_parse(text, bytes, &len)) {
	case DDB_NUMBER_OK:
		*ret = arena_dup(c->arena, str_of(bytes, len));
		return 0;
	case DDB_NUMBER_OVERFLOW:
		return ddb_fail(c, "Number overflow. Attempting to store a number with magnitude "
				   "larger than supported range");
	case DDB_NUMBER_UNDERFLOW:
		return ddb_fail(c, "Number underflow. Attempting to store a number with magnitude "
				   "smaller than supported range");
	case DDB_NUMBER_PRECISION:
		return ddb_fail(
			c, "Attempting to store more than 38 significant digits in a Number");
	default:
		return ddb_fail(c, "The parameter cannot be converted to a numeric value: %.*s",
			STR_FMT(text));
	}
}

static struct str
listed(struct call *c, const struct json *j)
{
	struct buf b = { 0 };
	buf_add_c(&b, '[');
	for (uint32_t i = 0; i < j->n; i++) {
		if (i)
			buf_add_lit(&b, ", ");
		buf_add_str(&b, json_text(&j->items[i]));
	}
	buf_add_c(&b, ']');
	struct str s = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static bool
has_duplicates(struct call *c, const struct ddb_val *v)
{
	struct ddb_val sorted = *v;
	if (v->n <= 16) {
		for (uint32_t i = 1; i < v->n; i++)
			for (uint32_t k = 0; k < i; k++)
				if (str_eq(v->set[i], v->set[k]))
					return true;
		return false;
	}
	sorted.set = arena_array(c->arena, struct str, v->n);
	memcpy(sorted.set, v->set, sizeof(struct str) * v->n);
	ddb_sort_set(&sorted);
	for (uint32_t i = 1; i < v->n; i++)
		if (str_eq(sorted.set[i - 1], sorted.set[i]))
			return true;
	return false;
}

static int
read_set(struct call *c, const struct json *j, struct ddb_val *v)
{
	static const char invalid[] = "One or more parameter values were invalid: ";
	if (!j->n)
		return ddb_fail(c, "%s%s", invalid,
			v->type == DDB_BS   ? "Binary sets should not be empty"
			: v->type == DDB_SS ? "An string set  may not be empty"
					    : "An number set  may not be empty");
	v->n = j->n;
	v->set = arena_array(c->arena, struct str, j->n);
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json *e = &j->items[i];
		if (v->type == DDB_NS && read_number(c, e, &v->set[i]))
			return CALL_FAILED;
		if (v->type == DDB_SS)
			v->set[i] = e->kind == JSON_STR ? e->text : STR("");
		if (v->type == DDB_BS)
			v->set[i] = e->kind == JSON_STR
					    ? base64_bytes(c->arena, e->text, BASE64_STRICT)
					    : STR("");
	}
	if (!has_duplicates(c, v))
		return 0;
	if (v->type == DDB_NS)
		return ddb_fail(c, "Input collection contains duplicates");
	return ddb_fail(c, "%sInput collection %.*s%s contains duplicates.", invalid,
		STR_FMT(listed(c, j)), v->type == DDB_BS ? "of type BS" : "");
}

static int value_read(struct call *c, const struct json *j, struct ddb_val *ret, unsigned depth);

static int
read_list(struct call *c, const struct json *j, struct ddb_val *v, unsigned depth)
{
	v->items = arena_array(c->arena, struct ddb_val, j->n);
	for (uint32_t i = 0; i < j->n; i++) {
		if (j->items[i].kind == JSON_NULL)
			continue;
		if (value_read(c, &j->items[i], &v->items[v->n], depth))
			return CALL_FAILED;
		v->n++;
	}
	return 0;
}

static int
map_read(struct call *c, const struct json *j, struct ddb_val *v, unsigned depth)
{
	v->type = DDB_M;
	v->n = 0;
	v->attrs = arena_array(c->arena, struct ddb_attr, j ? j->n : 0);
	for (uint32_t i = 0; j && i < j->n; i++) {
		if (j->members[i].value.kind == JSON_NULL)
			continue;
		v->attrs[v->n].name = j->members[i].key;
		if (value_read(c, &j->members[i].value, &v->attrs[v->n].v, depth))
			return CALL_FAILED;
		v->n++;
	}
	return 0;
}

static bool
truth(const struct json *j)
{
	return j->kind == JSON_BOOL ? j->b : bool_word(json_text(j)) == 1;
}

static int
read_typed(struct call *c, int type, const struct json *v, struct ddb_val *ret, unsigned depth)
{
	*ret = (struct ddb_val){ .type = (uint8_t)type };
	if (depth >= DDB_NESTING_MAX && (type == DDB_L || type == DDB_M))
		return ddb_fail(c, "Nesting Levels have exceeded supported limits");
	switch (type) {
	case DDB_S:
		ret->s = v->text;
		return 0;
	case DDB_N:
		return read_number(c, v, &ret->s);
	case DDB_B:
		ret->s = base64_bytes(c->arena, v->text, BASE64_STRICT);
		return 0;
	case DDB_BOOL:
		ret->b = truth(v);
		return 0;
	case DDB_NULL:
		ret->b = true;
		return truth(v) ? 0
				: ddb_fail(c,
					  "One or more parameter values were invalid: "
					  "Null attribute value types must have the value of true");
	case DDB_L:
		return read_list(c, v, ret, depth + 1);
	case DDB_M:
		return map_read(c, v, ret, depth + 1);
	default:
		return read_set(c, v, ret);
	}
}

static int
value_read(struct call *c, const struct json *j, struct ddb_val *ret, unsigned depth)
{
	unsigned types = 0;
	struct ddb_val v;
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json *m = &j->members[i].value;
		int type = ddb_type_of(j->members[i].key);
		if (type < 0 || m->kind == JSON_NULL)
			continue;
		if (read_typed(c, type, m, types ? &v : ret, depth))
			return CALL_FAILED;
		types++;
	}
	if (!types)
		return ddb_fail(c, "Supplied AttributeValue is empty, must contain exactly one of "
				   "the supported datatypes");
	if (types > 1)
		return ddb_fail(c, "Supplied AttributeValue has more than one datatypes set, must "
				   "contain exactly "
				   "one of the supported datatypes");
	return 0;
}

int
ddb_value_read(struct call *c, const struct json *j, struct ddb_val *ret)
{
	return value_read(c, j, ret, 0);
}

int
ddb_map_read(struct call *c, const struct json *j, struct ddb_val *ret)
{
	return map_read(c, j, ret, 0);
}

/* ---- writing */

void
ddb_scalar_write(struct buf *b, int type, struct str s)
{
	char text[DDB_NUMBER_TEXT];
	if (type == DDB_N || type == DDB_NS) {
		buf_add_c(b, '"');
		buf_add_str(b, ddb_number_text(s, text));
		buf_add_c(b, '"');
	} else if (type == DDB_B || type == DDB_BS) {
		buf_add_c(b, '"');
		base64_add(b, s);
		buf_add_c(b, '"');
	} else {
		json_add_quoted(b, s);
	}
}

void
ddb_map_write(struct buf *b, const struct ddb_val *v)
{
	buf_add_c(b, '{');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			buf_add_c(b, ',');
		json_add_quoted(b, v->attrs[i].name);
		buf_add_c(b, ':');
		ddb_value_write(b, &v->attrs[i].v);
	}
	buf_add_c(b, '}');
}

void
ddb_value_write(struct buf *b, const struct ddb_val *v)
{
	buf_printf(b, "{\"%s\":", ddb_type_names[v->type]);
	switch (v->type) {
	case DDB_S:
	case DDB_N:
	case DDB_B:
		ddb_scalar_write(b, v->type, v->s);
		break;
	case DDB_BOOL:
	case DDB_NULL:
		buf_printf(b, "%s", v->b ? "true" : "false");
		break;
	case DDB_M:
		ddb_map_write(b, v);
		break;
	default:
		buf_add_c(b, '[');
		for (uint32_t i = 0; i < v->n; i++) {
			if (i)
				buf_add_c(b, ',');
			if (v->type == DDB_L)
				ddb_value_write(b, &v->items[i]);
			else
				ddb_scalar_write(b, v->type, v->set[i]);
		}
		buf_add_c(b, ']');
	}
	buf_add_c(b, '}');
}

/* The writer puts a number's text out as it is, so it carries any JSON that is ready. */
struct json *
ddb_json_raw(struct call *c, struct str text)
{
	struct json *j = arena_new(c->arena, struct json);
	j->kind = JSON_NUMBER;
	j->text = text;
	return j;
}

struct json *
ddb_json(struct call *c, const struct ddb_val *map)
{
	struct buf b = { 0 };
	ddb_map_write(&b, map);
	struct json *j = ddb_json_raw(c, arena_dup(c->arena, buf_str(&b)));
	buf_done(&b);
	return j;
}

struct json *
ddb_json_value(struct call *c, const struct ddb_val *v)
{
	struct buf b = { 0 };
	ddb_value_write(&b, v);
	struct json *j = ddb_json_raw(c, arena_dup(c->arena, buf_str(&b)));
	buf_done(&b);
	return j;
}
