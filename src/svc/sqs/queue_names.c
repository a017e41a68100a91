/* Names, ARNs and every form of URL under which clients know a queue. */
#include "aws/arn.h"
#include "base/uri.h"
#include "svc/sqs/queue.h"

#define NAME_MAX_LEN 80

static bool
name_chars(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9');
		if (!word && ch != '-' && ch != '_')
			return false;
	}
	return s.len > 0;
}

bool
sqs_name_valid(struct str name, bool fifo)
{
	if (name.len > NAME_MAX_LEN)
		return false;
	if (!fifo)
		return name_chars(name);
	return str_ends(name, STR(".fifo")) && name_chars(str_slice(name, 0, name.len - 5));
}

static bool
name_possible(struct str name)
{
	return sqs_name_valid(name, false) || sqs_name_valid(name, true);
}

/* The region in a host: sqs.REGION.anything, REGION.queue.anything, queue.amazonaws.com. */
static struct str
host_region(const struct call *c, struct str host)
{
	struct str rest = host;
	struct str first = str_cut(&rest, '.');
	struct str second = rest.p ? str_cut(&rest, '.') : STR("");
	if (str_is(first, "sqs") && rest.p && str_find(second, '-') > 0)
		return second;
	if (str_is(second, "queue") && str_find(first, '-') > 0)
		return first;
	if (str_is(host, "queue.amazonaws.com"))
		return STR("us-east-1");
	return c->region;
}

/* /account/name, /queue/region/account/name, /queue/account/name, /name */
static bool
path_parse(const struct call *c, struct str path, struct sqs_name *n)
{
	struct str piece[4], rest = path;
	unsigned count = 0;
	while (rest.p) {
		struct str p = str_cut(&rest, '/');
		if (p.len == 0)
			continue;
		if (count == 4)
			return false;
		piece[count++] = p;
	}
	if (count == 0)
		return false;
	n->name = uri_decode(c->arena, piece[count - 1], 0);
	n->account = c->account;
	if (count == 1)
		return n->name.p && name_possible(n->name);
	if (!account_id_valid(piece[count - 2]))
		return false;
	n->account = piece[count - 2];
	if (count == 4)
		n->region = piece[1];
	if (count > 2 && !str_is(piece[0], "queue"))
		return false;
	return n->name.p && name_possible(n->name);
}

bool
sqs_url_parse(const struct call *c, struct str url, struct sqs_name *ret_name)
{
	struct str rest = url, host = STR("");
	long at = str_find_str(url, STR("://"));
	*ret_name = (struct sqs_name){ .region = c->region };
	if (at > 0) {
		struct str scheme = str_slice(url, 0, (size_t)at);
		if (!str_is(scheme, "http") && !str_is(scheme, "https"))
			return false;
		rest = str_slice(url, (size_t)at + 3, url.len);
		host = str_cut(&rest, '/');
		if (!rest.p)
			return false;
		struct str name = host;
		ret_name->region = host_region(c, str_cut(&name, ':'));
	}
	return path_parse(c, rest, ret_name);
}

struct str
sqs_url(const struct call *c, const struct sqs_name *n)
{
	return arena_printf(c->arena, "%s://%.*s/%.*s/%.*s", c->tls ? "https" : "http",
		STR_FMT(c->host), STR_FMT(n->account), STR_FMT(n->name));
}

bool
sqs_arn_parse(struct str arn, struct sqs_name *ret_name)
{
	struct arn a;
	if (!arn_parse(arn, &a) || !str_is(a.service, "sqs") || !a.region.len ||
		!account_id_valid(a.account) || !name_possible(a.resource))
		return false;
	*ret_name = (struct sqs_name){ a.region, a.account, a.resource };
	return true;
}

struct str
sqs_arn(struct arena *a, const struct sqs_name *n)
{
	return arn_format(a, "sqs", n->region, n->account, n->name);
}

struct sqs_name
sqs_queue_name(const struct sqs_queue *q)
{
	return (struct sqs_name){ q->region, q->account, q->row.Name };
}

struct str
sqs_queue_arn(const struct sqs_queue *q)
{
	struct sqs_name n = sqs_queue_name(q);
	return sqs_arn(q->arena, &n);
}
