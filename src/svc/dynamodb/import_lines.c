/* One line of an imported file as an item. */
#include "base/text.h"
#include "svc/dynamodb/import.h"

bool
ddb_import_json(struct call *c, struct str line, struct ddb_val *ret)
{
	static const struct shape map = { .name = "AttributeMap" };
	struct str own = arena_dup(c->arena, line);
	const struct json *j = json_parse(c->arena, own, 0, NULL);
	const struct json *item = json_get_lit(j, "Item");
	return json_is(item, JSON_OBJECT) && !ddb_document_check(c, &map, item, false) &&
	       !ddb_map_read(c, item, ret);
}

/* In quotes: to the closing one; two in a row stand for one. */
static struct str
quoted_field(struct arena *a, struct str line, size_t *at)
{
	char *to = arena_alloc(a, line.len - *at);
	size_t n = 0, i = *at + 1;
	for (; i < line.len; i++) {
		if (line.p[i] == '"' && (i + 1 >= line.len || line.p[i + 1] != '"'))
			break;
		i += line.p[i] == '"';
		to[n++] = line.p[i];
	}
	*at = i + 1;
	return str_of(to, n);
}

uint32_t
ddb_csv_fields(struct arena *a, struct str line, char delimiter, struct str *ret, uint32_t max)
{
	size_t at = 0;
	uint32_t n = 0;
	while (n < max) {
		struct str field;
		if (at < line.len && line.p[at] == '"') {
			field = quoted_field(a, line, &at);
			while (at < line.len && line.p[at] != delimiter)
				at++;
		} else {
			size_t from = at;
			while (at < line.len && line.p[at] != delimiter)
				at++;
			field = arena_dup(a, str_slice(line, from, at));
		}
		ret[n++] = field;
		if (at >= line.len)
			break;
		at++;
	}
	return n;
}

/* Attributes of keys have the type that the table defines; all others are text. */
static bool
typed(struct call *c, const struct ddb_table *t, struct str name, struct str text,
	struct ddb_val *ret)
{
	uint8_t bytes[DDB_NUMBER_BYTES];
	size_t len = 0;
	int type = DDB_S;
	for (uint32_t i = 0; i < t->row.Attributes.n; i++)
		if (str_eq(t->row.Attributes.v[i].AttributeName, name))
			type = ddb_type_of(t->row.Attributes.v[i].AttributeType);
	*ret = (struct ddb_val){ .type = (uint8_t)type, .s = text };
	if (type == DDB_N) {
		if (ddb_number_parse(text, bytes, &len))
			return false;
		ret->s = arena_dup(c->arena, str_of(bytes, len));
	}
	if (type == DDB_B)
		ret->s = base64_bytes(c->arena, text, BASE64_STRICT);
	return ret->s.p != NULL;
}

bool
ddb_import_csv(struct call *c, const struct ddb_table *t, const struct str *names, uint32_t n,
	struct str line, char delimiter, struct ddb_val *ret)
{
	struct str *fields = arena_array(c->arena, struct str, n + 1);
	uint32_t got = ddb_csv_fields(c->arena, line, delimiter, fields, n + 1);
	if (got != n || !str_utf8_valid(line))
		return false;
	*ret = (struct ddb_val){ .type = DDB_M,
		.attrs = arena_array(c->arena, struct ddb_attr, n) };
	for (uint32_t i = 0; i < n; i++) {
		struct ddb_val v;
		if (!names[i].len || ddb_get(ret, names[i]) ||
			!typed(c, t, names[i], fields[i], &v))
			return false;
		ret->attrs[ret->n++] = (struct ddb_attr){ names[i], v };
	}
	return true;
}
