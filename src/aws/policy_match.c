#include "aws/arn.h"
#include "aws/policy_internal.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * Condition keys.
 */
static bool
made(struct eval *e, struct str name, struct str value, struct policy_key *ret)
{
	if (value.len == 0)
		return false;
	e->made[0] = value;
	*ret = (struct policy_key){ name, e->made, 1 };
	return true;
}

static struct str
principal_type(const struct policy_principal *p)
{
	switch (p->kind) {
	case POLICY_ROOT:
		return STR("Account");
	case POLICY_USER:
		return STR("User");
	case POLICY_ROLE:
		return STR("AssumedRole");
	case POLICY_FEDERATED:
		return STR("FederatedUser");
	case POLICY_ANONYMOUS:
		return STR("Anonymous");
	default:
		return STR("");
	}
}

static bool
eval_key_made(struct eval *e, struct str name, struct policy_key *ret)
{
	const struct policy_context *c = e->ctx;
	const struct policy_principal *p = &c->principal;

	if (name.len < 10 || !str_eq_nocase(str_slice(name, 0, 4), STR("aws:")))
		return false;
	if (str_eq_nocase(name, STR("aws:username")))
		return p->kind == POLICY_USER && made(e, name, p->name, ret);
	if (str_eq_nocase(name, STR("aws:userid")))
		return made(e, name, p->user_id, ret);
	if (str_eq_nocase(name, STR("aws:PrincipalArn")))
		return made(e, name, p->kind == POLICY_ROLE ? p->role_arn : p->arn, ret);
	if (str_eq_nocase(name, STR("aws:PrincipalAccount")))
		return made(e, name, p->account, ret);
	if (str_eq_nocase(name, STR("aws:PrincipalType")))
		return made(e, name, principal_type(p), ret);
	if (str_eq_nocase(name, STR("aws:ResourceAccount")))
		return made(
			e, name, c->resource_account.len ? c->resource_account : p->account, ret);
	if (str_eq_nocase(name, STR("aws:CurrentTime")))
		return made(e, name, time_format(c->now_ms, TIME_ISO8601, e->now_text), ret);
	if (str_eq_nocase(name, STR("aws:EpochTime"))) {
		int n = snprintf(
			e->epoch_text, sizeof(e->epoch_text), "%" PRId64, c->now_ms / 1000);
		return made(e, name, str_of(e->epoch_text, (size_t)n), ret);
	}
	return false;
}

bool
eval_key(struct eval *e, struct str name, struct policy_key *ret_key)
{
	const struct policy_context *c = e->ctx;
	for (unsigned i = 0; i < c->keys_n; i++)
		if (c->keys[i].name.len == name.len && str_eq_nocase(c->keys[i].name, name)) {
			*ret_key = c->keys[i];
			return true;
		}
	if (c->lookup && c->lookup(c->lookup_arg, name, ret_key))
		return true;
	return eval_key_made(e, name, ret_key);
}

/*
 * Patterns.
 */
struct pattern
pattern_compile(struct str text, bool wildcards, bool variables)
{
	struct pattern p = { text, PATTERN_EXACT };
	if (variables && str_find_str(text, STR("${")) >= 0) {
		p.kind = PATTERN_VARIABLES;
	} else if (wildcards && str_is(text, "*")) {
		p.kind = PATTERN_ANY;
	} else if (wildcards && glob_has_wildcard(text)) {
		p.kind = PATTERN_GLOB;
		if (str_find(text, '*') == (long)text.len - 1 && str_find(text, '?') < 0) {
			p.kind = PATTERN_PREFIX;
			p.text.len--;
		}
	}
	return p;
}

/* A pattern with its variables filled in: bytes, and wildcards that no value can forge. */
enum { TOKEN_MANY = 0x100, TOKEN_ONE = 0x101 };
struct tokens {
	unsigned n;
	uint16_t v[POLICY_TOKENS_MAX];
};

static bool
tokens_add(struct tokens *t, struct str s, bool wildcards)
{
	if (s.len > POLICY_TOKENS_MAX - t->n)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		t->v[t->n++] = !wildcards ? c : c == '*' ? TOKEN_MANY : c == '?' ? TOKEN_ONE : c;
	}
	return true;
}

