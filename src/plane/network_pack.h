/*
 * network_pack: a network's description as bytes between the server and its agent (see pack.h), and
 * what is wrong with a description. Pure. What is unpacked lies in the arena; its text borrows the
 * bytes.
 */
#ifndef HANEUL_PLANE_NETWORK_PACK_H
#define HANEUL_PLANE_NETWORK_PACK_H

#include "base/arena.h"
#include "plane/network.h"
#include "plane/pack.h"

void network_pack(struct pack *p, const struct plane_network *n);
/* false: u->bad. The result is well formed as bytes; whether its indices lead anywhere says
 * network_fault. */
bool network_unpack(struct unpack *u, struct arena *a, struct plane_network *ret);
void flow_pack(struct pack *p, const struct plane_flow *f);
bool flow_unpack(struct unpack *u, struct plane_flow *ret);

/* NULL, or a sentence: an id, an index, a prefix or a number that nothing can be made of, more than
 * a maker bears. */
const char *network_fault(const struct plane_network *n);
bool plane_id_ok(struct str id); /* [a-z0-9-]{1,PLANE_ID_MAX} */

static inline uint32_t
plane_mask(uint8_t bits)
{
	return bits ? UINT32_MAX << (32 - bits) : 0;
}
static inline bool
plane_inside(struct plane_cidr c, uint32_t ip)
{
	return ((ip ^ c.ip) & plane_mask(c.bits)) == 0;
}

#endif
