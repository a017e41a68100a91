/*
 * Bodies at rest, as SQS-managed encryption keeps them: AES-256-GCM under a key of the queue's
 * store and a random nonce, bound to the message's place. As with AWS the body alone is sealed;
 * ids, times and attributes are not. A message stays as it was written when the queue's setting
 * changes.
 */
#include "aws/master_key.h"
#include "base/ids.h"
#include "base/log.h"
#include "svc/sqs/queue.h"

#define SLOTS 256

static unsigned char base[SEAL_KEY]; /* set at start, before any loop */
/* Of one thread: a fan-out goes through many queues, one after the other. */
static _Thread_local struct {
	unsigned char from[SEAL_KEY], key[SEAL_KEY];
	uint64_t store;
} kept[SLOTS];

void
sqs_sealing_start(void)
{
	master_key_derive(STR("sqs messages"), base);
}

static const unsigned char *
store_key(uint64_t store)
{
	unsigned slot = store % SLOTS;
	struct key purpose;
	if (kept[slot].store == store && memcmp(kept[slot].from, base, SEAL_KEY) == 0)
		return kept[slot].key;
	key_begin(&purpose);
	key_add_lit(&purpose, "store");
	key_add_u64(&purpose, store);
	seal_derive(base, key_str(&purpose), kept[slot].key);
	memcpy(kept[slot].from, base, SEAL_KEY);
	kept[slot].store = store;
	return kept[slot].key;
}

void
sqs_message_seal(struct sqs_queue *q, uint64_t seq, struct sqs_stored_message_row *row)
{
	struct sqs_key about;
	size_t len = SEAL_NONCE + row->Body.len + SEAL_TAG;
	char *box = arena_alloc_raw(q->arena, len);
	random_bytes(box, SEAL_NONCE);
	seal(store_key(q->store), (unsigned char *)box, sqs_key2(&about, 'M', q->store, seq),
		row->Body, (unsigned char *)box + SEAL_NONCE);
	row->Sealed = str_of(box, len);
	row->Body = STR_NULL;
}

bool
sqs_message_open(struct sqs_queue *q, uint64_t seq, struct sqs_stored_message_row *row)
{
	struct sqs_key about;
	/* Under a data key of KMS a message moves as it is. */
	if (!row->Sealed.p || row->DataKey.p)
		return true;
	if (row->Sealed.len >= SEAL_NONCE + SEAL_TAG) {
		struct str box = str_slice(row->Sealed, SEAL_NONCE, row->Sealed.len);
		char *plain = arena_alloc_raw(q->arena, box.len);
		if (unseal(store_key(q->store), (const unsigned char *)row->Sealed.p,
			    sqs_key2(&about, 'M', q->store, seq), box, (unsigned char *)plain)) {
			row->Body = str_of(plain, box.len - SEAL_TAG);
			row->Sealed = STR_NULL;
			return true;
		}
	}
	log_error("sqs.damaged", log_str("queue", q->row.Name), log_str("message", row->Id));
	return false;
}
