/*
 * Parsed queue policies, so that each message does not parse its queue's policy again. A policy is
 * immutable and counted; an entry is found by the whole text, so a changed policy is another one.
 */
#include "aws/policy.h"
#include "svc/sqs/queue.h"

#include <pthread.h>
#include <stdlib.h>

#define ENTRIES 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char *text;
	size_t len;
	struct policy *policy;
} entries[ENTRIES];

static struct policy *
cache_get(size_t at, struct str text)
{
	struct policy *p = NULL;
	pthread_mutex_lock(&lock);
	if (entries[at].policy && str_eq(str_of(entries[at].text, entries[at].len), text))
		p = policy_ref(entries[at].policy);
	pthread_mutex_unlock(&lock);
	return p;
}

static void
cache_put(size_t at, struct str text, struct policy *p)
{
	char *copy = malloc(text.len);
	if (!copy)
		return;
	memcpy(copy, text.p, text.len);
	pthread_mutex_lock(&lock);
	char *old_text = entries[at].text;
	struct policy *old = entries[at].policy;
	entries[at].text = copy;
	entries[at].len = text.len;
	entries[at].policy = policy_ref(p);
	pthread_mutex_unlock(&lock);
	free(old_text);
	policy_unref(old);
}

struct policy *
sqs_policy(struct str text)
{
	size_t at = str_hash(text) % ENTRIES;
	struct policy *p = cache_get(at, text);
	if (p || policy_parse(text, POLICY_RESOURCE, &p, NULL))
		return p;
	cache_put(at, text, p);
	return p;
}
