/* What DynamoDB adds to the common path: its start, and names brought into their plain form. */
#include "svc/dynamodb/export.h"
#include "svc/dynamodb/import.h"
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/stream_log.h"
#include "svc/dynamodb/tasks.h"

static int
start(struct store *s, struct blobs *b)
{
	store_rows(s, "dynamodb");
	ddb_tasks_register(s);
	ddb_streams_register(s);
	ddb_copies_register(s, b);
	ddb_replicas_register(s);
	ddb_imports_register(s, b);
	return 0;
}

static void
stop(void)
{
	ddb_import_stop();
	ddb_export_stop();
}

static struct str *
table_name_of(struct call *c, void *in)
{
	const struct shape *s = c->op->in;
	for (unsigned i = 0; i < s->fields_n; i++)
		if (strcmp(s->fields[i].name, "TableName") == 0)
			return (struct str *)((char *)in + s->fields[i].offset);
	return NULL;
}

void
ddb_plain_name(struct call *c, struct str *name)
{
	struct str own = STR("arn:aws:dynamodb:");
	if (!name->p || !str_starts(*name, own))
		return;
	struct str prefix = ddb_table_arn(c, STR(""));
	if (str_starts(*name, prefix))
		*name = str_slice(*name, prefix.len, name->len);
}

static int
decoded(struct call *c, void *in)
{
	static const char *const named[] = { "CreateTable", "DescribeTable", "DeleteTable",
		"UpdateTable", "DescribeTimeToLive", "UpdateTimeToLive", NULL };
	struct str *name = table_name_of(c, in);
	c->user = in; /* access.c */
	if (!name)
		return CALL_OK;
	ddb_plain_name(c, name);
	for (unsigned i = 0; named[i]; i++) {
		if (strcmp(named[i], c->op->name) != 0)
			continue;
		if (!name->p)
			return ddb_fail(c, "The parameter 'TableName' is required but was not "
					   "present in the request");
		size_t n = str_utf8_count(*name);
		if (n < 3 || n > 255)
			return ddb_fail(c, "TableName must be at least 3 characters long and at "
					   "most 255 characters long");
	}
	return CALL_OK;
}

const struct service_hooks dynamodb_hooks = {
	.start = start,
	.stop = stop,
	.document = ddb_document_check,
	.decoded = decoded,
};
