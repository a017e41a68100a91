/* A reader by indentation; see yaml.h. */
#include "guest/yaml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32u
#define LINES_MAX 20000u

struct line {
	const char *p; /* behind the indentation */
	size_t n;
	unsigned indent, number;
};
struct reader {
	struct line *lines;
	unsigned n, at;
	unsigned wrong; /* the line of the first mistake; 0: none */
};

static struct yaml *block(struct reader *r, unsigned indent, unsigned depth);

static struct yaml *
node(enum yaml_kind kind)
{
	struct yaml *y = calloc(1, sizeof(*y));
	if (!y)
		abort();
	y->kind = kind;
	return y;
}

static char *
copy(const char *p, size_t n)
{
	char *s = strndup(p, n);
	if (!s)
		abort();
	return s;
}

static struct yaml *
wrong(struct reader *r)
{
	if (!r->wrong)
		r->wrong = r->at < r->n ? r->lines[r->at].number
			   : r->n       ? r->lines[r->n - 1].number
					: 1;
	return NULL;
}

void
yaml_free(struct yaml *y)
{
	for (struct yaml *next; y; y = next) {
		next = y->next;
		yaml_free(y->child);
		free(y->text);
		free(y->key);
		free(y);
	}
}

struct yaml *
yaml_get(const struct yaml *map, const char *key)
{
	for (struct yaml *y = map && map->kind == YAML_MAP ? map->child : NULL; y; y = y->next)
		if (strcmp(y->key, key) == 0)
			return y;
	return NULL;
}

const char *
yaml_text(const struct yaml *map, const char *key, const char *otherwise)
{
	const struct yaml *y = yaml_get(map, key);
	return y && y->kind == YAML_SCALAR ? y->text : otherwise;
}

/* --- scalars --- */

static size_t
blanks(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i;
}

/* Up to the quote's end; *used counts both quotes. NULL: it has none. */
static char *
quoted(const char *p, size_t n, size_t *used)
{
	char quote = p[0], *out = malloc(n + 1);
	size_t k = 0, i = 1;
	if (!out)
		abort();
	for (; i < n && !(p[i] == quote && !(quote == '\'' && i + 1 < n && p[i + 1] == '\''));
		i++) {
		char c = p[i];
		if (quote == '\'' && c == '\'')
			i++;
		if (quote == '"' && c == '\\' && i + 1 < n) {
			c = p[++i];
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == '0' ? 0 : c;
		}
		if (c)
			out[k++] = c;
	}
	out[k] = 0;
	*used = i + 1;
	if (i < n)
		return out;
	free(out);
	return NULL;
}

/* A plain scalar ends at " #", and within brackets at their commas and ends. */
static size_t
plain_length(const char *p, size_t n, bool flow)
{
	size_t i = 0;
	while (i < n && !(p[i] == '#' && i > 0 && (p[i - 1] == ' ' || p[i - 1] == '\t')) &&
		!(flow && strchr(",]}", p[i]) && p[i]) &&
		!(flow && p[i] == ':' && (i + 1 == n || p[i + 1] == ' ')))
		i++;
	while (i > 0 && (p[i - 1] == ' ' || p[i - 1] == '\t'))
		i--;
	return i;
}

static struct yaml *flow(struct reader *r, const char *p, size_t n, size_t *used, unsigned depth);

static struct yaml *
flow_scalar(struct reader *r, const char *p, size_t n, size_t *used, bool in_flow)
{
	struct yaml *y = node(YAML_SCALAR);
	if (n && (p[0] == '"' || p[0] == '\'')) {
		y->text = quoted(p, n, used);
	} else {
		*used = plain_length(p, n, in_flow);
		y->text = copy(p, *used);
	}
	if (y->text)
		return y;
	free(y);
	return wrong(r);
}

static bool
flow_member(struct reader *r, const char *p, size_t n, size_t *at, struct yaml ***tail, bool map,
	unsigned depth)
{
	size_t used = 0;
	char *key = NULL;
	if (map) {
		struct yaml *k = flow_scalar(r, p + *at, n - *at, &used, true);
		if (!k)
			return false;
		key = k->text;
		free(k);
		*at += used;
		*at += blanks(p + *at, n - *at);
		if (*at >= n || p[*at] != ':') {
			free(key);
			return wrong(r) != NULL;
		}
		++*at;
		*at += blanks(p + *at, n - *at);
	}
	struct yaml *y = flow(r, p + *at, n - *at, &used, depth + 1);
	if (!y) {
		free(key);
		return false;
	}
	y->key = key;
	**tail = y;
	*tail = &y->next;
	*at += used;
	return true;
}

