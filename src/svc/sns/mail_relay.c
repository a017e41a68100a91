/* Tasks that hand mails of the outbox to the relay. */
#include "aws/service_setting.h"
#include "aws/tasks.h"
#include "base/log.h"
#include "os/loop.h"
#include "os/pool.h"
#include "svc/sns/mail.h"
#include "svc/sns/smtp.h"

#include <errno.h>

/* One thread of its own: a relay that hangs must not hold up a fan-out. */
static struct pool *pool;

struct relay_job {
	struct pool_job pool;
	struct task *task;
	struct store *store;
	struct sns_mail_row row;
	int status;
	char why[SMTP_WHY_MAX];
};

static void
mark(struct tx *t, struct store *s, struct arena *a, struct str id, struct str state)
{
	struct sns_mail_row row = { 0 };
	struct key k;
	key_begin(&k);
	key_add_raw(&k, id);
	if (!sns_row_get(t, s, a, &k, &sns_mail_row_shape, &row))
		return;
	row.Relay = state;
	sns_row_put(t, s, &k, &sns_mail_row_shape, &row);
}

static int
sent_effect(struct tx *t, const struct task *task, void *arg)
{
	struct relay_job *j = arg;
	mark(t, j->store, task->arena, task->payload, STR("sent"));
	return 0;
}

static void
relay_run(struct pool_job *job)
{
	struct relay_job *j = (struct relay_job *)job;
	struct smtp_mail m = { .from = STR("no-reply@" SNS_SERVICE),
		.to = j->row.To,
		.subject = j->row.Subject,
		.body = j->row.Body,
		.message_id = j->row.MessageId,
		.time_ms = j->row.Time.ms };
	j->status = smtp_send(str_c(service_setting("smtp-relay")), &m, j->why);
}

static void
relay_over(struct pool_job *job)
{
	struct relay_job *j = (struct relay_job *)job;
	task_done(j->task, j->status, str_c(j->why), sent_effect, j);
}

static bool
load(struct relay_job *j)
{
	struct key k;
	struct str value;
	key_begin(&k);
	key_add_raw(&k, j->task->payload);
	struct tx *t = tx_begin_read(j->store);
	bool there = tx_get(t, sns_rows(j->store), key_str(&k), &value);
	value = there ? arena_dup(j->task->arena, value) : STR_NULL;
	tx_end(t);
	return there && row_decode(&sns_mail_row_shape, value, j->task->arena, &j->row);
}

void
sns_mail_start(struct task *task, void *store)
{
	struct relay_job *j = arena_new(task->arena, struct relay_job);
	j->task = task;
	j->store = store;
	if (!*service_setting("smtp-relay") || !load(j)) {
		task_done(task, 0, STR(""), NULL, NULL);
		return;
	}
	if (!pool && pool_new(&pool, 1)) {
		pool = NULL;
		task_done(task, -EAGAIN, STR("no worker thread"), NULL, NULL);
		return;
	}
	j->pool.run = relay_run;
	j->pool.done = relay_over;
	j->pool.loop = loop_current();
	pool_submit(pool, &j->pool);
}

void
sns_mail_dead(struct tx *t, const struct task *task, int status, struct str reason, void *store)
{
	struct arena a;
	(void)status;
	arena_init(&a);
	mark(t, store, &a, task->payload, arena_printf(&a, "failed: %.*s", STR_FMT(reason)));
	arena_done(&a);
}

void
sns_mail_stop(void)
{
	if (pool)
		pool_free(pool);
	pool = NULL;
}
