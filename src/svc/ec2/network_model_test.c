/* Thousands of random operations on networks against a model: each succeeds exactly when the model
 * says so, addresses are counted the same, and when all is deleted nothing is left over. */
#include "svc/ec2/ec2_rig.h"
#include "svc/ec2/network_rows.h"

#define OPS 10000
#define VPCS 4
#define SUBNETS 12
#define ENIS 30
#define EIPS 5
#define GROUPS 10
#define TABLES 8

struct thing {
	const char *id; /* NULL: there is none at this place */
	int of;         /* its network, subnet or interface; -1: none */
	int n;          /* addresses of an interface; references to a group */
	int group;      /* of an interface; which a group's rule names */
};
struct model {
	struct rig r;
	struct thing vpc[VPCS], subnet[SUBNETS], eni[ENIS], eip[EIPS], group[GROUPS], table[TABLES];
	bool igw[VPCS];
	const char *igw_id[VPCS];
	uint64_t seed;
};

static unsigned
dice(struct model *m, unsigned n)
{
	m->seed = m->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(m->seed >> 33) % n;
}

static int
users(const struct thing *t, int n, int of)
{
	int count = 0;
	for (int i = 0; i < n; i++)
		count += t[i].id && t[i].of == of;
	return count;
}

static void
expect(struct model *m, bool ok, const char *op)
{
	if ((m->r.status == 200) != ok)
		print_error("%s should have %s: %.*s\n", op, ok ? "succeeded" : "failed",
			STR_FMT(m->r.body));
	assert_int_equal(m->r.status == 200, ok);
}

static void
vpc_op(struct model *m)
{
	struct rig *r = &m->r;
	int i = (int)dice(m, VPCS);
	struct thing *v = &m->vpc[i];
	if (!v->id) {
		rig_do(r, "CreateVpc", "CidrBlock=10.%d.0.0/16", i);
		*v = (struct thing){ rig_text(r, "vpcId"), -1, 0, 0 };
		return;
	}
	if (dice(m, 3) == 0) {
		if (m->igw[i]) {
			bool mapped = false;
			for (int e = 0; e < EIPS; e++)
				mapped |= m->eip[e].id && m->eip[e].of >= 0 &&
					  m->subnet[m->eni[m->eip[e].of].of].of == i;
			rig_call(r, "DetachInternetGateway", "InternetGatewayId=%s&VpcId=%s",
				m->igw_id[i], v->id);
			expect(m, !mapped, "DetachInternetGateway");
			if (mapped)
				return;
			rig_do(r, "DeleteInternetGateway", "InternetGatewayId=%s", m->igw_id[i]);
		} else {
			rig_do(r, "CreateInternetGateway", "");
			m->igw_id[i] = rig_text(r, "internetGatewayId");
			rig_do(r, "AttachInternetGateway", "InternetGatewayId=%s&VpcId=%s",
				m->igw_id[i], v->id);
		}
		m->igw[i] = !m->igw[i];
		return;
	}
	rig_call(r, "DeleteVpc", "VpcId=%s", v->id);
	bool empty = !users(m->subnet, SUBNETS, i) && !users(m->group, GROUPS, i) &&
		     !users(m->table, TABLES, i) && !m->igw[i];
	expect(m, empty, "DeleteVpc");
	if (empty)
		v->id = NULL;
}

static void
subnet_op(struct model *m)
{
	struct rig *r = &m->r;
	int i = (int)dice(m, SUBNETS), v = (int)dice(m, VPCS), used = 0;
	struct thing *s = &m->subnet[i];
	if (!s->id && m->vpc[v].id) {
		rig_do(r, "CreateSubnet", "VpcId=%s&CidrBlock=10.%d.%d.0/28", m->vpc[v].id, v, i);
		*s = (struct thing){ rig_text(r, "subnetId"), v, 0, 0 };
		return;
	}
	if (!s->id)
		return;
	for (int e = 0; e < ENIS; e++)
		used += m->eni[e].id && m->eni[e].of == i ? m->eni[e].n : 0;
	rig_do(r, "DescribeSubnets", "SubnetId.1=%s", s->id);
	int64_t left = -1;
	assert_true(str_to_i64(str_c(rig_text(r, "availableIpAddressCount")), &left));
	assert_int_equal(left, 11 - used);
	rig_call(r, "DeleteSubnet", "SubnetId=%s", s->id);
	expect(m, !used, "DeleteSubnet");
	if (!used)
		s->id = NULL;
}

