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
bool ec2_cidr_within(struct plane_cidr inner, struct plane_cidr outer);
bool ec2_cidr_overlap(struct plane_cidr a, struct plane_cidr b);

#endif
