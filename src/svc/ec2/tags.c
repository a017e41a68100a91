/* Tags of every resource, in rows of their own under its id. */
#include "base/buf.h"
#include "svc/ec2/host_ports.h"
#include "svc/ec2/resource.h"

#define TAGS_MAX 50
#define KEY_MAX 128
#define VALUE_MAX 256

static void
tags_key(struct key *k, struct call *c, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("T"));
	key_add(k, c->region);
	key_add(k, c->account);
	if (id.p)
		key_add(k, id);
}

void
ec2_tags_get(struct call *c, struct str id, struct ec2_tag_list *ret)
{
	struct key k;
	struct str bytes;
	struct ec2_tags_row row;
	*ret = (struct ec2_tag_list){ 0 };
	tags_key(&k, c, id);
	if (tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&k), &bytes) &&
		row_decode(&ec2_tags_row_shape, bytes, c->arena, &row))
		*ret = row.Tags;
	ret->set = true;
}

static void
tags_put(struct call *c, struct str id, const struct ec2_tag_list *tags)
{
	struct key k;
	struct buf b = { 0 };
	struct ec2_tags_row row = { .Tags = *tags };
	tags_key(&k, c, id);
	row.Tags.set = true;
	row_encode(&ec2_tags_row_shape, &row, &b);
	if (tags->n)
		tx_put(c->tx, store_rows(c->store, "ec2"), key_str(&k), buf_str(&b));
	else
		tx_delete(c->tx, store_rows(c->store, "ec2"), key_str(&k));
	buf_done(&b);
}

void
ec2_tags_remove_all(struct call *c, struct str id)
{
	tags_put(c, id, &(struct ec2_tag_list){ 0 });
}

static int
tag_check(struct call *c, const struct ec2_tag *t)
{
	if (!t->Key.len)
		return call_fail(c, &EC2_InvalidParameterValue, "Tag key cannot be null or empty.");
	if (str_starts(t->Key, STR("aws:")))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Tag keys starting with 'aws:' are reserved for internal use");
	if (str_utf8_count(t->Key) > KEY_MAX)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Tag key exceeds the maximum length of %d characters", KEY_MAX);
	if (t->Value.p && str_utf8_count(t->Value) > VALUE_MAX)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Tag value exceeds the maximum length of %d characters", VALUE_MAX);
	return CALL_OK;
}

int
ec2_tags_add(struct call *c, struct str id, const struct ec2_tag_list *tags)
{
	struct ec2_tag_list have;
	ec2_tags_get(c, id, &have);
	struct ec2_tag *all = arena_array(c->arena, struct ec2_tag, have.n + tags->n);
	uint32_t n = have.n;
	if (n)
		memcpy(all, have.v, n * sizeof(*all));
	for (uint32_t i = 0; i < tags->n; i++) {
		uint32_t j = 0;
		if (tag_check(c, &tags->v[i]) != CALL_OK)
			return CALL_FAILED;
		while (j < n && !str_eq(all[j].Key, tags->v[i].Key))
			j++;
		all[j] = (struct ec2_tag){ .Key = tags->v[i].Key,
			.Value = tags->v[i].Value.p ? tags->v[i].Value : STR("") };
		n += j == n;
	}
	uint32_t own = 0; /* the cloud's do not count */
	for (uint32_t i = 0; i < n; i++)
		own += !str_starts(all[i].Key, STR("aws:"));
	if (own > TAGS_MAX)
		return call_fail(c, &EC2_TagLimitExceeded,
			"The maximum number of Tags for a resource has been reached.");
	tags_put(c, id, &(struct ec2_tag_list){ .v = all, .n = n });
	return CALL_OK;
}

void
ec2_tags_of_cloud(struct call *c, struct str id, const struct ec2_tag *tags, uint32_t n)
{
	struct ec2_tag_list have;
	ec2_tags_get(c, id, &have);
	struct ec2_tag *all = arena_array(c->arena, struct ec2_tag, have.n + n);
	if (have.n)
		memcpy(all, have.v, have.n * sizeof(*all));
	memcpy(all + have.n, tags, n * sizeof(*all));
	tags_put(c, id, &(struct ec2_tag_list){ .v = all, .n = have.n + n });
}

