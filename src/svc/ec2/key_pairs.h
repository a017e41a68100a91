/*
 * key_pairs: the public halves that instances let in. The private ones are not kept.
 */
#ifndef HANEUL_SVC_EC2_KEY_PAIRS_H
#define HANEUL_SVC_EC2_KEY_PAIRS_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_key_pair_kind;

/* By name, or NULL with InvalidKeyPair.NotFound set. */
struct ec2_key_pair_info *ec2_key_pair_need(struct call *c, struct str name);

#endif
