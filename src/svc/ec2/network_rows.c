/* What the nouns of networks share: seeded ids, lists in rows, counting, other places. */
#include "svc/ec2/network_rows.h"

#include "aws/metering.h"
#include "base/digest.h"
#include "base/text.h"
#include "svc/ec2/interfaces.h"

struct str
ec2_seeded_id(struct call *c, const struct ec2_kind *k, const char *seed)
{
	unsigned char sum[32];
	if (!seed)
		return ec2_new_id(c, k);
	sha256(arena_printf(c->arena, "%.*s|%.*s|%s|%s", STR_FMT(c->region), STR_FMT(c->account),
		       k->type, seed),
		sum);
	struct str hex = hex_text(c->arena, str_of(sum, 9));
	return arena_printf(c->arena, "%s%.17s", k->prefix, hex.p);
}

void *
ec2_list_more(struct arena *a, void *list, size_t size)
{
	struct list_any *l = list;
	char *bigger = arena_alloc(a, size * (l->n + 1));
	if (l->n)
		memcpy(bigger, l->v, size * l->n);
	l->v = bigger;
	l->set = true;
	return bigger + size * l->n++;
}

void
ec2_list_cut(void *list, size_t size, uint32_t i)
{
	struct list_any *l = list;
	char *v = l->v;
	memmove(v + size * i, v + size * (i + 1), size * (l->n - i - 1));
	l->n--;
}

bool
ec2_list_has(const struct list_str *l, struct str s)
{
	for (uint32_t i = 0; l && i < l->n; i++)
		if (str_eq(l->v[i], s))
			return true;
	return false;
}

uint32_t
ec2_count(struct call *c, const struct ec2_kind *k,
	bool (*counts)(const void *row, struct str arg), struct str arg)
{
	struct ec2_walk w;
	uint32_t n = 0;
	ec2_walk_begin(&w, c, k);
	for (void *row; (row = ec2_walk_next(&w));)
		n += !counts || counts(row, arg);
	return n;
}

void *
ec2_find(struct call *c, const struct ec2_kind *k, bool (*is)(const void *row, struct str arg),
	struct str arg, struct str *ret_id)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, k);
	for (void *row; (row = ec2_walk_next(&w));) {
		if (!is(row, arg))
			continue;
		if (ret_id)
			*ret_id = w.id;
		ec2_walk_end(&w);
		return row;
	}
	return NULL;
}

struct call
ec2_elsewhere(const struct call *c, struct str region, struct str account)
{
	struct call other = *c;
	other.region = region;
	other.account = account;
	return other;
}

int
ec2_no_ipv6(struct call *c)
{
	return call_fail(c, &EC2_UnsupportedOperation,
		"The networks of this cloud carry IPv4 only: IPv6 addresses and ranges cannot be "
		"given out.");
}

int
ec2_max_check(struct call *c, const struct opt_i64 *max, int64_t lo, int64_t hi)
{
	if (!max->set || (max->v >= lo && max->v <= hi))
		return CALL_OK;
	return call_fail(c, &EC2_InvalidParameterValue,
		"Value ( %lld ) for parameter maxResults is invalid. Expecting a value between "
		"%lld and %lld.",
		(long long)max->v, (long long)lo, (long long)hi);
}

void
ec2_network_usage(struct call *c, const char *kind, int64_t by)
{
	struct metering_key k = { c->account, STR("ec2"), c->region, str_c(kind) };
	metering_gauge(c->tx, c->store, &k, by, by, c->now_ms);
}
