/*
 * ip: IPv4 addresses and prefixes as text and back; host byte order. No state, any thread.
 */
#ifndef HANEUL_SVC_EC2_IP_H
#define HANEUL_SVC_EC2_IP_H

#include "base/arena.h"
#include "plane/network.h"

bool ec2_ip_parse(struct str text, uint32_t *ret_ip); /* four decimal numbers, nothing else */
struct str ec2_ip_text(struct arena *a, uint32_t ip);
/* "10.0.0.0/16"; host bits are cleared, as AWS does. false: malformed. */
bool ec2_cidr_parse(struct str text, struct plane_cidr *ret);
/* The same, but only as it would be written: no host bits. */
bool ec2_cidr_exact(struct str text, struct plane_cidr *ret);
struct str ec2_cidr_text(struct arena *a, struct plane_cidr cidr);
uint32_t ec2_cidr_mask(struct plane_cidr cidr);
uint32_t ec2_cidr_last(struct plane_cidr cidr);
bool ec2_cidr_has(struct plane_cidr cidr, uint32_t ip);
/* "2001:DB8::1/32" in its plain form, "2001:db8::/32"; STR_NULL: malformed. Networks here carry
 * IPv4 only, so a rule about IPv6 is kept and meets no packet. */
struct str ec2_cidr6_plain(struct arena *a, struct str text);
bool ec2_cidr_within(struct plane_cidr inner, struct plane_cidr outer);
bool ec2_cidr_overlap(struct plane_cidr a, struct plane_cidr b);

#endif
