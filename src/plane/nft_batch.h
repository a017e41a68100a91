/*
 * nft_batch: messages of one nf_tables transaction, for nft_rules.c. Pure but for nft_rules_send,
 * which stands beside it.
 */
#ifndef HANEUL_PLANE_NFT_BATCH_H
#define HANEUL_PLANE_NFT_BATCH_H

#include "plane/nft_rules.h"

struct nft_batch {
	struct buf *b;
	const char *table; /* of the messages to come; set by the caller, as the family */
	uint8_t family;
	size_t begun, last;  /* where the first and the last message stand */
	unsigned n, sets_n;
	size_t elements_at, list_at; /* of the message that gathers elements; 0: none is open */
	const struct nft_set *set;
	unsigned elements_n;
	bool adds;
};
void nft_batch_begin(struct nft_batch *x, struct buf *b);
unsigned nft_batch_end(struct nft_batch *x); /* how many messages */
void nft_batch_table(struct nft_batch *x, bool add);
void nft_batch_set(struct nft_batch *x, const struct nft_set *s, bool add);
void nft_batch_chain(struct nft_batch *x, const struct nft_chain *c, bool add);
void nft_batch_flush(struct nft_batch *x, const struct nft_chain *c);
void nft_batch_rule(struct nft_batch *x, const struct nft_chain *c, struct str rule);
/* Gathered into few messages until nft_batch_elements_end. */
void nft_batch_element(
	struct nft_batch *x, const struct nft_set *s, const struct nft_element *e, bool add);
void nft_batch_elements_end(struct nft_batch *x);

#endif
