/* What a machine writes to its console: asked for while it runs, kept when it ends. */
#include "base/buf.h"
#include "base/text.h"
#include "plane/plane.h"
#include "svc/ec2/instance_reconcile.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/work.h"

#define WAIT_MS 5000

static void
console_key(struct key *k, struct call *c, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("C"));
	key_add(k, c->region);
	key_add(k, c->account);
	key_add(k, id);
}

void
ec2_console_put(struct call *c, struct str id, struct str text)
{
	struct key k;
	struct buf b = { 0 };
	struct ec2_instance_console_row row = { .Text = text, .At = OPT_TIME(c->now_ms) };
	console_key(&k, c, id);
	row_encode(&ec2_instance_console_row_shape, &row, &b);
	tx_put(c->tx, store_rows(c->store, "ec2"), key_str(&k), buf_str(&b));
	buf_done(&b);
}

void
ec2_console_forget(struct call *c, struct str id)
{
	struct key k;
	console_key(&k, c, id);
	tx_delete(c->tx, store_rows(c->store, "ec2"), key_str(&k));
}

static struct str
touched_key(struct arena *a, struct str id)
{
	return arena_printf(a, "ec2.console/%.*s", STR_FMT(id));
}

static int
effect_read(struct call *c, struct ec2_work *w)
{
	if (!w->status)
		ec2_console_put(c, w->id, w->text);
	tx_touch(c->tx, touched_key(c->arena, w->id));
	return CALL_OK;
}

static void
answered(struct ec2_work *w)
{
	ec2_work_end(w, effect_read);
}

static void
step(struct task *task, void *arg)
{
	struct ec2_work *w = ec2_work_begin(task);
	(void)arg;
	if (w)
		w->plane->ops->machine_console(w->plane, ec2_work_ask(w, answered), w->id);
}

static struct reconciler consoles = {
	.noun = "ec2.console", .step = step, .backoff_max_ms = 60000
};

static void
start(struct store *s)
{
	(void)s;
	reconcile_register(&consoles);
}
EC2_START(start);

int
ec2_get_console_output(struct call *c, const struct ec2_get_console_output_in *in,
	struct ec2_get_console_output_out *out)
{
	struct ec2_instance_row *i = ec2_need(c, &ec2_instance_kind, in->InstanceId);
	struct ec2_instance_console_row row = { 0 };
	struct key k;
	struct str bytes;
	if (!i)
		return CALL_FAILED;
	if (i->Runs.v && plane_current() && !call_parked_until(c)) {
		ec2_mark(c, "ec2.console", in->InstanceId);
		c->park_keeps = true;
		return call_park(c, touched_key(c->arena, in->InstanceId), c->now_ms + WAIT_MS);
	}
	out->InstanceId = in->InstanceId;
	console_key(&k, c, in->InstanceId);
	if (tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&k), &bytes) &&
		row_decode(&ec2_instance_console_row_shape, bytes, c->arena, &row)) {
		out->Output = base64_text(c->arena, row.Text);
		out->Timestamp = row.At;
	} else {
		out->Timestamp = OPT_TIME(c->now_ms);
	}
	return CALL_OK;
}

int
ec2_get_password_data(struct call *c, const struct ec2_get_password_data_in *in,
	struct ec2_get_password_data_out *out __attribute__((unused)))
{
	if (!ec2_need(c, &ec2_instance_kind, in->InstanceId))
		return CALL_FAILED;
	return call_fail(c, &EC2_UnsupportedOperation,
		"Passwords are of Windows instances, and no Windows runs here. Log in with the key "
		"pair of the launch.");
}
