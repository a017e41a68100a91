/* Ports of the host; see host_ports.h. */
#include "svc/ec2/host_ports.h"

#include "aws/service_setting.h"
#include "base/log.h"
#include "plane/publish_list.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/ip.h"

struct found {
	struct plane_publish *v;
	uint32_t n, public_ip;
};

static void
add(struct found *f, const struct publish_entry *e)
{
	if (f->n < EC2_HOST_PORTS_MAX)
		f->v[f->n++] = (struct plane_publish){ .public_ip = f->public_ip,
			.port = e->port,
			.host_port = e->from,
			.proto = e->proto };
}

static struct str
tag(const struct ec2_tag_list *tags, const char *key)
{
	for (uint32_t i = 0; i < tags->n; i++)
		if (str_eq(tags->v[i].Key, str_c(key)))
			return tags->v[i].Value;
	return STR("");
}

uint32_t
ec2_host_ports(
	struct call *c, struct str instance, uint32_t public_ip, const struct plane_publish **ret)
{
	struct str list = str_c(service_setting("publish")), rest = list;
	struct ec2_tag_list tags;
	struct publish_entry e;
	struct found f = { .public_ip = public_ip };
	if (!list.len || !public_ip)
		return 0;
	ec2_tags_get(c, instance, &tags);
	struct str name = tag(&tags, "Name"), wish = tag(&tags, EC2_PUBLISH_TAG),
		   ip = ec2_ip_text(c->arena, public_ip);
	f.v = arena_array(c->arena, struct plane_publish, EC2_HOST_PORTS_MAX);
	for (int r; (r = publish_list_next(&rest, &e));)
		if (r == 1 && e.target.len &&
			(str_eq(e.target, instance) || str_eq(e.target, name) ||
				str_eq(e.target, ip)))
			add(&f, &e);
	for (int r; (r = publish_wish_next(&wish, &e));)
		if (r == 1 && publish_list_allows(list, e.from))
			add(&f, &e);
		else
			log_warn("ec2.publish", log_str("instance", instance),
				log_uint("port", r == 1 ? e.from : 0),
				log_c("why", r == 1 ? "the setting publish does not allow it"
						    : "it is no HOSTPORT:PORT"));
	*ret = f.v;
	return f.n;
}

void
ec2_host_ports_tagged(struct call *c, struct str resource)
{
	if (!*service_setting("publish") || !str_starts(resource, STR("i-")))
		return;
	const struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, resource);
	if (i && i->Instance->VpcId.len)
		ec2_network_mark(c->tx, c->region, c->account, i->Instance->VpcId);
}
