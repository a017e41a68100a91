/*
 * nft_rules: a table of nf_tables as a value: named sets and maps with their elements, chains with
 * their rules. Compilers fill one; nft_rules_change says what turns one into another, as one batch
 * that the kernel takes whole or not at all. Pure but for nft_rules_send. Everything lies in the
 * arena.
 *
 * Order does not matter when filling: elements and names are sorted by nft_rules_seal.
 */
#ifndef HANEUL_PLANE_NFT_RULES_H
#define HANEUL_PLANE_NFT_RULES_H

#include "base/arena.h"
#include "base/buf.h"

/* What a set's keys are: fields as they lie in registers. */
enum nft_key {
	NFT_KEY_IFNAME,      /* 16 bytes */
	NFT_KEY_IP,          /* 4 */
	NFT_KEY_IFNAME_IP,   /* 20 */
	NFT_KEY_MARK,        /* 4, host order */
	NFT_KEY_MARK_IFNAME, /* 20 */
	NFT_KEY_IP_RANGE,    /* ranges of addresses that do not touch */
	NFT_KEY_IP_PROTO_PORT, /* boxes of address, protocol and port that do not overlap: 12 bytes each end */
};
enum nft_value { NFT_VALUE_NONE, NFT_VALUE_IP, NFT_VALUE_MARK, NFT_VALUE_JUMP, NFT_VALUE_GOTO };

#define NFT_KEY_MAX 20
struct nft_element {
	uint8_t key[NFT_KEY_MAX], end[12]; /* end: of ranges and boxes, itself within */
	uint32_t value;                    /* address or mark */
	const char *chain;                 /* jump, goto */
};
struct nft_set {
	const char *name;
	uint8_t key, value; /* enum nft_key, nft_value */
	struct nft_element *elements;
	uint32_t n, cap;
};
struct nft_hook {
	const char *type; /* "filter", "nat" */
	uint32_t number;  /* NF_INET_FORWARD … */
	int32_t priority;
	bool drops; /* what no rule decided */
};
struct nft_chain {
	const char *name;
	const struct nft_hook *hook; /* NULL: only jumped to */
	struct str *rules;           /* expressions of each */
	uint32_t n, cap;
};
struct nft_rules {
	struct arena *arena;
	const char *table;
	uint8_t family; /* NFPROTO_IPV4, NFPROTO_ARP */
	struct nft_rules *next; /* another table that changes in the same batch; NULL */
	struct nft_set **sets;
	uint32_t sets_n, sets_cap;
	struct nft_chain **chains;
	uint32_t chains_n, chains_cap;
	struct buf rule; /* being made */
};

void nft_rules_init(struct nft_rules *r, struct arena *a, const char *table); /* IPv4 */
void nft_rules_add(
	struct nft_rules *r, struct nft_rules *more); /* of the same arena, sealed with it */
void nft_rules_done(struct nft_rules *r); /* before its arena goes */
struct nft_set *nft_set_new(struct nft_rules *r, struct str name, uint8_t key, uint8_t value);
struct nft_element *nft_set_add(
	struct nft_rules *r, struct nft_set *s); /* zeroed; fill before the next */
struct nft_chain *nft_chain_new(struct nft_rules *r, struct str name, const struct nft_hook *hook);
/* A rule: expressions into nft_rule(), then its end. */
struct buf *nft_rule(struct nft_rules *r);
void nft_rule_end(struct nft_rules *r, struct nft_chain *c);
void nft_rules_seal(struct nft_rules *r);

void nft_key_ifname(struct nft_element *e, unsigned at, const char *name);
void nft_key_ip(struct nft_element *e, unsigned at, uint32_t ip);

/* The batch that makes `to` of `from`, both sealed. from NULL: whatever table of that name is there
 * goes in the same step; `to` NULL: the table goes. Returns how many messages; 0: nothing to do and
 * the buf is untouched. */
unsigned nft_rules_change(
	struct buf *batch, const struct nft_rules *from, const struct nft_rules *to);
/* -errno; `said` gets the kernel's words or the like. The buf is cleared. */
int nft_rules_send(int fd, struct buf *batch, char *said, size_t cap);

#endif
