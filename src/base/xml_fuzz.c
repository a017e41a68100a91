#include "base/xml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str
full_name(struct arena *a, struct str prefix, struct str name)
{
	return prefix.len ? arena_printf(a, "%.*s:%.*s", STR_FMT(prefix), STR_FMT(name))
			  : arena_dup(a, name);
}

/* Text first, then children: mixed order is not kept, so both trees are written in this form. */
static void
write_tree(struct arena *a, struct buf *b, const struct xml *x)
{
	struct str name = full_name(a, x->prefix, x->name);
	xml_write_begin(b, name.p);
	for (uint32_t i = 0; i < x->attrs_n; i++)
		xml_write_attr(
			b, full_name(a, x->attrs[i].prefix, x->attrs[i].name).p, x->attrs[i].value);
	xml_write_begin_end(b);
	xml_write_text(b, x->text);
	for (const struct xml *c = x->child; c; c = c->next)
		write_tree(a, b, c);
	xml_write_close(b, name.p);
}

/* What parses and is written parses again, and is then written the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct buf one = { 0 }, two = { 0 };
	struct xml_error e;
	char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	struct xml *x = xml_parse(&a, str_of(copy, size), 0, &e);
	if (!x && e.at > size)
		abort();
	if (x) {
		write_tree(&a, &one, x);
		struct xml *again = xml_parse(&a, buf_str(&one), 0, NULL);
		if (!again)
			abort();
		write_tree(&a, &two, again);
		if (!str_eq(buf_str(&one), buf_str(&two)))
			abort();
	}
	buf_done(&one);
	buf_done(&two);
	free(copy);
	arena_done(&a);
	return 0;
}
