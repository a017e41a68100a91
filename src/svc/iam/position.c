#include "svc/iam/position.h"

#include "base/json.h"

struct reader {
	struct str text;
	size_t at;
};

static void
string_skip(struct reader *r)
{
	for (r->at++; r->at < r->text.len && r->text.p[r->at] != '"'; r->at++)
		if (r->text.p[r->at] == '\\')
			r->at++;
	r->at++;
}

static void
blanks_skip(struct reader *r)
{
	while (r->at < r->text.len && memchr(" \t\r\n,:", r->text.p[r->at], 6))
		r->at++;
}

static bool
at_char(const struct reader *r, char c)
{
	return r->at < r->text.len && r->text.p[r->at] == c;
}

/* One value, by counting brackets. */
static void
value_skip(struct reader *r)
{
	unsigned depth = 0;
	blanks_skip(r);
	do {
		if (r->at >= r->text.len)
			return;
		char c = r->text.p[r->at];
		if (c == '"') {
			string_skip(r);
			continue;
		}
		if (c == '}' || c == ']') {
			if (depth == 0)
				return;
			depth--;
		}
		depth += c == '{' || c == '[';
		r->at++;
	} while (depth || (r->at < r->text.len && !memchr(",}] \t\r\n", r->text.p[r->at], 7) &&
				  r->at > 0 && !memchr("\"}]", r->text.p[r->at - 1], 3)));
}

static bool
statement_seek(struct reader *r)
{
	blanks_skip(r);
	if (!at_char(r, '{'))
		return false;
	r->at++;
	for (;;) {
		blanks_skip(r);
		if (!at_char(r, '"'))
			return false;
		size_t from = r->at;
		string_skip(r);
		if (r->at > r->text.len)
			return false;
		bool found = str_is(str_slice(r->text, from, r->at), "\"Statement\"");
		blanks_skip(r);
		if (found)
			return true;
		value_skip(r);
	}
}

static void
place(struct str text, size_t at, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = *ret_column = 1;
	for (size_t i = 0; i < at && i < text.len; i++) {
		++*ret_column;
		if (text.p[i] == '\n') {
			++*ret_line;
			*ret_column = 1;
		}
	}
}

bool
policy_span_find(struct str text, unsigned statement, struct policy_span *ret)
{
	struct reader r = { text, 0 };
	if (!statement_seek(&r))
		return false;
	if (at_char(&r, '[')) {
		r.at++;
		for (unsigned i = 0; i < statement; i++)
			value_skip(&r);
		blanks_skip(&r);
	}
	if (!at_char(&r, '{'))
		return false;
	place(text, r.at, &ret->from_line, &ret->from_column);
	value_skip(&r);
	place(text, r.at, &ret->to_line, &ret->to_column);
	return true;
}

/* ---- keys ---- */

static void
key_add_once(struct arena *a, struct list_str *keys, struct str key)
{
	if (str_find(key, ':') <= 0)
		return;
	for (uint32_t i = 0; i < keys->n; i++)
		if (str_eq_nocase(keys->v[i], key))
			return;
	struct str *v = arena_array(a, struct str, keys->n + 1);
	if (keys->n)
		memcpy(v, keys->v, sizeof(*v) * keys->n);
	v[keys->n++] = arena_dup(a, key);
	keys->v = v;
	keys->set = true;
}

static void
variables_collect(struct arena *a, struct str text, struct list_str *keys)
{
	long at;
	while ((at = str_find_str(text, STR("${"))) >= 0) {
		text = str_slice(text, (size_t)at + 2, text.len);
		long end = str_find(text, '}'), comma = str_find(text, ',');
		if (end < 0)
			return;
		size_t to = (size_t)(comma >= 0 && comma < end ? comma : end);
		key_add_once(a, keys, str_trim(str_slice(text, 0, to)));
	}
}

static void
conditions_collect(struct arena *a, const struct json *statement, struct list_str *keys)
{
	const struct json *all = json_get_lit(statement, "Condition");
	for (uint32_t i = 0; json_is(all, JSON_OBJECT) && i < all->n; i++) {
		const struct json *op = &all->members[i].value;
		for (uint32_t k = 0; json_is(op, JSON_OBJECT) && k < op->n; k++)
			key_add_once(a, keys, op->members[k].key);
	}
}

void
policy_keys_collect(struct arena *a, struct str text, struct list_str *keys)
{
	const struct json *root = json_parse(a, text, 16, NULL);
	const struct json *list = json_get_lit(root, "Statement");
	if (json_is(list, JSON_ARRAY))
		for (uint32_t i = 0; i < list->n; i++)
			conditions_collect(a, json_at(list, i), keys);
	else
		conditions_collect(a, list, keys);
	if (str_is(json_get_text(root, STR("Version")), "2012-10-17"))
		variables_collect(a, text, keys);
}