int
ec2_tags_asked(struct call *c, const struct ec2_tag_specification_list *specs,
	const char *const *allowed, const char *type, struct ec2_tag_list *ret)
{
	*ret = (struct ec2_tag_list){ 0 };
	for (uint32_t i = 0; i < specs->n; i++) {
		const struct ec2_tag_specification *s = &specs->v[i];
		unsigned j = 0;
		if (!s->ResourceType.len)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Tag specification resource type must have a value");
		while (allowed[j] && !str_eq(s->ResourceType, str_c(allowed[j])))
			j++;
		if (!allowed[j])
			return call_fail(c, &EC2_InvalidParameterValue,
				"'%.*s' is not a valid taggable resource type for this operation.",
				STR_FMT(s->ResourceType));
		if (!str_eq(s->ResourceType, str_c(type)))
			continue;
		if (!s->Tags.n)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Tag specification must have at least one tag");
		if (ret->n)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Duplicate resource type '%s' in tag specifications", type);
		*ret = s->Tags;
	}
	return CALL_OK;
}

int
ec2_tags_create(struct call *c, const struct ec2_kind *k, struct str id,
	const struct ec2_tag_specification_list *specs)
{
	const char *const allowed[] = { k->type, NULL };
	struct ec2_tag_list tags;
	if (ec2_tags_asked(c, specs, allowed, k->type, &tags) != CALL_OK)
		return CALL_FAILED;
	return tags.n ? ec2_tags_add(c, id, &tags) : CALL_OK;
}

static const struct ec2_kind *
taggable(struct call *c, struct str id)
{
	const struct ec2_kind *k = ec2_kind_of(id);
	if (!k) {
		call_fail(c, &EC2_InvalidID, "The ID '%.*s' is not valid", STR_FMT(id));
		return NULL;
	}
	return ec2_need(c, k, id) ? k : NULL;
}

int
ec2_create_tags(
	struct call *c, const struct ec2_create_tags_in *in, struct ec2_create_tags_out *out)
{
	(void)out;
	if (!in->Resources.n)
		return ec2_missing(c, "resourceIdSet");
	if (!in->Tags.n)
		return ec2_missing(c, "tagSet");
	for (uint32_t i = 0; i < in->Resources.n; i++) {
		if (!taggable(c, in->Resources.v[i]) ||
			ec2_tags_add(c, in->Resources.v[i], &in->Tags) != CALL_OK)
			return CALL_FAILED;
		ec2_host_ports_tagged(c, in->Resources.v[i]);
	}
	return CALL_OK;
}

/* A tag without a value takes any value away, one with a value only that value. */
static bool
doomed(const struct ec2_delete_tags_in *in, const struct ec2_tag *t)
{
	for (uint32_t i = 0; i < in->Tags.n; i++)
		if (str_eq(in->Tags.v[i].Key, t->Key) &&
			(!in->Tags.v[i].Value.p || str_eq(in->Tags.v[i].Value, t->Value)))
			return true;
	return !in->Tags.n && !str_starts(t->Key, STR("aws:"));
}

int
ec2_delete_tags(
	struct call *c, const struct ec2_delete_tags_in *in, struct ec2_delete_tags_out *out)
{
	(void)out;
	for (uint32_t i = 0; i < in->Tags.n; i++)
		if (str_starts(in->Tags.v[i].Key, STR("aws:")))
			return call_fail(c, &EC2_InvalidParameterValue,
				"Tag keys starting with 'aws:' are reserved for internal use");
	for (uint32_t i = 0; i < in->Resources.n; i++) {
		struct ec2_tag_list have, kept;
		if (!taggable(c, in->Resources.v[i]))
			return CALL_FAILED;
		ec2_tags_get(c, in->Resources.v[i], &have);
		kept = (struct ec2_tag_list){ .v = arena_array(c->arena, struct ec2_tag, have.n) };
		for (uint32_t j = 0; j < have.n; j++)
			if (!doomed(in, &have.v[j]))
				kept.v[kept.n++] = have.v[j];
		tags_put(c, in->Resources.v[i], &kept);
		ec2_host_ports_tagged(c, in->Resources.v[i]);
	}
	return CALL_OK;
}

