/* Endpoints of services in a network: gateway endpoints, for S3 and DynamoDB. */
#include "base/json.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/zones.h"

#define ENDPOINTS_MAX 20

static const struct ec2_filter_rule filters[] = { { .name = "ip-address-type",
							  .path = "IpAddressType" },
	{ .name = "service-name", .path = "ServiceName" },
	{ .name = "service-region", .path = "ServiceRegion" },
	{ .name = "vpc-endpoint-id", .path = "VpcEndpointId" },
	{ .name = "vpc-endpoint-state", .path = "State" },
	{ .name = "vpc-endpoint-type", .path = "VpcEndpointType" },
	{ .name = "vpc-id", .path = "VpcId" }, { NULL } };

const struct ec2_kind ec2_endpoint_kind = { .type = "vpc-endpoint",
	.prefix = "vpce-",
	.row = &ec2_endpoint_row_shape,
	.unknown = &EC2_InvalidVpcEndpointId_NotFound,
	.unknown_text = "The Vpc Endpoint Id '%.*s' does not exist",
	.malformed = &EC2_InvalidVpcEndpointId_Malformed,
	.filters = filters };
EC2_KIND(ec2_endpoint_kind);

#define FULL_ACCESS                                                                                \
	"{\"Version\":\"2008-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","    \
	"\"Action\":\"*\",\"Resource\":\"*\"}]}"

static bool
is_star(const struct json *j)
{
	if (json_is(j, JSON_ARRAY) && j->n == 1)
		j = json_at(j, 0);
	return str_is(json_text(j), "*");
}

static bool
lets_all(const struct json *s)
{
	const struct json *who = json_get(s, STR("Principal")), *aws;
	aws = who && json_is(who, JSON_OBJECT) ? json_get(who, STR("AWS")) : who;
	return str_is(json_text(json_get(s, STR("Effect"))), "Allow") &&
	       is_star(aws) && is_star(json_get(s, STR("Action"))) &&
	       is_star(json_get(s, STR("Resource"))) && !json_get(s, STR("Condition"));
}

/* The API cannot tell through which endpoint a request came, so no policy of one could bite. */
static int
policy_check(struct call *c, struct str text)
{
	struct json *j;
	if (!text.len)
		return CALL_OK;
	if (text.len > 20480 || !(j = json_parse(c->arena, text, 0, NULL)) ||
		!json_is(j, JSON_OBJECT))
		return call_fail(c, &EC2_InvalidParameter,
			"The policy document is not a JSON object of 20480 characters at most.");
	const struct json *all = json_get(j, STR("Statement"));
	bool full = all && (json_is(all, JSON_ARRAY) ? all->n > 0 : lets_all(all));
	for (uint32_t i = 0; full && json_is(all, JSON_ARRAY) && i < all->n; i++)
		full = lets_all(json_at(all, i));
	if (!full)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Policies of endpoints are not enforced here, so only full access can be "
			"granted. Use bucket policies and identity policies.");
	return CALL_OK;
}

static int
ask_check(struct call *c, const struct ec2_create_vpc_endpoint_in *in)
{
	bool gateway = !in->VpcEndpointType.len || str_is(in->VpcEndpointType, "Gateway");
	if (!in->ServiceName.len)
		return ec2_missing(c, "ServiceName");
	if (!gateway)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Endpoints of the type %.*s are not there: gateway endpoints for S3 and "
			"DynamoDB are. Machines reach the other services of this cloud without an "
			"endpoint.",
			STR_FMT(in->VpcEndpointType));
	if (!ec2_managed_list_id(c, in->ServiceName).len)
		return call_fail(c, &EC2_InvalidServiceName,
			"The Vpc Endpoint Service '%.*s' does not exist", STR_FMT(in->ServiceName));
	if (in->SubnetIds.n || in->SecurityGroupIds.n || in->PrivateDnsEnabled.v)
		return call_fail(c, &EC2_InvalidParameter,
			"Subnets, security groups and private names are of interface endpoints.");
	return policy_check(c, in->PolicyDocument);
}

static bool
serves_table(const void *row, struct str service_and_table)
{
	const struct ec2_vpc_endpoint *e = ((const struct ec2_endpoint_row *)row)->VpcEndpoint;
	struct str rest = service_and_table, service = str_cut(&rest, '|');
	return str_eq(e->ServiceName, service) && ec2_list_has(&e->RouteTableIds, rest);
}

static int
tables_add(struct call *c, struct ec2_vpc_endpoint *e, const struct list_str *ids)
{
	for (uint32_t i = 0; i < ids->n; i++) {
		struct ec2_route_table_row *t = ec2_need(c, &ec2_route_table_kind, ids->v[i]);
		if (!t)
			return CALL_FAILED;
		if (!str_eq(t->RouteTable->VpcId, e->VpcId))
			return call_fail(c, &EC2_InvalidParameter,
				"Route table %.*s and endpoint belong to different networks",
				STR_FMT(ids->v[i]));
		if (ec2_list_has(&e->RouteTableIds, ids->v[i]))
			continue;
		if (ec2_find(c, &ec2_endpoint_kind, serves_table,
			    arena_printf(c->arena, "%.*s|%.*s", STR_FMT(e->ServiceName),
				    STR_FMT(ids->v[i])),
			    NULL))
			return call_fail(c, &EC2_RouteAlreadyExists,
				"route table %.*s already has a route with destination-prefix-list-id "
				"%.*s",
				STR_FMT(ids->v[i]),
				STR_FMT(ec2_managed_list_id(c, e->ServiceName)));
		*(struct str *)ec2_list_add(c->arena, &e->RouteTableIds) = ids->v[i];
	}
	return CALL_OK;
}

