/* Attributes of instances: what may be changed while they run, and what only when stopped. */
#include "base/text.h"
#include "svc/ec2/instance_types.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/volumes.h"

#define USER_DATA_MAX 16384

static struct ec2_attribute_boolean_value *
flag(struct call *c, bool on)
{
	struct ec2_attribute_boolean_value *v =
		arena_new(c->arena, struct ec2_attribute_boolean_value);
	v->Value = OPT_BOOL(on);
	return v;
}

static struct ec2_attribute_value *
text(struct call *c, struct str s)
{
	struct ec2_attribute_value *v = arena_new(c->arena, struct ec2_attribute_value);
	v->Value = s;
	return v;
}

int
ec2_describe_instance_attribute(struct call *c, const struct ec2_describe_instance_attribute_in *in,
	struct ec2_describe_instance_attribute_out *out)
{
	struct ec2_instance_row *row = ec2_need(c, &ec2_instance_kind, in->InstanceId);
	struct str a = in->Attribute;
	if (!row)
		return CALL_FAILED;
	const struct ec2_instance *i = ec2_instance_get(c, in->InstanceId)->Instance;
	out->InstanceId = in->InstanceId;
	if (str_is(a, "instanceType"))
		out->InstanceType = text(c, i->InstanceType);
	else if (str_is(a, "kernel"))
		out->KernelId = text(c, STR_NULL);
	else if (str_is(a, "ramdisk"))
		out->RamdiskId = text(c, STR_NULL);
	else if (str_is(a, "userData"))
		out->UserData = text(c, row->UserData);
	else if (str_is(a, "disableApiTermination"))
		out->DisableApiTermination = flag(c, row->DisableApiTermination.v);
	else if (str_is(a, "disableApiStop"))
		out->DisableApiStop = flag(c, row->DisableApiStop.v);
	else if (str_is(a, "instanceInitiatedShutdownBehavior"))
		out->InstanceInitiatedShutdownBehavior = text(c, row->ShutdownBehavior);
	else if (str_is(a, "rootDeviceName"))
		out->RootDeviceName = text(c, i->RootDeviceName);
	else if (str_is(a, "blockDeviceMapping"))
		out->BlockDeviceMappings = i->BlockDeviceMappings;
	else if (str_is(a, "productCodes"))
		out->ProductCodes.set = true;
	else if (str_is(a, "sourceDestCheck"))
		out->SourceDestCheck = flag(c, i->SourceDestCheck.v);
	else if (str_is(a, "groupSet"))
		out->Groups = i->SecurityGroups;
	else if (str_is(a, "ebsOptimized"))
		out->EbsOptimized = flag(c, i->EbsOptimized.v);
	else if (str_is(a, "enaSupport"))
		out->EnaSupport = flag(c, i->EnaSupport.v);
	else if (str_is(a, "sriovNetSupport"))
		out->SriovNetSupport = text(c, STR_NULL);
	else if (str_is(a, "enclaveOptions"))
		out->EnclaveOptions = i->EnclaveOptions;
	return CALL_OK;
}

/* ---- modified */

/* "Attribute=instanceType&Value=…" means the member of that name. */
static void
plain_form(struct call *c, struct ec2_modify_instance_attribute_in *in)
{
	struct str a = in->Attribute, v = in->Value;
	bool on = str_is(v, "true");
	if (!v.p)
		return;
	if (str_is(a, "instanceType"))
		in->InstanceType = text(c, v);
	else if (str_is(a, "instanceInitiatedShutdownBehavior"))
		in->InstanceInitiatedShutdownBehavior = text(c, v);
	else if (str_is(a, "disableApiTermination"))
		in->DisableApiTermination = flag(c, on);
	else if (str_is(a, "disableApiStop"))
		in->DisableApiStop = flag(c, on);
	else if (str_is(a, "sourceDestCheck"))
		in->SourceDestCheck = flag(c, on);
	else if (str_is(a, "ebsOptimized"))
		in->EbsOptimized = flag(c, on);
	else if (str_is(a, "enaSupport"))
		in->EnaSupport = flag(c, on);
	else if (str_is(a, "userData")) {
		in->UserData = arena_new(c->arena, struct ec2_secure_blob_attribute_value);
		in->UserData->Value = base64_bytes(c->arena, v, BASE64_LENIENT);
	}
}

