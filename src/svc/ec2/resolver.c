/*
 * What names mean inside a network: its machines' own (ip-10-0-0-5.ec2.internal and back), public
 * names of this cloud's machines (which lead to their private address here), and AWS's names, which
 * lead to this cloud's own API. Everything else is somebody else's.
 */
#include "base/buf.h"
#include "plane/network.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/metadata.h"
#include "svc/ec2/network_rows.h"
#include "wire/dns.h"

#include <stdio.h>

#define TTL_S 60
#define CIDRS_MAX 16

struct view {
	struct call c;
	struct ec2_vpc *vpc;
	struct plane_cidr cidrs[CIDRS_MAX];
	uint32_t cidrs_n;
};

static bool
inside(const struct view *v, uint32_t ip)
{
	for (uint32_t i = 0; i < v->cidrs_n; i++)
		if (ec2_cidr_has(v->cidrs[i], ip))
			return true;
	return false;
}

/* "ip-10-0-0-5" of "ip-10-0-0-5.ec2.internal": the four numbers. */
static bool
dashed_ip(struct str label, struct str prefix, uint32_t *ret_ip)
{
	char dotted[32];
	size_t n = 0;
	if (!str_starts(label, prefix) || label.len - prefix.len >= sizeof(dotted))
		return false;
	for (size_t i = prefix.len; i < label.len; i++)
		dotted[n++] = label.p[i] == '-' ? '.' : label.p[i];
	return ec2_ip_parse(str_of(dotted, n), ret_ip);
}

static bool
private_name(const struct view *v, struct str name, uint32_t *ret_ip)
{
	struct str rest = name, label = str_cut(&rest, '.');
	if (!rest.p || !dashed_ip(label, STR("ip-"), ret_ip))
		return false;
	struct str whole = ec2_private_name(v->c.arena, v->c.region, *ret_ip);
	return str_eq(whole, name) && inside(v, *ret_ip);
}

/* The interface of this very network that has the public address. */
static struct ec2_network_interface *
interface_of(struct view *v, uint32_t public)
{
	struct ec2_public_ip_row row;
	if (!ec2_public_owner(&v->c, public, &row) || !str_eq(row.Region, v->c.region) ||
		!str_eq(row.Account, v->c.account))
		return NULL;
	struct str id = row.Id;
	if (str_starts(id, str_c(ec2_address_kind.prefix))) {
		struct ec2_address_row *a = ec2_get(&v->c, &ec2_address_kind, id);
		id = a ? a->Address->NetworkInterfaceId : STR_NULL;
	}
	struct ec2_interface_row *n = id.len ? ec2_interface_get(&v->c, id) : NULL;
	return n && str_eq(n->NetworkInterface->VpcId, v->vpc->VpcId) ? n->NetworkInterface : NULL;
}

static void
private_of(struct view *v, uint32_t public, uint32_t *ret_ip)
{
	const struct ec2_network_interface *n = interface_of(v, public);
	uint32_t ip;
	for (uint32_t i = 0; n && i < n->PrivateIpAddresses.n; i++) {
		const struct ec2_network_interface_private_ip_address *p =
			&n->PrivateIpAddresses.v[i];
		if (p->Association && ec2_ip_parse(p->Association->PublicIp, &ip) && ip == public)
			ec2_ip_parse(p->PrivateIpAddress, ret_ip);
	}
}

/* From inside, a public name leads to the private address, as on AWS. */
static bool
public_name(struct view *v, struct str name, uint32_t *ret_ip)
{
	struct str rest = name, label = str_cut(&rest, '.');
	uint32_t public;
	if (!rest.p || !dashed_ip(label, STR("ec2-"), &public) ||
		!str_eq(ec2_public_name(v->c.arena, v->c.region, public), name))
		return false;
	*ret_ip = public;
	private_of(v, public, ret_ip);
	return true;
}

static bool
aws_name(struct str name)
{
	return str_ends(name, STR(".amazonaws.com")) || str_is(name, "amazonaws.com") ||
	       str_ends(name, STR(".api.aws")) ||
	       str_ends(name, STR(".localhost.localstack.cloud")) ||
	       str_is(name, "localhost.localstack.cloud");
}

static bool
own_zone(const struct view *v, struct str name)
{
	struct str rest = ec2_private_name(v->c.arena, v->c.region, 0);
	str_cut(&rest, '.');
	return str_eq(name, rest) || str_ends(name, arena_concat(v->c.arena, STR("."), rest));
}

/* The address of a name that is ours; *ret_ours also when it has none. */
static bool
address_of(struct view *v, struct str name, uint32_t *ret_ip, bool *ret_ours)
{
	*ret_ours = true;
	if (private_name(v, name, ret_ip) || public_name(v, name, ret_ip))
		return true;
	if (str_is(name, "instance-data") || str_is(name, "instance-data.ec2.internal")) {
		*ret_ip = PLANE_IP_METADATA;
		return true;
	}
	if (aws_name(name)) {
		*ret_ip = PLANE_IP_SERVICES;
		return true;
	}
	*ret_ours = own_zone(v, name);
	return false;
}

static struct str
answer(struct view *v, struct dns_reply *r, const struct dns_question *q)
{
	struct str name = str_c(q->name);
	uint32_t ip;
	bool ours;
	if (dns_reverse_ip(name, &ip)) {
		if (!inside(v, ip))
			return STR("");
		if (q->type == DNS_PTR || q->type == DNS_ANY)
			dns_reply_name(r, name, DNS_PTR, TTL_S,
				ec2_private_name(v->c.arena, v->c.region, ip));
		return dns_reply_end(r, DNS_OK, true);
	}
	bool found = address_of(v, name, &ip, &ours);
	if (!ours)
		return STR("");
	if (found && (q->type == DNS_A || q->type == DNS_ANY))
		dns_reply_a(r, name, TTL_S, ip);
	else
		dns_reply_soa(r, name, TTL_S);
	return dns_reply_end(r, found ? DNS_OK : DNS_NO_NAME, true);
}

struct str
ec2_resolve(const struct ec2_inside *n, struct str query, const struct dns_question *q,
	unsigned char *out, size_t cap)
{
	struct view v = { 0 };
	struct dns_reply r;
	struct arena a;
	struct str text = STR("");
	dns_reply_begin(&r, out, cap, query, q);
	if (q->opcode)
		return dns_reply_end(&r, DNS_NOT_IMPLEMENTED, false);
	if (q->klass != 1)
		return dns_reply_end(&r, DNS_REFUSED, false);
	arena_init(&a);
	struct tx *t = tx_begin_read(n->store);
	ec2_inner_call(&v.c, t, &a, str_c(n->region), str_c(n->account));
	struct ec2_vpc_row *row = ec2_get(&v.c, &ec2_vpc_kind, str_c(n->vpc));
	/* A network that switched DNS off hears nothing, as from AWS. */
	if (row && (!row->DnsSupport.set || row->DnsSupport.v)) {
		v.vpc = row->Vpc;
		v.cidrs_n = ec2_vpc_cidrs(row->Vpc, v.cidrs, CIDRS_MAX);
		text = answer(&v, &r, q);
	} else {
		text = dns_reply_end(&r, DNS_REFUSED, false);
	}
	tx_end(t);
	arena_done(&a);
	return text;
}
