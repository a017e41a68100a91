/* Interfaces of instances: attached, detached, and their public addresses. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

/* Which interface is at which index of an instance: found without a walk. */
static void
device_key(struct key *k, struct call *c, struct str instance)
{
	key_begin(k);
	key_add_raw(k, STR("n"));
	key_add(k, c->region);
	key_add(k, c->account);
	key_add(k, instance);
}

int
ec2_interface_ip_find(const struct ec2_interface_row *row, struct str ip)
{
	const struct ec2_network_interface *n = row->NetworkInterface;
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++)
		if (!ip.len || str_eq(n->PrivateIpAddresses.v[i].PrivateIpAddress, ip))
			return (int)i;
	return -1;
}

void
ec2_interface_associate(struct call *c, struct ec2_interface_row *row, uint32_t i,
	uint32_t public_ip, struct str allocation, struct str association)
{
	struct ec2_network_interface *n = row->NetworkInterface;
	struct ec2_network_interface_association *a =
		arena_new(c->arena, struct ec2_network_interface_association);
	a->PublicIp = ec2_ip_text(c->arena, public_ip);
	a->IpOwnerId = allocation.len ? c->account : STR("amazon");
	a->AllocationId = allocation.len ? allocation : STR_NULL;
	a->AssociationId = association.len ? association : STR_NULL;
	n->PrivateIpAddresses.v[i].Association = a;
	ec2_network_usage(c, "PublicIPv4:InUseAddress", 1);
	if (allocation.len)
		ec2_network_usage(c, "PublicIPv4:IdleAddress", -1);
	ec2_interface_put(c, row);
	ec2_vpc_changed(c, n->VpcId);
}

static void
address_is_free(struct call *c, struct str allocation)
{
	struct ec2_address_row *a = ec2_get(c, &ec2_address_kind, allocation);
	if (!a)
		return;
	a->Address->AssociationId = a->Address->NetworkInterfaceId = STR_NULL;
	a->Address->NetworkInterfaceOwnerId = a->Address->PrivateIpAddress = STR_NULL;
	a->Address->InstanceId = a->Address->SubnetId = STR_NULL;
	ec2_put(c, &ec2_address_kind, allocation, a);
}

void
ec2_interface_disassociate(struct call *c, struct ec2_interface_row *row, uint32_t i)
{
	struct ec2_network_interface *n = row->NetworkInterface;
	struct ec2_network_interface_association *a = n->PrivateIpAddresses.v[i].Association;
	uint32_t ip;
	if (!a)
		return;
	ec2_network_usage(c, "PublicIPv4:InUseAddress", -1);
	if (a->AllocationId.len)
		ec2_network_usage(c, "PublicIPv4:IdleAddress", 1);
	if (a->AllocationId.len)
		address_is_free(c, a->AllocationId);
	else if (ec2_ip_parse(a->PublicIp, &ip))
		ec2_public_free(c, ip);
	n->PrivateIpAddresses.v[i].Association = NULL;
	if (!i)
		n->Association = NULL;
	ec2_interface_put(c, row);
	ec2_vpc_changed(c, n->VpcId);
}

int
ec2_interface_attach(struct call *c, struct str id, const struct ec2_interface_attach *ask,
	struct str *ret_attachment)
{
	struct ec2_interface_row *row = ec2_need(c, &ec2_interface_kind, id);
	struct rows *rows = store_rows(c->store, "ec2");
	struct key k;
	struct str have;
	if (!row)
		return CALL_FAILED;
	struct ec2_network_interface *n = row->NetworkInterface;
	if (n->Attachment)
		return call_fail(c, &EC2_InvalidNetworkInterface_InUse,
			"Interface: [%.*s] in use.", STR_FMT(id));
	device_key(&k, c, ask->instance);
	key_add_u64(&k, (uint64_t)ask->device);
	if (tx_get(c->tx, rows, key_str(&k), &have))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Instance '%.*s' already has an interface attached at device index '%lld'.",
			STR_FMT(ask->instance), (long long)ask->device);
	tx_put(c->tx, rows, key_str(&k), id);
	struct ec2_network_interface_attachment *a =
		arena_new(c->arena, struct ec2_network_interface_attachment);
	*a = (struct ec2_network_interface_attachment){ .AttachTime = OPT_TIME(c->now_ms),
		.AttachmentId = call_id_hex(c, "eni-attach-", 17),
		.DeleteOnTermination = OPT_BOOL(ask->delete_on_termination),
		.DeviceIndex = OPT_I64(ask->device),
		.NetworkCardIndex = OPT_I64(0),
		.InstanceId = ask->instance,
		.InstanceOwnerId = c->account,
		.Status = STR("attached") };
	n->Attachment = a;
	n->Status = STR("in-use");
	ec2_interface_put(c, row);
	/* An elastic address that came before the instance now names it. */
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++) {
		struct ec2_network_interface_association *p =
			n->PrivateIpAddresses.v[i].Association;
		struct ec2_address_row *e =
			p && p->AllocationId.len ? ec2_get(c, &ec2_address_kind, p->AllocationId)
						 : NULL;
		if (e) {
			e->Address->InstanceId = ask->instance;
			ec2_put(c, &ec2_address_kind, p->AllocationId, e);
		}
	}
	ec2_vpc_changed(c, n->VpcId);
	if (ret_attachment)
		*ret_attachment = a->AttachmentId;
	return CALL_OK;
}

