/* Networks in the kernel: opening, applying, removing; see fabric.h. */
#include "plane/fabric.h"

#include "base/log.h"
#include "plane/fabric_state.h"
#include "plane/network_pack.h"
#include "plane/plane.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fabric fabric;

int
fabric_fail(char *why, size_t cap, int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (cap)
		vsnprintf(why, cap, fmt, ap);
	va_end(ap);
	return err;
}

const char *
fabric_tag(void)
{
	return fabric.tag;
}

struct plane_cidr
fabric_range(void)
{
	return fabric.range;
}

bool
fabric_reaches_out(void)
{
	return fabric.open && fabric.uplink != FABRIC_UPLINK_OFF;
}

void
fabric_pin(char out[FABRIC_PATH], struct str network, char kind, struct str id)
{
	if (kind)
		snprintf(out, FABRIC_PATH, "%s/%.*s.%c.%.*s", fabric.dir, STR_FMT(network), kind,
			STR_FMT(id));
	else
		snprintf(out, FABRIC_PATH, "%s/%.*s", fabric.dir, STR_FMT(network));
}

struct router *
fabric_router(struct str id)
{
	return map_get(&fabric.routers, id);
}

/* ---- A description and its rules ---- */

static void
applied_free(struct applied *a)
{
	if (!a)
		return;
	nft_rules_done(&a->rules);
	arena_done(&a->arena);
	buf_done(&a->bytes);
	free(a);
}

/* A deep copy by way of its bytes. */
static struct applied *
applied_new(const struct plane_network *n)
{
	struct applied *a = calloc(1, sizeof(*a));
	struct pack p = { 0 };
	network_pack(&p, n);
	a->bytes = p.buf;
	struct unpack u = unpack_of(buf_str(&p.buf));
	if (p.bad || !network_unpack(&u, &a->arena, &a->n)) {
		applied_free(a);
		return NULL;
	}
	nft_rules_init(&a->rules, &a->arena, FABRIC_TABLE);
	return a;
}

/* The number of an id: what it had, else a free one near its digest, so that another process comes
 * to the same. */
static uint16_t
number_of(struct numbers *k, struct str id)
{
	uintptr_t had = (uintptr_t)map_get(&k->by_id, id);
	if (had)
		return (uint16_t)had;
	uint64_t at = fabric_digest(id.p, id.len) % 1023;
	while (k->used[at / 64] >> at % 64 & 1)
		at = (at + 1) % 1023;
	k->used[at / 64] |= 1ull << at % 64;
	map_put(&k->by_id, (struct str){ strndup(id.p, id.len), id.len },
		(void *)(uintptr_t)(at + 1));
	return (uint16_t)(at + 1);
}

static void
numbers_done(struct numbers *k)
{
	size_t at = 0;
	struct str id;
	void *v;
	while (map_next(&k->by_id, &at, &id, &v))
		free((char *)id.p);
	map_done(&k->by_id);
	memset(k, 0, sizeof(*k));
}

/* Without this a long life would use all numbers up. */
static void
numbers_keep(struct numbers *k, const struct str *ids, uint32_t n)
{
	if (k->by_id.n <= n)
		return;
	struct numbers kept = { 0 };
	map_init(&kept.by_id, NULL);
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t had = (uintptr_t)map_get(&k->by_id, ids[i]);
		if (!had || map_get(&kept.by_id, ids[i]))
			continue;
		kept.used[(had - 1) / 64] |= 1ull << (had - 1) % 64;
		map_put(&kept.by_id, (struct str){ strndup(ids[i].p, ids[i].len), ids[i].len },
			(void *)had);
	}
	numbers_done(k);
	*k = kept;
}

static struct fabric_numbers
numbers_for(struct router *r, struct applied *a)
{
	const struct plane_network *n = &a->n;
	struct str *ids = arena_array(&a->arena, struct str, n->subnets_n + n->tables_n);
	struct str *tables = ids + n->subnets_n;
	uint16_t *s = arena_array(&a->arena, uint16_t, n->subnets_n),
		 *t = arena_array(&a->arena, uint16_t, n->tables_n);
	for (uint32_t i = 0; i < n->subnets_n; i++)
		ids[i] = n->subnets[i].id.len ? n->subnets[i].id : arena_printf(&a->arena, "%u", i);
	for (uint32_t i = 0; i < n->tables_n; i++)
		tables[i] =
			n->tables[i].id.len ? n->tables[i].id : arena_printf(&a->arena, "%u", i);
	numbers_keep(&r->subnets, ids, n->subnets_n);
	numbers_keep(&r->tables, tables, n->tables_n);
	for (uint32_t i = 0; i < n->subnets_n; i++)
		s[i] = number_of(&r->subnets, ids[i]);
	for (uint32_t i = 0; i < n->tables_n; i++)
		t[i] = number_of(&r->tables, tables[i]);
	return (struct fabric_numbers){ s, t };
}

