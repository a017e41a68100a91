#include "plane/publish_list.h"

#include <errno.h>
#include <netinet/in.h>

static bool
port_of(struct str text, uint16_t *ret)
{
	uint64_t v;
	if (!text.p || text.len > 5 || !str_to_u64(text, &v) || v < 1 || v > 65535)
		return false;
	*ret = (uint16_t)v;
	return true;
}

/* "80", "53/udp" */
static bool
port_and_protocol(struct str text, struct publish_entry *ret)
{
	struct str proto = text, port = str_cut(&proto, '/');
	ret->proto = IPPROTO_TCP;
	if (proto.p && str_is(proto, "udp"))
		ret->proto = IPPROTO_UDP;
	else if (proto.p && !str_is(proto, "tcp"))
		return false;
	return port_of(port, &ret->port);
}

static bool
parse_entry(struct str text, struct publish_entry *ret)
{
	struct str leads = text, host = str_cut(&leads, '=');
	*ret = (struct publish_entry){ .target = STR("") };
	if (!leads.p) {
		struct str last = host, first = str_cut(&last, '-');
		return port_of(first, &ret->from) && port_of(last.p ? last : first, &ret->to) &&
		       ret->from <= ret->to;
	}
	long colon = str_rfind(leads, ':');
	if (colon < 1 || !port_of(host, &ret->from))
		return false;
	ret->to = ret->from;
	ret->target = str_slice(leads, 0, (size_t)colon);
	return port_and_protocol(str_slice(leads, (size_t)colon + 1, leads.len), ret);
}

static bool
parse_wish(struct str text, struct publish_entry *ret)
{
	struct str port = text, host = str_cut(&port, ':');
	*ret = (struct publish_entry){ .target = STR("") };
	if (!port.p || !port_of(host, &ret->from))
		return false;
	ret->to = ret->from;
	return port_and_protocol(port, ret);
}

static int
next(struct str *rest, const char *between, bool (*parse)(struct str, struct publish_entry *),
	struct publish_entry *ret)
{
	size_t at = 0, end;
	while (at < rest->len && strchr(between, rest->p[at]) && rest->p[at])
		at++;
	if (at == rest->len)
		return 0;
	for (end = at; end < rest->len && !(rest->p[end] && strchr(between, rest->p[end])); end++)
		;
	struct str one = str_trim(str_slice(*rest, at, end));
	*rest = str_slice(*rest, end, rest->len);
	return parse(one, ret) ? 1 : -EINVAL;
}

int
publish_list_next(struct str *rest, struct publish_entry *ret)
{
	return next(rest, ",", parse_entry, ret);
}

int
publish_wish_next(struct str *rest, struct publish_entry *ret)
{
	return next(rest, ", ", parse_wish, ret);
}

bool
publish_list_allows(struct str list, uint16_t port)
{
	struct publish_entry e;
	bool allowed = false;
	for (int r; (r = publish_list_next(&list, &e));)
		allowed |= r == 1 && !e.target.len && port >= e.from && port <= e.to;
	return allowed;
}
