#include "base/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_tree(struct buf *b, const struct cbor *c)
{
	if (c->tag != CBOR_NO_TAG)
		cbor_write_tag(b, c->tag);
	switch ((enum cbor_kind)c->kind) {
	case CBOR_UINT:
		cbor_write_u64(b, c->u);
		break;
	case CBOR_NEGINT:
		if (c->u <= INT64_MAX)
			cbor_write_i64(b, -1 - (int64_t)c->u);
		else
			cbor_write_null(b);
		break;
	case CBOR_BYTES:
		cbor_write_bytes(b, c->s);
		break;
	case CBOR_TEXT:
		cbor_write_text(b, c->s);
		break;
	case CBOR_ARRAY:
		cbor_write_array(b, c->n);
		for (uint32_t i = 0; i < c->n; i++)
			write_tree(b, &c->items[i]);
		break;
	case CBOR_MAP:
		cbor_write_map(b, CBOR_OPEN);
		for (uint32_t i = 0; i < c->n; i++) {
			cbor_write_text(b, c->members[i].key);
			write_tree(b, &c->members[i].value);
		}
		cbor_write_break(b);
		break;
	case CBOR_BOOL:
		cbor_write_bool(b, c->b);
		break;
	case CBOR_NULL:
	case CBOR_UNDEFINED:
		cbor_write_null(b);
		break;
	case CBOR_FLOAT:
		cbor_write_f64(b, c->f);
		break;
	}
}

/* What parses and is written parses again, and is then written the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct buf one = { 0 }, two = { 0 };
	struct cbor_error e;
	char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	struct cbor *c = cbor_parse(&a, str_of(copy, size), 0, &e);
	if (!c && e.at > size)
		abort();
	if (c) {
		int64_t v;
		cbor_i64(c, &v);
		cbor_time_ms(c, &v);
		write_tree(&one, c);
		struct cbor *again = cbor_parse(&a, buf_str(&one), 0, NULL);
		if (!again)
			abort();
		write_tree(&two, again);
		if (!str_eq(buf_str(&one), buf_str(&two)))
			abort();
	}
	buf_done(&one);
	buf_done(&two);
	free(copy);
	arena_done(&a);
	return 0;
}
