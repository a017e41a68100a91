/* IPv4 addresses and prefixes as text and back. */
#include "svc/ec2/ip.h"

#include <arpa/inet.h>

bool
ec2_ip_parse(struct str text, uint32_t *ret_ip)
{
	struct str rest = text;
	uint32_t ip = 0;
	for (int i = 0; i < 4; i++) {
		uint64_t part;
		struct str piece = str_cut(&rest, '.');
		if (!piece.len || piece.len > 3 || (piece.len > 1 && piece.p[0] == '0') ||
			!str_to_u64(piece, &part) || part > 255 || (i < 3) != (rest.p != NULL))
			return false;
		ip = ip << 8 | (uint32_t)part;
	}
	*ret_ip = ip;
	return true;
}

struct str
ec2_ip_text(struct arena *a, uint32_t ip)
{
	return arena_printf(
		a, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

uint32_t
ec2_cidr_mask(struct plane_cidr cidr)
{
	return cidr.bits ? UINT32_MAX << (32 - cidr.bits) : 0;
}

bool
ec2_cidr_parse(struct str text, struct plane_cidr *ret)
{
	struct str rest = text, ip = str_cut(&rest, '/');
	struct plane_cidr c;
	uint64_t bits;
	if (!rest.p || rest.len > 2 || (rest.len == 2 && rest.p[0] == '0') ||
		!str_to_u64(rest, &bits) || bits > 32 || !ec2_ip_parse(ip, &c.ip))
		return false;
	c.bits = (uint8_t)bits;
	c.ip &= ec2_cidr_mask(c);
	*ret = c;
	return true;
}

bool
ec2_cidr_exact(struct str text, struct plane_cidr *ret)
{
	uint32_t ip;
	struct str rest = text;
	return ec2_cidr_parse(text, ret) && ec2_ip_parse(str_cut(&rest, '/'), &ip) && ip == ret->ip;
}

struct str
ec2_cidr_text(struct arena *a, struct plane_cidr c)
{
	return arena_printf(a, "%.*s/%u", STR_FMT(ec2_ip_text(a, c.ip)), c.bits);
}

uint32_t
ec2_cidr_last(struct plane_cidr c)
{
	return c.ip | ~ec2_cidr_mask(c);
}

bool
ec2_cidr_has(struct plane_cidr c, uint32_t ip)
{
	return (ip & ec2_cidr_mask(c)) == c.ip;
}

bool
ec2_cidr_within(struct plane_cidr inner, struct plane_cidr outer)
{
	return inner.bits >= outer.bits && ec2_cidr_has(outer, inner.ip);
}

bool
ec2_cidr_overlap(struct plane_cidr a, struct plane_cidr b)
{
	return ec2_cidr_within(a, b) || ec2_cidr_within(b, a);
}

struct str
ec2_cidr6_plain(struct arena *a, struct str text)
{
	struct str rest = text, address = str_cut(&rest, '/');
	char in[INET6_ADDRSTRLEN], out[INET6_ADDRSTRLEN];
	unsigned char ip[16];
	uint64_t bits;
	if (!rest.p || rest.len > 3 || !str_to_u64(rest, &bits) || bits > 128 ||
		address.len >= sizeof(in) || memchr(address.p, 0, address.len))
		return STR_NULL;
	memcpy(in, address.p, address.len);
	in[address.len] = 0;
	if (inet_pton(AF_INET6, in, ip) != 1)
		return STR_NULL;
	for (uint64_t i = bits; i < 128; i++)
		ip[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	inet_ntop(AF_INET6, ip, out, sizeof(out));
	return arena_printf(a, "%s/%u", out, (unsigned)bits);
}
