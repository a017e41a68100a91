#include "svc/sns/plan.h"

#include "svc/sns/status.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SLOTS 128
#define BYTES_MAX (8u << 20) /* a larger plan is not kept */

struct kept {
	struct sns_plan plan; /* first */
	struct arena arena;
	atomic_uint refs;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *slots[SLOTS]; /* under lock */

void
sns_plan_unref(const struct sns_plan *p)
{
	struct kept *k = (struct kept *)p;
	if (!k || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	arena_done(&k->arena);
	free(k);
}

static const struct sns_plan *
take(struct str arn, int64_t generation)
{
	struct kept *found = NULL;
	pthread_mutex_lock(&lock);
	struct kept *k = slots[str_hash(arn) % SLOTS];
	if (k && k->plan.generation == generation && str_eq(k->plan.topic_arn, arn)) {
		atomic_fetch_add(&k->refs, 1);
		found = k;
	}
	pthread_mutex_unlock(&lock);
	return found ? &found->plan : NULL;
}

static void
keep(struct kept *k)
{
	struct kept **slot = &slots[str_hash(k->plan.topic_arn) % SLOTS];
	if (k->plan.bytes > BYTES_MAX)
		return;
	atomic_fetch_add(&k->refs, 1);
	pthread_mutex_lock(&lock);
	struct kept *old = *slot;
	*slot = k;
	pthread_mutex_unlock(&lock);
	sns_plan_unref(old ? &old->plan : NULL);
}

void
sns_plan_forget(void)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		pthread_mutex_lock(&lock);
		struct kept *old = slots[i];
		slots[i] = NULL;
		pthread_mutex_unlock(&lock);
		sns_plan_unref(old ? &old->plan : NULL);
	}
}

static enum sns_protocol
protocol_of(struct str p)
{
	if (str_is(p, "sqs"))
		return SNS_TO_SQS;
	if (str_is(p, "http") || str_is(p, "https"))
		return SNS_TO_HTTP;
	if (str_is(p, "email"))
		return SNS_TO_EMAIL;
	if (str_is(p, "email-json"))
		return SNS_TO_EMAIL_JSON;
	return str_is(p, "sms") ? SNS_TO_SMS : SNS_TO_OTHER;
}

static void
compile(struct arena *a, const struct sns_topic_row *topic, const struct sns_subscription_row *row,
	struct sns_target *t)
{
	char why[SNS_WHY_MAX];
	struct str policy = sns_map_get(&row->Attributes, STR("FilterPolicy"));
	struct str redrive = sns_map_get(&row->Attributes, STR("RedrivePolicy"));
	t->id = row->Id;
	t->arn = sns_subscription_arn(a, row);
	t->protocol = row->Protocol;
	t->endpoint = row->Endpoint;
	t->to = protocol_of(row->Protocol);
	t->wanted = sns_status_wanted(&topic->Attributes, row->Protocol);
	t->raw = sns_attribute_is(&row->Attributes, "RawMessageDelivery", "true");
	t->filter_body = sns_attribute_is(&row->Attributes, "FilterPolicyScope", "MessageBody");
	if (policy.len) {
		t->filter = sns_filter_parse(a, policy, t->filter_body, why);
		/* It was valid when it was stored: one that is not lets nothing through. */
		t->filter_broken = !t->filter;
	}
	if (redrive.len)
		t->dead_letter =
			json_get_text(json_parse(a, redrive, 0, NULL), STR("deadLetterTargetArn"));
	if (t->to == SNS_TO_HTTP) {
		struct str own = sns_map_get(&row->Attributes, STR("DeliveryPolicy"));
		t->policy = sns_retry_effective(a,
			sns_map_get(&topic->Attributes, STR("DeliveryPolicy")),
			own.p ? own : STR(""));
	}
}

static void
add_targets(struct kept *k, struct tx *t, struct store *s, const struct sns_name *n,
	const struct sns_topic_row *topic)
{
	struct key lo, hi;
	struct scan c;
	uint64_t cap = (uint64_t)topic->Confirmed.v + (uint64_t)topic->Pending.v + 16;
	k->plan.targets = arena_array(&k->arena, struct sns_target, cap);
	sns_key_subscriptions(&lo, n);
	scan_open(&c, t, sns_rows(s), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (k->plan.targets_n < cap && scan_next(&c)) {
		struct sns_subscription_row row = { 0 };
		struct str value = arena_dup(&k->arena, c.value);
		if (row_decode(&sns_subscription_row_shape, value, &k->arena, &row) &&
			!row.Pending.v)
			compile(&k->arena, topic, &row, &k->plan.targets[k->plan.targets_n++]);
	}
	scan_done(&c);
}

const struct sns_plan *
sns_plan_get(struct tx *t, struct store *s, struct str topic_arn)
{
	struct sns_name n;
	struct sns_topic_row topic;
	struct arena a;
	const struct sns_plan *found = NULL;
	arena_init(&a);
	if (!sns_name_parse(topic_arn, &n) || !sns_topic_get(t, s, &a, &n, &topic)) {
		arena_done(&a);
		return NULL;
	}
	if (!(found = take(topic_arn, topic.Generation.v))) {
		struct kept *k = calloc(1, sizeof(*k));
		if (!k)
			abort();
		arena_init(&k->arena);
		k->refs = 1;
		k->plan.topic_arn = arena_dup(&k->arena, topic_arn);
		k->plan.account = arena_dup(&k->arena, n.account);
		k->plan.region = arena_dup(&k->arena, n.region);
		k->plan.display_name =
			arena_dup(&k->arena, sns_map_get(&topic.Attributes, STR("DisplayName")));
		k->plan.generation = topic.Generation.v;
		k->plan.fifo = topic.Fifo.v;
		k->plan.signature_version =
			sns_attribute_is(&topic.Attributes, "SignatureVersion", "2") ? 2 : 1;
		add_targets(k, t, s, &n, &topic);
		k->plan.bytes = k->arena.total_bytes;
		keep(k);
		found = &k->plan;
	}
	arena_done(&a);
	return found;
}
