/*
 * policy_internal: the compiled form of a policy, shared by the files of policy. Nobody else
 * includes this. Everything is immutable once parsed and lives in the policy's own arena.
 */
#ifndef HANEUL_AWS_POLICY_INTERNAL_H
#define HANEUL_AWS_POLICY_INTERNAL_H

#include "aws/policy.h"

#include <stdatomic.h>

#define POLICY_TEXT_MAX (256 * 1024)
#define POLICY_TOKENS_MAX 4096 /* of a pattern whose variables were filled in */
#define POLICY_ACTION_MAX 256

enum pattern_kind {
	PATTERN_ANY, /* "*" */
	PATTERN_EXACT,
	PATTERN_PREFIX, /* text is what stands before the only, last '*' */
	PATTERN_GLOB,
	PATTERN_VARIABLES, /* text as written */
};
struct pattern {
	struct str text;
	uint8_t kind;
};

enum principal_ref_kind {
	PRINCIPAL_EVERYONE,
	PRINCIPAL_ACCOUNT, /* twelve digits, also from a root ARN */
	PRINCIPAL_ARN,
	PRINCIPAL_ID, /* AIDA…, AROA… */
	PRINCIPAL_SERVICE,
	PRINCIPAL_FEDERATED,
	PRINCIPAL_CANONICAL,
};
struct principal_ref {
	struct str text;
	uint8_t kind;
};

/* How strongly a resource's policy grants: what else may still hold the principal back. */
enum grade {
	GRADE_NONE,
	GRADE_ACCOUNT, /* to the account, which must itself allow */
	GRADE_ROLE,    /* to the role (or the user behind a federated session): boundary and session
			  policies limit */
	GRADE_DIRECT,  /* to exactly this principal, or to everyone */
};

enum condition_family {
	FAMILY_STRING,
	FAMILY_NUMERIC,
	FAMILY_DATE,
	FAMILY_BOOL,
	FAMILY_BINARY,
	FAMILY_IP,
	FAMILY_ARN,
	FAMILY_NULL,
};
enum comparison {
	COMPARE_EQUAL,
	COMPARE_LESS,
	COMPARE_LESS_EQUAL,
	COMPARE_GREATER,
	COMPARE_GREATER_EQUAL,
	COMPARE_EQUAL_NOCASE,
	COMPARE_LIKE,
};
struct operator
{
	const char *name;
	uint8_t family, comparison;
	bool negated;
};

struct cidr {
	uint8_t address[16];
	uint8_t bits, bytes; /* bytes: 4 or 16 */
};
struct operand {
	struct pattern pattern; /* text always as written */
	union {
		double number;
		int64_t ms;
		bool b;
		struct cidr cidr;
	};
	bool valid; /* of the typed forms: it parsed */
};

enum quantifier {
	QUANTIFIER_NONE,
	QUANTIFIER_ALL,
	QUANTIFIER_ANY,
};
struct condition {
	const struct operator* op;
	struct str key;
	struct operand *operands;
	unsigned operands_n;
	uint8_t quantifier;
	bool if_exists;
};

struct statement {
	struct str sid;
	bool allow, has_principal, not_principal, not_action, not_resource;
	struct principal_ref *principals;
	struct pattern *actions, *resources; /* actions in lower case */
	struct condition *conditions;
	unsigned principals_n, actions_n, resources_n, conditions_n;
};

struct policy {
	atomic_uint refs;
	enum policy_form form;
	bool variables; /* version 2012-10-17 */
	struct statement *statements;
	unsigned statements_n;
	struct arena arena;
};

/* One evaluation. */
struct eval {
	const struct policy_context *ctx;
	struct str action; /* in lower case */
	char action_text[POLICY_ACTION_MAX];
	char now_text[40], epoch_text[24];
	struct str made[1]; /* the value of a key that the evaluator makes itself */
};

/* policy_operators.c */
const struct operator* operator_find(struct str name);
/* Fills the typed form of op from op->pattern.text. */
void operand_compile(const struct operator* op, struct operand *o);
bool cidr_parse(struct str s, struct cidr *ret);
bool condition_holds(struct eval *e, const struct condition *c);

/* policy_match.c */
struct pattern pattern_compile(struct str text, bool wildcards, bool variables);
/* unresolved: what to answer when a variable has no value or does not fit. */
bool pattern_match(struct eval *e, const struct pattern *p, struct str text, bool unresolved);
bool pattern_match_arn(struct eval *e, const struct pattern *p, struct str text);
/* Variables, but no wildcards. */
bool pattern_equals(struct eval *e, const struct pattern *p, struct str text, bool nocase);
bool eval_key(struct eval *e, struct str name, struct policy_key *ret_key);
bool statement_applies(struct eval *e, const struct statement *s, enum grade *ret_grade);

#endif
