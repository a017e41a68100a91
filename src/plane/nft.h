/*
 * nft: the expressions of nf_tables rules, as bytes. An expression appends itself to a struct buf
 * that will be one rule; nft_rules.h keeps such rules in chains and sends them. Values are in host
 * byte order here. Pure.
 *
 * Registers: NFT_REG32_00.. of four bytes each; fields of a concatenated key lie side by side.
 * `reg` counts from 0.
 */
#ifndef HANEUL_PLANE_NFT_H
#define HANEUL_PLANE_NFT_H

#include "base/buf.h"
#include "plane/network.h"

#include <net/if.h>

/* Loads */
void nft_meta(struct buf *b, unsigned reg, uint32_t key); /* NFT_META_MARK, NFT_META_L4PROTO … */
void nft_iifname(struct buf *b, unsigned reg);            /* 16 bytes: four registers */
void nft_oifname(struct buf *b, unsigned reg);
void nft_saddr(struct buf *b, unsigned reg);
void nft_daddr(struct buf *b, unsigned reg);
void nft_arp_sender(
	struct buf *b, unsigned reg); /* the address that an ARP message says it comes from */
void nft_transport(
	struct buf *b, unsigned reg, unsigned offset, unsigned len); /* of the header after IP's */
void nft_ct_state(struct buf *b, unsigned reg);
void nft_fib_oifname(struct buf *b, unsigned reg); /* by destination and mark */
void nft_mask(struct buf *b, unsigned reg, uint32_t be_mask); /* as it lies in the register */

/* Tests: what does not hold ends the rule. `bytes` as they lie in the packet. */
void nft_cmp(struct buf *b, unsigned reg, uint32_t op, const void *bytes, size_t len);
void nft_cmp_u8(struct buf *b, unsigned reg, uint8_t v);
void nft_cmp_u32(struct buf *b, unsigned reg, uint32_t op,
	uint32_t v); /* host order, as marks and states are */
void nft_is_iif(struct buf *b, const char *name);
void nft_is_oif(struct buf *b, const char *name);
void nft_in_set(struct buf *b, unsigned reg, const char *set, bool inverted);
void nft_is_source(struct buf *b, struct plane_cidr c); /* nothing for 0.0.0.0/0 */
void nft_is_destination(struct buf *b, struct plane_cidr c);
void nft_is_proto(struct buf *b, uint8_t proto);
void nft_is_port(struct buf *b, uint16_t from, uint16_t to); /* of the destination */
void nft_is_established(struct buf *b);                      /* or related */
void nft_is_match(
	struct buf *b, struct plane_match m); /* protocol, then ports or ICMP type and code */
void nft_limit(struct buf *b, uint32_t a_second);            /* holds below the rate */

/* Acts */
void nft_map(struct buf *b, unsigned reg, const char *map,
	unsigned to_reg);                                    /* what is not there ends the rule */
void nft_vmap(struct buf *b, unsigned reg, const char *map); /* what is not there ends the rule */
void nft_set_mark(struct buf *b, unsigned reg);
void nft_verdict(
	struct buf *b, int32_t verdict, const char *chain); /* NF_DROP, NF_ACCEPT, NFT_JUMP … */
void nft_nat(struct buf *b, uint32_t type,
	unsigned reg); /* NFT_NAT_SNAT, NFT_NAT_DNAT; address in the register */
void nft_ip(struct buf *b, unsigned reg, uint32_t ip); /* a constant into a register */
void nft_masquerade(struct buf *b);
void nft_log(struct buf *b, uint16_t group, const char *prefix);

#endif
