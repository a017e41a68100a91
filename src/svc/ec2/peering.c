/* Peering of two networks, of one or of two accounts and regions: a row in each place. */
#include "aws/due.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define PENDING_MS INT64_C(604800000) /* a request waits for a week */
#define SHOWN_MS INT64_C(7200000)     /* what has ended is shown for two hours */
#define ACTIVE_MAX 50

static const struct ec2_filter_rule filters[] = {
	{ .name = "accepter-vpc-info.cidr-block", .path = "AccepterVpcInfo.CidrBlock" },
	{ .name = "accepter-vpc-info.owner-id", .path = "AccepterVpcInfo.OwnerId" },
	{ .name = "accepter-vpc-info.vpc-id", .path = "AccepterVpcInfo.VpcId" },
	{ .name = "expiration-time", .path = "ExpirationTime" },
	{ .name = "requester-vpc-info.cidr-block", .path = "RequesterVpcInfo.CidrBlock" },
	{ .name = "requester-vpc-info.owner-id", .path = "RequesterVpcInfo.OwnerId" },
	{ .name = "requester-vpc-info.vpc-id", .path = "RequesterVpcInfo.VpcId" },
	{ .name = "status-code", .path = "Status.Code" },
	{ .name = "status-message", .path = "Status.Message" },
	{ .name = "vpc-peering-connection-id", .path = "VpcPeeringConnectionId" }, { NULL } };

const struct ec2_kind ec2_peering_kind = { .type = "vpc-peering-connection",
	.prefix = "pcx-",
	.row = &ec2_peering_row_shape,
	.unknown = &EC2_InvalidVpcPeeringConnectionID_NotFound,
	.unknown_text = "The vpcPeeringConnection ID '%.*s' does not exist",
	.malformed = &EC2_InvalidVpcPeeringConnectionId_Malformed,
	.filters = filters };
EC2_KIND(ec2_peering_kind);

static void
put_both(struct call *c, struct ec2_vpc_peering_connection *p)
{
	struct ec2_peering_row row = { .VpcPeeringConnection = p };
	const struct ec2_vpc_peering_connection_vpc_info *sides[] = { p->RequesterVpcInfo,
		p->AccepterVpcInfo };
	for (unsigned i = 0; i < 2; i++) {
		struct call there = ec2_elsewhere(c, sides[i]->Region, sides[i]->OwnerId);
		/* Tags and what else a place has of its own stand elsewhere. */
		ec2_put(&there, &ec2_peering_kind, p->VpcPeeringConnectionId, &row);
		ec2_network_mark(c->tx, sides[i]->Region, sides[i]->OwnerId, sides[i]->VpcId);
	}
}

static void
status_set(
	struct call *c, struct ec2_vpc_peering_connection *p, const char *code, struct str message)
{
	p->Status = arena_new(c->arena, struct ec2_vpc_peering_connection_state_reason);
	p->Status->Code = str_c(code);
	p->Status->Message = message;
}

static struct str
due_id(struct call *c, const struct ec2_vpc_peering_connection *p)
{
	return arena_printf(c->arena, "%.*s/%.*s/%.*s", STR_FMT(p->RequesterVpcInfo->Region),
		STR_FMT(p->RequesterVpcInfo->OwnerId), STR_FMT(p->VpcPeeringConnectionId));
}

static void
ended(struct call *c, struct ec2_vpc_peering_connection *p, const char *code, struct str message)
{
	status_set(c, p, code, message);
	p->ExpirationTime = (struct opt_time){ 0, false };
	put_both(c, p);
	due_add(c->tx, STR("ec2.peering"), due_id(c, p), c->now_ms + SHOWN_MS, STR(""));
}

static void
ranges_fill(struct call *c, const struct ec2_vpc *v, struct ec2_vpc_peering_connection_vpc_info *i)
{
	i->CidrBlock = v->CidrBlock;
	i->CidrBlockSet.set = true;
	for (uint32_t k = 0; k < v->CidrBlockAssociationSet.n; k++)
		((struct ec2_cidr_block *)ec2_list_add(c->arena, &i->CidrBlockSet))->CidrBlock =
			v->CidrBlockAssociationSet.v[k].CidrBlock;
}