static bool
automatic(const struct ec2_network_interface_association *a)
{
	return a && !a->AllocationId.len;
}

int
ec2_interface_detach(struct call *c, struct str id)
{
	struct ec2_interface_row *row = ec2_need(c, &ec2_interface_kind, id);
	struct key k;
	if (!row)
		return CALL_FAILED;
	struct ec2_network_interface *n = row->NetworkInterface;
	if (!n->Attachment)
		return CALL_OK;
	device_key(&k, c, n->Attachment->InstanceId);
	key_add_u64(&k, (uint64_t)n->Attachment->DeviceIndex.v);
	tx_delete(c->tx, store_rows(c->store, "ec2"), key_str(&k));
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++) {
		struct ec2_network_interface_association *p =
			n->PrivateIpAddresses.v[i].Association;
		struct ec2_address_row *e =
			p && p->AllocationId.len ? ec2_get(c, &ec2_address_kind, p->AllocationId)
						 : NULL;
		if (automatic(p))
			ec2_interface_disassociate(c, row, i);
		if (e) {
			e->Address->InstanceId = STR_NULL;
			ec2_put(c, &ec2_address_kind, p->AllocationId, e);
		}
	}
	n->Attachment = NULL;
	n->Status = STR("available");
	ec2_interface_put(c, row);
	ec2_vpc_changed(c, n->VpcId);
	return CALL_OK;
}

uint32_t
ec2_interfaces_of(struct call *c, struct str instance, struct ec2_interface_row ***ret)
{
	struct key lo, hi;
	struct scan s;
	struct list_str ids = { 0 };
	uint32_t n = 0;
	device_key(&lo, c, instance);
	scan_open(&s, c->tx, store_rows(c->store, "ec2"), key_str(&lo),
		key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s))
		*(struct str *)ec2_list_add(c->arena, &ids) = arena_dup(c->arena, s.value);
	*ret = arena_array(c->arena, struct ec2_interface_row *, ids.n);
	for (uint32_t i = 0; i < ids.n; i++)
		if (((*ret)[n] = ec2_interface_get(c, ids.v[i])))
			n++;
	return n;
}

int
ec2_interfaces_started(struct call *c, struct str instance)
{
	struct ec2_interface_row **all;
	uint32_t n = ec2_interfaces_of(c, instance, &all), ip;
	for (uint32_t i = 0; i < n; i++) {
		struct ec2_network_interface *f = all[i]->NetworkInterface;
		if (!all[i]->PublicAtStart.v || f->PrivateIpAddresses.v[0].Association)
			continue;
		if (ec2_public_take(c, STR(""), f->NetworkInterfaceId, &ip) != CALL_OK)
			return CALL_FAILED;
		ec2_interface_associate(c, all[i], 0, ip, STR(""), STR(""));
	}
	return CALL_OK;
}

void
ec2_interfaces_stopped(struct call *c, struct str instance)
{
	struct ec2_interface_row **all;
	uint32_t n = ec2_interfaces_of(c, instance, &all);
	for (uint32_t i = 0; i < n; i++)
		if (automatic(all[i]->NetworkInterface->PrivateIpAddresses.v[0].Association))
			ec2_interface_disassociate(c, all[i], 0);
}

void
ec2_interfaces_terminated(struct call *c, struct str instance)
{
	struct ec2_interface_row **all;
	uint32_t n = ec2_interfaces_of(c, instance, &all);
	for (uint32_t i = 0; i < n; i++) {
		struct ec2_network_interface *f = all[i]->NetworkInterface;
		if (f->Attachment && f->Attachment->DeleteOnTermination.v)
			ec2_interface_delete(c, f->NetworkInterfaceId);
		else
			ec2_interface_detach(c, f->NetworkInterfaceId);
	}
}
