/* Prefix lists: the users' own with their versions, and those of the services of AWS. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define LISTS_MAX 100
#define ENTRIES_MAX 1000
#define VERSIONS_MAX 20 /* AWS keeps 1,000; older ones can no longer be asked for */

static const struct ec2_filter_rule filters[] = { { .name = "owner-id", .path = "OwnerId" },
	{ .name = "prefix-list-id", .path = "PrefixListId" },
	{ .name = "prefix-list-name", .path = "PrefixListName" }, { NULL } };

const struct ec2_kind ec2_prefix_list_kind = { .type = "prefix-list",
	.prefix = "pl-",
	.row = &ec2_prefix_list_row_shape,
	.unknown = &EC2_InvalidPrefixListID_NotFound,
	.unknown_text = "The prefix list ID '%.*s' does not exist",
	.malformed = &EC2_InvalidPrefixListId_Malformed,
	.filters = filters };
EC2_KIND(ec2_prefix_list_kind);

static struct ec2_prefix_list_version *
newest(const struct ec2_prefix_list_row *p)
{
	return &p->Versions.v[p->Versions.n - 1];
}

static struct str
service_name(struct call *c, const char *service)
{
	return arena_printf(c->arena, "com.amazonaws.%.*s.%s", STR_FMT(c->region), service);
}

/* By these addresses machines reach the service of this cloud. */
static void
managed_make(struct call *c, const char *service)
{
	struct ec2_managed_prefix_list *l = arena_new(c->arena, struct ec2_managed_prefix_list);
	struct ec2_prefix_list_row row = { .PrefixList = l };
	struct ec2_prefix_list_version *v = ec2_list_add(c->arena, &row.Versions);
	struct ec2_prefix_list_entry *e = ec2_list_add(c->arena, &v->Entries);
	e->Cidr = ec2_cidr_text(c->arena, (struct plane_cidr){ PLANE_IP_SERVICES, 32 });
	v->Version = OPT_I64(1);
	l->PrefixListId = ec2_seeded_id(c, &ec2_prefix_list_kind, service);
	l->AddressFamily = STR("IPv4");
	l->State = STR("create-complete");
	l->PrefixListArn = arena_printf(c->arena, "arn:aws:ec2:%.*s:aws:prefix-list/%.*s",
		STR_FMT(c->region), STR_FMT(l->PrefixListId));
	l->PrefixListName = service_name(c, service);
	l->OwnerId = STR("AWS");
	ec2_put(c, &ec2_prefix_list_kind, l->PrefixListId, &row);
}

void
ec2_managed_lists_make(struct call *c)
{
	managed_make(c, "s3");
	managed_make(c, "dynamodb");
}

struct str
ec2_managed_list_id(struct call *c, struct str service)
{
	static const char *const names[] = { "s3", "dynamodb" };
	for (unsigned i = 0; i < 2; i++)
		if (str_eq(service, service_name(c, names[i])))
			return ec2_seeded_id(c, &ec2_prefix_list_kind, names[i]);
	return STR("");
}

uint32_t
ec2_prefix_list_cidrs(struct call *c, struct str id, struct plane_cidr **ret)
{
	struct ec2_prefix_list_row *p = ec2_get(c, &ec2_prefix_list_kind, id);
	uint32_t n = 0;
	if (!p || !p->Versions.n)
		return 0;
	const struct ec2_prefix_list_version *v = newest(p);
	*ret = arena_array(c->arena, struct plane_cidr, v->Entries.n);
	for (uint32_t i = 0; i < v->Entries.n; i++)
		n += ec2_cidr_parse(v->Entries.v[i].Cidr, &(*ret)[n]);
	return n;
}

static int
entry_add(struct call *c, struct ec2_prefix_list_entry_list *l,
	const struct ec2_add_prefix_list_entry *in)
{
	struct plane_cidr cidr;
	if (!ec2_cidr_parse(in->Cidr, &cidr))
		return ec2_bad_value(c, "Cidr", in->Cidr, "This is not a valid CIDR block.");
	struct str text = ec2_cidr_text(c->arena, cidr);
	if (in->Description.len > 255)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The description of an entry has 255 characters at most.");
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].Cidr, text)) {
			/* Added again, an entry takes the new description. */
			l->v[i].Description = in->Description;
			return CALL_OK;
		}
	struct ec2_prefix_list_entry *e = ec2_list_add(c->arena, l);
	e->Cidr = text;
	e->Description = in->Description.len ? in->Description : STR_NULL;
	return CALL_OK;
}

