/* A day of random instances, addresses and rules over the fake plane: the networks that it has are
 * what the rows say, and at the end nothing is left over. */
#include "svc/ec2/plane_rig.h"

#include "svc/ec2/network_rows.h"

#define HOURS 24
#define INSTANCES 12
#define ENIS 6
#define EIPS 4

struct churn {
	struct plane_rig p;
	const char *subnet[2], *vpc, *group, *image;
	const char *instance[INSTANCES], *eni[ENIS], *attached[ENIS], *eip[EIPS];
	bool rule[16];
	uint64_t seed;
};

static unsigned
dice(struct churn *m, unsigned n)
{
	m->seed = m->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(m->seed >> 33) % n;
}

static void
instance_op(struct churn *m)
{
	struct rig *r = &m->p.r;
	const char **i = &m->instance[dice(m, INSTANCES)];
	if (!*i) {
		rig_do(r, "RunInstances",
			"ImageId=%s&InstanceType=t3.micro&MinCount=1&MaxCount=1&SubnetId=%s",
			m->image, m->subnet[dice(m, 2)]);
		*i = rig_text(r, "instanceId");
		return;
	}
	switch (dice(m, 3)) {
	case 0:
		rig_do(r, "TerminateInstances", "InstanceId.1=%s", *i);
		for (int k = 0; k < ENIS; k++)
			if (m->attached[k] == *i)
				m->attached[k] = NULL;
		*i = NULL;
		break;
	case 1: rig_call(r, "StopInstances", "InstanceId.1=%s", *i); break;
	default: rig_call(r, "StartInstances", "InstanceId.1=%s", *i); break;
	}
}

static void
eni_op(struct churn *m)
{
	struct rig *r = &m->p.r;
	unsigned k = dice(m, ENIS);
	const char *i = m->instance[dice(m, INSTANCES)];
	if (!m->eni[k]) {
		rig_do(r, "CreateNetworkInterface", "SubnetId=%s&SecondaryPrivateIpAddressCount=%u",
			m->subnet[dice(m, 2)], dice(m, 3));
		m->eni[k] = rig_text(r, "networkInterfaceId");
	} else if (m->attached[k]) {
		rig_do(r, "DescribeNetworkInterfaces", "NetworkInterfaceId.1=%s", m->eni[k]);
		const char *attachment = rig_text(r, "attachmentId");
		rig_call(r, "DetachNetworkInterface", "AttachmentId=%s", attachment);
		m->attached[k] = r->status == 200 ? NULL : m->attached[k];
	} else if (i && dice(m, 2)) {
		rig_call(r, "AttachNetworkInterface",
			"NetworkInterfaceId=%s&InstanceId=%s&DeviceIndex=%u", m->eni[k], i, 1 + k);
		m->attached[k] = r->status == 200 ? i : NULL;
	} else {
		rig_do(r, "DeleteNetworkInterface", "NetworkInterfaceId=%s", m->eni[k]);
		m->eni[k] = NULL;
	}
}

static void
eip_op(struct churn *m)
{
	struct rig *r = &m->p.r;
	const char **a = &m->eip[dice(m, EIPS)], *n = m->eni[dice(m, ENIS)];
	const char *i = m->instance[dice(m, INSTANCES)];
	if (!*a) {
		rig_do(r, "AllocateAddress", "");
		*a = rig_text(r, "allocationId");
	} else if (n && dice(m, 2)) {
		rig_do(r, "AssociateAddress", "AllocationId=%s&NetworkInterfaceId=%s", *a, n);
	} else if (i && dice(m, 2)) {
		rig_call(r, "AssociateAddress", "AllocationId=%s&InstanceId=%s", *a, i);
	} else {
		rig_do(r, "DescribeAddresses", "AllocationId.1=%s", *a);
		const char *association = rig_text(r, "associationId");
		if (*association)
			rig_do(r, "DisassociateAddress", "AssociationId=%s", association);
		rig_do(r, "ReleaseAddress", "AllocationId=%s", *a);
		*a = NULL;
	}
}