static int
stopped_check(struct call *c, const struct ec2_instance_row *row)
{
	if (ec2_state_is(row, EC2_STOPPED))
		return CALL_OK;
	return call_fail(c, &EC2_IncorrectInstanceState,
		"The instance '%.*s' is not in the 'stopped' state.",
		STR_FMT(row->Instance->InstanceId));
}

static int
type_set(struct call *c, struct ec2_instance_row *row, struct str name)
{
	const struct ec2_instance_type *t = ec2_instance_type_find(name);
	if (stopped_check(c, row) != CALL_OK)
		return CALL_FAILED;
	if (!t)
		return call_fail(c, &EC2_InvalidInstanceAttributeValue,
			"Invalid value '%.*s' for InstanceType.", STR_FMT(name));
	if (!str_eq(row->Instance->Architecture, str_c(t->family->arch)))
		return call_fail(c, &EC2_InvalidInstanceAttributeValue,
			"The architecture of %s does not fit the instance's '%.*s'.", t->name,
			STR_FMT(row->Instance->Architecture));
	if (row->CpuCredits.len && !(t->family->flags & EC2_FAMILY_BURSTS))
		row->CpuCredits = STR_NULL;
	row->Instance->InstanceType = str_c(t->name);
	if (!row->CpuCredits.len && (t->family->flags & EC2_FAMILY_BURSTS))
		return ec2_credits_check(c, name, STR_NULL, &row->CpuCredits);
	return CALL_OK;
}

static int
user_data_set(struct call *c, struct ec2_instance_row *row, struct str bytes)
{
	if (stopped_check(c, row) != CALL_OK)
		return CALL_FAILED;
	if (bytes.len > USER_DATA_MAX)
		return call_fail(c, &EC2_InvalidParameterValue, "User data is limited to %d bytes",
			USER_DATA_MAX);
	row->UserData = base64_text(c->arena, bytes);
	return CALL_OK;
}

static int
deletion_set(struct call *c, struct ec2_instance_row *row,
	const struct ec2_instance_block_device_mapping_specification *m)
{
	struct ec2_instance_block_device_mapping_list *l = &row->Instance->BlockDeviceMappings;
	for (uint32_t i = 0; i < l->n; i++) {
		if (!str_eq(l->v[i].DeviceName, m->DeviceName) || !l->v[i].Ebs)
			continue;
		struct ec2_volume_row *v = ec2_get(c, &ec2_volume_kind, l->v[i].Ebs->VolumeId);
		if (!m->Ebs || !m->Ebs->DeleteOnTermination.set)
			return CALL_OK;
		l->v[i].Ebs->DeleteOnTermination = m->Ebs->DeleteOnTermination;
		if (v && v->Volume->Attachments.n) {
			v->Volume->Attachments.v[0].DeleteOnTermination =
				m->Ebs->DeleteOnTermination;
			ec2_put(c, &ec2_volume_kind, v->Volume->VolumeId, v);
		}
		return CALL_OK;
	}
	return call_fail(c, &EC2_InvalidInstanceAttributeValue,
		"No device is currently mapped at %.*s", STR_FMT(m->DeviceName));
}

/* Weak: as any operation that nobody wrote. */
int ec2_modify_network_interface_attribute(struct call *c,
	const struct ec2_modify_network_interface_attribute_in *in,
	struct ec2_modify_network_interface_attribute_out *out) __attribute__((weak));

