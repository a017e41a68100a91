/*
 * Policies of resources that are asked at every call, parsed once. A policy is immutable and
 * counted; an entry is found by the whole text, so a changed policy is another one.
 */
#include "aws/policy.h"

#include <pthread.h>
#include <stdlib.h>

#define ENTRIES 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry {
	char *text;
	size_t len;
	enum policy_form form;
	struct policy *policy;
} entries[ENTRIES];

static struct policy *
find(const struct entry *e, struct str text, enum policy_form form)
{
	struct policy *p = NULL;
	pthread_mutex_lock(&lock);
	if (e->policy && e->form == form && str_eq(str_of(e->text, e->len), text))
		p = policy_ref(e->policy);
	pthread_mutex_unlock(&lock);
	return p;
}

static void
keep(struct entry *e, struct str text, enum policy_form form, struct policy *p)
{
	char *copy = malloc(text.len);
	if (!copy)
		return;
	memcpy(copy, text.p, text.len);
	pthread_mutex_lock(&lock);
	struct entry old = *e;
	*e = (struct entry){ copy, text.len, form, policy_ref(p) };
	pthread_mutex_unlock(&lock);
	free(old.text);
	policy_unref(old.policy);
}

struct policy *
policy_cached(struct str text, enum policy_form form)
{
	struct entry *e = &entries[str_hash(text) % ENTRIES];
	struct policy *p = find(e, text, form);
	if (p || policy_parse(text, form, &p, NULL))
		return p;
	keep(e, text, form, p);
	return p;
}