/* ---- Routers ---- */

static struct router *
router_new(struct str id)
{
	struct router *r = calloc(1, sizeof(*r));
	r->id = strndup(id.p, id.len);
	r->space = SPACE_CLOSED;
	r->flow_ct = r->flow_log = -1;
	map_init(&r->links.by_name, NULL);
	map_init(&r->subnets.by_id, NULL);
	map_init(&r->tables.by_id, NULL);
	return r;
}

static void
router_free(struct router *r)
{
	fabric_flow_unwatch(r);
	space_close(&r->space);
	links_done(&r->links);
	paths_done(&r->paths);
	numbers_done(&r->subnets);
	numbers_done(&r->tables);
	applied_free(r->now);
	free(r->id);
	free(r);
}

static int
router_make(struct str id, struct router **ret, char *why, size_t cap)
{
	char pin[FABRIC_PATH];
	fabric_pin(pin, id, 0, STR_NULL);
	struct router *r = router_new(id);
	int err = space_make(&r->space, pin, SPACE_ROUTER);
	if (!err) {
		/* What the router says of itself (a packet too large …) it says from here. */
		struct buf b = { 0 };
		rt_address(&b, 1, PLANE_IP_RESOLVER, 32);
		err = nl_send(r->space.rt, &b);
		buf_done(&b);
	}
	if (err) {
		router_free(r);
		return fabric_fail(why, cap, err, "network namespace %s: %s", pin, strerror(-err));
	}
	map_put(&fabric.routers, str_c(r->id), r);
	*ret = r;
	return 0;
}

static bool
forgive_gone(void *ctx, unsigned n, int err)
{
	(void)ctx, (void)n;
	return err == -ESRCH || err == -ENOENT || err == -EEXIST;
}

static int
change_paths(struct router *r, char *why, size_t cap)
{
	struct paths to = { 0 };
	struct fabric_numbers k = numbers_for(r, r->now);
	struct fabric_links links = { links_index_of, &r->links };
	int err = 0;
	if (!r->paths_known)
		err = paths_read(r->space.rt, &r->paths);
	fabric_paths_compile(&to, &r->now->n, &k, &links);
	struct buf b = { 0 };
	paths_change(&b, &r->paths, &to);
	struct nl_run run = { .failed = forgive_gone };
	err = err ? err : nl_run(r->space.rt, &b, &run);
	buf_done(&b);
	paths_done(&r->paths);
	r->paths = to;
	r->paths_known = !err;
	return err ? fabric_fail(why, cap, err, "routes: %s %s", strerror(-err), run.said) : 0;
}

int
fabric_router_paths(struct router *r, char *why, size_t cap)
{
	int err = change_paths(r, why, cap);
	/* A link goes with its machine, when the kernel comes to it: maybe right now. */
	for (unsigned tries = 0; err == -ENODEV && tries < 5; tries++) {
		links_done(&r->links);
		map_init(&r->links.by_name, NULL);
		err = links_read(&r->links, r->space.rt);
		err = err ? err : change_paths(r, why, cap);
	}
	return err;
}

void
fabric_router_unlink(struct router *r, const char *link)
{
	int index = links_index(&r->links, link);
	if (!index)
		return;
	struct buf b = { 0 };
	rt_link_remove(&b, index);
	nl_send(r->space.rt, &b);
	buf_done(&b);
	paths_forget(&r->paths, index);
	if (!strcmp(link, FABRIC_IGW_LINK))
		fabric_edge_disconnected(r);
	links_drop(&r->links, link); /* maybe the owner of that name */
}

const struct plane_interface *
fabric_interface(const struct router *r, struct str id)
{
	const struct plane_network *n = r && r->now ? &r->now->n : NULL;
	for (uint32_t i = 0; n && i < n->interfaces_n; i++)
		if (str_eq(n->interfaces[i].id, id))
			return &n->interfaces[i];
	return NULL;
}

