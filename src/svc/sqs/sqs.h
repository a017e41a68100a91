/*
 * sqs: what other services may ask of the queues: put a message into one, as a service does (S3
 * events, SNS topics, dead letters of both). It happens in the transaction given, on the store's
 * writer thread, and the queue's policy decides. Everything is borrowed until the call returns.
 */
#ifndef HANEUL_SVC_SQS_SQS_H
#define HANEUL_SVC_SQS_SQS_H

#include "base/arena.h"
#include "store/store.h"

struct sqs_delivery_attribute {
	struct str name, type; /* type: "String", "Number", "Binary", with or without a suffix */
	struct str value;      /* bytes when the type is Binary */
};

/* A part of a body that is left out because its text takes too long to make for a transaction (a
 * signature). It is filled in when the message is received, by the filler of that kind; until then
 * it goes wherever the message goes. The message's size is that of the whole. */
struct sqs_blank {
	struct str kind;
	struct str about; /* what the filler needs to know; it alone understands it */
	uint32_t at;   /* the text goes before this byte of the body */
	uint32_t size; /* of the text */
};
/* The text, of exactly that size, in the arena; STR_NULL: it cannot be had, or not at once.
 * at_once: it is asked for inside a transaction of the writer and must take no longer than a look
 * into memory; else on any worker, may take long and may write. */
typedef struct str sqs_filler(struct store *s, struct arena *a, struct str about, bool at_once);
/* At start. kind: for ever the same, as it is kept with messages. */
void sqs_filler_register(const char *kind, sqs_filler *fill);

struct sqs_delivery {
	struct str queue_arn;
	struct str service;        /* the caller: "s3.amazonaws.com", "sns.amazonaws.com" */
	struct str source_arn;     /* aws:SourceArn: the bucket, the topic */
	struct str source_account; /* aws:SourceAccount; "" : not a condition key of this caller */
	struct str body;
	const unsigned char *body_md5; /* 16 bytes, where the caller has it; NULL */
	const struct sqs_blank *blank; /* NULL: the body is complete */
	const struct sqs_delivery_attribute *attributes;
	unsigned attributes_n;
	struct str group_id, dedup_id; /* FIFO; STR_NULL: none */
	struct str trace_header;       /* AWSTraceHeader; STR_NULL: none */
	int64_t now_ms;
};

/* 0, the new message's id in *ret_message_id (in the arena, may be NULL); -ENOENT: no such queue;
 * -EACCES: its policy does not let this service send; -EMSGSIZE: longer than the queue takes;
 * -EINVAL: not an ARN of a queue, an attribute or character that is not allowed, a FIFO queue
 * without group or deduplication id. Nothing is written unless 0. */
int sqs_deliver(struct tx *t, struct store *s, struct arena *a, const struct sqs_delivery *d,
	struct str *ret_message_id);
/* The policy's answer alone, in any transaction: 0, -ENOENT, -EACCES, -EINVAL. */
int sqs_deliver_allowed(
	struct tx *t, struct store *s, struct arena *a, const struct sqs_delivery *d);

#endif
