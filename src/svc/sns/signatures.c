#include "svc/sns/signatures.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 4096
#define HASH_MAX 32
#define SHA1_SIZE 20

/* One that is being made is waited for by whoever wants the same. */
enum slot_state { EMPTY, MAKING, MADE };
struct slot {
	uint8_t state, about_n;
	char about[SNS_SIGNER_NAME_MAX + HASH_MAX + 1];
	char text[SNS_SIGNATURE_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t made = PTHREAD_COND_INITIALIZER;
static struct slot *slots; /* under lock; SLOTS of them once one was needed */

struct str
sns_signature_about(const struct sns_signer *k, int version, struct str text, struct arena *a)
{
	unsigned char bytes[1 + HASH_MAX] = { (unsigned char)version };
	size_t n = version == 2 ? HASH_MAX : SHA1_SIZE;
	if (version == 2)
		sha256(text, bytes + 1);
	else
		sha1(text, bytes + 1);
	return arena_concat(a, str_of(bytes, 1 + n), sns_signer_file(k));
}

static struct str
make(struct store *s, struct arena *a, struct str about)
{
	int version = about.len ? about.p[0] : 0;
	size_t n = version == 2 ? HASH_MAX : SHA1_SIZE;
	if ((version != 1 && version != 2) || about.len < 1 + n)
		return STR_NULL;
	const struct sns_signer *k = sns_signer_get(s);
	if (!k || !str_eq(sns_signer_file(k), str_slice(about, 1 + n, about.len))) {
		log_error("sns.key_gone", log_str("wanted", str_slice(about, 1 + n, about.len)));
		return STR_NULL;
	}
	struct str text = sns_signer_sign(k, version, str_slice(about, 1, 1 + n), a);
	return text.len == SNS_SIGNATURE_SIZE ? text : STR_NULL;
}

static bool
is_of(const struct slot *slot, struct str about)
{
	return slot->state != EMPTY && str_eq(str_of(slot->about, slot->about_n), about);
}

/* The lock is held; it is given up while the signature is made. */
static struct str
make_for(struct slot *slot, struct store *s, struct arena *a, struct str about)
{
	bool ours = slot->state != MAKING;
	if (ours) {
		slot->state = MAKING;
		slot->about_n = (uint8_t)about.len;
		memcpy(slot->about, about.p, about.len);
	}
	pthread_mutex_unlock(&lock);
	struct str text = make(s, a, about);
	pthread_mutex_lock(&lock);
	if (!ours)
		return text;
	slot->state = text.p ? MADE : EMPTY;
	if (text.p)
		memcpy(slot->text, text.p, text.len);
	pthread_cond_broadcast(&made);
	return text;
}

struct str
sns_signature(struct store *s, struct arena *a, struct str about, bool at_once)
{
	struct str text = STR_NULL;
	if (about.len > sizeof(slots->about))
		return text;
	pthread_mutex_lock(&lock);
	if (!slots && !at_once && !(slots = calloc(SLOTS, sizeof(*slots))))
		abort();
	struct slot *slot = slots ? &slots[str_hash(about) % SLOTS] : NULL;
	while (!at_once && is_of(slot, about) && slot->state == MAKING)
		pthread_cond_wait(&made, &lock);
	if (slot && is_of(slot, about) && slot->state == MADE)
		text = arena_dup(a, str_of(slot->text, sizeof(slot->text)));
	else if (!at_once)
		text = make_for(slot, s, a, about);
	pthread_mutex_unlock(&lock);
	return text;
}

void
sns_signatures_close(void)
{
	pthread_mutex_lock(&lock);
	free(slots);
	slots = NULL;
	pthread_mutex_unlock(&lock);
}