/* What stands between "${" and "}": a key, "key, 'default'", or one of * ? $. */
static bool
tokens_add_variable(struct eval *e, struct tokens *t, struct str inside)
{
	struct policy_key key;
	struct str fallback = inside, name = str_trim(str_cut(&fallback, ','));
	struct str in_use = e->made[0]; /* perhaps the value that this pattern is compared with */
	bool added;

	if (str_is(inside, "*") || str_is(inside, "?") || str_is(inside, "$"))
		return tokens_add(t, inside, false);
	if (eval_key(e, name, &key)) {
		/* A key of several values has no one text. */
		added = key.values_n == 1 && tokens_add(t, key.values[0], false);
		e->made[0] = in_use;
		return added;
	}
	if (!fallback.p)
		return false;
	fallback = str_trim(fallback);
	if (fallback.len < 2 || fallback.p[0] != '\'' || fallback.p[fallback.len - 1] != '\'')
		return false;
	return tokens_add(t, str_slice(fallback, 1, fallback.len - 1), false);
}

static bool
tokens_fill(struct eval *e, struct tokens *t, struct str text, bool wildcards)
{
	t->n = 0;
	while (text.len) {
		long at = str_find_str(text, STR("${"));
		struct str plain = at < 0 ? text : str_slice(text, 0, (size_t)at);
		if (!tokens_add(t, plain, wildcards))
			return false;
		if (at < 0)
			return true;
		text = str_slice(text, (size_t)at, text.len);
		long end = str_find(text, '}');
		if (end < 0)
			return tokens_add(t, text, wildcards);
		if (!tokens_add_variable(e, t, str_slice(text, 2, (size_t)end)))
			return false;
		text = str_slice(text, (size_t)end + 1, text.len);
	}
	return true;
}

