#include "aws/policy_internal.h"
#include "base/clock.h"

#include <arpa/inet.h>

static const struct operator operators[] = {
	{ "StringEquals", FAMILY_STRING, COMPARE_EQUAL, false },
	{ "StringNotEquals", FAMILY_STRING, COMPARE_EQUAL, true },
	{ "StringEqualsIgnoreCase", FAMILY_STRING, COMPARE_EQUAL_NOCASE, false },
	{ "StringNotEqualsIgnoreCase", FAMILY_STRING, COMPARE_EQUAL_NOCASE, true },
	{ "StringLike", FAMILY_STRING, COMPARE_LIKE, false },
	{ "StringNotLike", FAMILY_STRING, COMPARE_LIKE, true },
	{ "NumericEquals", FAMILY_NUMERIC, COMPARE_EQUAL, false },
	{ "NumericNotEquals", FAMILY_NUMERIC, COMPARE_EQUAL, true },
	{ "NumericLessThan", FAMILY_NUMERIC, COMPARE_LESS, false },
	{ "NumericLessThanEquals", FAMILY_NUMERIC, COMPARE_LESS_EQUAL, false },
	{ "NumericGreaterThan", FAMILY_NUMERIC, COMPARE_GREATER, false },
	{ "NumericGreaterThanEquals", FAMILY_NUMERIC, COMPARE_GREATER_EQUAL, false },
	{ "DateEquals", FAMILY_DATE, COMPARE_EQUAL, false },
	{ "DateNotEquals", FAMILY_DATE, COMPARE_EQUAL, true },
	{ "DateLessThan", FAMILY_DATE, COMPARE_LESS, false },
	{ "DateLessThanEquals", FAMILY_DATE, COMPARE_LESS_EQUAL, false },
	{ "DateGreaterThan", FAMILY_DATE, COMPARE_GREATER, false },
	{ "DateGreaterThanEquals", FAMILY_DATE, COMPARE_GREATER_EQUAL, false },
	{ "Bool", FAMILY_BOOL, COMPARE_EQUAL, false },
	{ "BinaryEquals", FAMILY_BINARY, COMPARE_EQUAL, false },
	{ "IpAddress", FAMILY_IP, COMPARE_EQUAL, false },
	{ "NotIpAddress", FAMILY_IP, COMPARE_EQUAL, true },
	{ "ArnEquals", FAMILY_ARN, COMPARE_LIKE, false },
	{ "ArnLike", FAMILY_ARN, COMPARE_LIKE, false },
	{ "ArnNotEquals", FAMILY_ARN, COMPARE_LIKE, true },
	{ "ArnNotLike", FAMILY_ARN, COMPARE_LIKE, true },
	{ "Null", FAMILY_NULL, COMPARE_EQUAL, false },
};

const struct operator* operator_find(struct str name)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (str_eq_nocase(name, str_c(operators[i].name)))
			return &operators[i];
	return NULL;
}

static bool
bool_parse(struct str s, bool *ret)
{
	*ret = str_eq_nocase(s, STR("true"));
	return *ret || str_eq_nocase(s, STR("false"));
}

static bool
date_parse(struct str s, int64_t *ret_ms)
{
	return time_parse(s, ret_ms) || time_parse_epoch(s, ret_ms);
}

/* An address with or without "/bits"; an IPv4 address in IPv6 clothes counts as IPv4. */
bool
cidr_parse(struct str s, struct cidr *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	struct str address = str_cut(&s, '/');
	uint64_t bits;

	if (address.len == 0 || address.len >= sizeof(text))
		return false;
	memcpy(text, address.p, address.len);
	text[address.len] = '\0';
	memset(ret, 0, sizeof(*ret));
	ret->bytes = str_find(address, ':') >= 0 ? 16 : 4;
	if (inet_pton(ret->bytes == 16 ? AF_INET6 : AF_INET, text, ret->address) != 1)
		return false;
	ret->bits = ret->bytes * 8;
	if (s.p) {
		if (!str_to_u64(s, &bits) || bits > ret->bits)
			return false;
		ret->bits = (uint8_t)bits;
	} else if (ret->bytes == 16 && memcmp(ret->address, mapped, sizeof(mapped)) == 0) {
		memmove(ret->address, ret->address + 12, 4);
		ret->bytes = 4;
		ret->bits = 32;
	}
	return true;
}

static bool
cidr_holds(const struct cidr *net, const struct cidr *one)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	if (net->bytes != one->bytes || one->bits < net->bits ||
		memcmp(net->address, one->address, whole) != 0)
		return false;
	return rest == 0 || ((net->address[whole] ^ one->address[whole]) >> (8 - rest)) == 0;
}

