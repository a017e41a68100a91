/* Zones as the command line sees them: GET /_haneul/zones?region=R, POST {"zone": "us-east-1a",
 * "fail": true}. */
#include "base/buf.h"
#include "base/json.h"
#include "svc/ec2/image_orders.h"
#include "svc/ec2/resource.h"
#include "svc/ec2/zone_failure.h"
#include "svc/ec2/zones.h"

static bool
zones_show(struct call *c, struct buf *ret_body, const char **ret_type)
{
	struct json_writer w = { .out = ret_body };
	struct str asked = call_query_param(c, STR("region")),
		   region = asked.len ? asked : c->region;
	uint32_t failed = ec2_zones_failed(c->tx, region);
	*ret_type = "application/json";
	json_write_object(&w);
	json_write_key(&w, STR("zones"));
	json_write_array(&w);
	for (uint32_t z = 0; z < ec2_zones_n(region); z++) {
		json_write_object(&w);
		json_write_member_str(&w, "name", ec2_zone_name(c->arena, region, z));
		json_write_member_str(&w, "id", ec2_zone_id(c->arena, region, z));
		json_write_member_str(
			&w, "state", failed >> z & 1 ? STR("failed") : STR("available"));
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	json_write_object_end(&w);
	buf_add_c(ret_body, '\n');
	return true;
}

static int
zones_change(struct call *c, struct str body, struct buf *ret_body)
{
	struct json *j = json_parse(c->arena, body, 8, NULL);
	struct str name = json_get_text(j, STR("zone"));
	bool fail;
	if (!name.len || !json_bool(json_get_lit(j, "fail"), &fail))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Say {\"zone\": NAME, \"fail\": true or false}.");
	/* "us-east-1a" is zone a of us-east-1. */
	struct str region = str_slice(name, 0, name.len - 1);
	int zone = ec2_zone_find(c->arena, region, name);
	if (zone < 0)
		return call_fail(
			c, &EC2_InvalidParameterValue, "There is no zone %.*s.", STR_FMT(name));
	struct json_writer w = { .out = ret_body };
	uint32_t instances = ec2_zone_failure(c, region, (uint32_t)zone, fail);
	json_write_object(&w);
	json_write_member_str(&w, "message",
		arena_printf(c->arena,
			fail ? "%.*s has failed: %u instances go down, its network is cut."
			     : "%.*s is restored: %u instances start again, its network is back.",
			STR_FMT(name), instances));
	json_write_object_end(&w);
	return CALL_OK;
}

const struct service_page ec2_pages[] = {
	{ .path = "/_haneul/zones", .serve = zones_show, .change = zones_change },
	{ .path = "/_haneul/images", .serve = ec2_orders_show, .change = ec2_orders_take },
	{ .path = NULL },
};
