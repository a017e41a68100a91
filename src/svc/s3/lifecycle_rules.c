/* Which rule applies to what, and when. */
#include "svc/s3/lifecycle.h"

#include "svc/s3/rules.h"

#define SMALL (UINT64_C(128) << 10)

static bool
tag_there(const struct s3_lifecycle_object *o, const struct s3_tag *want)
{
	for (uint32_t i = 0; i < o->tags_n; i++)
		if (str_eq(o->tags[i].Key, want->Key) && str_eq(o->tags[i].Value, want->Value))
			return true;
	return false;
}

static bool
size_fits(uint64_t size, struct opt_i64 above, struct opt_i64 below)
{
	return !(above.set && size <= (uint64_t)above.v) &&
	       !(below.set && size >= (uint64_t)below.v);
}

bool
s3_lifecycle_matches(const struct s3_lifecycle_rule *r, const struct s3_lifecycle_object *o)
{
	const struct s3_lifecycle_rule_filter *f = r->Filter;
	if (!str_is(r->Status, "Enabled") || (r->Prefix.p && !str_starts(o->key, r->Prefix)))
		return false;
	if (!f)
		return true;
	if (f->Prefix.p && !str_starts(o->key, f->Prefix))
		return false;
	if (f->And && f->And->Prefix.p && !str_starts(o->key, f->And->Prefix))
		return false;
	if (o->upload)
		return true;
	if (f->Tag && !tag_there(o, f->Tag))
		return false;
	if (!size_fits(o->size, f->ObjectSizeGreaterThan, f->ObjectSizeLessThan))
		return false;
	for (uint32_t i = 0; f->And && i < f->And->Tags.n; i++)
		if (!tag_there(o, &f->And->Tags.v[i]))
			return false;
	return !f->And ||
	       size_fits(o->size, f->And->ObjectSizeGreaterThan, f->And->ObjectSizeLessThan);
}

int64_t
s3_lifecycle_due(int64_t from_ms, int64_t days, int64_t day_ms)
{
	int64_t at = from_ms + days * day_ms;
	return (at + day_ms - 1) / day_ms * day_ms;
}

bool
s3_lifecycle_expiry(const struct s3_lifecycle_rule *r, const struct s3_object_row *o,
	int64_t day_ms, int64_t *ret_ms)
{
	const struct s3_lifecycle_expiration *e = r->Expiration;
	if (!e || (!e->Days.set && !e->Date.set))
		return false;
	*ret_ms = e->Date.set ? e->Date.ms : s3_lifecycle_due(o->Modified.ms, e->Days.v, day_ms);
	return true;
}

/* Down this list things go, never up. */
static int class_rank(struct str class)
{
	static const char *const order[] = { "STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING",
		"ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE" };
	for (int i = 0; i < (int)(sizeof(order) / sizeof(*order)); i++)
		if (str_eq(class, str_c(order[i])))
			return i;
	return 0;
}

static bool
filter_has_size(const struct s3_lifecycle_rule *r)
{
	const struct s3_lifecycle_rule_filter *f = r->Filter;
	return f && (f->ObjectSizeGreaterThan.set || f->ObjectSizeLessThan.set ||
			    (f->And && (f->And->ObjectSizeGreaterThan.set ||
					       f->And->ObjectSizeLessThan.set)));
}

/* Small objects cost more to move than they save, unless a rule names sizes. */
static bool
worth_moving(const struct s3_lifecycle_row *l, const struct s3_lifecycle_rule *r, uint64_t size,
	struct str class)
{
	if (size >= SMALL || filter_has_size(r) || s3_lifecycle_day_short())
		return true;
	return str_is(l->MinimumSize, "varies_by_storage_class") &&
	       (str_is(class, "GLACIER") || str_is(class, "DEEP_ARCHIVE"));
}

static void
class_lower(struct str *best, struct str class)
{
	if (class_rank(class) > class_rank(*best))
		*best = class;
}

struct str
s3_lifecycle_class(const struct s3_lifecycle_row *l, const struct s3_lifecycle_object *o,
	const struct s3_object_row *row, int64_t now_ms)
{
	struct str best = row->StorageClass;
	for (uint32_t i = 0; i < l->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &l->Rules.v[i];
		if (!r->Transitions.n || !s3_lifecycle_matches(r, o))
			continue;
		for (uint32_t j = 0; j < r->Transitions.n; j++) {
			const struct s3_transition *t = &r->Transitions.v[j];
			int64_t at = t->Date.set ? t->Date.ms
						 : s3_lifecycle_due(row->Modified.ms, t->Days.v,
							   s3_lifecycle_day_ms());
			if (at <= now_ms && worth_moving(l, r, o->size, t->StorageClass))
				class_lower(&best, t->StorageClass);
		}
	}
	return str_eq(best, row->StorageClass) ? STR_NULL : best;
}

struct str
s3_lifecycle_noncurrent_class(const struct s3_lifecycle_row *l, const struct s3_lifecycle_object *o,
	const struct s3_object_row *row, int64_t since_ms, uint64_t newer, int64_t now_ms)
{
	struct str best = row->StorageClass;
	for (uint32_t i = 0; i < l->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &l->Rules.v[i];
		if (!r->NoncurrentVersionTransitions.n || !s3_lifecycle_matches(r, o))
			continue;
		for (uint32_t j = 0; j < r->NoncurrentVersionTransitions.n; j++) {
			const struct s3_noncurrent_version_transition *t =
				&r->NoncurrentVersionTransitions.v[j];
			int64_t at = s3_lifecycle_due(
				since_ms, t->NoncurrentDays.v, s3_lifecycle_day_ms());
			if (at <= now_ms && newer >= (uint64_t)t->NewerNoncurrentVersions.v &&
				worth_moving(l, r, o->size, t->StorageClass))
				class_lower(&best, t->StorageClass);
		}
	}
	return str_eq(best, row->StorageClass) ? STR_NULL : best;
}

struct str
s3_lifecycle_header(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	if (!(b->Configs.v >> S3_CONFIG_LIFECYCLE & 1))
		return STR_NULL;
	const struct s3_lifecycle_row *l = s3_rules_get(c, b)->lifecycle;
	struct s3_lifecycle_object what = { key, (uint64_t)o->Size.v, o->Tags.v, o->Tags.n, false };
	const struct s3_lifecycle_rule *first = NULL;
	int64_t at = 0, first_at = 0;
	for (uint32_t i = 0; l && i < l->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &l->Rules.v[i];
		if (!s3_lifecycle_matches(r, &what) ||
			!s3_lifecycle_expiry(r, o, INT64_C(86400000), &at) ||
			(first && at >= first_at))
			continue;
		first = r;
		first_at = at;
	}
	if (!first)
		return STR_NULL;
	return arena_printf(c->arena, "expiry-date=\"%.*s\", rule-id=\"%.*s\"",
		STR_FMT(time_text(c->arena, first_at, TIME_HTTP)),
		STR_FMT(uri_encode(c->arena, first->ID, 0)));
}
