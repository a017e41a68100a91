/* Orders about images; see image_orders.h. */
#include "svc/ec2/image_orders.h"

#include "aws/service_setting.h"
#include "base/buf.h"
#include "base/ids.h"
#include "base/json.h"
#include "svc/ec2/images.h"
#include "svc/ec2/work.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#define ORDERS_KEPT 32
#define SPOOL_MIN 16

static void
order_key(struct key *k, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("I"));
	if (id.p)
		key_add(k, id);
}

static void
order_put(struct call *c, const struct ec2_image_order_row *o)
{
	struct buf b = { 0 };
	struct key k;
	row_encode(&ec2_image_order_row_shape, o, &b);
	order_key(&k, o->Id);
	tx_put(c->tx, store_rows(c->store, "ec2"), key_str(&k), buf_str(&b));
	buf_done(&b);
}

static uint32_t
orders_all(struct call *c, struct ec2_image_order_row ret[ORDERS_KEPT + 1])
{
	struct key lo, hi;
	struct scan s;
	uint32_t n = 0;
	order_key(&lo, STR_NULL);
	scan_open(&s, c->tx, store_rows(c->store, "ec2"), key_str(&lo),
		key_after_prefix(&hi, key_str(&lo)), false);
	while (n <= ORDERS_KEPT && scan_next(&s))
		n += row_decode(&ec2_image_order_row_shape, s.value, c->arena, &ret[n]);
	scan_done(&s);
	return n;
}

static bool
is_over(const struct ec2_image_order_row *o)
{
	return str_is(o->State, "done") || str_is(o->State, "failed");
}

/* The oldest that is over goes. false: all are still at work. */
static bool
make_room(struct call *c)
{
	struct ec2_image_order_row all[ORDERS_KEPT + 1];
	const struct ec2_image_order_row *oldest = NULL;
	uint32_t n = orders_all(c, all);
	struct key k;
	if (n < ORDERS_KEPT)
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (is_over(&all[i]) && (!oldest || all[i].Made.ms < oldest->Made.ms))
			oldest = &all[i];
	if (!oldest)
		return false;
	order_key(&k, oldest->Id);
	tx_delete(c->tx, store_rows(c->store, "ec2"), key_str(&k));
	return true;
}

/* ---- taken */

static bool
is_of(struct str s, size_t min, size_t max, const char *more)
{
	if (s.len < min || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
			!(s.p[i] && strchr(more, s.p[i])))
			return false;
	return true;
}

struct owned {
	struct call *c;
	struct str id, plane;
};

static void
look_in_place(void *arg, struct str region, struct str account)
{
	struct owned *o = arg;
	struct call c = ec2_as(o->c, account);
	c.region = region;
	struct ec2_image_row *row = ec2_get(&c, &ec2_image_kind, o->id);
	if (row && !row->Gone.v && str_is(row->Image->State, "available"))
		o->plane = row->PlaneImage;
}

/* The plane's own name of an AMI, of whoever it is. */
static struct str
plane_image_of(struct call *c, struct str id)
{
	struct owned o = { .c = c, .id = id, .plane = STR_NULL };
	if (!str_starts(id, STR("ami-")))
		return id;
	const struct ec2_image_row *row = ec2_catalogue_find(c, id);
	if (row)
		return row->PlaneImage;
	ec2_each_place(c->tx, c->arena, &ec2_image_kind, look_in_place, &o);
	return o.plane;
}

static int
import_check(struct call *c, const struct ec2_image_order_row *o)
{
	if (!is_of(o->Image, 3, PLANE_ID_MAX, "-") || str_starts(o->Image, STR("ami-")))
		return call_fail(c, &EC2_InvalidAMIName_Malformed,
			"An image's name has 3 to %d characters of a to z, 0 to 9 and \"-\", and does not begin with \"ami-\".",
			PLANE_ID_MAX);
	if (ec2_catalogue_has(c, o->Image))
		return call_fail(c, &EC2_InvalidAMIName_Duplicate,
			"There is an image %.*s already: choose another --name, or `haneul image remove %.*s` first.",
			STR_FMT(o->Image), STR_FMT(o->Image));
	return CALL_OK;
}

