/* The reconciler "ec2.network": gives networks to the plane and writes down what came of it. */
#include "aws/due.h"
#include "aws/reconcile.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"

#include "svc/ec2/flow_logs.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/metadata.h"
#include "svc/ec2/nat_gateways.h"
#include "svc/ec2/networks.h"

#include <assert.h>
#include <stdlib.h>

static struct store *store; /* of the cloud that started last: tests open several, one at a time */

/* What was given to the plane last, by network; on the loop. A network that is not here may still
 * be in the kernel from an earlier life. */
struct given {
	struct arena arena;
	struct map interfaces;
	struct str vpc, region, account;
};
static struct map all_given;

static void
given_free(struct given *g)
{
	if (!g)
		return;
	arena_done(&g->arena);
	free(g);
}

static void
given_set(const struct call *c, const struct plane_network *n)
{
	struct given *g = calloc(1, sizeof(*g));
	assert(g);
	arena_init(&g->arena);
	map_init(&g->interfaces, &g->arena);
	g->vpc = arena_dup(&g->arena, n->id);
	g->region = arena_dup(&g->arena, c->region);
	g->account = arena_dup(&g->arena, c->account);
	for (uint32_t i = 0; i < n->interfaces_n; i++)
		map_put(&g->interfaces, arena_dup(&g->arena, n->interfaces[i].id), g);
	given_free(map_take(&all_given, n->id));
	map_put(&all_given, g->vpc, g);
}

bool
ec2_network_has(struct str vpc, struct str interface)
{
	const struct given *g = map_get(&all_given, vpc);
	return g && map_get(&g->interfaces, interface);
}

bool
ec2_network_place(struct str vpc, struct str *ret_region, struct str *ret_account)
{
	const struct given *g = map_get(&all_given, vpc);
	if (!g)
		return false;
	*ret_region = g->region;
	*ret_account = g->account;
	return true;
}

static bool
give(struct call *c, struct plane *p, struct plane_request *r, struct str vpc,
	struct plane_network *n)
{
	bool wanted = ec2_network_build(c, vpc, n);
	const struct given *g = map_get(&all_given, vpc);
	if (wanted) {
		p->ops->network_apply(p, r, n);
		ec2_inside_up(c->region, c->account, vpc);
	} else if (!g || g->interfaces.n) {
		ec2_inside_down(vpc);
		p->ops->network_remove(p, r, vpc);
	} else {
		return false; /* known not to be there */
	}
	given_set(c, n);
	return true;
}

void
ec2_network_send(struct call *c, struct plane *p, struct plane_request *r, struct str vpc)
{
	struct plane_network n;
	given_free(map_take(&all_given, vpc));
	give(c, p, r, vpc, &n);
}

void
ec2_networks_forget(void)
{
	struct str vpc;
	void *g;
	for (size_t at = 0; map_next(&all_given, &at, &vpc, &g); at = 0)
		given_free(map_take(&all_given, vpc));
}

/* ---- steps */

struct step {
	struct plane_request request;
	struct task *task;
	struct str region, account, vpc;
	struct list_str nats; /* as the step saw them */
	bool gone;            /* the network is no more */
	struct str trouble;
};

static void
trouble_key(struct key *k, struct str region, struct str account, struct str vpc)
{
	key_begin(k);
	key_add_raw(k, STR("w"));
	key_add(k, region);
	key_add(k, account);
	key_add(k, vpc);
}

static void
trouble_put(struct tx *t, struct str region, struct str account, struct str vpc, struct str why)
{
	struct key k;
	struct str have;
	struct rows *rows = store_rows(tx_store(t), "ec2");
	trouble_key(&k, region, account, vpc);
	if (why.len)
		tx_put(t, rows, key_str(&k), why);
	else if (tx_get(t, rows, key_str(&k), &have))
		tx_delete(t, rows, key_str(&k));
}

struct str
ec2_network_trouble(struct call *c, struct str vpc)
{
	struct key k;
	struct str v;
	trouble_key(&k, c->region, c->account, vpc);
	return tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&k), &v)
		       ? arena_dup(c->arena, v)
		       : STR("");
}

static int
settled(struct tx *t, const struct task *task, void *arg)
{
	struct step *s = arg;
	struct call c;
	ec2_inner_call(&c, t, task->arena, s->region, s->account);
	trouble_put(t, s->region, s->account, s->vpc, STR(""));
	for (uint32_t i = 0; i < s->nats.n; i++)
		ec2_nat_settled(&c, s->nats.v[i]);
	return 0;
}

static void
end(struct step *s, int status, struct str why)
{
	if (!status && s->gone)
		given_free(map_take(&all_given, s->vpc));
	task_done(s->task, status, why, settled, s);
}

