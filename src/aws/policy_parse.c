#include "aws/arn.h"
#include "aws/policy_internal.h"
#include "base/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct parser {
	struct policy *p;
	char *message; /* NULL: nobody asks */
	const struct json *statement;
};

__attribute__((format(printf, 2, 3))) static int
fail(struct parser *ps, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (ps->message)
		vsnprintf(ps->message, POLICY_MESSAGE_MAX, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool
is_bucket(const struct parser *ps)
{
	return ps->p->form == POLICY_BUCKET;
}

static int
fail_syntax(struct parser *ps)
{
	if (is_bucket(ps))
		return fail(ps, "Policies must be valid JSON and the first byte must be '{'");
	return fail(ps, "Syntax errors in policy.");
}

static int
fail_missing(struct parser *ps, const char *field, const char *iam)
{
	if (is_bucket(ps))
		return fail(ps, "Missing required field %s", field);
	return fail(ps, "%s", iam);
}

/* One string or a list of them. */
static uint32_t
texts_n(const struct json *j)
{
	return json_is(j, JSON_ARRAY) ? j->n : 1;
}

static struct str
texts_at(const struct json *j, uint32_t i)
{
	return json_text(json_is(j, JSON_ARRAY) ? json_at(j, i) : j);
}

/* Only the ASCII part: actions and vendors. */
static struct str
dup_lower(struct arena *a, struct str s)
{
	char *p = arena_alloc_raw(a, s.len + 1);
	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	return str_of(p, s.len);
}

/*
 * Actions.
 */
static int
action_check(struct parser *ps, struct str action)
{
	struct str name = action, vendor = str_cut(&name, ':');

	if (str_is(action, "*"))
		return 0;
	if (is_bucket(ps)) {
		bool s3 =
			str_eq_nocase(vendor, STR("s3")) || str_eq_nocase(vendor, STR("s3express"));
		return s3 && name.len ? 0 : fail(ps, "Policy has invalid action");
	}
	if (!name.p)
		return fail(ps, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, "
				"ec2, etc.");
	if (str_find(name, ':') >= 0)
		return fail(ps, "Actions/Condition can contain only one colon.");
	for (size_t i = 0; i < vendor.len; i++) {
		unsigned char c = (unsigned char)(vendor.p[i] | 0x20);
		bool ok = (c >= 'a' && c <= 'z') || (vendor.p[i] >= '0' && vendor.p[i] <= '9') ||
			  vendor.p[i] == '-' || vendor.p[i] == '.';
		if (!ok)
			return fail(ps, "Vendor %.*s is not valid", STR_FMT(vendor));
	}
	if (ps->p->form == POLICY_TRUST && !str_eq_nocase(vendor, STR("sts")))
		return fail(ps, "Trust Policy statement actions can only be sts:AssumeRole, "
				"sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity");
	return vendor.len ? 0 : fail(ps, "Vendor  is not valid");
}

static int
actions_parse(struct parser *ps, struct statement *s)
{
	const struct json *yes = json_get_lit(ps->statement, "Action");
	const struct json *no = json_get_lit(ps->statement, "NotAction"), *j = yes ? yes : no;

	if (yes && no)
		return fail_syntax(ps);
	if (!j || (json_is(j, JSON_ARRAY) && j->n == 0))
		return fail_missing(ps, "Action", "Policy statement must contain actions.");
	s->not_action = no != NULL;
	s->actions_n = texts_n(j);
	s->actions = arena_array(&ps->p->arena, struct pattern, s->actions_n);
	for (uint32_t i = 0; i < s->actions_n; i++) {
		struct str t = texts_at(j, i);
		if (!t.p)
			return fail_syntax(ps);
		if (action_check(ps, t))
			return -EINVAL;
		s->actions[i] = pattern_compile(dup_lower(&ps->p->arena, t), true, false);
	}
	return 0;
}

/*
 * Resources.
 */
static int
resource_check(struct parser *ps, struct str r)
{
	struct str rest = r, piece[5];

	if (str_is(r, "*"))
		return 0;
	if (!str_starts(r, STR("arn:")))
		return is_bucket(ps) ? fail(ps, "Policy has invalid resource")
				     : fail(ps, "Resource %.*s must be in ARN format or \"*\".",
					       STR_FMT(r));
	for (int i = 0; i < 5; i++)
		piece[i] = rest.p ? str_cut(&rest, ':') : STR_NULL;
	if (!rest.p || rest.len == 0)
		return is_bucket(ps) ? fail(ps, "Policy has invalid resource")
				     : fail(ps, "The policy failed legacy parsing");
	if (is_bucket(ps))
		return str_starts(piece[2], STR("s3")) ? 0
						       : fail(ps, "Policy has invalid resource");
	if (!str_is(piece[1], "*") && !str_is(piece[1], "aws") && !str_is(piece[1], "aws-cn") &&
		!str_is(piece[1], "aws-us-gov") && str_find(piece[1], '$') < 0)
		return fail(ps, "Partition \"%.*s\" is not valid for resource \"%.*s\".",
			STR_FMT(piece[1]), STR_FMT(r));
	if (glob_has_wildcard(piece[2]))
		return fail(
			ps, "Resource vendor must be fully qualified and cannot contain regexes.");
	return 0;
}

static int
resources_parse(struct parser *ps, struct statement *s)
{
	const struct json *yes = json_get_lit(ps->statement, "Resource");
	const struct json *no = json_get_lit(ps->statement, "NotResource"), *j = yes ? yes : no;

	if (ps->p->form == POLICY_TRUST)
		return j ? fail(ps, "Has prohibited field Resource.") : 0;
	if (yes && no)
		return fail_syntax(ps);
	if (!j || (json_is(j, JSON_ARRAY) && j->n == 0))
		return fail_missing(ps, "Resource", "Policy statement must contain resources.");
	s->not_resource = no != NULL;
	s->resources_n = texts_n(j);
	s->resources = arena_array(&ps->p->arena, struct pattern, s->resources_n);
	for (uint32_t i = 0; i < s->resources_n; i++) {
		struct str t = texts_at(j, i);
		if (!t.p)
			return fail_syntax(ps);
		if (resource_check(ps, t))
			return -EINVAL;
		s->resources[i] =
			pattern_compile(arena_dup(&ps->p->arena, t), true, ps->p->variables);
	}
	return 0;
}

/*
 * Principals.
 */
static bool
unique_id_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	return s.len >= 16 && s.len <= 128 && s.p[0] == 'A';
}

static bool
aws_principal(struct str text, struct principal_ref *ret)
{
	struct arn a;
	*ret = (struct principal_ref){ text, PRINCIPAL_ARN };
	if (str_is(text, "*")) {
		ret->kind = PRINCIPAL_EVERYONE;
	} else if (account_id_valid(text)) {
		ret->kind = PRINCIPAL_ACCOUNT;
	} else if (arn_parse(text, &a)) {
		if (!account_id_valid(a.account) || glob_has_wildcard(a.resource) ||
			!(str_is(a.service, "iam") || str_is(a.service, "sts")))
			return false;
		if (str_is(a.resource, "root"))
			*ret = (struct principal_ref){ a.account, PRINCIPAL_ACCOUNT };
	} else {
		ret->kind = PRINCIPAL_ID;
		return unique_id_valid(text);
	}
	return true;
}

static bool
principal_compile(struct str type, struct str text, struct principal_ref *ret)
{
	if (text.len == 0)
		return false;
	if (str_is(type, "AWS"))
		return aws_principal(text, ret);
	*ret = (struct principal_ref){ text, PRINCIPAL_SERVICE };
	if (str_is(type, "Service"))
		return true;
	ret->kind = PRINCIPAL_FEDERATED;
	if (str_is(type, "Federated"))
		return true;
	ret->kind = PRINCIPAL_CANONICAL;
	return str_is(type, "CanonicalUser") && text.len == 64;
}

static int
principal_add(struct parser *ps, struct statement *s, struct str type, struct str text)
{
	struct principal_ref *to = &s->principals[s->principals_n++];
	if (principal_compile(type, arena_dup(&ps->p->arena, text), to))
		return 0;
	if (is_bucket(ps))
		return fail(ps, "Invalid principal in policy");
	return fail(
		ps, "Invalid principal in policy: \"%.*s\":\"%.*s\"", STR_FMT(type), STR_FMT(text));
}

static int
principals_add(struct parser *ps, struct statement *s, const struct json *j)
{
	unsigned n = 0;
	if (json_is(j, JSON_STR)) {
		s->principals = arena_array(&ps->p->arena, struct principal_ref, 1);
		if (!str_is(j->text, "*"))
			return is_bucket(ps) ? fail(ps, "Invalid principal in policy")
					     : fail_syntax(ps);
		return principal_add(ps, s, STR("AWS"), j->text);
	}
	if (!json_is(j, JSON_OBJECT) || j->n == 0)
		return is_bucket(ps) ? fail(ps, "Invalid principal in policy") : fail_syntax(ps);
	for (uint32_t i = 0; i < j->n; i++)
		n += texts_n(&j->members[i].value);
	s->principals = arena_array(&ps->p->arena, struct principal_ref, n);
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json *v = &j->members[i].value;
		for (uint32_t k = 0; k < texts_n(v); k++) {
			struct str t = texts_at(v, k);
			if (!t.p)
				return is_bucket(ps) ? fail(ps, "Invalid principal in policy")
						     : fail_syntax(ps);
			if (principal_add(ps, s, j->members[i].key, t))
				return -EINVAL;
		}
	}
	if (s->principals_n)
		return 0;
	return is_bucket(ps) ? fail(ps, "Invalid principal in policy") : fail_syntax(ps);
}

