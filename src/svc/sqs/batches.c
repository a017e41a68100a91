/* What all batch operations have in common. */
#include "svc/sqs/queue.h"

#define ID_MAX_LEN 80

static bool
id_valid(struct str id)
{
	if (!id.len || id.len > ID_MAX_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char ch = id.p[i];
		bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9');
		if (!word && ch != '-' && ch != '_')
			return false;
	}
	return true;
}

int
sqs_batch_check(struct call *c, const char *entry_name, uint32_t n, const struct str *ids)
{
	if (n == 0)
		return call_fail(c, &SQS_EmptyBatchRequest,
			"There should be at least one %s in the request.", entry_name);
	if (n > SQS_BATCH_MAX)
		return call_fail(c, &SQS_TooManyEntriesInBatchRequest,
			"Maximum number of entries per request are %d. You have sent %u.",
			SQS_BATCH_MAX, n);
	for (uint32_t i = 0; i < n; i++)
		if (!id_valid(ids[i]))
			return call_fail(c, &SQS_InvalidBatchEntryId,
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
				"It can be at most 80 letters long.");
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (str_eq(ids[i], ids[k]))
				return call_fail(c, &SQS_BatchEntryIdsNotDistinct,
					"Id %.*s repeated.", STR_FMT(ids[i]));
	return CALL_OK;
}

void
sqs_batch_failed(struct call *c, struct str id, struct sqs_batch_result_error_entry_list *failed)
{
	const struct api_error *e = c->error;
	const char *code = c->protocol == PROTO_QUERY && e->query_code ? e->query_code : e->code;
	failed->v[failed->n++] = (struct sqs_batch_result_error_entry){ .Id = id,
		.SenderFault = OPT_BOOL(!e->receiver),
		.Code = str_c(code),
		.Message = c->error_message };
	c->error = NULL;
}
