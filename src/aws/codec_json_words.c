/*
 * JSON values of the wrong kind: what is said of them. Services differ; DynamoDB's front end names
 * Java's types, and clients' tests look for its sentences.
 */
#include "aws/codec_impl.h"
#include "base/json.h"

#include <math.h>

bool
codec_json_strict(const struct codec *d)
{
	return d->c && d->c->service && d->c->service->name &&
	       strcmp(d->c->service->name, "dynamodb") == 0;
}

/* Items may be 32 levels deep, and each level is two of JSON's. */
unsigned
codec_json_depth(const struct codec *d)
{
	return codec_json_strict(d) ? 2 * CODEC_DEPTH : CODEC_DEPTH;
}

bool
codec_json_i64(const struct codec *d, const struct json *j, int64_t *ret_value)
{
	double f;
	if (j->kind != JSON_NUMBER)
		return false;
	if (json_i64(j, ret_value))
		return true;
	if (!codec_json_strict(d) || !json_f64(j, &f) || fabs(f) > 9e18)
		return false;
	*ret_value = (int64_t)floor(f);
	return true;
}

int
codec_json_document(struct codec *d, const struct shape *s, const struct json *j, enum slot k)
{
	const struct call *c = d->c;
	if (!c || !c->service || !c->service->hooks || !c->service->hooks->document)
		return 0;
	return c->service->hooks->document(d->c, s, j, k == SLOT_ELEMENT);
}

static const char *
wanted_of(const struct shape *s)
{
	switch (s->kind) {
	case SHAPE_BOOL:
		return "Boolean";
	case SHAPE_INT:
		return "Integer";
	case SHAPE_LONG:
		return "Long";
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return "Double";
	case SHAPE_TIME:
		return "Timestamp";
	case SHAPE_BLOB:
		return "Blob";
	default:
		return "String";
	}
}

static const char *
kind_of(const struct json *j, bool exact)
{
	switch (j->kind) {
	case JSON_BOOL:
		return !exact ? "BOOLEAN_VALUE" : j->b ? "TRUE_VALUE" : "FALSE_VALUE";
	case JSON_NUMBER:
		for (size_t i = 0; exact && i < j->text.len; i++)
			if (strchr(".eE", j->text.p[i]))
				return "DECIMAL_VALUE";
		return "NUMBER_VALUE";
	case JSON_STR:
		return "STRING_VALUE";
	default:
		return "NULL_VALUE";
	}
}

static const char not_expected[] = "Start of structure or map found where not expected";
static const char java[] = "com.amazonaws.dynamodb.v20120810.";
static const char cast[] =
	"class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to "
	"class "
	"java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
	"java.lang.Class are in module java.base of loader 'bootstrap')";

static int
strict_map(struct codec *d, const struct shape *s)
{
	const struct shape *v = s->value;
	if (v->kind == SHAPE_STR)
		return codec_bad(d, "Unrecognized collection type java.util.Map<java.lang.String, "
				    "java.lang.String>");
	if (v->kind == SHAPE_LIST)
		return codec_bad(d,
			"Unrecognized collection type java.util.Map<java.lang.String, "
			"java.util.List<%s%s>>",
			java, v->value->name ? v->value->name : "AttributeValue");
	return codec_bad(d, "Unrecognized collection type java.util.Map<java.lang.String, %s%s>",
		java, v->name ? v->name : "AttributeValue");
}

static int
strict_container(struct codec *d, const struct shape *s, const struct json *j, enum slot k)
{
	bool is_struct = s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION;
	if (j->kind == JSON_OBJECT)
		return codec_bad(d, "%s", not_expected);
	if (j->kind != JSON_ARRAY)
		return codec_bad(d, "%s",
			k == SLOT_MEMBER ? "Unexpected field type"
			: is_struct      ? "Unexpected value type in payload"
					 : cast);
	if (is_struct)
		return codec_bad(
			d, "Unrecognized collection type class %s%s", java, s->name ? s->name : "");
	return strict_map(d, s);
}

static int
strict_refuse(struct codec *d, const struct shape *s, const struct json *j, enum slot k)
{
	if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP || s->kind == SHAPE_STRUCT ||
		s->kind == SHAPE_UNION)
		return strict_container(d, s, j, k);
	if (j->kind == JSON_OBJECT)
		return codec_bad(d, "%s", not_expected);
	if (j->kind == JSON_ARRAY)
		return codec_bad(d, "Unrecognized collection type class %s",
			s->kind == SHAPE_BLOB     ? "java.nio.ByteBuffer"
			: s->kind == SHAPE_BOOL   ? "java.lang.Boolean"
			: s->kind == SHAPE_INT    ? "java.lang.Integer"
			: s->kind == SHAPE_LONG   ? "java.lang.Long"
			: s->kind == SHAPE_DOUBLE ? "java.lang.Double"
						  : "java.lang.String");
	if (s->kind == SHAPE_BOOL && j->kind == JSON_STR)
		return codec_bad(d, "Unexpected token received from parser");
	if (s->kind == SHAPE_BLOB && j->kind != JSON_STR)
		return codec_bad(d, "only base-64-encoded strings are convertible to bytes");
	return codec_bad(d, "%s cannot be converted to %s", kind_of(j, true), wanted_of(s));
}

int
codec_json_refuse(struct codec *d, const struct shape *s, const struct json *j, enum slot k)
{
	if (codec_json_strict(d))
		return strict_refuse(d, s, j, k);
	if (s->kind == SHAPE_LIST)
		return codec_bad(d, "Expected list or null");
	if (s->kind == SHAPE_MAP || s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION)
		return codec_bad(d, "Expected structure or map, or null");
	if (j->kind == JSON_OBJECT)
		return codec_bad(d, "Start of structure or map found where not expected.");
	if (j->kind == JSON_ARRAY)
		return codec_bad(d, "Start of list found where not expected");
	return codec_bad(d, "%s cannot be converted to %s", kind_of(j, false), wanted_of(s));
}