static void
eni_make(struct model *m, struct thing *e)
{
	struct rig *r = &m->r;
	int i = (int)dice(m, SUBNETS), g = (int)dice(m, GROUPS), used = 0, more = (int)dice(m, 3);
	if (!m->subnet[i].id)
		return;
	if (!m->group[g].id || m->group[g].of != m->subnet[i].of)
		g = -1;
	for (int k = 0; k < ENIS; k++)
		used += m->eni[k].id && m->eni[k].of == i ? m->eni[k].n : 0;
	rig_call(r, "CreateNetworkInterface", "SubnetId=%s&SecondaryPrivateIpAddressCount=%d%s%s",
		m->subnet[i].id, more, g < 0 ? "" : "&SecurityGroupId.1=",
		g < 0 ? "" : m->group[g].id);
	expect(m, used + 1 + more <= 11, "CreateNetworkInterface");
	if (m->r.status == 200)
		*e = (struct thing){ rig_text(r, "networkInterfaceId"), i, 1 + more, g };
}

static void
eni_op(struct model *m)
{
	struct rig *r = &m->r;
	int i = (int)dice(m, ENIS);
	struct thing *e = &m->eni[i];
	if (!e->id) {
		eni_make(m, e);
		return;
	}
	rig_do(r, "DeleteNetworkInterface", "NetworkInterfaceId=%s", e->id);
	for (int k = 0; k < EIPS; k++)
		if (m->eip[k].of == i)
			m->eip[k].of = -1;
	e->id = NULL;
}

static void
eip_op(struct model *m)
{
	struct rig *r = &m->r;
	int i = (int)dice(m, EIPS), e = (int)dice(m, ENIS);
	struct thing *a = &m->eip[i];
	if (!a->id) {
		rig_do(r, "AllocateAddress", "");
		*a = (struct thing){ rig_text(r, "allocationId"), -1, 0, 0 };
	} else if (dice(m, 2) && m->eni[e].id) {
		rig_call(r, "AssociateAddress", "AllocationId=%s&NetworkInterfaceId=%s", a->id,
			m->eni[e].id);
		bool ok = m->igw[m->subnet[m->eni[e].of].of] || a->of == e;
		expect(m, ok, "AssociateAddress");
		for (int k = 0; ok && k < EIPS; k++)
			if (m->eip[k].of == e)
				m->eip[k].of = -1;
		if (ok)
			a->of = e;
	} else {
		rig_call(r, "ReleaseAddress", "AllocationId=%s", a->id);
		expect(m, a->of < 0, "ReleaseAddress");
		if (a->of < 0)
			a->id = NULL;
	}
}

static bool
group_used(const struct model *m, int i)
{
	for (int k = 0; k < ENIS; k++)
		if (m->eni[k].id && m->eni[k].group == i)
			return true;
	for (int k = 0; k < GROUPS; k++)
		if (m->group[k].id && k != i && m->group[k].group == i)
			return true;
	return false;
}

static void
group_op(struct model *m)
{
	struct rig *r = &m->r;
	int i = (int)dice(m, GROUPS), v = (int)dice(m, VPCS), other = (int)dice(m, GROUPS);
	struct thing *g = &m->group[i];
	if (!g->id && m->vpc[v].id) {
		rig_do(r, "CreateSecurityGroup", "GroupName=g%d&GroupDescription=d&VpcId=%s", i,
			m->vpc[v].id);
		*g = (struct thing){ rig_text(r, "groupId"), v, 0, -1 };
	} else if (g->id && g->group < 0 && m->group[other].id && m->group[other].of == g->of) {
		rig_do(r, "AuthorizeSecurityGroupIngress",
			"GroupId=%s&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=%s",
			g->id, m->group[other].id);
		g->group = other;
	} else if (g->id && g->group >= 0 && dice(m, 2)) {
		rig_do(r, "RevokeSecurityGroupIngress",
			"GroupId=%s&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=%s",
			g->id, m->group[g->group].id);
		g->group = -1;
	} else if (g->id) {
		bool used = group_used(m, i);
		rig_call(r, "DeleteSecurityGroup", "GroupId=%s", g->id);
		expect(m, !used, "DeleteSecurityGroup");
		if (!used)
			g->id = NULL;
	}
}

