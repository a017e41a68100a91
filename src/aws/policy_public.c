#include "aws/arn.h"
#include "aws/policy_internal.h"

/* Keys whose fixed value keeps a statement for everyone from being public. */
static const char *const narrowing[] = { "aws:SourceArn", "aws:SourceVpc", "aws:SourceVpce",
	"aws:SourceOwner", "aws:SourceAccount", "aws:userid", "aws:PrincipalOrgID",
	"aws:PrincipalOrgPaths", "aws:PrincipalArn", "aws:PrincipalAccount",
	"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:DataAccessPointAccount",
	"s3:DataAccessPointArn" };

static bool
key_narrows(struct str key)
{
	for (size_t i = 0; i < sizeof(narrowing) / sizeof(narrowing[0]); i++)
		if (str_eq_nocase(key, str_c(narrowing[i])))
			return true;
	return false;
}

/* The net 10.0.0.0/8 and its kin are nobody's on the Internet, however wide. */
static bool
is_private(const struct cidr *c)
{
	const uint8_t *a = c->address;
	return c->bytes == 4 && ((c->bits >= 8 && a[0] == 10) ||
					(c->bits >= 12 && a[0] == 172 && (a[1] & 0xf0) == 16) ||
					(c->bits >= 16 && a[0] == 192 && a[1] == 168));
}

static bool
cidr_is_fixed(const struct operand *o)
{
	if (!o->valid)
		return false;
	return is_private(&o->cidr) || o->cidr.bits >= (o->cidr.bytes == 4 ? 8 : 32);
}

static bool
operand_is_fixed(const struct condition *c, const struct operand *o)
{
	struct str t = o->pattern.text;
	struct arn arn;
	if (o->pattern.kind == PATTERN_EXACT)
		return !glob_has_wildcard(t) && t.len > 0;
	/* Of an access point only the account must be fixed. */
	if (str_eq_nocase(c->key, STR("s3:DataAccessPointArn"))) {
		t.len += o->pattern.kind == PATTERN_PREFIX;
		return o->pattern.kind != PATTERN_VARIABLES && arn_parse(t, &arn) &&
		       account_id_valid(arn.account);
	}
	return false;
}

static bool
condition_narrows(const struct condition *c)
{
	bool source_ip = c->op->family == FAMILY_IP && str_eq_nocase(c->key, STR("aws:SourceIp"));
	bool text = (c->op->family == FAMILY_STRING || c->op->family == FAMILY_ARN) &&
		    key_narrows(c->key);

	/* What also holds without the key, or excludes instead of naming, narrows nothing. */
	if (c->op->negated || c->if_exists || c->quantifier == QUANTIFIER_ALL || c->operands_n == 0)
		return false;
	if (!source_ip && !text)
		return false;
	for (unsigned i = 0; i < c->operands_n; i++)
		if (source_ip ? !cidr_is_fixed(&c->operands[i])
			      : !operand_is_fixed(c, &c->operands[i]))
			return false;
	return true;
}

static bool
statement_is_public(const struct statement *s)
{
	bool everyone = s->not_principal;
	if (!s->allow)
		return false;
	for (unsigned i = 0; i < s->principals_n; i++)
		everyone |= s->principals[i].kind == PRINCIPAL_EVERYONE;
	if (!everyone)
		return false;
	for (unsigned i = 0; i < s->conditions_n; i++)
		if (condition_narrows(&s->conditions[i]))
			return false;
	return true;
}

bool
policy_is_public(const struct policy *p)
{
	for (unsigned i = 0; i < p->statements_n; i++)
		if (statement_is_public(&p->statements[i]))
			return true;
	return false;
}

bool
policy_resources_within(const struct policy *p, struct str arn_prefix)
{
	for (unsigned i = 0; i < p->statements_n; i++)
		for (unsigned k = 0; k < p->statements[i].resources_n; k++) {
			const struct pattern *r = &p->statements[i].resources[k];
			struct str t = r->text;
			/* "*" is accepted: it cannot reach beyond the bucket whose policy it is. */
			if (r->kind == PATTERN_ANY)
				continue;
			t.len += r->kind == PATTERN_PREFIX;
			if (!str_starts(t, arn_prefix))
				return false;
			/* A wildcard right behind the name, as in "bucket*", is accepted by S3. */
			if (t.len > arn_prefix.len && !memchr("/*?", t.p[arn_prefix.len], 3))
				return false;
		}
	return true;
}