/* ---- Apply ---- */

static int
send_rules(struct router *r, struct applied *to, char *why, size_t cap)
{
	struct buf b = { 0 };
	char said[200] = "";
	struct fabric_numbers k = numbers_for(r, to);
	fabric_rules_router(&to->rules, &to->n, &k);
	int err = 0, nft = space_nft(&r->space);
	if (nft < 0)
		err = nft;
	else if (nft_rules_change(&b, r->now ? &r->now->rules : NULL, &to->rules))
		err = nft_rules_send(nft, &b, said, sizeof(said));
	buf_done(&b);
	return err ? fabric_fail(why, cap, err, "%s", said[0] ? said : strerror(-err)) : 0;
}

/* Links that the description does not know any more; those that it knows by name stay. */
static void
drop_links(struct router *r, const struct plane_network *n)
{
	struct map wanted;
	struct arena a = { 0 };
	map_init(&wanted, &a);
	if (n->internet)
		map_put(&wanted, STR(FABRIC_IGW_LINK), r);
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		map_put(&wanted,
			arena_dup(&a, str_c(fabric_link_of('v', n->interfaces[i].id).name)), r);
	for (uint32_t i = 0; i < n->nats_n; i++)
		map_put(&wanted, arena_dup(&a, str_c(fabric_link_of('n', n->nats[i].id).name)), r);
	for (uint32_t i = 0; i < n->peers_n; i++)
		map_put(&wanted, arena_dup(&a, str_c(fabric_link_of('p', n->peers[i].id).name)), r);
	size_t at = 0;
	struct str name;
	void *v;
	while (map_next(&r->links.by_name, &at, &name, &v))
		if (!map_get(&wanted, name)) {
			fabric_router_unlink(r, ((struct link_known *)v)->name);
			at = 0;
		}
	arena_done(&a);
}

static const char *
public_fault(const struct plane_network *n)
{
	uint32_t mask = UINT32_MAX << (32 - fabric.range.bits), size = ~mask;
	for (uint32_t i = 0; i < n->interfaces_n + n->nats_n; i++) {
		const struct plane_interface *x = i < n->interfaces_n ? &n->interfaces[i] : NULL;
		uint32_t ips_n = x ? x->ips_n : 1;
		for (uint32_t k = 0; k < ips_n; k++) {
			uint32_t ip = x ? x->ips[k].public_ip
					: n->nats[i - n->interfaces_n].public_ip,
				 host = ip & size;
			if (ip && ((ip & mask) != fabric.range.ip || host < 4 || host == size))
				return "a public address outside this host's range of public addresses";
		}
	}
	return NULL;
}

static int
make_links(struct router *r, char *why, size_t cap)
{
	int err = r->now->n.internet ? fabric_edge_connect(r, why, cap) : 0;
	err = err ? err : fabric_ends_make(r, why, cap);
	err = err ? err : fabric_router_paths(r, why, cap);
	return err ? err : fabric_edge_publish(r, &r->now->n, why, cap);
}

int
fabric_apply(const struct plane_network *n, char *why, size_t cap)
{
	const char *fault = fabric.open ? network_fault(n) : "networks are not open";
	if (!fault)
		fault = public_fault(n);
	struct applied *to = fault ? NULL : applied_new(n);
	if (!to)
		return fabric_fail(
			why, cap, -EINVAL, "%s", fault ? fault : "a network that is too large");
	struct router *r = fabric_router(n->id);
	int err = r ? 0 : router_make(n->id, &r, why, cap);
	if (!err) {
		fabric_ends_remove(r, n);
		drop_links(r, n);
		/* Rules before links: nothing is ever reachable without them. */
		err = send_rules(r, to, why, cap);
	}
	if (err) {
		applied_free(to);
		return err;
	}
	struct applied *was = r->now;
	r->now = to;
	err = make_links(r, why, cap);
	if (was)
		fabric_forget_connections(r, &was->n, n);
	applied_free(was);
	fabric_flow_watch(r);
	return err;
}

/* ---- Remove ---- */

