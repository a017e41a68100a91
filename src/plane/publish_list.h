/*
 * publish_list: how ports of this host that lead to machines are written. The setting `publish` is
 * a list of "8080=web:80" (this host's port 8080 is port 80 of the machine that is called so, by
 * its id, its name or its public address) and of "9000-9999" (ports that machines may ask for
 * themselves), apart by commas. A machine asks by "9080:80 9053:53/udp", apart by blanks or commas.
 */
#ifndef HANEUL_PLANE_PUBLISH_LIST_H
#define HANEUL_PLANE_PUBLISH_LIST_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct publish_entry {
	uint16_t from, to; /* of this host; the same but for a range that may be asked for */
	struct str target; /* borrows; "": machines may ask for from..to */
	uint16_t port;     /* of the machine */
	uint8_t proto;     /* IPPROTO_TCP or IPPROTO_UDP */
};
/* The next of the setting: 1, 0 at the end, -EINVAL (rest then begins behind the bad one). */
int publish_list_next(struct str *rest, struct publish_entry *ret);
/* The same of what a machine asks for. */
int publish_wish_next(struct str *rest, struct publish_entry *ret);
/* May machines ask for that port? */
bool publish_list_allows(struct str list, uint16_t port);

#endif
