/*
 * queue: what the files of this folder share.
 *
 * Keys of the environment "sqs" begin with one letter, the space:
 *   N region account name     queue row
 *   X region account name     when a queue of that name was deleted (names rest for a minute)
 *   Y region account dlq src  `src` names the queue `dlq` as its dead-letter queue
 *   K region account src start task   message move tasks of a source queue
 *   C store                   counts of a queue (struct sqs_counts)
 *   M store seq               a message, written once
 *   S store seq               what receiving did to it (struct sqs_state); absent until then
 *   R store seq               standard: never received and not delayed; value: when it was sent
 *                             FIFO: the head of a group that may be received; value: the group
 *   W store visible seq       in flight or delayed until `visible`; value: 'i' or 'd', then when sent
 *   F store group seq         FIFO: messages of a group in order; value: delayed until (ms)
 *   L store group             FIFO: struct sqs_group
 *   D store key               FIFO: what was sent under a deduplication id
 *   A store attempt           FIFO: what a ReceiveRequestAttemptId was answered
 *   H store                   the data key that a queue with a key of KMS encrypts with now
 *   E store time key          FIFO: D and A rows in the order of their end
 *
 * `store` is a number of its own for each queue and each purge of it, so deleting or purging any
 * number of messages is one small write; a task sweeps the old rows away.
 *
 * Nothing is written because time passes: a message in W whose time has come is taken from there by
 * the next receive. Two hints keep every walk short however many deleted rows lie before it:
 * counts.ready_head is at or below the first live row of R, counts.wait_head is exactly the first
 * live time of W. One due row for each queue with messages in W wakes parked receivers.
 *
 * Threads: writes on the store's writer, reads anywhere; no state but the rows.
 */
#ifndef HANEUL_SVC_SQS_QUEUE_H
#define HANEUL_SVC_SQS_QUEUE_H

#include "aws/call.h"
#include "svc/sqs/sqs_api.h"

struct policy;
struct sqs_delivery;

#define SQS_MESSAGE_MAX 1048576
#define SQS_VISIBILITY_MAX_S 43200
#define SQS_IN_FLIGHT_MAX 120000
#define SQS_IN_FLIGHT_FIFO_MAX 20000
#define SQS_DEDUP_MS (5 * 60 * 1000)
#define SQS_BATCH_MAX 10
#define SQS_ATTRIBUTES_MAX 10

struct sqs_counts {
	uint64_t next_seq;
	uint64_t messages;   /* all of them */
	uint64_t in_flight;  /* rows of W with 'i', also those whose time has come */
	uint64_t delayed;    /* rows of W with 'd', likewise */
	uint64_t ready_head; /* a sequence number */
	int64_t wait_head;   /* a time; INT64_MAX when W is empty */
	int64_t wake_due;    /* when the due row wakes receivers; INT64_MAX: there is none */
	int64_t expire_due;  /* when the due row looks for expired messages; likewise */
	uint64_t first_seq;  /* at or below the first live row of M */
	int64_t ended_head;  /* at or below the first live time of E */
	uint64_t quota_s;    /* the second in which … */
	uint64_t quota_used; /* … so many calls came, 16 bits for each of enum sqs_quota */
};

struct sqs_queue {
	struct tx *tx;
	struct rows *rows;
	struct arena *arena;
	int64_t now_ms;
	struct str region, account;
	struct sqs_queue_row row;
	struct sqs_counts counts;
	uint64_t store; /* row.Store */
};

struct sqs_state {
	int64_t visible_ms; /* its row in W; 0: not there (FIFO: visible again) */
	int64_t first_ms;   /* first received */
	uint64_t received;  /* how often, in this queue */
	uint64_t nonce;     /* of the last receipt */
};

struct sqs_name {
	struct str region, account, name;
};

/* ---- queue_names.c */
bool sqs_name_valid(struct str name, bool fifo);
/* Any form of URL, or a name. false: not an address of a queue. */
bool sqs_url_parse(const struct call *c, struct str url, struct sqs_name *ret_name);
struct str sqs_url(const struct call *c, const struct sqs_name *n);
bool sqs_arn_parse(struct str arn, struct sqs_name *ret_name);
struct str sqs_arn(struct arena *a, const struct sqs_name *n);
struct sqs_name sqs_queue_name(const struct sqs_queue *q);
struct str sqs_queue_arn(const struct sqs_queue *q);

/* ---- queue_rows.c */
/* false: no such queue. Names are borrowed for as long as `q` is used. */
bool sqs_queue_load(struct tx *t, struct store *s, struct arena *a, const struct sqs_name *n,
	struct sqs_queue *ret);
void sqs_queue_save(struct sqs_queue *q);
void sqs_counts_load(struct sqs_queue *q);
void sqs_counts_save(struct sqs_queue *q);
void sqs_text_key(struct key *k, char space, const struct sqs_name *n);
uint64_t sqs_new_store(void);
/* What parked receivers of the queue wait for. */
struct str sqs_wait_key(const struct sqs_queue *q);