int
ec2_create_vpc_endpoint(struct call *c, const struct ec2_create_vpc_endpoint_in *in,
	struct ec2_create_vpc_endpoint_out *out)
{
	struct ec2_vpc_endpoint *e = arena_new(c->arena, struct ec2_vpc_endpoint);
	struct ec2_endpoint_row row = { .VpcEndpoint = e };
	struct str id;
	if (!ec2_need(c, &ec2_vpc_kind, in->VpcId) || ask_check(c, in) != CALL_OK ||
		ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	out->ClientToken = in->ClientToken;
	if (id.len) {
		struct ec2_endpoint_row *have = ec2_need(c, &ec2_endpoint_kind, id);
		out->VpcEndpoint = have ? have->VpcEndpoint : NULL;
		return have ? CALL_OK : CALL_FAILED;
	}
	if (ec2_count(c, &ec2_endpoint_kind, NULL, STR_NULL) >= ENDPOINTS_MAX)
		return call_fail(c, &EC2_VpcEndpointLimitExceeded,
			"The maximum number of VPC endpoints has been reached.");
	*e = (struct ec2_vpc_endpoint){ .VpcEndpointId = ec2_new_id(c, &ec2_endpoint_kind),
		.VpcEndpointType = STR("Gateway"),
		.VpcId = in->VpcId,
		.ServiceName = in->ServiceName,
		.State = STR("available"),
		.PolicyDocument = in->PolicyDocument.len ? in->PolicyDocument : STR(FULL_ACCESS),
		.PrivateDnsEnabled = OPT_BOOL(false),
		.RequesterManaged = OPT_BOOL(false),
		.CreationTimestamp = OPT_TIME(c->now_ms),
		.OwnerId = c->account };
	e->RouteTableIds.set = e->SubnetIds.set = e->Groups.set = true;
	e->NetworkInterfaceIds.set = e->DnsEntries.set = true;
	if (tables_add(c, e, &in->RouteTableIds) != CALL_OK)
		return CALL_FAILED;
	ec2_put(c, &ec2_endpoint_kind, e->VpcEndpointId, &row);
	if (ec2_tags_create(c, &ec2_endpoint_kind, e->VpcEndpointId, &in->TagSpecifications) !=
		CALL_OK)
		return CALL_FAILED;
	ec2_token_keep(c, in->ClientToken, in, e->VpcEndpointId);
	ec2_vpc_changed(c, in->VpcId);
	ec2_tags_get(c, e->VpcEndpointId, &e->Tags);
	out->VpcEndpoint = e;
	return CALL_OK;
}

int
ec2_modify_vpc_endpoint(struct call *c, const struct ec2_modify_vpc_endpoint_in *in,
	struct ec2_modify_vpc_endpoint_out *out)
{
	struct ec2_endpoint_row *row = ec2_need(c, &ec2_endpoint_kind, in->VpcEndpointId);
	if (!row || policy_check(c, in->PolicyDocument) != CALL_OK)
		return CALL_FAILED;
	struct ec2_vpc_endpoint *e = row->VpcEndpoint;
	if (in->AddSubnetIds.n || in->RemoveSubnetIds.n || in->AddSecurityGroupIds.n ||
		in->RemoveSecurityGroupIds.n || in->PrivateDnsEnabled.v)
		return call_fail(c, &EC2_InvalidParameter,
			"Subnets, security groups and private names are of interface endpoints.");
	if (in->ResetPolicy.v && in->PolicyDocument.len)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"ResetPolicy and PolicyDocument exclude each other.");
	for (uint32_t i = 0; i < in->RemoveRouteTableIds.n; i++) {
		uint32_t k = 0;
		while (k < e->RouteTableIds.n &&
			!str_eq(e->RouteTableIds.v[k], in->RemoveRouteTableIds.v[i]))
			k++;
		if (k == e->RouteTableIds.n)
			return call_fail(c, &EC2_InvalidRouteTableID_NotFound,
				"The routeTable ID '%.*s' does not exist",
				STR_FMT(in->RemoveRouteTableIds.v[i]));
		ec2_list_remove(&e->RouteTableIds, k);
	}
	if (tables_add(c, e, &in->AddRouteTableIds) != CALL_OK)
		return CALL_FAILED;
	if (in->PolicyDocument.len || in->ResetPolicy.v)
		e->PolicyDocument =
			in->PolicyDocument.len ? in->PolicyDocument : STR(FULL_ACCESS);
	ec2_put(c, &ec2_endpoint_kind, in->VpcEndpointId, row);
	ec2_vpc_changed(c, e->VpcId);
	out->Return = OPT_BOOL(true);
	return CALL_OK;
}

