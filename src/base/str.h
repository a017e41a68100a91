/*
 * str: a borrowed run of bytes. Not NUL-terminated, not owned; whoever hands one out says how
 * long it lives. p == NULL means "absent", which is not the same as empty (p != NULL, len == 0).
 */
#ifndef HANEUL_BASE_STR_H
#define HANEUL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t len;
};

#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_NULL ((struct str){ NULL, 0 })
/* For printf: printf("%.*s", STR_FMT(s)) */
#define STR_FMT(s) (int)(s).len, (s).p ? (s).p : ""

static inline struct str
str_of(const void *p, size_t len)
{
	return (struct str){ (const char *)p, len };
}

static inline struct str
str_c(const char *cstr)
{
	return cstr ? (struct str){ cstr, strlen(cstr) } : STR_NULL;
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

#define str_is(s, lit) str_eq((s), STR(lit))

bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_cmp(struct str a, struct str b);        /* memcmp order, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first occurrence, or -1. */
long str_find(struct str s, char c);
long str_rfind(struct str s, char c);
long str_find_str(struct str s, struct str needle);
struct str str_trim(struct str s); /* strips ASCII blanks, tabs, CR, LF at both ends */
/* [from, to), both clamped to the length. */
struct str str_slice(struct str s, size_t from, size_t to);
/* Cuts *rest at the first `sep`: returns what stands before it and leaves what follows in *rest.
 * Without `sep` returns all and sets *rest to STR_NULL, so `while (rest.p)` walks every piece. */
struct str str_cut(struct str *rest, char sep);
/* Strict decimal numbers: the whole text, no blanks, no '+'. false when out of range or malformed.
 */
bool str_to_i64(struct str s, int64_t *ret_value);
bool str_to_u64(struct str s, uint64_t *ret_value);
bool str_to_f64(struct str s, double *ret_value); /* also NaN, Infinity, -Infinity */
/* True when the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool str_utf8_valid(struct str s);
size_t str_utf8_prefix(struct str s); /* how many bytes at the front are well-formed */
/* Number of Unicode code points of well-formed UTF-8. */
size_t str_utf8_count(struct str s);
/* Equal in time that depends on the lengths alone. */
bool str_eq_consttime(struct str a, struct str b);
/* XXH3-64 keyed by the process: never on disk, never the order of anything shown. */
uint64_t str_hash(struct str s);

/* No CR, LF or NUL in it: it can stand in a line of a protocol. */
bool str_is_line(struct str s);

#endif