struct sqs_key {
	uint8_t bytes[32];
	uint32_t len;
};
struct str sqs_key1(struct sqs_key *k, char space, uint64_t store);
struct str sqs_key2(struct sqs_key *k, char space, uint64_t store, uint64_t x);
struct str sqs_key3(struct sqs_key *k, char space, uint64_t store, uint64_t x, uint64_t y);
uint64_t sqs_key_u64(struct str key, size_t at);

/* ---- access.c: the queue of a request, and whether the caller may. CALL_OK or CALL_FAILED. */
enum { SQS_OWNER_ONLY = 1 };
int sqs_open(
	struct call *c, struct str url, const char *action, unsigned flags, struct sqs_queue *ret);
int sqs_open_name(struct call *c, const struct sqs_name *n, const char *action, unsigned flags,
	struct sqs_queue *ret);
/* Operations without a queue: ListQueues, CreateQueue. */
int sqs_allowed(struct call *c, const struct sqs_name *n, struct str policy, const char *action,
	unsigned flags);
int sqs_no_queue(struct call *c);

/* ---- queue_attributes.c, redrive_policy.c */
int sqs_attributes_default(struct call *c, struct sqs_queue *q, bool fifo);
/* Checks and sets what the request names. */
int sqs_attributes_apply(
	struct call *c, struct sqs_queue *q, const struct map_str *attributes, bool creating);
/* STR_NULL: it has no such attribute. */
struct str sqs_attribute_text(struct sqs_queue *q, struct str name);
int sqs_redrive_policy_set(struct call *c, struct sqs_queue *q, struct str text);
int sqs_redrive_allow_set(struct call *c, struct sqs_queue *q, struct str text);
void sqs_redrive_index(struct sqs_queue *q, struct str old_arn, struct str new_arn);

/* ---- message_attributes.c */
#define SQS_MD5_HEX 32
struct str sqs_md5_hex(struct arena *a, struct str md5);
/* Checks, copies into the row, and computes the checksum. ret_size: bytes that count. */
int sqs_attributes_store(struct call *c, const struct sqs_message_attribute_value_map *in,
	struct sqs_stored_message_row *row, size_t *ret_size);
int sqs_system_attributes_store(struct call *c,
	const struct sqs_message_system_attribute_value_map *in,
	struct sqs_stored_message_row *row);
struct str sqs_stored_attributes_md5(
	struct arena *a, const struct sqs_stored_attribute *v, uint32_t n);
bool sqs_text_allowed(struct str s);

/* ---- sealing.c */
void sqs_sealing_start(void);
/* Its body, in memory, for the place that it will have. */
void sqs_message_seal(struct sqs_queue *q, uint64_t seq, struct sqs_stored_message_row *row);
/* Fills row->Body of what sqs_message_get gave, where it is sealed. false: damaged. */
bool sqs_message_open(struct sqs_queue *q, uint64_t seq, struct sqs_stored_message_row *row);

/* ---- sealing_kms.c: queues with a key of KMS. The caller's permissions on that key count. */
int sqs_kms_seal(struct call *c, struct sqs_queue *q, struct sqs_stored_message_row *row);
struct sqs_kms_opener { /* zeroed at first; for several messages of one call */
	struct str data_key;
	unsigned char plain[32];
};
int sqs_kms_open(struct call *c, struct sqs_queue *q, struct sqs_kms_opener *o,
	struct sqs_stored_message_row *row);
/* As sqs_kms_seal, for a service that delivers: the key's policy must let it. 0 or -EACCES. */
int sqs_kms_seal_for(struct tx *t, struct store *s, struct sqs_queue *q,
	const struct sqs_delivery *d, struct sqs_stored_message_row *row);

/* ---- message_rows.c */
/* Body is absent while the message is sealed: sqs_message_open. */
bool sqs_message_get(struct sqs_queue *q, uint64_t seq, struct sqs_stored_message_row *ret);
/* Gives it the next number and puts it where it belongs. VisibleAt of the row: when it is
 * delayed. */
uint64_t sqs_message_add(struct sqs_queue *q, struct sqs_stored_message_row *row);
bool sqs_state_get(struct sqs_queue *q, uint64_t seq, struct sqs_state *ret);
void sqs_state_put(struct sqs_queue *q, uint64_t seq, const struct sqs_state *s);
/* W: false when there is no such row. */
bool sqs_wait_remove(struct sqs_queue *q, int64_t visible_ms, uint64_t seq);
void sqs_wait_add(
	struct sqs_queue *q, int64_t visible_ms, uint64_t seq, char kind, int64_t sent_ms);
/* Wherever it is; in every index. */
void sqs_message_remove(
	struct sqs_queue *q, uint64_t seq, const struct sqs_stored_message_row *row);