static int
principals_parse(struct parser *ps, struct statement *s)
{
	const struct json *yes = json_get_lit(ps->statement, "Principal");
	const struct json *no = json_get_lit(ps->statement, "NotPrincipal"), *j = yes ? yes : no;

	if (ps->p->form == POLICY_IDENTITY || ps->p->form == POLICY_INLINE)
		return j ? fail(ps, "Policy document should not specify a principal.") : 0;
	if (yes && no)
		return fail_syntax(ps);
	if (!j)
		return fail_missing(ps, "Principal", "Policy statement must contain principals.");
	if (no && ps->p->form == POLICY_TRUST)
		return fail(ps, "Has prohibited field NotPrincipal.");
	s->has_principal = true;
	s->not_principal = no != NULL;
	return principals_add(ps, s, j);
}

/*
 * Conditions: operator → key → one value or a list.
 */
static struct str
scalar_text(const struct json *j)
{
	if (json_is(j, JSON_BOOL))
		return j->b ? STR("true") : STR("false");
	return json_is(j, JSON_STR) || json_is(j, JSON_NUMBER) ? j->text : STR_NULL;
}

static int
condition_head(struct parser *ps, struct str name, struct condition *c)
{
	struct str given = name;
	if (str_starts(name, STR("ForAllValues:"))) {
		c->quantifier = QUANTIFIER_ALL;
		name = str_slice(name, 13, name.len);
	} else if (str_starts(name, STR("ForAnyValue:"))) {
		c->quantifier = QUANTIFIER_ANY;
		name = str_slice(name, 12, name.len);
	}
	if (str_ends(name, STR("IfExists"))) {
		c->if_exists = true;
		name = str_slice(name, 0, name.len - 8);
	}
	c->op = operator_find(name);
	if (c->op && !(c->if_exists && c->op->family == FAMILY_NULL))
		return 0;
	return is_bucket(ps) ? fail(ps, "Invalid Condition type : %.*s", STR_FMT(given))
			     : fail_syntax(ps);
}

