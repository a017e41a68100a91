#include "svc/s3/walk.h"

void *
s3_list_room(struct call *c, void *v, uint32_t n, size_t size)
{
	if (n && (n < 8 || (n & (n - 1))))
		return v;
	char *grown = arena_alloc(c->arena, size * (n ? (size_t)n * 2 : 8));
	if (n)
		memcpy(grown, v, size * n);
	return grown;
}

static void
prefix_key(const struct s3_walk *w, struct key *k, struct str prefix)
{
	if (w->space == 'C')
		s3_key_current(k, w->bucket, prefix);
	else
		s3_key_escaped_prefix(k, w->space, w->bucket, prefix);
}

void
walk_open(struct s3_walk *w, struct call *c, uint64_t bucket, char space, struct str prefix,
	struct str delimiter, struct str after)
{
	struct key lo, hi;
	memset(w, 0, offsetof(struct s3_walk, text));
	w->c = c;
	w->bucket = bucket;
	w->space = space;
	w->prefix = prefix;
	w->delimiter = delimiter;
	w->after = after;
	prefix_key(w, &lo, prefix);
	struct str end = key_after_prefix(&hi, key_str(&lo));
	scan_open(&w->scan, c->tx, s3_rows(c), key_str(&lo), end, false);
	if (!after.p || after.len > S3_KEY_MAX)
		return;
	struct key at;
	if (space == 'C') {
		s3_key_current(&at, bucket, after);
		at.bytes[at.len++] = 0;
		walk_seek(w, &at);
	} else {
		struct key behind;
		s3_key_space(&at, space, bucket);
		key_add(&at, after);
		if (key_after_prefix(&behind, key_str(&at)).p)
			walk_seek(w, &behind);
	}
}

void
walk_seek(struct s3_walk *w, const struct key *key)
{
	struct key lo;
	prefix_key(w, &lo, w->prefix);
	if (str_cmp(key_str(key), key_str(&lo)) > 0)
		scan_seek(&w->scan, key_str(key));
}

void
walk_skip(struct s3_walk *w, struct str prefix)
{
	struct key k, behind;
	prefix_key(w, &k, prefix);
	struct str to = key_after_prefix(&behind, key_str(&k));
	if (to.p)
		scan_seek(&w->scan, to);
	else
		w->ended = true;
}

static bool
key_read(struct s3_walk *w)
{
	struct str rest = str_slice(w->scan.key, 9, w->scan.key.len);
	if (w->space == 'C') {
		w->key = rest;
		return true;
	}
	return key_take(&rest, w->text, sizeof(w->text), &w->key);
}

struct str
page_common_prefix(struct str prefix, struct str delimiter, struct str key)
{
	if (!delimiter.len)
		return STR_NULL;
	long at = str_find_str(str_slice(key, prefix.len, key.len), delimiter);
	return at < 0 ? STR_NULL : str_slice(key, 0, prefix.len + (size_t)at + delimiter.len);
}

enum walk_step
walk_next(struct s3_walk *w)
{
	while (!w->ended && scan_next(&w->scan)) {
		if (!key_read(w))
			continue;
		struct str common = page_common_prefix(w->prefix, w->delimiter, w->key);
		if (!common.p)
			return WALK_ITEM;
		w->key = arena_dup(w->c->arena, common);
		walk_skip(w, w->key);
		if (!w->after.p || str_cmp(w->key, w->after) > 0)
			return WALK_PREFIX;
	}
	w->ended = true;
	return WALK_END;
}

void
walk_done(struct s3_walk *w)
{
	if (!w->ended)
		scan_done(&w->scan);
}

static int
argument_invalid(struct call *c, const char *sentence, const char *name, struct str value)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", str_c(name));
	return call_fail_field(c, "ArgumentValue", value);
}

int
page_init(struct call *c, struct s3_page *p, struct str prefix, struct str delimiter,
	struct opt_i64 max, const char *max_name, struct str encoding)
{
	p->prefix = prefix.p ? prefix : STR("");
	p->delimiter = delimiter;
	p->max = !max.set || max.v > 1000 ? 1000 : (uint32_t)max.v;
	if (max.set && (max.v < 0 || max.v > INT32_MAX))
		return argument_invalid(c,
			arena_printf(c->arena,
				"Argument %s must be an integer between 0 and 2147483647", max_name)
				.p,
			max_name, arena_printf(c->arena, "%lld", (long long)max.v));
	if (encoding.p && !str_is(encoding, "url"))
		return argument_invalid(c, "Invalid Encoding Method specified in Request",
			"encoding-type", encoding);
	p->encode = encoding.p != NULL;
	return CALL_OK;
}

struct str
page_text(struct call *c, const struct s3_page *p, struct str s)
{
	return p->encode && s.p ? uri_encode(c->arena, s, URI_KEEP_SLASH) : s;
}

struct str
page_delimiter(struct call *c, const struct s3_page *p)
{
	return p->delimiter.len ? page_text(c, p, p->delimiter) : STR_NULL;
}
