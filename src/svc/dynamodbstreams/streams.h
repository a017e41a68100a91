/*
 * streams: what the operations of DynamoDB Streams share: a stream found by its ARN, its one shard,
 * sequence numbers as text. Records and their rows are of svc/dynamodb/stream_log.h. No state.
 */
#ifndef HANEUL_SVC_DYNAMODBSTREAMS_STREAMS_H
#define HANEUL_SVC_DYNAMODBSTREAMS_STREAMS_H

#include "svc/dynamodb/dynamodb.h"
#include "svc/dynamodbstreams/dynamodbstreams_api.h"

struct stream {
	struct dynamodb_stream_row row;
	struct str arn;
	uint64_t id;
	struct ddb_stream_tail tail;
};
/* CALL_OK, or CALL_FAILED with ResourceNotFoundException or ValidationException. */
int stream_find(struct call *c, struct str arn, struct stream *ret);
struct str stream_arn(struct call *c, struct str table, struct str label);
struct str stream_shard_id(struct call *c, const struct stream *s);
struct str stream_sequence_text(struct call *c, uint64_t sequence);
bool stream_sequence_read(struct str text, uint64_t *ret);
/* The ARN within an iterator; STR_NULL: malformed. */
struct str stream_iterator_arn(struct str iterator);

#endif