static struct ec2_vpc_peering_connection_vpc_info *
side(struct call *c, struct str vpc, struct str owner, struct str region, const struct ec2_vpc *v)
{
	struct ec2_vpc_peering_connection_vpc_info *i =
		arena_new(c->arena, struct ec2_vpc_peering_connection_vpc_info);
	i->VpcId = vpc;
	i->OwnerId = owner;
	i->Region = region;
	i->PeeringOptions = arena_new(
		c->arena, struct ec2_vpc_peering_connection_options_description);
	i->PeeringOptions->AllowDnsResolutionFromRemoteVpc = OPT_BOOL(false);
	i->PeeringOptions->AllowEgressFromLocalClassicLinkToRemoteVpc = OPT_BOOL(false);
	i->PeeringOptions->AllowEgressFromLocalVpcToRemoteClassicLink = OPT_BOOL(false);
	if (v)
		ranges_fill(c, v, i);
	return i;
}

static bool
overlap(const struct ec2_vpc *a, const struct ec2_vpc *b)
{
	struct plane_cidr x[8], y[8];
	uint32_t n = ec2_vpc_cidrs(a, x, 8), m = ec2_vpc_cidrs(b, y, 8);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < m; k++)
			if (ec2_cidr_overlap(x[i], y[k]))
				return true;
	return false;
}

static int
room(struct call *c, struct str vpc, struct str peer)
{
	struct ec2_walk w;
	uint32_t n = 0;
	bool have = false;
	ec2_walk_begin(&w, c, &ec2_peering_kind);
	for (struct ec2_peering_row *row; (row = ec2_walk_next(&w));) {
		const struct ec2_vpc_peering_connection *p = row->VpcPeeringConnection;
		struct str a = p->RequesterVpcInfo->VpcId, b = p->AccepterVpcInfo->VpcId;
		bool on = str_is(p->Status->Code, "active") ||
			  str_is(p->Status->Code, "pending-acceptance");
		n += on && (str_eq(a, vpc) || str_eq(b, vpc));
		have |= on && ((str_eq(a, vpc) && str_eq(b, peer)) ||
				      (str_eq(b, vpc) && str_eq(a, peer)));
	}
	if (have)
		return call_fail(c, &EC2_VpcPeeringConnectionAlreadyExists,
			"A VPC peering connection between %.*s and %.*s already exists.",
			STR_FMT(vpc), STR_FMT(peer));
	if (n >= ACTIVE_MAX)
		return call_fail(c, &EC2_VpcPeeringConnectionQuotaExceeded,
			"The maximum number of VPC peering connections of %.*s has been reached.",
			STR_FMT(vpc));
	return CALL_OK;
}

