/* Compiled key policies: an entry is found by its whole text, so a changed policy is another one.
 */
#include "svc/kms/kms.h"

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
find(size_t at, struct str text)
{
	struct policy *p = NULL;
	pthread_mutex_lock(&lock);
	if (entries[at].policy && str_eq(str_of(entries[at].text, entries[at].len), text))
		p = policy_ref(entries[at].policy);
	pthread_mutex_unlock(&lock);
	return p;
}

static void
keep(size_t at, struct str text, struct policy *p)
{
	char *copy = malloc(text.len);
	if (!copy)
		abort();
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
kms_policy(struct str text)
{
	size_t at = str_hash(text) % ENTRIES;
	struct policy *p = find(at, text);
	if (p || policy_parse(text, POLICY_RESOURCE, &p, NULL))
		return p;
	keep(at, text, p);
	return p;
}
