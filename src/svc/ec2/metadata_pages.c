/* The pages of one instance. Their names and texts are those that tools in images read. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "svc/ec2/metadata.h"

#define M "meta-data/"

static void
add(struct ec2_pages *p, struct str path, struct str text)
{
	if (!text.p)
		return;
	if (p->n == p->cap) {
		uint32_t cap = p->cap ? p->cap * 2 : 64;
		struct ec2_page *v = arena_array(p->arena, struct ec2_page, cap);
		if (p->n)
			memcpy(v, p->v, p->n * sizeof(*v));
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = (struct ec2_page){ path, text, STR_NULL };
}

static void
add_lit(struct ec2_pages *p, const char *path, struct str text)
{
	/* An empty text is no page: AWS answers 404 for what does not apply. */
	if (text.len)
		add(p, str_c(path), text);
}

static struct str
number(struct ec2_pages *p, int64_t v)
{
	return arena_printf(p->arena, "%lld", (long long)v);
}

static struct str
lines(struct ec2_pages *p, const struct ec2_group_identifier_list *groups, bool ids)
{
	struct str all = STR("");
	for (uint32_t i = 0; i < groups->n; i++) {
		struct str one = ids ? groups->v[i].GroupId : groups->v[i].GroupName;
		all = arena_printf(
			p->arena, "%.*s%s%.*s", STR_FMT(all), i ? "\n" : "", STR_FMT(one));
	}
	return all;
}

static void
interface_pages(struct ec2_pages *p, const struct ec2_metadata *m,
	const struct ec2_instance_network_interface *n)
{
	struct arena *a = p->arena;
	struct str ips = STR(""), publics = STR("");
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++) {
		const struct ec2_instance_private_ip_address *ip = &n->PrivateIpAddresses.v[i];
		struct str public = ip->Association ? ip->Association->PublicIp : STR_NULL;
		ips = arena_printf(a, "%.*s%s%.*s", STR_FMT(ips), ips.len ? "\n" : "",
			STR_FMT(ip->PrivateIpAddress));
		if (!public.len)
			continue;
		publics = arena_printf(a, "%.*s%s%.*s", STR_FMT(publics), publics.len ? "\n" : "",
			STR_FMT(public));
		add(p,
			arena_printf(a, M "network/interfaces/macs/%.*s/ipv4-associations/%.*s",
				STR_FMT(n->MacAddress), STR_FMT(public)),
			ip->PrivateIpAddress);
	}
	struct str cidrs = STR("");
	for (uint32_t i = 0; i < m->vpc_cidrs.n; i++)
		cidrs = arena_printf(
			a, "%.*s%s%.*s", STR_FMT(cidrs), i ? "\n" : "", STR_FMT(m->vpc_cidrs.v[i]));
	const struct {
		const char *name;
		struct str text;
	} pages[] = {
		{ "device-number", number(p, n->Attachment ? n->Attachment->DeviceIndex.v : 0) },
		{ "interface-id", n->NetworkInterfaceId },
		{ "local-hostname", n->PrivateDnsName },
		{ "local-ipv4s", ips },
		{ "mac", n->MacAddress },
		{ "owner-id", n->OwnerId },
		{ "public-hostname", n->Association ? n->Association->PublicDnsName : STR_NULL },
		{ "public-ipv4s", publics },
		{ "security-group-ids", lines(p, &n->Groups, true) },
		{ "security-groups", lines(p, &n->Groups, false) },
		{ "subnet-id", n->SubnetId },
		{ "subnet-ipv4-cidr-block", m->subnet_cidr },
		{ "vpc-id", n->VpcId },
		{ "vpc-ipv4-cidr-block", m->vpc_cidrs.n ? m->vpc_cidrs.v[0] : STR_NULL },
		{ "vpc-ipv4-cidr-blocks", cidrs },
	};
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (pages[i].text.len)
			add(p,
				arena_printf(a, M "network/interfaces/macs/%.*s/%s",
					STR_FMT(n->MacAddress), pages[i].name),
				pages[i].text);
}

static void
key_pages(struct ec2_pages *p, const struct ec2_metadata *m)
{
	if (!m->public_key.len)
		return;
	add_lit(p, M "public-keys/0/openssh-key", m->public_key);
	p->v[p->n - 1].shown = arena_printf(p->arena, "0=%.*s", STR_FMT(m->instance->KeyName));
}

