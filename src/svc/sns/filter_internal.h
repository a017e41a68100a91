/* The compiled form of filter policies: made by filter_parse.c, read by filter.c. Private to them.
 */
#ifndef HANEUL_SVC_SNS_FILTER_INTERNAL_H
#define HANEUL_SVC_SNS_FILTER_INTERNAL_H

#include "svc/sns/filter.h"

enum rule_kind {
	RULE_TEXT,
	RULE_NUMBER,
	RULE_TRUE,
	RULE_FALSE,
	RULE_NULL,
	RULE_PREFIX,
	RULE_SUFFIX,
	RULE_WILDCARD,
	RULE_NOCASE,
	RULE_RANGE,
	RULE_CIDR,
	RULE_EXISTS,
	RULE_ABSENT,
	RULE_NOT, /* none of `rules` */
};

struct rule {
	enum rule_kind kind;
	struct str text;
	double lo, hi; /* RANGE; NUMBER in lo */
	bool lo_open, hi_open;
	unsigned char net[16];
	uint8_t net_bits;
	bool v6;
	struct rule *rules;
	uint32_t rules_n;
};

struct node;
struct entry { /* one key: alternatives, or a nested node */
	struct str key;
	struct rule *rules;
	uint32_t rules_n;
	struct node *child;
};
struct choice { /* one "$or" */
	struct node **nodes;
	uint32_t nodes_n;
};
struct node {
	struct entry *entries;
	uint32_t entries_n;
	struct choice *choices;
	uint32_t choices_n;
};
struct sns_filter {
	struct node root;
	bool body;
};

bool filter_ip(struct str text, unsigned char ret[16], bool *ret_v6);

#endif
