#include "aws/reconcile.h"
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>

#define NOUNS_MAX 128
#define NOUN_LEN_MAX 48

static struct reconciler *nouns[NOUNS_MAX];
static unsigned nouns_n;

static struct str
kind_name(struct str noun, char ret[TASK_KIND_MAX + 1])
{
	assert(noun.len && noun.len <= NOUN_LEN_MAX);
	int n = snprintf(ret, TASK_KIND_MAX + 1, "reconcile.%.*s", STR_FMT(noun));
	return str_of(ret, (size_t)n);
}

void
reconcile_register(struct reconciler *r)
{
	unsigned i = 0;
	while (i < nouns_n && !str_eq(str_c(nouns[i]->noun), str_c(r->noun)))
		i++;
	assert(i < NOUNS_MAX);
	nouns[i] = r;
	if (i == nouns_n)
		nouns_n++;
	kind_name(str_c(r->noun), r->kind_name);
	r->kind = (struct task_kind){
		.name = r->kind_name,
		.concurrency = r->concurrency,
		.lease_ms = r->lease_ms,
		.backoff_min_ms = r->backoff_min_ms,
		.backoff_max_ms = r->backoff_max_ms,
		.held = true,
		.start = r->step,
		.failed = r->trouble,
		.arg = r->arg,
	};
	tasks_register(&r->kind);
}

void
reconcile_start(struct tasks *tasks)
{
	for (unsigned i = 0; i < nouns_n; i++) {
		nouns[i]->tasks = tasks;
		if (nouns[i]->adopt)
			nouns[i]->adopt(nouns[i], nouns[i]->arg);
		else
			reconcile_adopted(nouns[i]);
	}
}

void
reconcile_adopted(struct reconciler *r)
{
	tasks_release(r->tasks, str_c(r->kind_name));
}

void
reconcile_mark(struct tx *t, struct str noun, struct str key)
{
	char name[TASK_KIND_MAX + 1];
	task_put(t, kind_name(noun, name), key, STR(""), clock_now_ms());
}

void
reconcile_forget(struct tx *t, struct str noun, struct str key)
{
	char name[TASK_KIND_MAX + 1];
	task_cancel(t, kind_name(noun, name), key);
}
