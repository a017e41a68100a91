/* Which private address of a subnet, and which public one of the host, belongs to whom. */
#include "svc/ec2/network_rows.h"

#include "base/buf.h"
#include "plane/plane.h"

static struct rows *
rows(struct call *c)
{
	return store_rows(c->store, "ec2");
}

static void
private_prefix(struct key *k, struct call *c, struct str subnet)
{
	key_begin(k);
	key_add_raw(k, STR("a"));
	key_add(k, c->region);
	key_add(k, c->account);
	key_add(k, subnet);
}

static void
add_ip(struct key *k, uint32_t ip)
{
	unsigned char b[4] = { (unsigned char)(ip >> 24), (unsigned char)(ip >> 16),
		(unsigned char)(ip >> 8), (unsigned char)ip };
	key_add_raw(k, str_of(b, 4));
}

static uint32_t
ip_of_key(struct str key)
{
	const unsigned char *b = (const unsigned char *)key.p + key.len - 4;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

struct str
ec2_private_owner(struct call *c, struct str subnet, uint32_t ip)
{
	struct key k;
	struct str v;
	private_prefix(&k, c, subnet);
	add_ip(&k, ip);
	return tx_get(c->tx, rows(c), key_str(&k), &v) ? arena_dup(c->arena, v) : STR("");
}

static void
private_put(struct call *c, struct str subnet, uint32_t ip, struct str owner)
{
	struct key k;
	private_prefix(&k, c, subnet);
	add_ip(&k, ip);
	tx_put(c->tx, rows(c), key_str(&k), owner);
}

void
ec2_private_free(struct call *c, struct str subnet, uint32_t ip)
{
	struct key k;
	private_prefix(&k, c, subnet);
	add_ip(&k, ip);
	tx_delete(c->tx, rows(c), key_str(&k));
}

uint32_t
ec2_private_used(struct call *c, struct str subnet)
{
	struct key lo, hi;
	struct scan s;
	uint32_t n = 0;
	private_prefix(&lo, c, subnet);
	scan_open(&s, c->tx, rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s))
		n++;
	return n;
}

/* The first four and the last are the network's own. */
static void
usable(const struct ec2_subnet *s, uint32_t *ret_first, uint32_t *ret_last)
{
	struct plane_cidr cidr = { 0 };
	ec2_cidr_parse(s->CidrBlock, &cidr);
	*ret_first = cidr.ip + 4;
	*ret_last = ec2_cidr_last(cidr) - 1;
}

int
ec2_private_take(struct call *c, const struct ec2_subnet *s, uint32_t ip, struct str interface)
{
	uint32_t first, last;
	usable(s, &first, &last);
	if (ip < first - 4 || ip > last + 1)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Address does not fall within the subnet's address range");
	if (ip < first || ip > last)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Address is in subnet's reserved address range");
	if (ec2_private_owner(c, s->SubnetId, ip).len)
		return call_fail(c, &EC2_InvalidIPAddress_InUse,
			"Address %.*s is in use.", STR_FMT(ec2_ip_text(c->arena, ip)));
	private_put(c, s->SubnetId, ip, interface);
	return CALL_OK;
}

/* The first free address from `from` on, below `end`; 0: none. */
static uint32_t
first_gap(struct call *c, struct str subnet, uint32_t from, uint32_t end)
{
	struct key lo, hi;
	struct scan s;
	uint32_t at = from;
	private_prefix(&lo, c, subnet);
	struct str stop = key_after_prefix(&hi, key_str(&lo));
	add_ip(&lo, from);
	scan_open(&s, c->tx, rows(c), key_str(&lo), stop, false);
	while (at < end && scan_next(&s) && ip_of_key(s.key) == at)
		at++;
	scan_done(&s);
	return at < end ? at : 0;
}