static int
order_check(struct call *c, struct ec2_image_order_row *o)
{
	bool file = str_is(o->What, "import") || str_is(o->What, "export");
	if (str_is(o->What, "list"))
		return CALL_OK;
	if (!file && !str_is(o->What, "pull") && !str_is(o->What, "remove"))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Say {\"do\": \"pull\", \"import\", \"export\", \"remove\" or \"list\", …}.");
	if (ec2_plane_need(c, 'm') != CALL_OK)
		return CALL_FAILED;
	if (file && !is_of(o->Spool, SPOOL_MIN, 64, ""))
		return call_fail(c, &EC2_InvalidParameterValue,
			"A file is named by its link in the spool of the data directory.");
	if (str_is(o->What, "import"))
		return import_check(c, o);
	struct str asked = o->Image;
	o->Image = plane_image_of(c, asked);
	if (!o->Image.len || !is_of(o->Image, 1, PLANE_ID_MAX, "-"))
		return call_fail(c, &EC2_InvalidAMIID_NotFound,
			"The image id '[%.*s]' does not exist in %.*s", STR_FMT(asked),
			STR_FMT(c->region));
	if (str_is(o->What, "remove") &&
		(str_is(o->Image, "tiny") || str_starts(o->Image, STR("ami-"))))
		return call_fail(c, &EC2_OperationNotPermitted, "%s",
			str_is(o->Image, "tiny")
				? "The built-in image is made anew whenever it is wanted."
				: "An image of an account goes with DeregisterImage.");
	return CALL_OK;
}

int
ec2_orders_take(struct call *c, struct str body, struct buf *ret_body)
{
	struct json *j = json_parse(c->arena, body, 8, NULL);
	struct ec2_image_order_row o = { .Id = ids_hex_text(c->arena, "", 16),
		.What = json_get_text(j, STR("do")),
		.Image = json_get_text(j, STR("image")),
		.Name = json_get_text(j, STR("name")),
		.User = json_get_text(j, STR("user")),
		.Spool = json_get_text(j, STR("spool")),
		.Made = OPT_TIME(c->now_ms) };
	struct str region = json_get_text(j, STR("region"));
	struct json_writer w = { .out = ret_body };
	if (region.len)
		c->region = region;
	if (order_check(c, &o) != CALL_OK)
		return CALL_FAILED;
	if (o.Name.len > 128 || (o.User.len && !is_of(o.User, 1, 32, "-_")))
		return call_fail(c, &EC2_InvalidParameterValue,
			"A name has at most 128 characters, a user 32 of a to z, 0 to 9, \"-\" and \"_\".");
	if (!make_room(c))
		return call_fail(c, &EC2_IncorrectState,
			"%d orders about images are at work; wait for one of them.", ORDERS_KEPT);
	o.State = str_is(o.What, "list") ? STR("listing") : STR("running");
	order_put(c, &o);
	if (str_is(o.What, "list"))
		ec2_images_refresh(c->tx);
	else
		reconcile_mark(c->tx, STR("ec2.image-order"),
			arena_printf(c->arena, "-/-/%.*s", STR_FMT(o.Id)));
	json_write_object(&w);
	json_write_member_str(&w, "id", o.Id);
	json_write_object_end(&w);
	return CALL_OK;
}

/* ---- carried out */

/* What the plane said last of each image that is being made. */
static struct said {
	char image[PLANE_ID_MAX + 1], text[200];
} said[8];
static unsigned said_next;
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;

static void
progressed(struct plane_listener *l, struct str what, struct str text)
{
	struct said *s = NULL;
	(void)l;
	pthread_mutex_lock(&said_lock);
	for (unsigned i = 0; i < 8 && !s; i++)
		if (str_eq(str_c(said[i].image), what))
			s = &said[i];
	if (!s)
		s = &said[said_next++ % 8];
	snprintf(s->image, sizeof(s->image), "%.*s", STR_FMT(what));
	snprintf(s->text, sizeof(s->text), "%.*s", STR_FMT(text));
	pthread_mutex_unlock(&said_lock);
}

static struct str
said_of(struct arena *a, struct str image)
{
	struct str text = STR("");
	pthread_mutex_lock(&said_lock);
	for (unsigned i = 0; i < 8; i++)
		if (image.len && str_eq(str_c(said[i].image), image))
			text = arena_dup(a, str_c(said[i].text));
	pthread_mutex_unlock(&said_lock);
	return text;
}

static void
said_forget(struct str image)
{
	pthread_mutex_lock(&said_lock);
	for (unsigned i = 0; i < 8; i++)
		if (str_eq(str_c(said[i].image), image))
			said[i].image[0] = 0;
	pthread_mutex_unlock(&said_lock);
}

static void
listen_once(struct plane *p)
{
	static struct plane_listener listener = { .progress = progressed };
	static struct plane *heard;
	if (heard == p)
		return;
	heard = p;
	plane_listen(p, &listener);
}

static struct ec2_image_order_row *
order_get(struct call *c, struct arena *a, struct str id)
{
	struct ec2_image_order_row *o = arena_new(a, struct ec2_image_order_row);
	struct str v;
	struct key k;
	order_key(&k, id);
	if (!tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&k), &v) ||
		!row_decode(&ec2_image_order_row_shape, arena_dup(a, v), a, o))
		return NULL;
	return o;
}

static void
read_order(struct call *c, struct ec2_work *w)
{
	w->row = order_get(c, w->task->arena, w->id);
}

