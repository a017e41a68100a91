/* Whatever comes in as a query is read within its bounds, and its answer fits its buffer. */
#include "wire/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_question q;
	struct dns_reply r;
	uint8_t out[DNS_UDP_PLAIN];
	uint32_t ip = 0;
	struct str query = str_of(data, size);
	if (dns_question_read(query, &q) == 0) {
		dns_reverse_ip(str_c(q.name), &ip);
		dns_reply_begin(&r, out, sizeof(out), query, &q);
		for (int i = 0; i < 40; i++)
			dns_reply_a(&r, str_c(q.name), 60, ip);
		dns_reply_txt(&r, str_c(q.name), 60, query);
		dns_reply_soa(&r, str_c(q.name), 60);
		if (dns_reply_end(&r, DNS_OK, true).len > sizeof(out))
			__builtin_trap();
	}
	return 0;
}
