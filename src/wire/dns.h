/*
 * dns: DNS messages (RFC 1035, EDNS(0) of RFC 6891) as bytes and back. It takes in what anybody may
 * send: names are bounded (255 bytes, 63 a label), compression pointers may only go backwards,
 * counts are believed no further than the bytes reach. It sends nothing itself. Any thread.
 *
 * Names here are text in lower case without the last dot ("www.example.com"; the root is ""). A
 * label that holds a dot or a byte outside printable ASCII is refused: nobody here has such names.
 */
#ifndef HANEUL_WIRE_DNS_H
#define HANEUL_WIRE_DNS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define DNS_NAME_MAX 253
#define DNS_UDP_PLAIN 512 /* what a client without EDNS takes */
#define DNS_UDP_MAX 1232  /* what we send over UDP at most */

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_OPT = 41,
	DNS_ANY = 255
};
enum dns_code {
	DNS_OK = 0,
	DNS_FORMAT_ERROR = 1,
	DNS_SERVER_FAILED = 2,
	DNS_NO_NAME = 3,
	DNS_NOT_IMPLEMENTED = 4,
	DNS_REFUSED = 5
};

struct dns_question {
	uint16_t id;
	uint16_t type, klass;
	uint8_t opcode;
	bool recursion_desired, edns;
	uint16_t udp_max; /* what the client takes over UDP */
	char name[DNS_NAME_MAX + 1];
	size_t question_end; /* offset behind the question */
};
/* One query with one question. 0; -EPROTO: not even a header can be trusted, drop it; -EINVAL:
 * answer FORMAT_ERROR (id and opcode are set). */
int dns_question_read(struct str bytes, struct dns_question *ret);

/* A reply under construction in a buffer of the caller's. */
struct dns_reply {
	uint8_t *p;
	size_t len, max;
	uint16_t answers_n, authorities_n;
	bool truncated; /* a record did not fit: the client asks again over TCP */
};
/* Header and question of `query` are copied; max: of the buffer, at least 512. */
void dns_reply_begin(struct dns_reply *r, uint8_t *p, size_t max, struct str query,
	const struct dns_question *q);
/* `name` as text; records go into the answer section in the order given. */
void dns_reply_a(struct dns_reply *r, struct str name, uint32_t ttl_s, uint32_t ip);
void dns_reply_name(struct dns_reply *r, struct str name, enum dns_type type, uint32_t ttl_s,
	struct str target); /* PTR, CNAME, NS */
void dns_reply_txt(struct dns_reply *r, struct str name, uint32_t ttl_s, struct str text);
/* Any record by its bytes, already as on the wire (no compression in them). */
void dns_reply_raw(
	struct dns_reply *r, struct str name, uint16_t type, uint32_t ttl_s, struct str data);
/* For "no such name" and "no such record": who answers for the zone, and how long the no is good
 * for. */
void dns_reply_soa(struct dns_reply *r, struct str zone, uint32_t ttl_s);
struct str dns_reply_end(struct dns_reply *r, enum dns_code code, bool authoritative);

/* A name as on the wire, uncompressed; 0: not a name. */
size_t dns_name_write(struct str name, uint8_t ret[DNS_NAME_MAX + 2]);
/* The text of the name at `at`; 0: malformed; else the offset behind it. */
size_t dns_name_read(struct str bytes, size_t at, char ret[DNS_NAME_MAX + 1]);
/* "4.3.2.1.in-addr.arpa" → 1.2.3.4; false: another name. */
bool dns_reverse_ip(struct str name, uint32_t *ret_ip);

#endif