static void
router_remove(struct router *r)
{
	char pin[FABRIC_PATH], why[PLANE_WHY_MAX];
	fabric_ends_remove(r, NULL);
	fabric_edge_publish(r, NULL, why, sizeof(why));
	fabric_router_unlink(r, FABRIC_IGW_LINK);
	fabric_pin(pin, str_c(r->id), 0, STR_NULL);
	map_take(&fabric.routers, str_c(r->id));
	fabric_flow_unwatch(r);
	space_remove(&r->space, pin);
	router_free(r);
}

int
fabric_remove(struct str network, char *why, size_t cap)
{
	if (!fabric.open)
		return fabric_fail(why, cap, -EINVAL, "networks are not open");
	struct router *r = fabric_router(network);
	if (r)
		router_remove(r);
	return 0;
}

void
fabric_list(void (*each)(void *ctx, struct str network), void *ctx)
{
	size_t at = 0;
	struct str id;
	void *r;
	while (map_next(&fabric.routers, &at, &id, &r))
		each(ctx, id);
}

/* Every pin of the directory whose name is told, then the directory itself. */
static void
remove_pins(const char *dir)
{
	char path[FABRIC_PATH];
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (!strcmp(e->d_name, ".data"))
			unlink(path);
		else
			space_remove(NULL, path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

int
fabric_remove_all(char *why, size_t cap)
{
	if (!fabric.open)
		return fabric_fail(why, cap, -EINVAL, "networks are not open");
	size_t at = 0;
	struct str id;
	void *r;
	while (map_next(&fabric.routers, &at, &id, &r)) {
		router_remove(r);
		at = 0;
	}
	fabric_edge_remove();
	remove_pins(fabric.dir);
	fabric_close();
	return 0;
}

/* ---- Open and close ---- */

static const char *
run_of(const char *run_dir)
{
	return run_dir ? run_dir : "/run/haneul";
}

static void
set_dir(const char *run_dir, const char *tag)
{
	snprintf(fabric.tag, sizeof(fabric.tag), "%s", tag);
	snprintf(fabric.dir, sizeof(fabric.dir), "%s/%s", run_of(run_dir), tag);
}

/* Of the directory itself and not only of its name: a copy or a namesake in another container is
 * another one. */
static int
make_tag(const char *data_dir, char ret[9])
{
	struct stat st;
	if (!realpath(data_dir, fabric.data_dir) || stat(data_dir, &st))
		return -errno;
	uint64_t h = fabric_digest(fabric.data_dir, strlen(fabric.data_dir)) ^
		     (uint64_t)st.st_ino * 0x9e3779b97f4a7c15u ^ st.st_dev;
	snprintf(ret, 9, "%08x", (unsigned)(h ^ h >> 32));
	return 0;
}

/* Whose view of the files a data directory's name is of: containers may share /run. */
static const char *
our_files(char ret[64])
{
	ssize_t n = readlink("/proc/self/ns/mnt", ret, 63);
	ret[n > 0 ? n : 0] = '\0';
	return ret;
}

static int
make_dir(const char *run_dir)
{
	char path[FABRIC_PATH], files[64];
	if ((mkdir(run_of(run_dir), 0755) && errno != EEXIST) ||
		(mkdir(fabric.dir, 0700) && errno != EEXIST))
		return -errno;
	snprintf(path, sizeof(path), "%s/.data", fabric.dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	dprintf(fd, "%s\n%s\n", fabric.data_dir, our_files(files));
	close(fd);
	return 0;
}

/* Routers that an earlier process left: their links are known, their rules are replaced when they
 * are applied. */
static void
adopt_routers(void)
{
	DIR *d = opendir(fabric.dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char pin[FABRIC_PATH];
		if (!plane_id_ok(str_c(e->d_name)))
			continue;
		struct router *r = router_new(str_c(e->d_name));
		fabric_pin(pin, str_c(e->d_name), 0, STR_NULL);
		if (space_open(&r->space, pin) || links_read(&r->links, r->space.rt)) {
			space_remove(NULL, pin);
			router_free(r);
			continue;
		}
		map_put(&fabric.routers, str_c(r->id), r);
	}
	if (d)
		closedir(d);
}

static int
open_all(const struct fabric_options *o, char *why, size_t cap)
{
	int err = make_dir(o->run_dir);
	if (err)
		return fabric_fail(why, cap, err, "%s: %s", fabric.dir, strerror(-err));
	err = space_here(&fabric.host);
	if (err)
		return fabric_fail(why, cap, err, "netlink: %s", strerror(-err));
	err = fabric_range_choose(o->range, why, cap);
	err = err ? err : fabric_edge_open(why, cap);
	if (err)
		return err;
	err = fabric_flow_open();
	if (err)
		return fabric_fail(why, cap, err, "epoll: %s", strerror(-err));
	adopt_routers();
	return 0;
}

static int
range_look(const char *data_dir, struct plane_cidr wanted, char *why, size_t cap)
{
	char tag[9];
	assert(!fabric.open);
	fabric = (struct fabric){
		.host = SPACE_CLOSED, .edge = SPACE_CLOSED, .flow_epoll = -1, .flow_timer = -1
	};
	int err = make_tag(data_dir, tag);
	if (!err)
		set_dir(NULL, tag);
	err = err ? err : space_here(&fabric.host);
	if (err)
		return fabric_fail(why, cap, err, "%s: %s", data_dir, strerror(-err));
	err = fabric_range_choose(wanted, why, cap);
	space_close(&fabric.host);
	return err;
}

int
fabric_range_of(const char *data_dir, struct plane_cidr *ret)
{
	char why[256];
	int err = range_look(data_dir, (struct plane_cidr){ 0, 0 }, why, sizeof(why));
	if (!err)
		*ret = fabric.range;
	return err;
}

int
fabric_range_want(const char *data_dir, struct plane_cidr range, char *why, size_t cap)
{
	return range_look(data_dir, range, why, cap);
}

int
fabric_open(const struct fabric_options *o, char *why, size_t cap)
{
	char tag[9];
	assert(!fabric.open);
	fabric = (struct fabric){ .uplink = o->uplink,
		.host = SPACE_CLOSED,
		.edge = SPACE_CLOSED,
		.flow_epoll = -1,
		.flow_timer = -1 };
	map_init(&fabric.routers, NULL);
	map_init(&fabric.edge_links.by_name, NULL);
	int err = make_tag(o->data_dir, tag);
	if (err)
		return fabric_fail(why, cap, err, "%s: %s", o->data_dir, strerror(-err));
	set_dir(o->run_dir, tag);
	fabric.open = true;
	err = open_all(o, why, cap);
	if (err)
		fabric_close();
	return err;
}

void
fabric_close(void)
{
	size_t at = 0;
	struct str id;
	void *r;
	if (!fabric.open)
		return;
	while (map_next(&fabric.routers, &at, &id, &r)) {
		map_take(&fabric.routers, id);
		router_free(r);
		at = 0;
	}
	map_done(&fabric.routers);
	fabric_flow_close();
	fabric_edge_close();
	space_close(&fabric.host);
	fabric.open = false;
}

/* ---- Leftovers ---- */

int
fabric_sweep(const char *run_dir, const char *tag, char *why, size_t cap)
{
	if (strlen(tag) != 8 || strspn(tag, "0123456789abcdef") != 8)
		return fabric_fail(why, cap, -EINVAL, "no tag of a data directory: %s", tag);
	fabric = (struct fabric){
		.host = SPACE_CLOSED, .edge = SPACE_CLOSED, .flow_epoll = -1, .flow_timer = -1
	};
	set_dir(run_dir, tag);
	int err = space_here(&fabric.host);
	if (err)
		return fabric_fail(why, cap, err, "netlink: %s", strerror(-err));
	fabric_edge_remove();
	remove_pins(fabric.dir);
	space_close(&fabric.host);
	return 0;
}

void
fabric_leftovers(const char *run_dir,
	void (*each)(void *ctx, const struct fabric_leftover *l), void *ctx)
{
	char ours[64];
	our_files(ours);
	DIR *d = opendir(run_of(run_dir));
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[FABRIC_PATH], data[PATH_MAX] = "";
		if (strlen(e->d_name) != 8 || strspn(e->d_name, "0123456789abcdef") != 8)
			continue;
		snprintf(path, sizeof(path), "%s/%s/.data", run_of(run_dir), e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, data, sizeof(data) - 1);
		if (fd >= 0)
			close(fd);
		data[n > 0 ? n : 0] = '\0';
		char *files = data + strcspn(data, "\n");
		if (*files)
			*files++ = '\0';
		files[strcspn(files, "\n")] = '\0';
		each(ctx, &(struct fabric_leftover){ e->d_name, data, !strcmp(files, ours) });
	}
	if (d)
		closedir(d);
}