static struct yaml *
flow(struct reader *r, const char *p, size_t n, size_t *used, unsigned depth)
{
	if (n == 0 || (p[0] != '[' && p[0] != '{'))
		return flow_scalar(r, p, n, used, true);
	bool map = p[0] == '{';
	char end = map ? '}' : ']';
	struct yaml *y = node(map ? YAML_MAP : YAML_LIST), **tail = &y->child;
	size_t at = 1;
	bool ok = depth < DEPTH_MAX;
	while (ok) {
		at += blanks(p + at, n - at);
		if (at < n && p[at] == end) {
			*used = at + 1;
			return y;
		}
		ok = at < n && flow_member(r, p, n, &at, &tail, map, depth);
		if (!ok)
			break;
		at += blanks(p + at, n - at);
		if (at < n && p[at] == ',')
			at++;
		else
			ok = at < n && p[at] == end;
	}
	yaml_free(y);
	return wrong(r);
}

/* "|", ">", with "-" or "+": the lines below that lie deeper than `indent`. */
static struct yaml *
block_scalar(struct reader *r, const char *p, size_t n, unsigned indent)
{
	bool folded = p[0] == '>', strip = n > 1 && memchr(p, '-', n),
	     keep = n > 1 && memchr(p, '+', n);
	unsigned first = r->at, inner = 0;
	size_t room = 1, k = 0;
	for (unsigned i = first; i < r->n && (r->lines[i].n == 0 || r->lines[i].indent > indent);
		i++) {
		inner = inner ? inner : r->lines[i].n ? r->lines[i].indent : 0;
		room += r->lines[i].indent + r->lines[i].n + 1;
	}
	char *out = malloc(room);
	if (!out)
		abort();
	for (; r->at < r->n && (r->lines[r->at].n == 0 || r->lines[r->at].indent > indent);
		r->at++) {
		const struct line *l = &r->lines[r->at];
		unsigned extra = l->n && l->indent > inner ? l->indent - inner : 0;
		if (folded && k && l->n && !extra && out[k - 1] == '\n' &&
			(k < 2 || out[k - 2] != '\n'))
			out[k - 1] = ' ';
		memset(out + k, ' ', extra);
		memcpy(out + k + extra, l->p, l->n);
		k += extra + l->n;
		out[k++] = '\n';
	}
	while (!keep && k > 0 && out[k - 1] == '\n' && (strip || k == 1 || out[k - 2] == '\n'))
		k--;
	out[k] = 0;
	struct yaml *y = node(YAML_SCALAR);
	y->text = out;
	return y;
}

/* What stands behind "key:" or "- " on the same line, or below. */
static struct yaml *
value(struct reader *r, const char *p, size_t n, unsigned indent, unsigned depth, bool in_map)
{
	size_t used = 0;
	size_t skip = blanks(p, n);
	p += skip;
	n -= skip;
	if (n == 0 || p[0] == '#') {
		r->at++;
		while (r->at < r->n && r->lines[r->at].n == 0)
			r->at++;
		const struct line *l = r->at < r->n ? &r->lines[r->at] : NULL;
		/* A list may stand at the indentation of its key. */
		if (l && (l->indent > indent || (in_map && l->indent == indent && l->p[0] == '-' &&
							(l->n == 1 || l->p[1] == ' '))))
			return block(r, l->indent, depth + 1);
		struct yaml *y = node(YAML_SCALAR);
		y->text = copy("", 0);
		return y;
	}
	if (p[0] == '|' || p[0] == '>') {
		r->at++;
		return block_scalar(r, p, n, indent);
	}
	if (p[0] == '&' || p[0] == '*' || p[0] == '!')
		return wrong(r);
	struct yaml *y = p[0] == '[' || p[0] == '{' ? flow(r, p, n, &used, depth)
						    : flow_scalar(r, p, n, &used, false);
	if (y && used < n) {
		skip = blanks(p + used, n - used);
		if (used + skip < n && (p[used + skip] != '#' || !skip)) {
			yaml_free(y);
			return wrong(r);
		}
	}
	r->at++;
	return y;
}

/* Where the key of "key: value" ends; 0: there is none. */
static size_t
key_length(const struct line *l)
{
	size_t i = 0;
	if (l->n && (l->p[0] == '"' || l->p[0] == '\'')) {
		for (i = 1; i < l->n && l->p[i] != l->p[0]; i++)
			;
		i++;
		return i < l->n && l->p[i] == ':' ? i : 0;
	}
	for (; i < l->n; i++)
		if (l->p[i] == ':' && (i + 1 == l->n || l->p[i + 1] == ' ' || l->p[i + 1] == '\t'))
			return i;
		else if (l->p[i] == '#' && i && l->p[i - 1] == ' ')
			return 0;
	return 0;
}