static void
answered(struct plane_request *r, const struct plane_answer *a)
{
	struct step *s = (struct step *)((char *)r - offsetof(struct step, request));
	if (a->status) /* what is there now is not known */
		given_free(map_take(&all_given, s->vpc));
	end(s, a->status, str_c(a->why));
}

static void
nats_seen(struct call *c, struct step *s)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_nat_gateway_kind);
	for (struct ec2_nat_gateway_row *g; (g = ec2_walk_next(&w));)
		if (str_eq(g->NatGateway->VpcId, s->vpc))
			*(struct str *)ec2_list_add(c->arena, &s->nats) = w.id;
}

static void
step(struct task *task, void *arg)
{
	struct step *s = arena_new(task->arena, struct step);
	struct str rest = arena_dup(task->arena, task->id);
	struct plane *p = plane_current();
	struct plane_ability can = { 0 };
	struct plane_network n;
	struct call c;
	(void)arg;
	s->task = task;
	s->request.done = answered;
	s->region = str_cut(&rest, '/');
	s->account = str_cut(&rest, '/');
	s->vpc = rest;
	if (p) {
		p->ops->ability(p, &can);
		ec2_flows_listen(p, store);
	}
	struct tx *t = tx_begin_read(store);
	ec2_inner_call(&c, t, task->arena, s->region, s->account);
	s->gone = !ec2_get(&c, &ec2_vpc_kind, s->vpc);
	nats_seen(&c, s);
	bool makes = can.networks && p->ops->network_apply && p->ops->network_remove;
	bool sent = makes && give(&c, p, &s->request, s->vpc, &n);
	tx_end(t);
	/* Without a plane networks are rows only, and nothing can run in them. */
	if (!sent)
		end(s, 0, STR(""));
}

static void
troubled(struct tx *t, const struct task *task, int status, struct str reason, void *arg)
{
	struct str rest = task->id, region = str_cut(&rest, '/'), account = str_cut(&rest, '/');
	(void)arg;
	log_warn("ec2.network", log_str("network", rest), log_errno("why", status),
		log_str("reason", reason));
	trouble_put(t, region, account, rest, reason.len ? reason : STR("The network failed."));
}

/* ---- after a start: what runs in networks is still there, and they are given again. */

struct adoption {
	struct store_unit unit;
	struct reconciler *r;
};

static void
adopt_place(void *arg, struct str region, struct str account)
{
	struct tx *t = arg;
	struct arena a;
	struct call c;
	struct ec2_walk w;
	struct str last = STR("");
	arena_init(&a);
	ec2_inner_call(&c, t, &a, region, account);
	ec2_walk_begin(&w, &c, &ec2_interface_kind);
	for (struct ec2_interface_row *n; (n = ec2_walk_next(&w));)
		if (n->NetworkInterface->Attachment && !str_eq(n->NetworkInterface->VpcId, last)) {
			last = n->NetworkInterface->VpcId;
			ec2_network_mark(t, region, account, last);
		}
	arena_done(&a);
}

static int
adopt_unit(struct store_unit *u, struct tx *t)
{
	struct arena a;
	(void)u;
	arena_init(&a);
	ec2_each_place(t, &a, &ec2_interface_kind, adopt_place, t);
	arena_done(&a);
	return 0;
}

static void
adopt_done(struct store_unit *u, int status)
{
	(void)status;
	free(u);
}

static void
give_all_again(void)
{
	struct adoption *x = calloc(1, sizeof(*x));
	assert(x);
	x->unit.run = adopt_unit;
	x->unit.done = adopt_done;
	store_submit(store, &x->unit);
}

static void
adopt(struct reconciler *r, void *arg)
{
	(void)arg;
	give_all_again();
	reconcile_adopted(r);
}

/* The plane has lost its memory, not what it made. */
static void
forgot(struct plane_listener *l)
{
	(void)l;
	ec2_networks_forget();
	give_all_again();
}

static struct plane_listener listener = { .forgot = forgot };

static struct reconciler reconciler = { .noun = "ec2.network",
	.backoff_min_ms = 200,
	.backoff_max_ms = 30000,
	.step = step,
	.adopt = adopt,
	.trouble = troubled };

static void
start(struct store *s)
{
	struct given *g;
	void *v;
	store = s;
	for (size_t at = 0; map_next(&all_given, &at, NULL, &v); at = 0) {
		g = v;
		map_take(&all_given, g->vpc);
		given_free(g);
	}
	map_done(&all_given);
	if (plane_current())
		plane_listen(plane_current(), &listener);
	reconcile_register(&reconciler);
}
EC2_START(start);