static inline uint16_t
fold(uint16_t c, bool nocase)
{
	return nocase && c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
tokens_match(const uint16_t *p, unsigned n, struct str t, bool nocase)
{
	size_t i = 0, k = 0, star = SIZE_MAX, star_at = 0;
	while (k < t.len) {
		if (i < n && p[i] == TOKEN_MANY) {
			star = i++;
			star_at = k;
		} else if (i < n &&
			   (p[i] == TOKEN_ONE ||
				   fold(p[i], nocase) == fold((unsigned char)t.p[k], nocase))) {
			i++;
			k++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			k = ++star_at;
		} else {
			return false;
		}
	}
	while (i < n && p[i] == TOKEN_MANY)
		i++;
	return i == n;
}

bool
pattern_match(struct eval *e, const struct pattern *p, struct str text, bool unresolved)
{
	struct tokens t;
	switch (p->kind) {
	case PATTERN_ANY:
		return true;
	case PATTERN_EXACT:
		return str_eq(p->text, text);
	case PATTERN_PREFIX:
		return str_starts(text, p->text);
	case PATTERN_GLOB:
		return glob_match(p->text, text);
	default:
		return tokens_fill(e, &t, p->text, true) ? tokens_match(t.v, t.n, text, false)
							 : unresolved;
	}
}

bool
pattern_equals(struct eval *e, const struct pattern *p, struct str text, bool nocase)
{
	struct tokens t;
	if (p->kind != PATTERN_VARIABLES)
		return nocase ? str_eq_nocase(p->text, text) : str_eq(p->text, text);
	return tokens_fill(e, &t, p->text, false) && tokens_match(t.v, t.n, text, nocase);
}

bool
pattern_match_arn(struct eval *e, const struct pattern *p, struct str text)
{
	struct tokens t;
	unsigned from = 0;
	if (p->kind != PATTERN_VARIABLES) {
		/* Of a prefix the '*' was cut off, but it still stands behind the text. */
		struct str whole = p->text;
		whole.len += p->kind == PATTERN_PREFIX;
		return arn_match(whole, text);
	}
	if (!tokens_fill(e, &t, p->text, true))
		return false;
	for (int piece = 0; piece < 5; piece++) {
		unsigned end = from;
		while (end < t.n && t.v[end] != ':')
			end++;
		struct str have = str_cut(&text, ':');
		if (end == t.n || !text.p || !tokens_match(t.v + from, end - from, have, false))
			return false;
		from = end + 1;
	}
	return tokens_match(t.v + from, t.n - from, text, false);
}

/*
 * Who a statement speaks of.
 */
static enum grade
grade_arn(const struct policy_principal *who, struct str arn)
{
	if (str_eq(arn, who->arn))
		return GRADE_DIRECT;
	if (who->kind == POLICY_ROLE && str_eq(arn, who->role_arn))
		return GRADE_ROLE;
	if (who->kind == POLICY_FEDERATED && str_eq(arn, who->user_arn))
		return GRADE_ROLE;
	return GRADE_NONE;
}

static enum grade
grade_of(const struct principal_ref *ref, const struct policy_principal *who)
{
	enum grade account = who->kind == POLICY_ROOT ? GRADE_DIRECT : GRADE_ACCOUNT;
	struct str id;

	if (ref->kind == PRINCIPAL_EVERYONE)
		return GRADE_DIRECT;
	if (ref->kind == PRINCIPAL_SERVICE || ref->kind == PRINCIPAL_FEDERATED) {
		bool kind =
			who->kind == (ref->kind == PRINCIPAL_SERVICE ? POLICY_SERVICE : POLICY_WEB);
		bool same = str_is(ref->text, "*") || str_eq_nocase(ref->text, who->name);
		return kind && same ? GRADE_DIRECT : GRADE_NONE;
	}
	if (who->kind == POLICY_ANONYMOUS || who->kind == POLICY_SERVICE || who->kind == POLICY_WEB)
		return GRADE_NONE;
	switch (ref->kind) {
	case PRINCIPAL_ACCOUNT:
		return str_eq(ref->text, who->account) ? account : GRADE_NONE;
	case PRINCIPAL_CANONICAL:
		return str_eq(ref->text, who->canonical_id) ? account : GRADE_NONE;
	case PRINCIPAL_ARN:
		return grade_arn(who, ref->text);
	default: /* PRINCIPAL_ID: of a role session "AROA…:name" */
		id = who->user_id;
		if (str_eq(ref->text, str_cut(&id, ':')))
			return who->kind == POLICY_ROLE ? GRADE_ROLE : GRADE_DIRECT;
		return GRADE_NONE;
	}
}

static enum grade
grade_best(const struct statement *s, const struct policy_principal *who)
{
	enum grade best = GRADE_NONE;
	for (unsigned i = 0; i < s->principals_n && best < GRADE_DIRECT; i++) {
		enum grade g = grade_of(&s->principals[i], who);
		if (g > best)
			best = g;
	}
	return best;
}

/* NotPrincipal. A denial spares only who is named exactly (of a role session both the session and
 * the role); an allowance leaves out everyone that is named in any way. */
static bool
is_spared(const struct statement *s, const struct policy_principal *who)
{
	bool role = false;
	enum grade best = grade_best(s, who);
	if (s->allow || who->kind != POLICY_ROLE)
		return s->allow ? best > GRADE_NONE : best == GRADE_DIRECT;
	for (unsigned i = 0; i < s->principals_n; i++)
		role |= s->principals[i].kind == PRINCIPAL_EVERYONE ||
			grade_of(&s->principals[i], who) == GRADE_ROLE;
	return role && best == GRADE_DIRECT;
}

static enum grade
statement_grade(const struct statement *s, const struct policy_principal *who)
{
	if (!s->has_principal)
		return GRADE_DIRECT;
	if (s->not_principal)
		return is_spared(s, who) ? GRADE_NONE : GRADE_DIRECT;
	return grade_best(s, who);
}

/*
 * What it speaks of.
 */
static bool
action_matches(const struct statement *s, struct str action)
{
	for (unsigned i = 0; i < s->actions_n; i++) {
		const struct pattern *p = &s->actions[i];
		if (p->kind == PATTERN_ANY ||
			(p->kind == PATTERN_EXACT && str_eq(p->text, action)) ||
			(p->kind == PATTERN_PREFIX && str_starts(action, p->text)) ||
			(p->kind == PATTERN_GLOB && glob_match(p->text, action)))
			return true;
	}
	return false;
}

/* A variable without a value matches nothing; but an allowance must not grow because its exception
 * does not match. */
static bool
resource_matches(struct eval *e, const struct statement *s)
{
	bool unresolved = s->not_resource && s->allow;
	for (unsigned i = 0; i < s->resources_n; i++)
		if (pattern_match(e, &s->resources[i], e->ctx->resource, unresolved))
			return true;
	return false;
}

bool
statement_applies(struct eval *e, const struct statement *s, enum grade *ret_grade)
{
	if (action_matches(s, e->action) == s->not_action)
		return false;
	if (s->resources_n && resource_matches(e, s) == s->not_resource)
		return false;
	*ret_grade = statement_grade(s, &e->ctx->principal);
	if (*ret_grade == GRADE_NONE)
		return false;
	for (unsigned i = 0; i < s->conditions_n; i++)
		if (!condition_holds(e, &s->conditions[i]))
			return false;
	return true;
}
