/*
 * publish: ports of this host that lead to public addresses of networks, so that other computers
 * reach a machine without a route to its range. Relays of the server's own loop: no rule and no
 * setting of the host is touched, and no privilege is needed (but for ports below 1024). The
 * machine sees the host's address of the range as the sender.
 *
 * TCP: both directions flow until both ended, with half-closed ends kept; at most PUBLISH_MAX
 * connections at once. UDP: who sends gets a socket of its own towards the machine, which is
 * forgotten after a minute of silence.
 *
 * All on the loop.
 */
#ifndef HANEUL_PLANE_PUBLISH_H
#define HANEUL_PLANE_PUBLISH_H

#include "plane/network.h"

#define PUBLISH_MAX 1024

struct loop;
struct publish;

struct publish *publish_new(struct loop *l);
void publish_free(struct publish *p); /* NULL is fine; connections end */
/* The ports of that network become what it describes; the others stay. 0, or -errno of the first
 * port that could not be had (the rest are) with a sentence. */
int publish_apply(struct publish *p, const struct plane_network *n, char *why, size_t cap);
void publish_remove(struct publish *p, struct str network);

#endif