static int
condition_parse(struct parser *ps, struct condition *c, struct str key, const struct json *values)
{
	struct policy *p = ps->p;
	bool list = json_is(values, JSON_ARRAY);
	bool text = c->op->family == FAMILY_STRING || c->op->family == FAMILY_ARN;

	if (str_find(key, ':') <= 0)
		return is_bucket(ps) ? fail(ps, "Policy has an invalid condition key")
				     : fail(ps, "Actions/Conditions must be prefaced by a vendor, "
						"e.g., iam, sdb, ec2, etc.");
	c->key = arena_dup(&p->arena, key);
	c->operands_n = list ? values->n : 1;
	c->operands = arena_array(&p->arena, struct operand, c->operands_n);
	for (uint32_t i = 0; i < c->operands_n; i++) {
		struct str t = scalar_text(list ? json_at(values, i) : values);
		if (!t.p)
			return fail_syntax(ps);
		bool wildcards = c->op->comparison == COMPARE_LIKE;
		c->operands[i].pattern =
			pattern_compile(arena_dup(&p->arena, t), wildcards, p->variables && text);
		operand_compile(c->op, &c->operands[i]);
	}
	return 0;
}

static int
conditions_parse(struct parser *ps, struct statement *s)
{
	const struct json *all = json_get_lit(ps->statement, "Condition");
	unsigned n = 0;

	if (!all)
		return 0;
	if (!json_is(all, JSON_OBJECT))
		return fail_syntax(ps);
	for (uint32_t i = 0; i < all->n; i++) {
		if (!json_is(&all->members[i].value, JSON_OBJECT))
			return fail_syntax(ps);
		n += all->members[i].value.n;
	}
	s->conditions = arena_array(&ps->p->arena, struct condition, n);
	for (uint32_t i = 0; i < all->n; i++) {
		const struct json *keys = &all->members[i].value;
		struct condition head = { 0 };
		if (condition_head(ps, all->members[i].key, &head))
			return -EINVAL;
		for (uint32_t k = 0; k < keys->n; k++) {
			struct condition *c = &s->conditions[s->conditions_n++];
			*c = head;
			if (condition_parse(ps, c, keys->members[k].key, &keys->members[k].value))
				return -EINVAL;
		}
	}
	return 0;
}

/*
 * Statements and the document.
 */
static int
fields_check(struct parser *ps, const struct json *j, const char *const *known)
{
	for (uint32_t i = 0; i < j->n; i++) {
		unsigned k = 0;
		while (known[k] && !str_eq(j->members[i].key, str_c(known[k])))
			k++;
		if (!known[k])
			return is_bucket(ps)
				       ? fail(ps, "Unknown field %.*s", STR_FMT(j->members[i].key))
				       : fail_syntax(ps);
	}
	return 0;
}

