#include <math.h>

#include "base/json.h"
#include "base/json_scan.h"
#include "base/text.h"

/* One character, without a call when there is room. */
static inline void
put(struct buf *b, char c)
{
	if (b->cap - b->len < 2)
		buf_reserve(b, 1);
	b->p[b->len++] = c;
	b->p[b->len] = 0;
}

static inline void
begin(struct json_writer *w)
{
	if (w->more)
		put(w->out, ',');
	w->more = true;
}

void
json_write_object(struct json_writer *w)
{
	begin(w);
	put(w->out, '{');
	w->more = false;
}

void
json_write_object_end(struct json_writer *w)
{
	put(w->out, '}');
	w->more = true;
}

void
json_write_array(struct json_writer *w)
{
	begin(w);
	put(w->out, '[');
	w->more = false;
}

void
json_write_array_end(struct json_writer *w)
{
	put(w->out, ']');
	w->more = true;
}

void
json_write_key(struct json_writer *w, struct str key)
{
	begin(w);
	json_add_quoted(w->out, key);
	put(w->out, ':');
	w->more = false;
}

static void
add_escape(struct buf *b, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	static const char digits[] = "0123456789ABCDEF";
	const char *at = memchr(from, c, sizeof(from) - 1);
	char tmp[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
	if (at)
		tmp[1] = to[at - from];
	buf_add(b, tmp, at ? 2 : 6);
}

static void
add_escaped(struct buf *b, struct str s)
{
	for (size_t at = 0; at < s.len;) {
		size_t n = json_plain_len(s.p + at, s.len - at);
		buf_add(b, s.p + at, n);
		at += n;
		if (at < s.len)
			add_escape(b, (unsigned char)s.p[at++]);
	}
}

/* Most strings are ASCII without anything to escape: copied in one go. */
static bool
add_plain(struct buf *b, struct str s)
{
	if (json_plain_len(s.p, s.len) < s.len || str_utf8_prefix(s) < s.len)
		return false;
	char *o = buf_reserve(b, s.len + 2);
	*o++ = '"';
	if (s.len)
		memcpy(o, s.p, s.len);
	o[s.len] = '"';
	o[s.len + 1] = 0;
	b->len += s.len + 2;
	return true;
}

void
json_add_quoted(struct buf *b, struct str s)
{
	if (add_plain(b, s))
		return;
	put(b, '"');
	for (;;) {
		size_t good = str_utf8_prefix(s);
		add_escaped(b, str_of(s.p, good));
		if (good == s.len)
			break;
		buf_add_lit(b, "\xef\xbf\xbd");
		s = str_slice(s, good + 1, s.len);
	}
	put(b, '"');
}

void
json_write_str(struct json_writer *w, struct str s)
{
	begin(w);
	if (s.p)
		json_add_quoted(w->out, s);
	else
		buf_add_lit(w->out, "null");
}

void
json_write_base64(struct json_writer *w, struct str bytes)
{
	begin(w);
	put(w->out, '"');
	base64_add(w->out, bytes);
	put(w->out, '"');
}

void
json_write_i64(struct json_writer *w, int64_t v)
{
	begin(w);
	buf_add_i64(w->out, v);
}

void
json_write_u64(struct json_writer *w, uint64_t v)
{
	begin(w);
	buf_add_u64(w->out, v);
}

void
json_write_f64(struct json_writer *w, double v)
{
	char tmp[TEXT_F64_MAX];
	struct str s = text_f64(v, tmp);
	begin(w);
	if (isfinite(v))
		buf_add_str(w->out, s);
	else
		json_add_quoted(w->out, s);
}

void
json_write_bool(struct json_writer *w, bool v)
{
	json_write_raw(w, v ? STR("true") : STR("false"));
}

void
json_write_null(struct json_writer *w)
{
	json_write_raw(w, STR("null"));
}

void
json_write_raw(struct json_writer *w, struct str json)
{
	begin(w);
	buf_add_str(w->out, json);
}

void
json_write_epoch(struct json_writer *w, int64_t ms)
{
	uint64_t size = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	unsigned rest = (unsigned)(size % 1000);
	char tmp[4] = { '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
		(char)('0' + rest % 10) };
	begin(w);
	if (ms < 0)
		put(w->out, '-');
	buf_add_u64(w->out, size / 1000);
	if (rest)
		buf_add(w->out, tmp, sizeof(tmp));
}

void
json_write_value(struct json_writer *w, const struct json *j)
{
	if (!j) {
		json_write_null(w);
		return;
	}
	switch ((enum json_kind)j->kind) {
	case JSON_NULL:
		json_write_null(w);
		break;
	case JSON_BOOL:
		json_write_bool(w, j->b);
		break;
	case JSON_NUMBER:
		json_write_raw(w, j->text);
		break;
	case JSON_STR:
		json_write_str(w, j->text);
		break;
	case JSON_ARRAY:
		json_write_array(w);
		for (uint32_t i = 0; i < j->n; i++)
			json_write_value(w, &j->items[i]);
		json_write_array_end(w);
		break;
	case JSON_OBJECT:
		json_write_object(w);
		for (uint32_t i = 0; i < j->n; i++) {
			json_write_key(w, j->members[i].key);
			json_write_value(w, &j->members[i].value);
		}
		json_write_object_end(w);
		break;
	}
}

void
json_write_member_str(struct json_writer *w, const char *key, struct str s)
{
	if (!s.p)
		return;
	json_write_key(w, str_c(key));
	json_write_str(w, s);
}

void
json_write_member_i64(struct json_writer *w, const char *key, int64_t v)
{
	json_write_key(w, str_c(key));
	json_write_i64(w, v);
}

void
json_write_member_bool(struct json_writer *w, const char *key, bool v)
{
	json_write_key(w, str_c(key));
	json_write_bool(w, v);
}

void
json_write_member_epoch(struct json_writer *w, const char *key, int64_t ms)
{
	json_write_key(w, str_c(key));
	json_write_epoch(w, ms);
}

void
json_write_member_value(struct json_writer *w, const char *key, const struct json *j)
{
	if (!j)
		return;
	json_write_key(w, str_c(key));
	json_write_value(w, j);
}

struct str
json_to_text(struct arena *a, const struct json *j)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_value(&w, j);
	struct str s = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return s;
}