static struct str
described_member(const struct ec2_tag_description *d, struct str filter, bool *ret_known)
{
	*ret_known = true;
	if (str_is(filter, "key"))
		return d->Key;
	if (str_is(filter, "resource-id"))
		return d->ResourceId;
	if (str_is(filter, "resource-type"))
		return d->ResourceType;
	if (str_is(filter, "value") || (str_starts(filter, STR("tag:")) &&
					       str_eq(str_slice(filter, 4, filter.len), d->Key)))
		return d->Value;
	*ret_known = str_starts(filter, STR("tag:"));
	return STR_NULL;
}

static bool
described_passes(const struct ec2_describe_tags_in *in, const struct ec2_tag_description *d)
{
	for (uint32_t i = 0; i < in->Filters.n; i++) {
		bool known, pass = false;
		struct str value = described_member(d, in->Filters.v[i].Name, &known);
		for (uint32_t j = 0; j < in->Filters.v[i].Values.n; j++)
			pass |= value.p && ec2_glob(in->Filters.v[i].Values.v[j], value);
		if (!pass)
			return false;
	}
	return true;
}

static int
describe_check(struct call *c, const struct ec2_describe_tags_in *in)
{
	const struct ec2_tag_description none = { 0 };
	for (uint32_t i = 0; i < in->Filters.n; i++) {
		bool known;
		described_member(&none, in->Filters.v[i].Name, &known);
		if (!known)
			return call_fail(c, &EC2_InvalidParameterValue,
				"The filter '%.*s' is invalid", STR_FMT(in->Filters.v[i].Name));
	}
	if (in->MaxResults.set && (in->MaxResults.v < 5 || in->MaxResults.v > 1000))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value ( %lld ) for parameter maxResults is invalid. Expecting a value "
			"between 5 and 1000.",
			(long long)in->MaxResults.v);
	return CALL_OK;
}

/* Pages end between resources, so one may be longer by the tags of its last resource. */
int
ec2_describe_tags(
	struct call *c, const struct ec2_describe_tags_in *in, struct ec2_describe_tags_out *out)
{
	uint32_t limit = in->MaxResults.set ? (uint32_t)in->MaxResults.v : 1000,
		 cap = limit + TAGS_MAX;
	struct key lo, hi;
	struct scan s;
	struct str after, last = STR_NULL;
	if (describe_check(c, in) != CALL_OK || ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	out->Tags.v = arena_array(c->arena, struct ec2_tag_description, cap);
	out->Tags.set = true;
	tags_key(&lo, c, STR_NULL);
	size_t skip = lo.len;
	struct str end = key_after_prefix(&hi, key_str(&lo));
	if (after.p) {
		key_add(&lo, after);
		key_add_raw(&lo, str_of("", 1));
	}
	scan_open(&s, c->tx, store_rows(c->store, "ec2"), key_str(&lo), end, false);
	while (scan_next(&s)) {
		struct str rest = str_slice(s.key, skip, s.key.len), id;
		char text[128];
		struct ec2_tags_row row;
		if (!key_take(&rest, text, sizeof(text), &id) ||
			!row_decode(&ec2_tags_row_shape, s.value, c->arena, &row))
			continue;
		if (out->Tags.n >= limit) {
			out->NextToken = ec2_page_token(c, last);
			scan_done(&s);
			break;
		}
		last = arena_dup(c->arena, id);
		const struct ec2_kind *k = ec2_kind_of(id);
		for (uint32_t i = 0; i < row.Tags.n && out->Tags.n < cap; i++) {
			struct ec2_tag_description d = { .Key = row.Tags.v[i].Key,
				.Value = row.Tags.v[i].Value,
				.ResourceId = last,
				.ResourceType = k ? str_c(k->type) : STR_NULL };
			if (described_passes(in, &d))
				out->Tags.v[out->Tags.n++] = d;
		}
	}
	return CALL_OK;
}