static void
rule_op(struct churn *m)
{
	struct rig *r = &m->p.r;
	unsigned k = dice(m, 16);
	rig_do(r, m->rule[k] ? "RevokeSecurityGroupIngress" : "AuthorizeSecurityGroupIngress",
		"GroupId=%s&IpProtocol=tcp&FromPort=%u&ToPort=%u&CidrIp=0.0.0.0/0", m->group,
		1000 + k, 1000 + k);
	m->rule[k] = !m->rule[k];
}

static unsigned
rows_of(struct churn *m, const char *space)
{
	struct tx *t = tx_begin_read(cloud_store(m->p.r.cloud));
	struct scan s;
	struct key hi;
	unsigned n = 0;
	scan_open(&s, t, store_rows(cloud_store(m->p.r.cloud), "ec2"), str_c(space),
		key_after_prefix(&hi, str_c(space)), false);
	while (scan_next(&s))
		n++;
	tx_end(t);
	return n;
}

static void
check(struct churn *m)
{
	struct rig *r = &m->p.r;
	unsigned interfaces = 0, addresses = 0, rules = 2;
	const struct plane_network *n = fake_network(m->p.plane, m->vpc);
	rig_do(r, "DescribeNetworkInterfaces",
		"Filter.1.Name=attachment.status&Filter.1.Value.1=attached");
	interfaces = rig_count(r, "attachmentId");
	assert_int_equal(n ? n->interfaces_n : 0, interfaces);
	rig_do(r, "DescribeNetworkInterfaces", "");
	addresses = rig_count(r, "primary");
	assert_int_equal(rows_of(m, "a"), addresses);
	for (unsigned k = 0; k < 16; k++)
		rules += m->rule[k];
	if (n)
		assert_int_equal(n->groups[0].rules_n, rules);
	for (uint32_t i = 0; n && i < n->interfaces_n; i++)
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(n->interfaces[i].ips[0].private_ip,
				n->interfaces[k].ips[0].private_ip);
}

static void
end(struct churn *m)
{
	struct rig *r = &m->p.r;
	for (int i = 0; i < INSTANCES; i++)
		if (m->instance[i])
			rig_do(r, "TerminateInstances", "InstanceId.1=%s", m->instance[i]);
	plane_rig_settle(&m->p);
	for (int k = 0; k < ENIS; k++)
		if (m->eni[k])
			rig_do(r, "DeleteNetworkInterface", "NetworkInterfaceId=%s", m->eni[k]);
	for (int k = 0; k < EIPS; k++)
		if (m->eip[k])
			rig_do(r, "ReleaseAddress", "AllocationId=%s", m->eip[k]);
	plane_rig_advance(&m->p, INT64_C(7200000));
	assert_int_equal(rows_of(m, "a"), 0);
	assert_int_equal(rows_of(m, "p"), 0);
	assert_int_equal(rows_of(m, "n"), 0);
	assert_int_equal(rows_of(m, "w"), 0);
	assert_int_equal(fake_networks_n(m->p.plane), 0);
	assert_int_equal(fake_machines_n(m->p.plane), 0);
}

TEST(ec2_a_day_of_changes_leaves_nothing_over)
{
	static void (*const ops[])(
		struct churn *) = { instance_op, instance_op, eni_op, eip_op, rule_op };
	struct churn m = { .seed = 7 };
	struct rig *r = &m.p.r;
	plane_rig_open(&m.p);
	m.seed = 7;
	m.image = plane_rig_image(&m.p);
	rig_do(r, "DescribeSubnets", "Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1a");
	m.subnet[0] = rig_text(r, "subnetId");
	m.vpc = rig_text(r, "vpcId");
	rig_do(r, "CreateSubnet", "VpcId=%s&CidrBlock=172.31.240.0/24&AvailabilityZone=us-east-1a",
		m.vpc);
	m.subnet[1] = rig_text(r, "subnetId");
	rig_do(r, "DescribeSecurityGroups", "");
	m.group = rig_text(r, "groupId");
	for (int hour = 0; hour < HOURS; hour++) {
		for (int i = 0; i < 20; i++) {
			ops[dice(&m, 5)](&m);
			if (!dice(&m, 4))
				plane_rig_settle(&m.p);
		}
		plane_rig_advance(&m.p, INT64_C(3600000));
		check(&m);
	}
	end(&m);
	plane_rig_close(&m.p);
}
