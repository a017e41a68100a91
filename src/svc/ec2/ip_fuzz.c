/* Addresses and prefixes of requests: read within their bounds, and the same when written again. */
#include "svc/ec2/ip.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of(data, size);
	struct plane_cidr cidr, again;
	struct arena a;
	uint32_t ip, back;
	arena_init(&a);
	if (ec2_ip_parse(text, &ip)) {
		assert(str_eq(ec2_ip_text(&a, ip), text));
		assert(ec2_ip_parse(ec2_ip_text(&a, ip), &back) && back == ip);
	}
	if (ec2_cidr_parse(text, &cidr)) {
		struct str written = ec2_cidr_text(&a, cidr);
		assert(ec2_cidr_exact(written, &again));
		assert(again.ip == cidr.ip && again.bits == cidr.bits);
		assert(ec2_cidr_exact(text, &again) == str_eq(text, written));
		assert(ec2_cidr_has(cidr, cidr.ip) && ec2_cidr_has(cidr, ec2_cidr_last(cidr)));
	}
	struct str six = ec2_cidr6_plain(&a, text);
	assert(!six.p || str_eq(ec2_cidr6_plain(&a, six), six));
	arena_done(&a);
	return 0;
}
