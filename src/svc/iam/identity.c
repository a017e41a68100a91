/*
 * What authorisation needs of a principal, compiled, in a cache of each thread: no lock, no
 * allocation when it hits. An entry is good while the account's generation is the one under which
 * it was made; the generation is read in the caller's own snapshot, so a change counts from its
 * commit.
 */
#include "aws/policy.h"
#include "svc/iam/iam.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define SLOTS 512
#define SESSION_POLICIES_MAX 11

struct entry {
	uint64_t hash, generation;
	struct arena arena; /* key, names, tags */
	struct str key;
	struct policy **policies;
	struct str *names;
	unsigned n;
	struct policy *boundary;
	struct str boundary_name;
	struct policy *session[SESSION_POLICIES_MAX];
	unsigned session_n;
	struct iam_tag_list tags;
	bool absent; /* the user or role is gone, or something of it is damaged: nothing is allowed
		      */
};

struct cache {
	struct entry *slots[SLOTS];
};
static _Thread_local struct cache *cache;
static pthread_key_t cache_key;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;

static void
entry_free(struct entry *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n; i++)
		policy_unref(e->policies[i]);
	for (unsigned i = 0; i < e->session_n; i++)
		policy_unref(e->session[i]);
	policy_unref(e->boundary);
	arena_done(&e->arena);
	free(e);
}

static void
cache_free(void *arg)
{
	struct cache *c = arg;
	for (unsigned i = 0; i < SLOTS; i++)
		entry_free(c->slots[i]);
	free(c);
}

static void
cache_key_make(void)
{
	pthread_key_create(&cache_key, cache_free);
}

static struct cache *
cache_get(void)
{
	if (cache)
		return cache;
	pthread_once(&cache_once, cache_key_make);
	cache = calloc(1, sizeof(*cache));
	if (!cache)
		abort();
	pthread_setspecific(cache_key, cache);
	return cache;
}

/* ---- filling an entry ---- */

static bool
compile(const struct iam_document *d, struct policy **ret)
{
	if (d->managed) {
		*ret = policy_ref(iam_managed_compiled(d->managed));
		return true;
	}
	return policy_parse(d->text, POLICY_INLINE, ret, NULL) == 0;
}

static void
take_documents(struct entry *e, const struct iam_documents *d)
{
	e->policies = arena_array(&e->arena, struct policy *, d->n + 1);
	e->names = arena_array(&e->arena, struct str, d->n + 1);
	e->absent |= d->broken;
	for (uint32_t i = 0; i < d->n; i++) {
		/* A policy that is not understood might deny: nothing is allowed then. */
		if (!compile(&d->v[i], &e->policies[e->n])) {
			e->absent = true;
			continue;
		}
		e->names[e->n++] = arena_dup(&e->arena, d->v[i].name);
	}
	if (!d->boundary_arn.len)
		return;
	e->boundary_name = arena_dup(&e->arena, d->boundary_arn);
	if (policy_parse(d->boundary, POLICY_INLINE, &e->boundary, NULL))
		e->absent = true;
}

/* Whose rows: a user's or a role's name; false: a root's session, which may do all. */
static bool
subject(const struct principal *who, enum iam_kind *ret_kind, struct str *ret_name)
{
	const struct session *s = who->session;
	*ret_kind = IAM_USER;
	*ret_name = who->name;
	if (s && s->role_arn.len) {
		long slash = str_rfind(s->role_arn, '/');
		*ret_kind = IAM_ROLE;
		*ret_name = str_slice(s->role_arn, (size_t)(slash + 1), s->role_arn.len);
	} else if (s && s->user_arn.len) {
		*ret_name = s->user_name;
		return !str_ends(s->user_arn, STR(":root"));
	}
	return true;
}

static void
take_session(struct call *c, const struct session *s, struct entry *e)
{
	struct iam_entity_row policy;
	if (s->policy_text.len) {
		if (policy_parse(s->policy_text, POLICY_INLINE, &e->session[e->session_n], NULL) ==
			0)
			e->session_n++;
		else
			e->absent = true;
	}
	for (uint32_t i = 0; i < s->policy_arns.n && e->session_n < SESSION_POLICIES_MAX; i++)
		if (iam_policy_get(c->tx, c->arena, c->who.account, s->policy_arns.v[i], &policy) &&
			policy_parse(iam_policy_default(&policy), POLICY_INLINE,
				&e->session[e->session_n], NULL) == 0)
			e->session_n++;
		else
			e->absent = true;
}