/* Of the first interface, as its own operation does it. */
static int
interface_set(struct call *c, const struct ec2_modify_instance_attribute_in *in)
{
	struct ec2_interface_row **all;
	struct ec2_modify_network_interface_attribute_out out;
	uint32_t n = ec2_interfaces_of(c, in->InstanceId, &all);
	if (!ec2_modify_network_interface_attribute)
		return call_fail(
			c, &EC2_UnsupportedOperation, "Interfaces are not modified here yet.");
	if (!n || (n > 1 && in->SourceDestCheck))
		return call_fail(c, &EC2_InvalidParameterCombination,
			"There are multiple interfaces attached to instance '%.*s'. Please specify "
			"an "
			"interface ID for the operation instead.",
			STR_FMT(in->InstanceId));
	struct ec2_modify_network_interface_attribute_in of = {
		.NetworkInterfaceId = all[0]->NetworkInterface->NetworkInterfaceId,
	};
	if (in->SourceDestCheck) {
		of.SourceDestCheck = in->SourceDestCheck;
		if (ec2_modify_network_interface_attribute(c, &of, &out) != CALL_OK)
			return CALL_FAILED;
	}
	of.SourceDestCheck = NULL;
	of.Groups = in->Groups;
	return in->Groups.n ? ec2_modify_network_interface_attribute(c, &of, &out) : CALL_OK;
}

static int
others_set(struct call *c, struct ec2_instance_row *row,
	const struct ec2_modify_instance_attribute_in *in)
{
	if (in->EbsOptimized) {
		if (stopped_check(c, row) != CALL_OK)
			return CALL_FAILED;
		row->Instance->EbsOptimized = in->EbsOptimized->Value;
	}
	if (in->EnaSupport) {
		if (stopped_check(c, row) != CALL_OK)
			return CALL_FAILED;
		row->Instance->EnaSupport = in->EnaSupport->Value;
	}
	if (in->Kernel || in->Ramdisk || in->SriovNetSupport)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Kernel, ramdisk and SR-IOV of an instance are not changed here.");
	if (in->EnclaveOptions && in->EnclaveOptions->Enabled.v)
		return call_fail(c, &EC2_UnsupportedOperation, "Enclaves are not available here.");
	return CALL_OK;
}

int
ec2_modify_instance_attribute(struct call *c, const struct ec2_modify_instance_attribute_in *asked,
	struct ec2_modify_instance_attribute_out *out __attribute__((unused)))
{
	struct ec2_modify_instance_attribute_in *in =
		arena_new(c->arena, struct ec2_modify_instance_attribute_in);
	struct ec2_instance_row *row = ec2_need(c, &ec2_instance_kind, asked->InstanceId);
	*in = *asked;
	if (!row)
		return CALL_FAILED;
	if (ec2_state_is(row, EC2_TERMINATED) || ec2_state_is(row, EC2_SHUTTING_DOWN))
		return call_fail(c, &EC2_IncorrectInstanceState,
			"Instance '%.*s' is not in a valid state to be modified.",
			STR_FMT(in->InstanceId));
	plain_form(c, in);
	if (in->InstanceType && type_set(c, row, in->InstanceType->Value) != CALL_OK)
		return CALL_FAILED;
	if (in->UserData && user_data_set(c, row, in->UserData->Value) != CALL_OK)
		return CALL_FAILED;
	if (in->DisableApiTermination)
		row->DisableApiTermination = in->DisableApiTermination->Value;
	if (in->DisableApiStop)
		row->DisableApiStop = in->DisableApiStop->Value;
	if (in->InstanceInitiatedShutdownBehavior) {
		struct str v = in->InstanceInitiatedShutdownBehavior->Value;
		if (!str_is(v, "stop") && !str_is(v, "terminate"))
			return call_fail(c, &EC2_InvalidInstanceAttributeValue,
				"'%.*s' is not a shutdown behaviour: stop or terminate.",
				STR_FMT(v));
		row->ShutdownBehavior = v;
	}
	for (uint32_t i = 0; i < in->BlockDeviceMappings.n; i++)
		if (deletion_set(c, row, &in->BlockDeviceMappings.v[i]) != CALL_OK)
			return CALL_FAILED;
	if (others_set(c, row, in) != CALL_OK)
		return CALL_FAILED;
	ec2_instance_put(c, row);
	return in->SourceDestCheck || in->Groups.n ? interface_set(c, in) : CALL_OK;
}