/* From its place into flight until visible_ms. Updates and stores *s. */
void sqs_message_fly(struct sqs_queue *q, uint64_t seq, const struct sqs_stored_message_row *row,
	struct sqs_state *s, int64_t visible_ms);
bool sqs_message_expired(const struct sqs_queue *q, int64_t sent_ms);
/* Rows of W whose time has come, by kind. At most `max` are counted. */
void sqs_wait_matured(
	struct sqs_queue *q, uint64_t max, uint64_t *ret_in_flight, uint64_t *ret_delayed);
bool sqs_in_flight_full(struct sqs_queue *q);
/* Before the counts are saved: keeps the due row that wakes receivers in step with W. */
void sqs_arm(struct sqs_queue *q);
/* Looks for expired messages at that time, unless something earlier does. */
void sqs_expire_arm(struct sqs_queue *q, int64_t at_ms);

/* ---- groups.c: FIFO */
struct sqs_group {
	uint64_t messages, in_flight;
	uint64_t head; /* at or below its first message */
};
void sqs_group_add(struct sqs_queue *q, struct str group, uint64_t seq, int64_t delayed_until_ms);
void sqs_group_remove(struct sqs_queue *q, struct str group, uint64_t seq, bool was_in_flight);
void sqs_group_fly(struct sqs_queue *q, struct str group, uint64_t seq);
void sqs_group_land(struct sqs_queue *q, struct str group, bool was_in_flight);
bool sqs_group_get(struct sqs_queue *q, struct str group, struct sqs_group *ret);
void sqs_group_key(struct key *k, char space, uint64_t store, struct str group);
/* What matured goes back into its group. */
void sqs_groups_settle(struct sqs_queue *q);

/* ---- dedup.c */
bool sqs_dedup_find(
	struct sqs_queue *q, const struct sqs_stored_message_row *row, struct sqs_dedup_row *ret);
void sqs_dedup_put(struct sqs_queue *q, const struct sqs_stored_message_row *row, uint64_t seq);
bool sqs_attempt_find(struct sqs_queue *q, struct str attempt, struct sqs_attempt_row *ret);
void sqs_attempt_put(struct sqs_queue *q, struct str attempt, const struct sqs_attempt_row *row);
bool sqs_id_valid(struct str id); /* of groups, deduplication and attempts */

/* ---- quotas.c: FIFO queues take so many calls of one kind a second, unless their throughput is
 * high. */
enum sqs_quota { SQS_QUOTA_SEND, SQS_QUOTA_RECEIVE, SQS_QUOTA_DELETE };
#define SQS_QUOTA_FIFO 300
/* CALL_FAILED: that was one too many. */
int sqs_quota_check(struct call *c, const struct sqs_queue *q, enum sqs_quota which);
void sqs_quota_use(struct sqs_queue *q, enum sqs_quota which);

/* ---- receipts.c */
struct sqs_receipt {
	uint64_t queue, store, seq, nonce;
};
struct str sqs_receipt_text(struct arena *a, const struct sqs_receipt *r);
bool sqs_receipt_parse(struct arena *a, struct str text, struct sqs_receipt *ret);

/* ---- messages_send.c */
struct str sqs_sequence_text(struct arena *a, uint64_t seq);
/* Stores it, or finds that it was sent before (then row->Id is that message's). */
uint64_t sqs_send_row(struct sqs_queue *q, struct sqs_stored_message_row *row);
struct str sqs_content_id(struct arena *a, struct str body);

/* ---- blanks.c: bodies that are completed when they leave (sqs.h) */
struct sqs_blank;
bool sqs_blank_valid(const struct sqs_blank *b, struct str body);
/* The message of a reply, whose body was just set: fills it and its MD5 now, or has the call
 * completed later. */
void sqs_blank_fill(
	struct call *c, struct sqs_message *m, const struct sqs_stored_message_row *row);
/* When all are chosen: where the call is completed later, the reply owns what it says. */
void sqs_blanks_keep(struct call *c, struct sqs_message *v, uint32_t n);

/* ---- dead_letters.c */
/* Moves to the dead-letter queue. false: there is none any more. */
bool sqs_dead_letter(struct sqs_queue *q, struct store *s, uint64_t seq,
	struct sqs_stored_message_row *row, const struct sqs_state *state);

/* ---- batches.c: 0, or CALL_FAILED for what is wrong with the batch as a whole. */
int sqs_batch_check(struct call *c, const char *entry_name, uint32_t n, const struct str *ids);
void sqs_batch_failed(
	struct call *c, struct str id, struct sqs_batch_result_error_entry_list *failed);

/* ---- due rows and tasks */
void sqs_sweep_register(struct store *s);
void sqs_sweep(struct tx *t, uint64_t store);
void sqs_due_register(struct store *s);
void sqs_move_register(struct store *s);

#define sqs_bad_value(c, ...) call_fail((c), &SQS_InvalidParameterValue, __VA_ARGS__)

#endif