static void
take_tags(struct entry *e, const struct iam_tag_list *tags)
{
	e->tags.v = arena_array(&e->arena, struct iam_tag, tags->n + 1);
	for (uint32_t i = 0; i < tags->n; i++) {
		e->tags.v[e->tags.n].Key = arena_dup(&e->arena, tags->v[i].Key);
		e->tags.v[e->tags.n++].Value = arena_dup(&e->arena, tags->v[i].Value);
	}
}

static struct entry *
entry_make(struct call *c, const struct principal *who, struct str key, uint64_t hash,
	uint64_t generation)
{
	struct entry *e = calloc(1, sizeof(*e));
	struct iam_documents d = { .boundary_arn = STR(""), .boundary = STR("") };
	const struct session *s = who->session;
	struct iam_entity_row row;
	enum iam_kind kind;
	struct str name;
	if (!e)
		abort();
	arena_init(&e->arena);
	e->hash = hash;
	e->generation = generation;
	e->key = arena_dup(&e->arena, key);
	if (!subject(who, &kind, &name)) {
		d.v = arena_new(c->arena, struct iam_document);
		d.v->managed = iam_managed_find(STR("arn:aws:iam::aws:policy/AdministratorAccess"));
		d.v->name = STR("root");
		d.n = 1;
	} else if (!iam_documents_get(c->tx, c->arena, who->account, kind, name, &d)) {
		e->absent = true;
	} else if (iam_get(c->tx, c->arena, kind, who->account, name, &row)) {
		/* A session of a role that was deleted and made again is none of the new role. */
		if (s && s->role_id.len && !str_eq(s->role_id, row.Id))
			e->absent = true;
		take_tags(e, &row.Tags);
	}
	take_documents(e, &d);
	if (s)
		take_session(c, s, e);
	return e;
}

static struct entry *
entry_get(struct call *c, const struct principal *who)
{
	struct cache *all = cache_get();
	char bytes[512];
	size_t n = 0;
	uint64_t generation = iam_generation(c->tx, who->account);
	/* Sessions may differ in their policies, users and keys of one user do not; and an id is
	 * never given twice. */
	struct str parts[2] = { who->user_id, who->session ? who->access_key : STR("") };
	for (int i = 0; i < 2; i++) {
		size_t len = parts[i].len < 240 ? parts[i].len : 240;
		memcpy(bytes + n, parts[i].p, len);
		n += len;
		bytes[n++] = 0;
	}
	struct str key = str_of(bytes, n);
	uint64_t hash = str_hash(key);
	struct entry **slot = &all->slots[hash % SLOTS];
	if (*slot && (*slot)->hash == hash && (*slot)->generation == generation &&
		str_eq((*slot)->key, key))
		return *slot;
	struct entry *e = entry_make(c, who, key, hash, generation);
	entry_free(*slot);
	*slot = e;
	return e;
}

static int
identity(struct call *c, const struct principal *who, struct authorize_identity *ret)
{
	struct entry *e = entry_get(c, who);
	*ret = (struct authorize_identity){ 0 };
	if (e->absent)
		return -ENOENT;
	ret->policies = e->policies;
	ret->policies_n = e->n;
	ret->names = e->names;
	ret->boundary = e->boundary;
	ret->boundary_name = e->boundary_name;
	ret->session = e->session;
	ret->session_n = e->session_n;
	return 0;
}

static bool
tag(struct call *c, const struct principal *who, struct str key, struct str *ret_value)
{
	if (who->root)
		return false;
	struct entry *e = entry_get(c, who);
	for (uint32_t i = 0; i < e->tags.n; i++)
		if (str_eq_nocase(e->tags.v[i].Key, key)) {
			*ret_value = e->tags.v[i].Value;
			return true;
		}
	return false;
}

const struct authorize_provider iam_authorize_provider = { .identity = identity, .tag = tag };
