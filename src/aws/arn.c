#include "aws/arn.h"

bool
arn_parse(struct str text, struct arn *ret_arn)
{
	struct str rest = text;
	struct arn a;

	if (!str_starts(text, STR("arn:")))
		return false;
	str_cut(&rest, ':');
	a.partition = str_cut(&rest, ':');
	struct str *const next[] = { &a.service, &a.region, &a.account };
	for (int i = 0; i < 3; i++) {
		if (!rest.p)
			return false;
		*next[i] = str_cut(&rest, ':');
	}
	if (!rest.p || rest.len == 0 || a.partition.len == 0 || a.service.len == 0)
		return false;
	a.resource = rest;
	*ret_arn = a;
	return true;
}

struct str
arn_format(struct arena *a, const char *service, struct str region, struct str account,
	struct str resource)
{
	return arena_printf(a, "arn:aws:%s:%.*s:%.*s:%.*s", service, STR_FMT(region),
		STR_FMT(account), STR_FMT(resource));
}

bool
account_id_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len == 12;
}

static inline char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Only the last '*' is ever gone back to: an earlier one could gain nothing that a later one
 * cannot. */
static inline bool
glob(struct str p, struct str t, bool nocase)
{
	size_t i = 0, k = 0, star = SIZE_MAX, star_at = 0;
	while (k < t.len) {
		if (i < p.len && p.p[i] == '*') {
			star = i++;
			star_at = k;
		} else if (i < p.len && (p.p[i] == '?' || p.p[i] == t.p[k] ||
						(nocase && lower(p.p[i]) == lower(t.p[k])))) {
			i++;
			k++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			k = ++star_at;
		} else {
			return false;
		}
	}
	while (i < p.len && p.p[i] == '*')
		i++;
	return i == p.len;
}

bool
glob_match(struct str pattern, struct str text)
{
	return glob(pattern, text, false);
}

bool
glob_match_nocase(struct str pattern, struct str text)
{
	return glob(pattern, text, true);
}

bool
glob_has_wildcard(struct str pattern)
{
	return pattern.len &&
	       (memchr(pattern.p, '*', pattern.len) || memchr(pattern.p, '?', pattern.len));
}

bool
arn_match(struct str pattern, struct str text)
{
	struct str p = pattern, t = text;
	if (str_is(pattern, "*"))
		return true;
	for (int i = 0; i < 5; i++) {
		struct str pp = str_cut(&p, ':'), tt = str_cut(&t, ':');
		if (!p.p || !t.p || !glob(pp, tt, false))
			return false;
	}
	return glob(p, t, false);
}