/* From a random place on, so that an address just given back is not the next one given out. */
int
ec2_private_take_any(
	struct call *c, const struct ec2_subnet *s, struct str interface, uint32_t *ret_ip)
{
	uint32_t first, last, r, ip;
	usable(s, &first, &last);
	call_random(c, &r, sizeof(r));
	uint32_t start = first + r % (last - first + 1);
	if (!(ip = first_gap(c, s->SubnetId, start, last + 1)))
		ip = first_gap(c, s->SubnetId, first, start);
	if (!ip)
		return call_fail(c, &EC2_InsufficientFreeAddressesInSubnet,
			"There are not enough free addresses in subnet '%.*s' to satisfy the "
			"requested number of addresses.",
			STR_FMT(s->SubnetId));
	private_put(c, s->SubnetId, ip, interface);
	*ret_ip = ip;
	return CALL_OK;
}

struct plane_cidr
ec2_public_range(void)
{
	struct plane_ability a = { 0 };
	struct plane *p = plane_current();
	if (p && p->ops->ability)
		p->ops->ability(p, &a);
	return a.public_range.bits ? a.public_range : (struct plane_cidr){ 0x64400000u, 20 };
}

static void
public_key(struct key *k, uint32_t ip)
{
	key_begin(k);
	key_add_raw(k, STR("p"));
	add_ip(k, ip);
}

bool
ec2_public_owner(struct call *c, uint32_t ip, struct ec2_public_ip_row *ret)
{
	struct key k;
	struct str v;
	public_key(&k, ip);
	return tx_get(c->tx, rows(c), key_str(&k), &v) &&
	       row_decode(&ec2_public_ip_row_shape, arena_dup(c->arena, v), c->arena, ret);
}

static void
public_put(struct call *c, uint32_t ip, struct str owner)
{
	struct key k;
	struct buf b = { 0 };
	struct ec2_public_ip_row row = {
		.Region = c->region, .Account = c->account, .Id = owner
	};
	row_encode(&ec2_public_ip_row_shape, &row, &b);
	public_key(&k, ip);
	tx_put(c->tx, rows(c), key_str(&k), buf_str(&b));
	buf_done(&b);
}

static uint32_t
public_gap(struct call *c, uint32_t from, uint32_t end)
{
	struct key lo, hi;
	struct scan s;
	uint32_t at = from;
	public_key(&lo, from);
	public_key(&hi, end);
	scan_open(&s, c->tx, rows(c), key_str(&lo), key_str(&hi), false);
	while (at < end && scan_next(&s) && ip_of_key(s.key) == at)
		at++;
	scan_done(&s);
	return at < end ? at : 0;
}

int
ec2_public_take(struct call *c, struct str asked, struct str owner, uint32_t *ret_ip)
{
	struct plane_cidr range = ec2_public_range();
	struct ec2_public_ip_row have;
	uint32_t first = range.ip + 4, end = ec2_cidr_last(range), ip, r;
	if (asked.len) {
		if (!ec2_ip_parse(asked, &ip) || ip < first || ip >= end)
			return call_fail(c, &EC2_InvalidAddress_NotFound,
				"Address '%.*s' is not of the range of this host.",
				STR_FMT(asked));
		if (ec2_public_owner(c, ip, &have))
			return call_fail(c, &EC2_InvalidAddress_NotFound,
				"Address '%.*s' belongs to somebody.", STR_FMT(asked));
	} else {
		call_random(c, &r, sizeof(r));
		uint32_t start = first + r % (end - first);
		if (!(ip = public_gap(c, start, end)) && !(ip = public_gap(c, first, start)))
			return call_fail(c, &EC2_InsufficientAddressCapacity,
				"Every address of the range of this host (%.*s) is taken.",
				STR_FMT(ec2_cidr_text(c->arena, range)));
	}
	public_put(c, ip, owner);
	*ret_ip = ip;
	return CALL_OK;
}

void
ec2_public_free(struct call *c, uint32_t ip)
{
	struct key k;
	public_key(&k, ip);
	tx_delete(c->tx, rows(c), key_str(&k));
}