void
operand_compile(const struct operator* op, struct operand *o)
{
	struct str text = o->pattern.text;
	switch (op->family) {
	case FAMILY_NUMERIC:
		o->valid = str_to_f64(text, &o->number);
		break;
	case FAMILY_DATE:
		o->valid = date_parse(text, &o->ms);
		break;
	case FAMILY_BOOL:
	case FAMILY_NULL:
		o->valid = bool_parse(text, &o->b);
		break;
	case FAMILY_IP:
		o->valid = cidr_parse(text, &o->cidr);
		break;
	default:
		o->valid = true;
	}
}

static bool
ordered(enum comparison how, int order)
{
	switch (how) {
	case COMPARE_LESS:
		return order < 0;
	case COMPARE_LESS_EQUAL:
		return order <= 0;
	case COMPARE_GREATER:
		return order > 0;
	case COMPARE_GREATER_EQUAL:
		return order >= 0;
	default:
		return order == 0;
	}
}

static bool
string_matches(struct eval *e, enum comparison how, const struct pattern *p, struct str value)
{
	if (how == COMPARE_LIKE)
		return pattern_match(e, p, value, false);
	return pattern_equals(e, p, value, how == COMPARE_EQUAL_NOCASE);
}

/* Does one value of the request match any value of the policy (before negation)? */
static bool
value_matches(struct eval *e, const struct condition *c, struct str value)
{
	enum comparison how = c->op->comparison;
	double number = 0;
	int64_t ms = 0;
	bool b = false;
	struct cidr ip;

	switch (c->op->family) {
	case FAMILY_NUMERIC:
		if (!str_to_f64(value, &number))
			return false;
		break;
	case FAMILY_DATE:
		if (!date_parse(value, &ms))
			return false;
		break;
	case FAMILY_BOOL:
		if (!bool_parse(value, &b))
			return false;
		break;
	case FAMILY_IP:
		if (!cidr_parse(value, &ip))
			return false;
		break;
	}
	for (unsigned i = 0; i < c->operands_n; i++) {
		const struct operand *o = &c->operands[i];
		bool hit = false;
		if (!o->valid)
			continue;
		switch (c->op->family) {
		case FAMILY_STRING:
			hit = string_matches(e, how, &o->pattern, value);
			break;
		case FAMILY_ARN:
			hit = pattern_match_arn(e, &o->pattern, value);
			break;
		case FAMILY_BINARY:
			hit = str_eq(o->pattern.text, value);
			break;
		case FAMILY_NUMERIC:
			hit = (number == number) && o->number == o->number &&
			      ordered(how, number < o->number ? -1 : number > o->number);
			break;
		case FAMILY_DATE:
			hit = ordered(how, ms < o->ms ? -1 : ms > o->ms);
			break;
		case FAMILY_BOOL:
			hit = b == o->b;
			break;
		case FAMILY_IP:
			hit = cidr_holds(&o->cidr, &ip);
			break;
		}
		if (hit)
			return true;
	}
	return false;
}

static bool
null_holds(const struct condition *c, bool absent)
{
	for (unsigned i = 0; i < c->operands_n; i++)
		if (c->operands[i].valid && c->operands[i].b == absent)
			return true;
	return false;
}

/* Without the key: IfExists is content, "for all" has nothing that fails, "for any" nothing that
 * passes, and what must not match does not. */
static bool
absent_holds(const struct condition *c)
{
	if (c->if_exists || c->quantifier == QUANTIFIER_ALL)
		return true;
	return c->quantifier == QUANTIFIER_NONE && c->op->negated;
}

bool
condition_holds(struct eval *e, const struct condition *c)
{
	struct policy_key key;
	bool there = eval_key(e, c->key, &key) && key.values_n > 0;
	bool negated = c->op->negated;

	if (c->op->family == FAMILY_NULL)
		return null_holds(c, !there);
	if (!there)
		return absent_holds(c);
	for (unsigned i = 0; i < key.values_n; i++) {
		bool hit = value_matches(e, c, key.values[i]);
		switch (c->quantifier) {
		case QUANTIFIER_ALL:
			if (hit == negated)
				return false;
			break;
		case QUANTIFIER_ANY:
			if (hit != negated)
				return true;
			break;
		default: /* matches when one does; must not match: when none does */
			if (hit)
				return !negated;
		}
	}
	return c->quantifier == QUANTIFIER_ALL || (c->quantifier == QUANTIFIER_NONE && negated);
}