int
ec2_delete_vpc_endpoints(struct call *c, const struct ec2_delete_vpc_endpoints_in *in,
	struct ec2_delete_vpc_endpoints_out *out)
{
	out->Unsuccessful.set = true;
	for (uint32_t i = 0; i < in->VpcEndpointIds.n; i++) {
		struct str id = in->VpcEndpointIds.v[i];
		struct ec2_endpoint_row *row = ec2_get(c, &ec2_endpoint_kind, id);
		if (row) {
			ec2_delete(c, &ec2_endpoint_kind, id);
			ec2_vpc_changed(c, row->VpcEndpoint->VpcId);
			continue;
		}
		struct ec2_unsuccessful_item *u = ec2_list_add(c->arena, &out->Unsuccessful);
		u->ResourceId = id;
		u->Error = arena_new(c->arena, struct ec2_unsuccessful_item_error);
		u->Error->Code = STR("InvalidVpcEndpoint.NotFound");
		u->Error->Message = arena_printf(
			c->arena, "The Vpc Endpoint Id '%.*s' does not exist", STR_FMT(id));
	}
	return CALL_OK;
}

int
ec2_describe_vpc_endpoints(struct call *c, const struct ec2_describe_vpc_endpoints_in *in,
	struct ec2_describe_vpc_endpoints_out *out)
{
	struct ec2_query q = { .kind = &ec2_endpoint_kind,
		.ids = &in->VpcEndpointIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = 1000 };
	return ec2_describe(c, &q, &out->VpcEndpoints, &out->NextToken);
}

static bool
service_passes(const struct ec2_filter_list *asked, struct str name)
{
	for (uint32_t i = 0; i < asked->n; i++) {
		bool pass = false;
		struct str value = str_is(asked->v[i].Name, "service-name")	? name
				   : str_is(asked->v[i].Name, "service-type") ? STR("Gateway")
				   : str_is(asked->v[i].Name, "owner")	? STR("amazon")
										: STR_NULL;
		for (uint32_t k = 0; k < asked->v[i].Values.n; k++)
			pass |= value.p && ec2_glob(asked->v[i].Values.v[k], value);
		if (!pass)
			return false;
	}
	return true;
}

static void
service_fill(struct call *c, struct str name, struct ec2_service_detail *d)
{
	long dot = str_rfind(name, '.');
	struct str service = str_slice(name, (size_t)dot + 1, name.len);
	*d = (struct ec2_service_detail){ .ServiceName = name,
		.ServiceRegion = c->region,
		.Owner = STR("amazon"),
		.VpcEndpointPolicySupported = OPT_BOOL(false),
		.AcceptanceRequired = OPT_BOOL(false),
		.ManagesVpcEndpoints = OPT_BOOL(false) };
	((struct ec2_service_type_detail *)ec2_list_add(c->arena, &d->ServiceType))->ServiceType =
		STR("Gateway");
	*(struct str *)ec2_list_add(c->arena, &d->BaseEndpointDnsNames) = arena_printf(c->arena,
		"%.*s.%.*s.amazonaws.com", STR_FMT(service), STR_FMT(c->region));
	for (uint32_t z = 0; z < ec2_zones_n(c->region); z++)
		*(struct str *)ec2_list_add(c->arena, &d->AvailabilityZones) =
			ec2_zone_name(c->arena, c->region, z);
}

int
ec2_describe_vpc_endpoint_services(struct call *c,
	const struct ec2_describe_vpc_endpoint_services_in *in,
	struct ec2_describe_vpc_endpoint_services_out *out)
{
	static const char *const names[] = { "dynamodb", "s3" };
	static const char *const known[] = { "owner", "service-name", "service-type" };
	out->ServiceDetails.set = out->ServiceNames.set = true;
	for (uint32_t i = 0; i < in->Filters.n; i++) {
		unsigned k = 0;
		while (k < 3 && !str_eq(in->Filters.v[i].Name, str_c(known[k])))
			k++;
		if (k == 3)
			return call_fail(c, &EC2_InvalidParameterValue,
				"The filter '%.*s' is invalid", STR_FMT(in->Filters.v[i].Name));
	}
	for (uint32_t i = 0; i < in->ServiceNames.n; i++)
		if (!ec2_managed_list_id(c, in->ServiceNames.v[i]).len)
			return call_fail(c, &EC2_InvalidServiceName,
				"The Vpc Endpoint Service '%.*s' does not exist",
				STR_FMT(in->ServiceNames.v[i]));
	for (unsigned i = 0; i < 2; i++) {
		struct str name = arena_printf(
			c->arena, "com.amazonaws.%.*s.%s", STR_FMT(c->region), names[i]);
		if ((in->ServiceNames.n && !ec2_list_has(&in->ServiceNames, name)) ||
			!service_passes(&in->Filters, name))
			continue;
		*(struct str *)ec2_list_add(c->arena, &out->ServiceNames) = name;
		struct ec2_service_detail *d = ec2_list_add(c->arena, &out->ServiceDetails);
		service_fill(c, name, d);
	}
	return CALL_OK;
}