int
ec2_modify_instance_metadata_options(struct call *c,
	const struct ec2_modify_instance_metadata_options_in *in,
	struct ec2_modify_instance_metadata_options_out *out)
{
	struct ec2_instance_row *row = ec2_need(c, &ec2_instance_kind, in->InstanceId);
	if (!row)
		return CALL_FAILED;
	struct ec2_instance_metadata_options_response *m = row->Instance->MetadataOptions;
	if (ec2_state_is(row, EC2_TERMINATED) || ec2_state_is(row, EC2_SHUTTING_DOWN))
		return call_fail(c, &EC2_IncorrectInstanceState,
			"Instance '%.*s' is not in a valid state to be modified.",
			STR_FMT(in->InstanceId));
	if (in->HttpPutResponseHopLimit.set &&
		(in->HttpPutResponseHopLimit.v < 1 || in->HttpPutResponseHopLimit.v > 64))
		return call_fail(c, &EC2_InvalidParameterValue,
			"HttpPutResponseHopLimit must be between 1 and 64.");
	if (in->HttpTokens.len)
		m->HttpTokens = in->HttpTokens;
	if (in->HttpPutResponseHopLimit.set)
		m->HttpPutResponseHopLimit = in->HttpPutResponseHopLimit;
	if (in->HttpEndpoint.len)
		m->HttpEndpoint = in->HttpEndpoint;
	if (in->HttpProtocolIpv6.len)
		m->HttpProtocolIpv6 = in->HttpProtocolIpv6;
	if (in->InstanceMetadataTags.len)
		m->InstanceMetadataTags = in->InstanceMetadataTags;
	ec2_instance_put(c, row);
	out->InstanceId = in->InstanceId;
	out->InstanceMetadataOptions = m;
	return CALL_OK;
}

/* ---- credits of types that burst */

int
ec2_credits_check(struct call *c, struct str type, struct str credits, struct str *ret)
{
	const struct ec2_instance_type *t = ec2_instance_type_find(type);
	bool bursts = t && (t->family->flags & EC2_FAMILY_BURSTS);
	*ret = STR_NULL;
	if (credits.len && !str_is(credits, "standard") && !str_is(credits, "unlimited"))
		return ec2_bad_value(c, "cpuCredits", credits, "standard or unlimited.");
	if (!bursts)
		return credits.len ? call_fail(c, &EC2_InvalidParameterCombination,
					     "The %.*s instance type does not support credit "
					     "specifications.",
					     STR_FMT(type))
				   : CALL_OK;
	bool t2 = strcmp(t->family->name, "t2") == 0;
	*ret = credits.len ? credits : t2 ? STR("standard") : STR("unlimited");
	return CALL_OK;
}

static const struct ec2_filter_rule filters[] = { { "instance-id", "InstanceId", NULL }, { 0 } };
static const struct ec2_kind credit_kind = { .row = &ec2_instance_credit_row_shape,
	.filters = filters };

int
ec2_describe_instance_credit_specifications(struct call *c,
	const struct ec2_describe_instance_credit_specifications_in *in,
	struct ec2_describe_instance_credit_specifications_out *out)
{
	struct ec2_candidates all = { 0 };
	struct ec2_instance_row *row;
	struct ec2_walk w;
	struct ec2_query q = { .kind = &credit_kind,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	for (uint32_t k = 0; k < in->InstanceIds.n; k++)
		if (!ec2_need(c, &ec2_instance_kind, in->InstanceIds.v[k]))
			return CALL_FAILED;
	ec2_walk_begin(&w, c, &ec2_instance_kind);
	while ((row = ec2_walk_next(&w))) {
		bool asked = false;
		for (uint32_t k = 0; k < in->InstanceIds.n; k++)
			asked |= str_eq(in->InstanceIds.v[k], w.id);
		/* Without ids: those of unlimited ones only, as AWS says. */
		if (in->InstanceIds.n ? !asked || !row->CpuCredits.len
				      : !str_is(row->CpuCredits, "unlimited"))
			continue;
		struct ec2_instance_credit_row *r =
			arena_new(c->arena, struct ec2_instance_credit_row);
		r->Credit = arena_new(c->arena, struct ec2_instance_credit_specification);
		r->Credit->InstanceId = w.id;
		r->Credit->CpuCredits = row->CpuCredits;
		ec2_candidate_add(c, &all, w.id, r);
	}
	return ec2_describe_rows(c, &q, &all, &out->InstanceCreditSpecifications, &out->NextToken);
}