static struct yaml *
block_list(struct reader *r, unsigned indent, unsigned depth)
{
	struct yaml *list = node(YAML_LIST), **tail = &list->child;
	while (r->at < r->n) {
		struct line *l = &r->lines[r->at];
		if (l->n == 0) {
			r->at++;
			continue;
		}
		if (l->indent != indent || l->p[0] != '-' || (l->n > 1 && l->p[1] != ' '))
			break;
		size_t skip = 1 + blanks(l->p + 1, l->n - 1);
		struct line inner = { l->p + skip, l->n - skip, l->indent + (unsigned)skip,
			l->number };
		struct yaml *y;
		if (inner.n && inner.p[0] != '[' && inner.p[0] != '{' &&
			(key_length(&inner) ||
				(inner.p[0] == '-' && inner.n > 1 && inner.p[1] == ' '))) {
			*l = inner; /* the item is a block of its own, which begins here */
			y = block(r, inner.indent, depth + 1);
		} else {
			y = value(r, l->p + 1, l->n - 1, indent, depth, false);
		}
		if (!y) {
			yaml_free(list);
			return NULL;
		}
		*tail = y;
		tail = &y->next;
	}
	return list;
}

static struct yaml *
block_map(struct reader *r, unsigned indent, unsigned depth)
{
	struct yaml *map = node(YAML_MAP), **tail = &map->child;
	while (r->at < r->n) {
		const struct line *l = &r->lines[r->at];
		if (l->n == 0) {
			r->at++;
			continue;
		}
		if (l->indent != indent)
			break;
		size_t n = key_length(l);
		bool q = n && (l->p[0] == '"' || l->p[0] == '\'');
		struct yaml *y =
			n ? value(r, l->p + n + 1, l->n - n - 1, indent, depth, true) : wrong(r);
		if (!y) {
			yaml_free(map);
			return NULL;
		}
		y->key = copy(l->p + q, n - 2 * q);
		*tail = y;
		tail = &y->next;
	}
	return map;
}

static struct yaml *
block(struct reader *r, unsigned indent, unsigned depth)
{
	const struct line *l = &r->lines[r->at];
	if (depth > DEPTH_MAX)
		return wrong(r);
	if (l->p[0] == '-' && (l->n == 1 || l->p[1] == ' '))
		return block_list(r, indent, depth);
	if (key_length(l))
		return block_map(r, indent, depth);
	return value(r, l->p, l->n, indent, depth, false);
}

/* Comment lines are empty ones; inside a block scalar they are not: those begin deeper than "#" is
 * looked for. */
static bool
split(struct reader *r, const char *text, size_t len)
{
	unsigned number = 0;
	int scalar_indent = -1; /* lines deeper than it are a block scalar's */
	for (const char *p = text, *end = text + len; p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);
		struct line l = { p, n, 0, ++number };
		if (r->n == LINES_MAX)
			return false;
		while (l.n && *l.p == ' ')
			l.p++, l.n--, l.indent++;
		if (l.n && l.p[l.n - 1] == '\r')
			l.n--;
		if (l.n && (int)l.indent <= scalar_indent)
			scalar_indent = -1;
		if (scalar_indent < 0 && l.n && l.p[0] == '#')
			l.n = 0;
		size_t last = l.n;
		while (last && strchr("-+ 123456789", l.p[last - 1]))
			last--;
		if (scalar_indent < 0 && last > 1 &&
			(l.p[last - 1] == '|' || l.p[last - 1] == '>') && l.p[last - 2] == ' ') {
			/* Of a "- key: |" the key's own column counts. */
			unsigned deeper =
				l.p[0] == '-' && key_length(&(struct line){
							 l.p + 1 + blanks(l.p + 1, l.n - 1),
							 l.n - 1 - blanks(l.p + 1, l.n - 1), 0, 0 })
					? 1 + (unsigned)blanks(l.p + 1, l.n - 1)
					: 0;
			scalar_indent = (int)(l.indent + deeper);
		}
		r->lines[r->n++] = l;
		p = stop ? stop + 1 : end;
	}
	return true;
}

struct yaml *
yaml_parse(const char *text, size_t len, unsigned *ret_line)
{
	struct reader r = { .lines = calloc(LINES_MAX, sizeof(struct line)) };
	struct yaml *y = NULL;
	*ret_line = 0;
	if (!r.lines)
		abort();
	if (!split(&r, text, len))
		r.wrong = LINES_MAX;
	while (r.at < r.n && r.lines[r.at].n == 0)
		r.at++;
	if (!r.wrong && r.at < r.n)
		y = block(&r, r.lines[r.at].indent, 0);
	while (r.at < r.n && r.lines[r.at].n == 0)
		r.at++;
	if (y && r.at < r.n) {
		wrong(&r);
		yaml_free(y);
		y = NULL;
	}
	*ret_line = r.wrong;
	free(r.lines);
	return y;
}