/* What cannot be peered is made all the same, and fails at once, as AWS does. */
int
ec2_create_vpc_peering_connection(struct call *c,
	const struct ec2_create_vpc_peering_connection_in *in,
	struct ec2_create_vpc_peering_connection_out *out)
{
	struct str owner = in->PeerOwnerId.len ? in->PeerOwnerId : c->account;
	struct str region = in->PeerRegion.len ? in->PeerRegion : c->region;
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	struct call there = ec2_elsewhere(c, region, owner);
	if (!v)
		return CALL_FAILED;
	if (!in->PeerVpcId.len)
		return ec2_missing(c, "PeerVpcId");
	if (str_eq(in->PeerVpcId, in->VpcId))
		return call_fail(c, &EC2_InvalidParameterValue,
			"The VPC %.*s cannot be peered with itself.", STR_FMT(in->VpcId));
	struct ec2_vpc_row *peer = ec2_get(&there, &ec2_vpc_kind, in->PeerVpcId);
	if (!peer && str_eq(owner, c->account) && str_eq(region, c->region))
		return ec2_need(c, &ec2_vpc_kind, in->PeerVpcId) ? CALL_OK : CALL_FAILED;
	if (room(c, in->VpcId, in->PeerVpcId) != CALL_OK)
		return CALL_FAILED;
	struct ec2_vpc_peering_connection *p =
		arena_new(c->arena, struct ec2_vpc_peering_connection);
	p->VpcPeeringConnectionId = ec2_new_id(c, &ec2_peering_kind);
	p->RequesterVpcInfo = side(c, in->VpcId, c->account, c->region, v->Vpc);
	p->AccepterVpcInfo = side(c, in->PeerVpcId, owner, region, NULL);
	if (!peer || overlap(v->Vpc, peer->Vpc)) {
		struct ec2_peering_row row = { .VpcPeeringConnection = p };
		status_set(c, p, "failed",
			STR("Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR "
			    "range"));
		ec2_put(c, &ec2_peering_kind, p->VpcPeeringConnectionId, &row);
		due_add(c->tx, STR("ec2.peering"), due_id(c, p), c->now_ms + SHOWN_MS, STR(""));
	} else {
		status_set(c, p, "pending-acceptance",
			arena_printf(c->arena, "Pending Acceptance by %.*s", STR_FMT(owner)));
		p->ExpirationTime = OPT_TIME(c->now_ms + PENDING_MS);
		put_both(c, p);
		due_add(c->tx, STR("ec2.peering"), due_id(c, p), c->now_ms + PENDING_MS, STR(""));
	}
	if (ec2_tags_create(c, &ec2_peering_kind, p->VpcPeeringConnectionId,
		    &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	ec2_tags_get(c, p->VpcPeeringConnectionId, &p->Tags);
	status_set(c, p, "initiating-request",
		arena_printf(c->arena, "Initiating Request to %.*s", STR_FMT(owner)));
	out->VpcPeeringConnection = p;
	return CALL_OK;
}

static int
no_transition(struct call *c, const struct ec2_vpc_peering_connection *p, const char *to)
{
	return call_fail(c, &EC2_InvalidStateTransition,
		"Invalid state transition for %.*s, attempted to transition from %.*s to %s",
		STR_FMT(p->VpcPeeringConnectionId), STR_FMT(p->Status->Code), to);
}

static bool
is_accepter(struct call *c, const struct ec2_vpc_peering_connection *p)
{
	return str_eq(p->AccepterVpcInfo->OwnerId, c->account) &&
	       str_eq(p->AccepterVpcInfo->Region, c->region);
}

int
ec2_accept_vpc_peering_connection(struct call *c,
	const struct ec2_accept_vpc_peering_connection_in *in,
	struct ec2_accept_vpc_peering_connection_out *out)
{
	struct ec2_peering_row *row = ec2_need(c, &ec2_peering_kind, in->VpcPeeringConnectionId);
	if (!row)
		return CALL_FAILED;
	struct ec2_vpc_peering_connection *p = row->VpcPeeringConnection;
	if (!is_accepter(c, p))
		return call_fail(c, &EC2_OperationNotPermitted,
			"User %.*s cannot accept peering %.*s", STR_FMT(c->account),
			STR_FMT(in->VpcPeeringConnectionId));
	if (!str_is(p->Status->Code, "pending-acceptance"))
		return no_transition(c, p, "provisioning");
	struct call there =
		ec2_elsewhere(c, p->RequesterVpcInfo->Region, p->RequesterVpcInfo->OwnerId);
	struct ec2_vpc_row *a = ec2_get(&there, &ec2_vpc_kind, p->RequesterVpcInfo->VpcId);
	struct ec2_vpc_row *b = ec2_need(c, &ec2_vpc_kind, p->AccepterVpcInfo->VpcId);
	if (!a || !b || overlap(a->Vpc, b->Vpc))
		return no_transition(c, p, "active");
	p->AccepterVpcInfo->CidrBlockSet = (struct ec2_cidr_block_list){ 0 };
	ranges_fill(c, b->Vpc, p->AccepterVpcInfo);
	status_set(c, p, "active", STR("Active"));
	p->ExpirationTime = (struct opt_time){ 0, false };
	due_cancel(c->tx, STR("ec2.peering"), due_id(c, p));
	put_both(c, p);
	ec2_tags_get(c, in->VpcPeeringConnectionId, &p->Tags);
	out->VpcPeeringConnection = arena_new(c->arena, struct ec2_vpc_peering_connection);
	*out->VpcPeeringConnection = *p;
	status_set(c, out->VpcPeeringConnection, "provisioning", STR("Provisioning"));
	return CALL_OK;
}

int
ec2_delete_vpc_peering_connection(struct call *c,
	const struct ec2_delete_vpc_peering_connection_in *in,
	struct ec2_delete_vpc_peering_connection_out *out)
{
	struct ec2_peering_row *row = ec2_need(c, &ec2_peering_kind, in->VpcPeeringConnectionId);
	if (!row)
		return CALL_FAILED;
	struct ec2_vpc_peering_connection *p = row->VpcPeeringConnection;
	bool pending = str_is(p->Status->Code, "pending-acceptance");
	if (!pending && !str_is(p->Status->Code, "active"))
		return no_transition(c, p, "deleting");
	bool own = str_eq(p->RequesterVpcInfo->OwnerId, c->account);
	ended(c, p, pending && !own ? "rejected" : "deleted",
		arena_printf(c->arena, "%s by %.*s", pending && !own ? "Rejected" : "Deleted",
			STR_FMT(c->account)));
	out->Return = OPT_BOOL(true);
	return CALL_OK;
}

int
ec2_describe_vpc_peering_connections(struct call *c,
	const struct ec2_describe_vpc_peering_connections_in *in,
	struct ec2_describe_vpc_peering_connections_out *out)
{
	struct ec2_query q = { .kind = &ec2_peering_kind,
		.ids = &in->VpcPeeringConnectionIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->VpcPeeringConnections, &out->NextToken);
}

static int
options_read(struct call *c, const struct ec2_peering_connection_options_request *in,
	struct ec2_peering_connection_options **ret)
{
	if (!in)
		return CALL_OK;
	if (in->AllowEgressFromLocalClassicLinkToRemoteVpc.v ||
		in->AllowEgressFromLocalVpcToRemoteClassicLink.v)
		return call_fail(c, &EC2_UnsupportedOperation,
			"EC2-Classic is retired: there are no ClassicLinks.");
	if (in->AllowDnsResolutionFromRemoteVpc.v)
		return call_fail(c, &EC2_UnsupportedOperation,
			"The resolver does not answer for the other network of a peering yet: "
			"AllowDnsResolutionFromRemoteVpc stays off.");
	*ret = arena_new(c->arena, struct ec2_peering_connection_options);
	(*ret)->AllowDnsResolutionFromRemoteVpc = OPT_BOOL(false);
	(*ret)->AllowEgressFromLocalClassicLinkToRemoteVpc = OPT_BOOL(false);
	(*ret)->AllowEgressFromLocalVpcToRemoteClassicLink = OPT_BOOL(false);
	return CALL_OK;
}

int
ec2_modify_vpc_peering_connection_options(struct call *c,
	const struct ec2_modify_vpc_peering_connection_options_in *in,
	struct ec2_modify_vpc_peering_connection_options_out *out)
{
	struct ec2_peering_row *row = ec2_need(c, &ec2_peering_kind, in->VpcPeeringConnectionId);
	if (!row)
		return CALL_FAILED;
	if (!in->AccepterPeeringConnectionOptions && !in->RequesterPeeringConnectionOptions)
		return ec2_missing(c, "RequesterPeeringConnectionOptions");
	if (!str_is(row->VpcPeeringConnection->Status->Code, "active"))
		return call_fail(c, &EC2_OperationNotPermitted,
			"Peering %.*s is not active. Peering options can be added only to active "
			"peerings.",
			STR_FMT(in->VpcPeeringConnectionId));
	return options_read(c, in->AccepterPeeringConnectionOptions,
		       &out->AccepterPeeringConnectionOptions) == CALL_OK
		       ? options_read(c, in->RequesterPeeringConnectionOptions,
				 &out->RequesterPeeringConnectionOptions)
		       : CALL_FAILED;
}

/* A request that nobody answered expires; what has ended is forgotten. */
static int
later(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	arena_init(&a);
	struct str rest = arena_dup(&a, id), region = str_cut(&rest, '/'),
		   account = str_cut(&rest, '/');
	(void)payload, (void)arg;
	ec2_inner_call(&c, t, &a, region, account);
	c.now_ms = due_ms;
	struct ec2_peering_row *row = ec2_get(&c, &ec2_peering_kind, rest);
	struct ec2_vpc_peering_connection *p = row ? row->VpcPeeringConnection : NULL;
	if (p && str_is(p->Status->Code, "pending-acceptance")) {
		ended(&c, p, "expired", STR("Expired"));
	} else if (p && !str_is(p->Status->Code, "active")) {
		struct call there =
			ec2_elsewhere(&c, p->AccepterVpcInfo->Region, p->AccepterVpcInfo->OwnerId);
		ec2_delete(&c, &ec2_peering_kind, rest);
		ec2_delete(&there, &ec2_peering_kind, rest);
	}
	arena_done(&a);
	return 0;
}

static void
start(struct store *s)
{
	(void)s;
	due_handle("ec2.peering", later, NULL);
}
EC2_START(start);
