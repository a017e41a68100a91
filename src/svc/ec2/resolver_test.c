#include "svc/ec2/ec2_rig.h"
#include "svc/ec2/metadata.h"
#include "svc/ec2/network_rows.h"
#include "wire/dns.h"

#include <arpa/inet.h>

struct resolver {
	struct rig rig;
	struct ec2_inside view;
	char text[DNS_NAME_MAX + 1];
};

static void
resolver_open(struct resolver *r)
{
	rig_open(&r->rig);
	rig_do(&r->rig, "DescribeVpcs", "%s", "");
	r->view = (struct ec2_inside){
		.store = cloud_store(r->rig.cloud), .region = "us-east-1", .account = "111122223333"
	};
	snprintf(r->view.vpc, sizeof(r->view.vpc), "%s", rig_text(&r->rig, "vpcId"));
}

/* The first answer as text; "NXDOMAIN", "EMPTY", or "FORWARD" when the name is not ours. */
static const char *
resolve(struct resolver *r, const char *name, enum dns_type type)
{
	unsigned char query[512] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 }, out[DNS_UDP_MAX];
	struct dns_question q;
	size_t n = 12 + dns_name_write(str_c(name), query + 12);
	query[n + 1] = (unsigned char)type;
	query[n + 3] = 1;
	struct str text = str_of(query, n + 4);
	assert_int_equal(dns_question_read(text, &q), 0);
	struct str reply = ec2_resolve(&r->view, text, &q, out, sizeof(out));
	if (!reply.len)
		return "FORWARD";
	if ((reply.p[3] & 15) == DNS_NO_NAME)
		return "NXDOMAIN";
	assert_int_equal(reply.p[3] & 15, 0);
	if (!reply.p[7])
		return "EMPTY";
	size_t at = dns_name_read(reply, q.question_end, r->text) + 10;
	if (type == DNS_A)
		inet_ntop(AF_INET, reply.p + at, r->text, sizeof(r->text));
	else
		dns_name_read(reply, at, r->text);
	return r->text;
}

TEST(ec2_resolver_knows_its_network)
{
	struct resolver r;
	resolver_open(&r);
	assert_string_equal(resolve(&r, "ip-172-31-0-5.ec2.internal", DNS_A), "172.31.0.5");
	assert_string_equal(resolve(&r, "ip-172-31-0-5.ec2.internal", DNS_AAAA), "EMPTY");
	assert_string_equal(resolve(&r, "ip-10-0-0-5.ec2.internal", DNS_A), "NXDOMAIN");
	assert_string_equal(resolve(&r, "nonsense.ec2.internal", DNS_A), "NXDOMAIN");
	assert_string_equal(
		resolve(&r, "5.0.31.172.in-addr.arpa", DNS_PTR), "ip-172-31-0-5.ec2.internal");
	assert_string_equal(resolve(&r, "5.0.0.10.in-addr.arpa", DNS_PTR), "FORWARD");
	assert_string_equal(resolve(&r, "instance-data.ec2.internal", DNS_A), "169.254.169.254");
	assert_string_equal(resolve(&r, "s3.us-east-1.amazonaws.com", DNS_A), "169.254.169.251");
	assert_string_equal(resolve(&r, "bucket.s3.amazonaws.com", DNS_A), "169.254.169.251");
	assert_string_equal(resolve(&r, "example.com", DNS_A), "FORWARD");
	rig_close(&r.rig);
}

TEST(ec2_resolver_is_silent_where_dns_is_off)
{
	struct resolver r;
	resolver_open(&r);
	rig_do(&r.rig, "ModifyVpcAttribute", "VpcId=%s&EnableDnsSupport.Value=false", r.view.vpc);
	unsigned char query[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		      out[DNS_UDP_MAX];
	struct dns_question q;
	assert_int_equal(dns_question_read(str_of(query, sizeof(query)), &q), 0);
	struct str reply = ec2_resolve(&r.view, str_of(query, sizeof(query)), &q, out, sizeof(out));
	assert_int_equal(reply.p[3] & 15, DNS_REFUSED);
	rig_close(&r.rig);
}
