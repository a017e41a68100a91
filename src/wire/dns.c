#include "wire/dns.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEADER 12
#define POINTERS_MAX 32
#define SOA_NUMBERS 20

static uint16_t
get16(struct str s, size_t at)
{
	return (uint16_t)((uint8_t)s.p[at] << 8 | (uint8_t)s.p[at + 1]);
}

/* ---- names */

static bool
label_take(struct str bytes, size_t at, size_t n, char *ret, size_t *len)
{
	if (*len + n + 1 > DNS_NAME_MAX)
		return false;
	if (*len)
		ret[(*len)++] = '.';
	for (size_t i = 0; i < n; i++) {
		char c = bytes.p[at + i];
		if (c <= ' ' || c >= 0x7f || c == '.')
			return false;
		ret[(*len)++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return true;
}

size_t
dns_name_read(struct str bytes, size_t at, char ret[DNS_NAME_MAX + 1])
{
	size_t len = 0, end = 0, lowest = at;
	for (int jumps = 0; at < bytes.len;) {
		uint8_t n = (uint8_t)bytes.p[at];
		if (n == 0) {
			ret[len] = 0;
			return end ? end : at + 1;
		}
		if ((n & 0xc0) == 0xc0) {
			if (at + 2 > bytes.len || ++jumps > POINTERS_MAX)
				return 0;
			size_t to = get16(bytes, at) & 0x3fff;
			/* Backwards only, so that no two names chase each other. */
			if (to >= lowest)
				return 0;
			if (!end)
				end = at + 2;
			at = lowest = to;
			continue;
		}
		if (n > 63 || at + 1 + n > bytes.len || !label_take(bytes, at + 1, n, ret, &len))
			return 0;
		at += 1 + n;
	}
	return 0;
}

size_t
dns_name_write(struct str name, uint8_t ret[DNS_NAME_MAX + 2])
{
	size_t len = 0;
	struct str rest = name;
	if (name.len > DNS_NAME_MAX)
		return 0;
	while (name.len && rest.p) {
		struct str label = str_cut(&rest, '.');
		if (!label.len || label.len > 63)
			return 0;
		ret[len++] = (uint8_t)label.len;
		memcpy(ret + len, label.p, label.len);
		len += label.len;
	}
	ret[len++] = 0;
	return len;
}

bool
dns_reverse_ip(struct str name, uint32_t *ret_ip)
{
	static const struct str zone = { ".in-addr.arpa", 13 };
	if (!str_ends(name, zone))
		return false;
	struct str rest = str_slice(name, 0, name.len - zone.len);
	uint32_t ip = 0;
	for (int i = 0; i < 4; i++) {
		uint64_t part;
		if (!rest.p || !str_to_u64(str_cut(&rest, '.'), &part) || part > 255)
			return false;
		ip |= (uint32_t)part << (8 * i);
	}
	*ret_ip = ip;
	return !rest.p;
}

/* ---- queries */

/* An OPT record behind the question says what the client takes. */
static int
additional_read(struct str bytes, size_t at, unsigned n, struct dns_question *q)
{
	char name[DNS_NAME_MAX + 1];
	for (; n > 0; n--) {
		at = dns_name_read(bytes, at, name);
		if (!at || at + 10 > bytes.len)
			return -EINVAL;
		uint16_t type = get16(bytes, at), klass = get16(bytes, at + 2),
			 len = get16(bytes, at + 8);
		if (at + 10 + len > bytes.len)
			return -EINVAL;
		if (type == DNS_OPT) {
			q->edns = true;
			q->udp_max = klass < DNS_UDP_PLAIN ? DNS_UDP_PLAIN : klass;
		}
		at += 10u + len;
	}
	return 0;
}

int
dns_question_read(struct str bytes, struct dns_question *ret)
{
	*ret = (struct dns_question){ .udp_max = DNS_UDP_PLAIN };
	if (bytes.len < HEADER || ((uint8_t)bytes.p[2] & 0x80))
		return -EPROTO;
	ret->id = get16(bytes, 0);
	ret->opcode = ((uint8_t)bytes.p[2] >> 3) & 15;
	ret->recursion_desired = bytes.p[2] & 1;
	ret->question_end = HEADER;
	if (get16(bytes, 4) != 1 || get16(bytes, 6) || get16(bytes, 8))
		return -EINVAL;
	size_t at = dns_name_read(bytes, HEADER, ret->name);
	if (!at || at + 4 > bytes.len)
		return -EINVAL;
	ret->type = get16(bytes, at);
	ret->klass = get16(bytes, at + 2);
	ret->question_end = at + 4;
	return additional_read(bytes, at + 4, get16(bytes, 10), ret);
}

/* ---- replies */

static bool
room(struct dns_reply *r, size_t n)
{
	if (r->truncated || r->len + n > r->max)
		r->truncated = true;
	return !r->truncated;
}

static void
put(struct dns_reply *r, const void *p, size_t n)
{
	memcpy(r->p + r->len, p, n);
	r->len += n;
}

static void
put16(struct dns_reply *r, unsigned v)
{
	put(r, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void
put32(struct dns_reply *r, uint32_t v)
{
	put16(r, v >> 16);
	put16(r, v & 0xffff);
}

void
dns_reply_begin(
	struct dns_reply *r, uint8_t *p, size_t max, struct str query, const struct dns_question *q)
{
	*r = (struct dns_reply){ .p = p, .max = max };
	size_t n = q->question_end <= max ? q->question_end : HEADER;
	put(r, query.p, n);
	p[2] = (uint8_t)(0x80 | q->opcode << 3 | (q->recursion_desired ? 1 : 0));
	p[3] = 0x80; /* we recurse */
	memset(p + 4, 0, 8);
	p[5] = n > HEADER;
}

static bool
record(struct dns_reply *r, struct str name, uint16_t type, uint32_t ttl_s, struct str data)
{
	uint8_t wire[DNS_NAME_MAX + 2];
	size_t n = dns_name_write(name, wire);
	if (!n || !room(r, n + 10 + data.len))
		return false;
	put(r, wire, n);
	put16(r, type);
	put16(r, 1);
	put32(r, ttl_s);
	put16(r, (unsigned)data.len);
	put(r, data.p, data.len);
	return true;
}

void
dns_reply_raw(struct dns_reply *r, struct str name, uint16_t type, uint32_t ttl_s, struct str data)
{
	r->answers_n += record(r, name, type, ttl_s, data);
}

void
dns_reply_a(struct dns_reply *r, struct str name, uint32_t ttl_s, uint32_t ip)
{
	uint8_t b[4] = { (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8),
		(uint8_t)ip };
	dns_reply_raw(r, name, DNS_A, ttl_s, str_of(b, 4));
}

void
dns_reply_name(
	struct dns_reply *r, struct str name, enum dns_type type, uint32_t ttl_s, struct str target)
{
	uint8_t wire[DNS_NAME_MAX + 2];
	size_t n = dns_name_write(target, wire);
	if (n)
		dns_reply_raw(r, name, (uint16_t)type, ttl_s, str_of(wire, n));
}

void
dns_reply_txt(struct dns_reply *r, struct str name, uint32_t ttl_s, struct str text)
{
	uint8_t wire[4096];
	size_t n = 0;
	while (text.len && n + 256 < sizeof(wire)) {
		size_t piece = text.len < 255 ? text.len : 255;
		wire[n++] = (uint8_t)piece;
		memcpy(wire + n, text.p, piece);
		n += piece;
		text = str_slice(text, piece, text.len);
	}
	if (n)
		dns_reply_raw(r, name, DNS_TXT, ttl_s, str_of(wire, n));
}

void
dns_reply_soa(struct dns_reply *r, struct str zone, uint32_t ttl_s)
{
	uint8_t wire[2 * (DNS_NAME_MAX + 2) + SOA_NUMBERS];
	const uint32_t numbers[5] = { 1, 7200, 900, 1209600, ttl_s };
	size_t n = dns_name_write(STR("ns.haneul.internal"), wire);
	n += dns_name_write(STR("hostmaster.haneul.internal"), wire + n);
	for (int i = 0; i < 5; i++)
		for (int shift = 24; shift >= 0; shift -= 8)
			wire[n++] = (uint8_t)(numbers[i] >> shift);
	r->authorities_n += record(r, zone, DNS_SOA, ttl_s, str_of(wire, n));
}

struct str
dns_reply_end(struct dns_reply *r, enum dns_code code, bool authoritative)
{
	r->p[2] = (uint8_t)(r->p[2] | (authoritative ? 4 : 0) | (r->truncated ? 2 : 0));
	r->p[3] = (uint8_t)(r->p[3] | code);
	r->p[6] = (uint8_t)(r->answers_n >> 8);
	r->p[7] = (uint8_t)r->answers_n;
	r->p[8] = (uint8_t)(r->authorities_n >> 8);
	r->p[9] = (uint8_t)r->authorities_n;
	return str_of(r->p, r->len);
}