static int
too_many(struct call *c)
{
	return call_fail(c, &EC2_PrefixListMaxEntriesExceeded,
		"You've reached the maximum number of entries for the prefix list.");
}

static int
name_check(struct call *c, struct str name)
{
	if (str_starts(name, STR("com.amazonaws")))
		return call_fail(c, &EC2_InvalidParameterValue,
			"The prefix list name cannot begin with com.amazonaws.");
	if (name.len > 255)
		return ec2_bad_value(c, "PrefixListName", name, "It has 255 characters at most.");
	return CALL_OK;
}

static int
list_check(struct call *c, const struct ec2_create_managed_prefix_list_in *in)
{
	if (str_is(in->AddressFamily, "IPv6"))
		return ec2_no_ipv6(c);
	if (!str_is(in->AddressFamily, "IPv4"))
		return ec2_bad_value(c, "AddressFamily", in->AddressFamily, "IPv4 or IPv6.");
	if (in->MaxEntries.v < 1 || in->MaxEntries.v > ENTRIES_MAX)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%lld) for parameter MaxEntries is invalid. It must be between 1 and "
			"%d.",
			(long long)in->MaxEntries.v, ENTRIES_MAX);
	return name_check(c, in->PrefixListName);
}

int
ec2_create_managed_prefix_list(struct call *c, const struct ec2_create_managed_prefix_list_in *in,
	struct ec2_create_managed_prefix_list_out *out)
{
	struct str id;
	struct ec2_managed_prefix_list *l = arena_new(c->arena, struct ec2_managed_prefix_list);
	struct ec2_prefix_list_row row = { .PrefixList = l };
	if (list_check(c, in) != CALL_OK ||
		ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	if (id.len) {
		struct ec2_prefix_list_row *p = ec2_need(c, &ec2_prefix_list_kind, id);
		out->PrefixList = p ? p->PrefixList : NULL;
		return p ? CALL_OK : CALL_FAILED;
	}
	struct ec2_prefix_list_version *v = ec2_list_add(c->arena, &row.Versions);
	v->Version = OPT_I64(1);
	for (uint32_t i = 0; i < in->Entries.n; i++)
		if (entry_add(c, &v->Entries, &in->Entries.v[i]) != CALL_OK)
			return CALL_FAILED;
	if (v->Entries.n > in->MaxEntries.v)
		return too_many(c);
	if (ec2_count(c, &ec2_prefix_list_kind, NULL, STR_NULL) >= LISTS_MAX)
		return call_fail(c, &EC2_PrefixListLimitExceeded,
			"The maximum number of prefix lists has been reached.");
	id = l->PrefixListId = ec2_new_id(c, &ec2_prefix_list_kind);
	l->AddressFamily = in->AddressFamily;
	l->State = STR("create-complete");
	l->PrefixListArn = ec2_arn(c, &ec2_prefix_list_kind, id);
	l->PrefixListName = in->PrefixListName;
	l->MaxEntries = OPT_I64(in->MaxEntries.v);
	l->Version = OPT_I64(1);
	l->OwnerId = c->account;
	ec2_put(c, &ec2_prefix_list_kind, id, &row);
	if (ec2_tags_create(c, &ec2_prefix_list_kind, id, &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	ec2_token_keep(c, in->ClientToken, in, id);
	ec2_tags_get(c, id, &l->Tags);
	out->PrefixList = arena_new(c->arena, struct ec2_managed_prefix_list);
	*out->PrefixList = *l;
	out->PrefixList->State = STR("create-in-progress");
	return CALL_OK;
}

static struct ec2_prefix_list_row *
own_list(struct call *c, struct str id)
{
	struct ec2_prefix_list_row *p = ec2_need(c, &ec2_prefix_list_kind, id);
	if (p && !str_eq(p->PrefixList->OwnerId, c->account)) {
		call_fail(c, &EC2_OperationNotPermitted,
			"The prefix list %.*s belongs to AWS and cannot be changed.", STR_FMT(id));
		return NULL;
	}
	return p;
}

static bool
rule_names(const void *row, struct str id)
{
	return str_eq(((const struct ec2_security_group_rule_row *)row)
			      ->SecurityGroupRule->PrefixListId,
		id);
}

static bool
table_names(const void *row, struct str id)
{
	const struct ec2_route_table *t = ((const struct ec2_route_table_row *)row)->RouteTable;
	for (uint32_t i = 0; i < t->Routes.n; i++)
		if (str_eq(t->Routes.v[i].DestinationPrefixListId, id))
			return true;
	return false;
}

int
ec2_delete_managed_prefix_list(struct call *c, const struct ec2_delete_managed_prefix_list_in *in,
	struct ec2_delete_managed_prefix_list_out *out)
{
	struct ec2_prefix_list_row *p = own_list(c, in->PrefixListId);
	if (!p)
		return CALL_FAILED;
	if (ec2_find(c, &ec2_group_rule_kind, rule_names, in->PrefixListId, NULL) ||
		ec2_find(c, &ec2_route_table_kind, table_names, in->PrefixListId, NULL))
		return call_fail(c, &EC2_DependencyViolation,
			"The prefix list '%.*s' is referenced by a security group or a route table "
			"and cannot be deleted.",
			STR_FMT(in->PrefixListId));
	ec2_delete(c, &ec2_prefix_list_kind, in->PrefixListId);
	p->PrefixList->State = STR("delete-in-progress");
	out->PrefixList = p->PrefixList;
	return CALL_OK;
}

int
ec2_describe_managed_prefix_lists(struct call *c,
	const struct ec2_describe_managed_prefix_lists_in *in,
	struct ec2_describe_managed_prefix_lists_out *out)
{
	struct ec2_query q = { .kind = &ec2_prefix_list_kind,
		.ids = &in->PrefixListIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = 100 };
	return ec2_describe(c, &q, &out->PrefixLists, &out->NextToken);
}

/* The older operation shows the lists of services only. */
int
ec2_describe_prefix_lists(struct call *c, const struct ec2_describe_prefix_lists_in *in,
	struct ec2_describe_prefix_lists_out *out)
{
	struct ec2_managed_prefix_list_list all = { 0 };
	struct opt_i64 none = { 0 };
	struct ec2_query q = { .kind = &ec2_prefix_list_kind,
		.ids = &in->PrefixListIds,
		.filters = &in->Filters,
		.max = in->PrefixListIds.n ? &none : &in->MaxResults,
		.token = in->NextToken };
	if (ec2_describe(c, &q, &all, &out->NextToken) != CALL_OK)
		return CALL_FAILED;
	out->PrefixLists.v = arena_array(c->arena, struct ec2_prefix_list, all.n);
	out->PrefixLists.set = true;
	for (uint32_t i = 0; i < all.n; i++) {
		struct ec2_prefix_list *p = &out->PrefixLists.v[out->PrefixLists.n];
		struct plane_cidr *cidrs;
		if (!str_is(all.v[i].OwnerId, "AWS"))
			continue;
		out->PrefixLists.n++;
		p->PrefixListId = all.v[i].PrefixListId;
		p->PrefixListName = all.v[i].PrefixListName;
		uint32_t n = ec2_prefix_list_cidrs(c, p->PrefixListId, &cidrs);
		for (uint32_t k = 0; k < n; k++)
			*(struct str *)ec2_list_add(c->arena, &p->Cidrs) =
				ec2_cidr_text(c->arena, cidrs[k]);
	}
	return CALL_OK;
}

int
ec2_get_managed_prefix_list_entries(struct call *c,
	const struct ec2_get_managed_prefix_list_entries_in *in,
	struct ec2_get_managed_prefix_list_entries_out *out)
{
	struct ec2_prefix_list_row *p = ec2_need(c, &ec2_prefix_list_kind, in->PrefixListId);
	struct str after;
	uint64_t from = 0;
	if (!p || ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	if (after.p && !str_to_u64(after, &from))
		return call_fail(
			c, &EC2_InvalidPaginationToken, "Unable to parse pagination token");
	const struct ec2_prefix_list_version *v = NULL;
	for (uint32_t i = 0; i < p->Versions.n; i++)
		if (in->TargetVersion.set ? p->Versions.v[i].Version.v == in->TargetVersion.v
					  : i + 1 == p->Versions.n)
			v = &p->Versions.v[i];
	if (!v)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The prefix list %.*s has no version %lld.", STR_FMT(in->PrefixListId),
			(long long)in->TargetVersion.v);
	uint64_t limit = in->MaxResults.set ? (uint64_t)in->MaxResults.v : 100;
	out->Entries.set = true;
	if (from > v->Entries.n)
		from = v->Entries.n;
	out->Entries.v = v->Entries.v + from;
	out->Entries.n = (uint32_t)(v->Entries.n - from < limit ? v->Entries.n - from : limit);
	if (from + out->Entries.n < v->Entries.n)
		out->NextToken =
			ec2_page_token(c, arena_printf(c->arena, "%llu",
						  (unsigned long long)(from + out->Entries.n)));
	return CALL_OK;
}

static int
entries_change(struct call *c, const struct ec2_modify_managed_prefix_list_in *in,
	struct ec2_prefix_list_version *v)
{
	for (uint32_t i = 0; i < in->RemoveEntries.n; i++) {
		struct plane_cidr cidr;
		uint32_t k = 0;
		struct str text = ec2_cidr_parse(in->RemoveEntries.v[i].Cidr, &cidr)
					  ? ec2_cidr_text(c->arena, cidr)
					  : STR("");
		while (k < v->Entries.n && !str_eq(v->Entries.v[k].Cidr, text))
			k++;
		if (k == v->Entries.n)
			return ec2_bad_value(c, "Cidr", in->RemoveEntries.v[i].Cidr,
				"The prefix list has no such entry.");
		ec2_list_remove(&v->Entries, k);
	}
	for (uint32_t i = 0; i < in->AddEntries.n; i++)
		if (entry_add(c, &v->Entries, &in->AddEntries.v[i]) != CALL_OK)
			return CALL_FAILED;
	return CALL_OK;
}

static void
mark_all(struct call *c)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_vpc_kind);
	while (ec2_walk_next(&w))
		ec2_network_mark(c->tx, c->region, c->account, w.id);
}

/* A change of entries is a new version and needs the number of the current one. */
int
ec2_modify_managed_prefix_list(struct call *c, const struct ec2_modify_managed_prefix_list_in *in,
	struct ec2_modify_managed_prefix_list_out *out)
{
	struct ec2_prefix_list_row *p = own_list(c, in->PrefixListId);
	bool entries = in->AddEntries.n || in->RemoveEntries.n;
	if (!p)
		return CALL_FAILED;
	struct ec2_managed_prefix_list *l = p->PrefixList;
	if (entries && !in->CurrentVersion.set)
		return ec2_missing(c, "CurrentVersion");
	if (in->CurrentVersion.set && in->CurrentVersion.v != l->Version.v)
		return call_fail(c, &EC2_PrefixListVersionMismatch,
			"The prefix list has the version %lld, not %lld.", (long long)l->Version.v,
			(long long)in->CurrentVersion.v);
	if (in->PrefixListName.len) {
		if (name_check(c, in->PrefixListName) != CALL_OK)
			return CALL_FAILED;
		l->PrefixListName = in->PrefixListName;
	}
	if (entries) {
		struct ec2_prefix_list_version next = *newest(p), *v;
		next.Entries.v = arena_array(
			c->arena, struct ec2_prefix_list_entry, next.Entries.n + 1);
		memcpy(next.Entries.v, newest(p)->Entries.v,
			next.Entries.n * sizeof(*next.Entries.v));
		if (entries_change(c, in, &next) != CALL_OK)
			return CALL_FAILED;
		next.Version = OPT_I64(l->Version.v + 1);
		v = ec2_list_add(c->arena, &p->Versions);
		*v = next;
		if (p->Versions.n > VERSIONS_MAX)
			ec2_list_remove(&p->Versions, 0);
		l->Version = next.Version;
	}
	if (in->MaxEntries.set)
		l->MaxEntries = OPT_I64(in->MaxEntries.v);
	if (l->MaxEntries.v < 1 || l->MaxEntries.v > ENTRIES_MAX ||
		newest(p)->Entries.n > l->MaxEntries.v)
		return too_many(c);
	l->State = STR("modify-complete");
	ec2_put(c, &ec2_prefix_list_kind, in->PrefixListId, p);
	mark_all(c);
	ec2_tags_get(c, in->PrefixListId, &l->Tags);
	out->PrefixList = l;
	return CALL_OK;
}