static void
table_op(struct model *m)
{
	struct rig *r = &m->r;
	int i = (int)dice(m, TABLES), v = (int)dice(m, VPCS);
	struct thing *t = &m->table[i];
	if (!t->id && m->vpc[v].id) {
		rig_do(r, "CreateRouteTable", "VpcId=%s", m->vpc[v].id);
		*t = (struct thing){ rig_text(r, "routeTableId"), v, 0, 0 };
	} else if (t->id && dice(m, 2)) {
		rig_call(r, "CreateRoute",
			"RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0&GatewayId=%s", t->id,
			m->igw[t->of] ? m->igw_id[t->of] : "igw-0123456789abcdef0");
		if (!m->igw[t->of])
			expect(m, false, "CreateRoute");
	} else if (t->id) {
		rig_do(r, "DeleteRouteTable", "RouteTableId=%s", t->id);
		t->id = NULL;
	}
}

static unsigned
rows_n(struct model *m)
{
	struct tx *t = tx_begin_read(cloud_store(m->r.cloud));
	struct scan s;
	unsigned n = 0;
	scan_open(&s, t, store_rows(cloud_store(m->r.cloud), "ec2"), STR("\1"), STR_NULL, false);
	while (scan_next(&s))
		n++;
	tx_end(t);
	return n;
}

static void
delete_all(struct model *m)
{
	struct rig *r = &m->r;
	for (int i = 0; i < ENIS; i++)
		if (m->eni[i].id)
			rig_do(r, "DeleteNetworkInterface", "NetworkInterfaceId=%s", m->eni[i].id);
	for (int i = 0; i < EIPS; i++)
		if (m->eip[i].id)
			rig_do(r, "ReleaseAddress", "AllocationId=%s", m->eip[i].id);
	for (int i = 0; i < GROUPS; i++)
		if (m->group[i].id && m->group[i].group >= 0)
			rig_do(r, "RevokeSecurityGroupIngress",
				"GroupId=%s&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1."
				"GroupId=%s",
				m->group[i].id, m->group[m->group[i].group].id);
	for (int i = 0; i < GROUPS; i++)
		if (m->group[i].id)
			rig_do(r, "DeleteSecurityGroup", "GroupId=%s", m->group[i].id);
	for (int i = 0; i < TABLES; i++)
		if (m->table[i].id)
			rig_do(r, "DeleteRouteTable", "RouteTableId=%s", m->table[i].id);
	for (int i = 0; i < SUBNETS; i++)
		if (m->subnet[i].id)
			rig_do(r, "DeleteSubnet", "SubnetId=%s", m->subnet[i].id);
	for (int i = 0; i < VPCS; i++) {
		if (!m->vpc[i].id)
			continue;
		if (m->igw[i]) {
			rig_do(r, "DetachInternetGateway", "InternetGatewayId=%s&VpcId=%s",
				m->igw_id[i], m->vpc[i].id);
			rig_do(r, "DeleteInternetGateway", "InternetGatewayId=%s", m->igw_id[i]);
		}
		rig_do(r, "DeleteVpc", "VpcId=%s", m->vpc[i].id);
	}
}

TEST(ec2_networks_as_the_model_and_nothing_left_over)
{
	static void (*const ops[])(struct model *) = { vpc_op, subnet_op, eni_op, eip_op, group_op,
		table_op, eni_op, subnet_op };
	struct model m = { .seed = 20260102 };
	rig_open(&m.r);
	rig_do(&m.r, "DescribeVpcs", "");
	unsigned before = rows_n(&m);
	for (int i = 0; i < OPS; i++)
		ops[dice(&m, sizeof(ops) / sizeof(ops[0]))](&m);
	delete_all(&m);
	assert_int_equal(rows_n(&m), before);
	rig_close(&m.r);
}