static int
effect_parse(struct parser *ps, struct statement *s)
{
	const struct json *j = json_get_lit(ps->statement, "Effect");
	struct str t = json_text(j);
	if (!j)
		return is_bucket(ps) ? fail(ps, "Missing required field Effect") : fail_syntax(ps);
	s->allow = str_is(t, "Allow");
	if (s->allow || str_is(t, "Deny"))
		return 0;
	return is_bucket(ps) ? fail(ps, "Invalid effect: %.*s", STR_FMT(t)) : fail_syntax(ps);
}

static int
sid_parse(struct parser *ps, struct statement *s)
{
	const struct json *j = json_get_lit(ps->statement, "Sid");
	s->sid = STR("");
	if (!j)
		return 0;
	if (!json_is(j, JSON_STR))
		return fail_syntax(ps);
	s->sid = arena_dup(&ps->p->arena, j->text);
	for (const struct statement *o = ps->p->statements; o < s; o++)
		if (s->sid.len && str_eq(o->sid, s->sid))
			return fail(ps, "Statement IDs (SID) in a single policy must be unique.");
	return 0;
}

static int
statement_parse(struct parser *ps, const struct json *j, struct statement *s)
{
	static const char *const known[] = { "Sid", "Effect", "Principal", "NotPrincipal", "Action",
		"NotAction", "Resource", "NotResource", "Condition", NULL };
	ps->statement = j;
	if (!json_is(j, JSON_OBJECT))
		return fail_syntax(ps);
	int r = fields_check(ps, j, known);
	r = r ? r : sid_parse(ps, s);
	r = r ? r : effect_parse(ps, s);
	r = r ? r : principals_parse(ps, s);
	r = r ? r : actions_parse(ps, s);
	r = r ? r : resources_parse(ps, s);
	return r ? r : conditions_parse(ps, s);
}

static int
version_parse(struct parser *ps, const struct json *root)
{
	const struct json *j = json_get_lit(root, "Version");
	bool old = !j || str_is(json_text(j), "2008-10-17");

	ps->p->variables = str_is(json_text(j), "2012-10-17");
	if (!old && !ps->p->variables)
		return is_bucket(ps) ? fail(ps, "The policy must contain a valid version string")
				     : fail_syntax(ps);
	if (old && ps->p->form == POLICY_IDENTITY)
		return fail(ps, "Policy document must be version 2012-10-17 or greater.");
	return 0;
}

static int
document_parse(struct parser *ps, const struct json *root)
{
	static const char *const known[] = { "Version", "Id", "Statement", NULL };
	const struct json *j = json_get_lit(root, "Statement"), *id = json_get_lit(root, "Id");
	struct policy *p = ps->p;

	if (!json_is(root, JSON_OBJECT))
		return fail_syntax(ps);
	if (fields_check(ps, root, known) || version_parse(ps, root))
		return -EINVAL;
	if (id && !json_is(id, JSON_STR))
		return fail_syntax(ps);
	bool list = json_is(j, JSON_ARRAY);
	if (!j)
		return is_bucket(ps) ? fail(ps, "Missing required field Statement")
				     : fail_syntax(ps);
	if (list && j->n == 0)
		return is_bucket(ps) ? fail(ps, "Could not parse the policy: Statement is empty!")
				     : fail_syntax(ps);
	unsigned n = list ? j->n : 1;
	p->statements = arena_array(&p->arena, struct statement, n);
	for (unsigned i = 0; i < n; i++) {
		int r = statement_parse(ps, list ? json_at(j, i) : j, &p->statements[i]);
		if (r)
			return r;
		p->statements_n++;
	}
	return 0;
}

int
policy_parse(struct str json, enum policy_form form, struct policy **ret_policy,
	char ret_message[POLICY_MESSAGE_MAX])
{
	struct policy *p = calloc(1, sizeof(*p));
	struct parser ps = { p, ret_message, NULL };
	struct arena scratch;

	if (!p)
		abort();
	atomic_init(&p->refs, 1);
	p->form = form;
	arena_init(&p->arena);
	arena_init(&scratch);
	const struct json *root =
		json.len > POLICY_TEXT_MAX ? NULL : json_parse(&scratch, json, 16, NULL);
	int r = root ? document_parse(&ps, root) : fail_syntax(&ps);
	arena_done(&scratch);
	if (r)
		policy_unref(p);
	else
		*ret_policy = p;
	return r;
}

struct policy *
policy_ref(struct policy *p)
{
	if (p)
		atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void
policy_unref(struct policy *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	arena_done(&p->arena);
	free(p);
}

unsigned
policy_statements_n(const struct policy *p)
{
	return p->statements_n;
}