static int
effect_over(struct call *c, struct ec2_work *w)
{
	struct ec2_image_order_row *o = order_get(c, c->arena, w->id);
	if (!o)
		return CALL_OK;
	o->State = w->status ? STR("failed") : STR("listing");
	o->Why = w->why;
	o->Bytes = OPT_I64((int64_t)w->bytes);
	order_put(c, o);
	ec2_images_refresh(c->tx);
	return CALL_OK;
}

static void
over(struct ec2_work *w)
{
	const struct ec2_image_order_row *o = w->row;
	said_forget(o->Image);
	ec2_work_end(w, effect_over);
}

static void
import(struct ec2_work *w, const struct ec2_image_order_row *o, const char *path)
{
	struct plane_image i = { .id = o->Image,
		.name = o->Name.p ? o->Name : STR(""),
		.os = STR(""),
		.user = o->User.p ? o->User : STR(""),
		.arch = STR("") };
	w->plane->ops->image_import(w->plane, ec2_work_ask(w, over), &i, path, PLANE_IMAGE_ANY);
}

static void
step(struct task *task, void *arg)
{
	struct ec2_work *w = ec2_work_begin(task);
	(void)arg;
	if (!w)
		return;
	ec2_work_read(w, read_order);
	const struct ec2_image_order_row *o = w->row;
	if (!o || !str_is(o->State, "running")) {
		ec2_work_end(w, NULL);
		return;
	}
	const struct plane_ops *ops = w->plane->ops;
	char path[1200];
	struct stat st;
	snprintf(path, sizeof(path), "%s/spool/%.*s", service_setting("data-dir"),
		STR_FMT(o->Spool.p ? o->Spool : STR("")));
	listen_once(w->plane);
	if (o->Spool.len && lstat(path, &st)) {
		w->status = -ENOENT;
		w->why = STR("The file is not asked for any more: the command was interrupted.");
		over(w);
	} else if (str_is(o->What, "pull")) {
		ops->image_pull(w->plane, ec2_work_ask(w, over), o->Image);
	} else if (str_is(o->What, "import")) {
		import(w, o, path);
	} else if (str_is(o->What, "export")) {
		ops->image_export(w->plane, ec2_work_ask(w, over), o->Image, path);
	} else {
		ops->image_remove(w->plane, ec2_work_ask(w, over), o->Image);
	}
}

void
ec2_orders_listed(struct call *c)
{
	struct ec2_image_order_row all[ORDERS_KEPT + 1];
	for (uint32_t i = 0, n = orders_all(c, all); i < n; i++)
		if (str_is(all[i].State, "listing")) {
			all[i].State = STR("done");
			order_put(c, &all[i]);
		}
}

/* ---- shown */

static void
show_image(struct call *c, struct str id, struct ec2_image_row *row, void *arg)
{
	struct json_writer *w = arg;
	(void)c;
	json_write_object(w);
	json_write_member_str(w, "ami", id);
	json_write_member_str(w, "image", row->PlaneImage);
	json_write_member_str(w, "name", row->Image->Name);
	json_write_member_str(w, "user", row->User);
	json_write_member_str(w, "description", row->Image->Description);
	json_write_object_end(w);
}

static void
show_order(struct call *c, struct json_writer *w, const struct ec2_image_order_row *o)
{
	json_write_object(w);
	json_write_member_str(w, "id", o->Id);
	json_write_member_str(w, "do", o->What);
	json_write_member_str(w, "image", o->Image.p ? o->Image : STR(""));
	json_write_member_str(w, "state", o->State);
	json_write_member_str(w, "why", o->Why.p ? o->Why : STR(""));
	json_write_member_str(w, "progress", said_of(c->arena, o->Image));
	json_write_member_i64(w, "bytes", o->Bytes.v);
	json_write_object_end(w);
}

bool
ec2_orders_show(struct call *c, struct buf *ret_body, const char **ret_type)
{
	struct json_writer w = { .out = ret_body };
	struct ec2_image_order_row all[ORDERS_KEPT + 1];
	struct str region = call_query_param(c, STR("region"));
	if (region.len)
		c->region = region;
	*ret_type = "application/json";
	json_write_object(&w);
	json_write_key(&w, STR("images"));
	json_write_array(&w);
	ec2_catalogue_each(c, show_image, &w);
	json_write_array_end(&w);
	json_write_key(&w, STR("orders"));
	json_write_array(&w);
	for (uint32_t i = 0, n = orders_all(c, all); i < n; i++)
		show_order(c, &w, &all[i]);
	json_write_array_end(&w);
	json_write_object_end(&w);
	buf_add_c(ret_body, '\n');
	return true;
}

static struct reconciler orders = { .noun = "ec2.image-order", .step = step };

static void
start(struct store *s)
{
	(void)s;
	reconcile_register(&orders);
}
EC2_START(start);