static void
role_pages(struct ec2_pages *p, struct call *c, const struct ec2_metadata *m)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	if (!m->profile_arn.len)
		return;
	json_write_object(&w);
	json_write_member_str(&w, "Code", STR("Success"));
	json_write_member_str(&w, "LastUpdated", time_text(c->arena, c->now_ms, TIME_ISO8601));
	json_write_member_str(&w, "InstanceProfileArn", m->profile_arn);
	json_write_member_str(&w, "InstanceProfileId", m->profile_id);
	json_write_object_end(&w);
	add_lit(p, M "iam/info", arena_dup(p->arena, buf_str(&b)));
	buf_done(&b);
	/* Its text is made by who serves it: keys are a session that must be durable first. */
	if (m->role_name.len)
		add(p,
			arena_printf(
				p->arena, M "iam/security-credentials/%.*s", STR_FMT(m->role_name)),
			STR(""));
}

static void
placement_pages(struct ec2_pages *p, struct call *c, const struct ec2_metadata *m)
{
	const struct ec2_placement *at = m->instance->Placement;
	add_lit(p, M "placement/region", c->region);
	if (!at)
		return;
	add_lit(p, M "placement/availability-zone", at->AvailabilityZone);
	add_lit(p, M "placement/availability-zone-id", m->zone_id);
	add_lit(p, M "placement/group-name", at->GroupName);
	add_lit(p, M "placement/host-id", at->HostId);
	if (at->PartitionNumber.set)
		add_lit(p, M "placement/partition-number", number(p, at->PartitionNumber.v));
}

static void
device_pages(struct ec2_pages *p, const struct ec2_instance *i)
{
	unsigned ebs = 1;
	add_lit(p, M "block-device-mapping/ami", i->RootDeviceName);
	add_lit(p, M "block-device-mapping/root", i->RootDeviceName);
	for (uint32_t k = 0; k < i->BlockDeviceMappings.n; k++) {
		struct str name = i->BlockDeviceMappings.v[k].DeviceName;
		if (!str_eq(name, i->RootDeviceName))
			add(p, arena_printf(p->arena, M "block-device-mapping/ebs%u", ebs++), name);
	}
}

static void
tag_pages(struct ec2_pages *p, const struct ec2_instance *i)
{
	const struct ec2_instance_metadata_options_response *o = i->MetadataOptions;
	if (!o || !str_is(o->InstanceMetadataTags, "enabled"))
		return;
	/* Keys that cannot stand in a path are refused when tags are switched on, as on AWS. */
	for (uint32_t k = 0; k < i->Tags.n; k++)
		if (str_find(i->Tags.v[k].Key, '/') < 0)
			add(p,
				arena_printf(p->arena, M "tags/instance/%.*s",
					STR_FMT(i->Tags.v[k].Key)),
				i->Tags.v[k].Value);
}

static void
identity_page(struct ec2_pages *p, struct call *c, const struct ec2_metadata *m)
{
	const struct ec2_instance *i = m->instance;
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_member_str(&w, "accountId", c->account);
	json_write_member_str(&w, "architecture", i->Architecture);
	json_write_member_str(
		&w, "availabilityZone", i->Placement ? i->Placement->AvailabilityZone : STR_NULL);
	json_write_member_str(&w, "imageId", i->ImageId);
	json_write_member_str(&w, "instanceId", i->InstanceId);
	json_write_member_str(&w, "instanceType", i->InstanceType);
	json_write_member_str(
		&w, "pendingTime", time_text(c->arena, i->LaunchTime.ms, TIME_ISO8601));
	json_write_member_str(&w, "privateIp", i->PrivateIpAddress);
	json_write_member_str(&w, "region", c->region);
	json_write_member_str(&w, "version", STR("2017-09-30"));
	json_write_object_end(&w);
	add_lit(p, "dynamic/instance-identity/document", arena_dup(p->arena, buf_str(&b)));
	buf_done(&b);
}

void
ec2_pages_make(struct call *c, const struct ec2_metadata *m, struct ec2_pages *ret)
{
	const struct ec2_instance *i = m->instance;
	*ret = (struct ec2_pages){ .arena = c->arena };
	const struct {
		const char *path;
		struct str text;
	} pages[] = {
		{ M "ami-id", i->ImageId },
		{ M "ami-launch-index", number(ret, i->AmiLaunchIndex.v) },
		{ M "ami-manifest-path", STR("(unknown)") },
		{ M "hostname", i->PrivateDnsName },
		{ M "instance-action", STR("none") },
		{ M "instance-id", i->InstanceId },
		{ M "instance-life-cycle",
			i->InstanceLifecycle.len ? i->InstanceLifecycle : STR("on-demand") },
		{ M "instance-type", i->InstanceType },
		{ M "local-hostname", i->PrivateDnsName },
		{ M "local-ipv4", i->PrivateIpAddress },
		{ M "mac",
			i->NetworkInterfaces.n ? i->NetworkInterfaces.v[0].MacAddress : STR_NULL },
		{ M "profile", STR("default-hvm") },
		{ M "public-hostname", i->PublicDnsName },
		{ M "public-ipv4", i->PublicIpAddress },
		{ M "reservation-id", m->reservation_id },
		{ M "security-groups", lines(ret, &i->SecurityGroups, false) },
		{ M "services/domain", STR("amazonaws.com") },
		{ M "services/partition", STR("aws") },
		{ M "spot/instance-action", m->spot_action },
		{ M "spot/termination-time", m->spot_time },
		{ "user-data", m->user_data },
	};
	for (size_t k = 0; k < sizeof(pages) / sizeof(pages[0]); k++)
		add_lit(ret, pages[k].path, pages[k].text);
	for (uint32_t k = 0; k < i->NetworkInterfaces.n; k++)
		interface_pages(ret, m, &i->NetworkInterfaces.v[k]);
	key_pages(ret, m);
	role_pages(ret, c, m);
	placement_pages(ret, c, m);
	device_pages(ret, i);
	tag_pages(ret, i);
	identity_page(ret, c, m);
}

/* "latest" or a version's date; what follows, or false. */
static bool
version_cut(struct str *path)
{
	static const char *const versions[] = { "latest", "1.0", "2007-01-19", "2008-02-01",
		"2009-04-04", "2012-01-12", "2014-11-05", "2016-09-02", "2018-09-24", "2019-10-01",
		"2020-10-27", "2021-01-03", "2021-07-15", "2022-09-24", "2024-04-11" };
	struct str rest = *path, first = str_cut(&rest, '/');
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (str_eq(first, str_c(versions[i]))) {
			*path = rest.p ? rest : STR("");
			return true;
		}
	return false;
}

static bool
listed(struct str so_far, struct str entry)
{
	while (so_far.len) {
		if (str_eq(str_cut(&so_far, '\n'), entry))
			return true;
	}
	return false;
}

/* What follows the directory's name in the paths below it, each once, directories with their slash.
 */
static bool
listing(const struct ec2_pages *p, struct str dir, struct str *ret_text)
{
	struct str all = STR_NULL;
	for (uint32_t i = 0; i < p->n; i++) {
		struct str path = p->v[i].path;
		if (!str_starts(path, dir) || path.len <= dir.len)
			continue;
		struct str rest = str_slice(path, dir.len, path.len), entry = str_cut(&rest, '/');
		if (rest.p)
			entry = p->v[i].shown.p && str_ends(dir, STR("public-keys/"))
					? p->v[i].shown
					: arena_concat(p->arena, entry, STR("/"));
		if (!listed(all, entry))
			all = arena_printf(p->arena, "%.*s%s%.*s", STR_FMT(all), all.p ? "\n" : "",
				STR_FMT(entry));
	}
	*ret_text = all;
	return all.p != NULL;
}

bool
ec2_pages_get(const struct ec2_pages *p, struct str path, struct str *ret_text)
{
	if (!path.len) {
		*ret_text =
			STR("1.0\n2007-01-19\n2008-02-01\n2009-04-04\n2012-01-12\n2014-11-05\n2016-"
			    "09-02\n2018-09-24\n2019-10-01\n"
			    "2020-10-27\n2021-01-03\n2021-07-15\n2022-09-24\n2024-04-11\nlatest");
		return true;
	}
	if (!version_cut(&path))
		return false;
	while (str_ends(path, STR("/")))
		path = str_slice(path, 0, path.len - 1);
	for (uint32_t i = 0; i < p->n; i++)
		if (str_eq(p->v[i].path, path)) {
			*ret_text = p->v[i].text;
			return true;
		}
	return listing(p, path.len ? arena_concat(p->arena, path, STR("/")) : STR(""), ret_text);
}
