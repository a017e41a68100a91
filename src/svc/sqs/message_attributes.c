/* Message attributes: what is allowed, and the checksum that clients compare. */
#include "base/digest.h"
#include "base/text.h"
#include "svc/sqs/queue.h"

#include <stdlib.h>

#define NAME_MAX_LEN 256
#define TYPE_MAX_LEN 256

struct str
sqs_md5_hex(struct arena *a, struct str bytes)
{
	return bytes.len ? hex_text(a, bytes) : STR_NULL;
}

/* #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF */
/* Eight characters from blank to the end of ASCII: no byte has its top bit, and none has it when
 * 0x20 is taken away. */
static bool
is_plain(const char *p)
{
	uint64_t w;
	memcpy(&w, p, sizeof(w));
	return ((w | (w - UINT64_C(0x2020202020202020))) & UINT64_C(0x8080808080808080)) == 0;
}

bool
sqs_text_allowed(struct str s)
{
	size_t from = 0;
	while (from + 8 <= s.len && is_plain(s.p + from))
		from += 8;
	/* Cut between two characters, as all before are ASCII. */
	s = str_slice(s, from, s.len);
	if (!str_utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (i + 8 <= s.len && is_plain(s.p + i)) {
			i += 7;
			continue;
		}
		unsigned char ch = (unsigned char)s.p[i];
		if (ch < 0x20 && ch != '\t' && ch != '\n' && ch != '\r')
			return false;
		/* U+FFFE and U+FFFF */
		if (ch == 0xef && i + 2 < s.len && (unsigned char)s.p[i + 1] == 0xbf &&
			(unsigned char)s.p[i + 2] >= 0xbe)
			return false;
	}
	return true;
}

static bool
name_valid(struct str name)
{
	if (!name.len || name.len > NAME_MAX_LEN || name.p[0] == '.' || name.p[name.len - 1] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char ch = name.p[i];
		bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9');
		if (!word && ch != '-' && ch != '_' && ch != '.')
			return false;
		if (ch == '.' && name.p[i + 1] == '.')
			return false;
	}
	return !str_eq_nocase(str_slice(name, 0, 4), STR("AWS.")) &&
	       !str_eq_nocase(str_slice(name, 0, 7), STR("Amazon."));
}

static bool
type_is(struct str type, struct str base)
{
	return str_starts(type, base) &&
	       (type.len == base.len || (type.p[base.len] == '.' && type.len > base.len + 1));
}

static bool
number_valid(struct str text)
{
	double v;
	struct str t = str_trim(text);
	if (t.len && t.p[0] == '+')
		t = str_slice(t, 1, t.len);
	return t.len && t.len <= 64 && str_to_f64(t, &v) && !str_is(t, "NaN") &&
	       str_find_str(t, STR("Infinity")) < 0;
}

static void
add_piece(struct digests *d, struct str piece)
{
	unsigned char n[4] = { (unsigned char)(piece.len >> 24), (unsigned char)(piece.len >> 16),
		(unsigned char)(piece.len >> 8), (unsigned char)piece.len };
	digests_add(d, str_of(n, 4));
	digests_add(d, piece);
}

static int
by_name(const void *x, const void *y)
{
	const struct sqs_stored_attribute *a = x, *b = y;
	return str_cmp(a->Name, b->Name);
}

struct str
sqs_stored_attributes_md5(struct arena *a, const struct sqs_stored_attribute *v, uint32_t n)
{
	struct digests d;
	struct digest_values out;
	if (n == 0)
		return STR_NULL;
	struct sqs_stored_attribute *sorted = arena_array(a, struct sqs_stored_attribute, n);
	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), by_name);
	digests_init(&d, DIGEST_MD5);
	for (uint32_t i = 0; i < n; i++) {
		bool binary = sorted[i].Binary.p != NULL;
		add_piece(&d, sorted[i].Name);
		add_piece(&d, sorted[i].Type);
		digests_add(&d, binary ? STR("\2") : STR("\1"));
		add_piece(&d, binary ? sorted[i].Binary : sorted[i].Text);
	}
	digests_final(&d, &out);
	return arena_dup(a, str_of(out.md5, 16));
}

static int
value_check(struct call *c, struct str name, const struct sqs_message_attribute_value *v,
	struct sqs_stored_attribute *s)
{
	struct str type = v->DataType;
	bool binary = type_is(type, STR("Binary")), number = type_is(type, STR("Number"));
	if (v->StringListValues.n || v->BinaryListValues.n)
		return call_fail(c, &SQS_UnsupportedOperation,
			"Message attribute list values in SendMessage operation are not supported.");
	if (type.len > TYPE_MAX_LEN || (!binary && !number && !type_is(type, STR("String"))))
		return sqs_bad_value(c,
			"The message attribute '%.*s' has an invalid message attribute type, the set of "
			"supported type prefixes is Binary, Number, and String.",
			STR_FMT(name));
	s->Text = binary ? STR_NULL : v->StringValue;
	s->Binary = binary ? v->BinaryValue : STR_NULL;
	if ((binary ? v->BinaryValue.len : v->StringValue.len) == 0)
		return sqs_bad_value(c,
			"The message attribute '%.*s' must contain a non-empty message attribute value for message "
			"attribute type '%.*s'.",
			STR_FMT(name), STR_FMT(type));
	if (number && !number_valid(v->StringValue))
		return sqs_bad_value(c, "Could not cast message attribute '%.*s' value to number.",
			STR_FMT(name));
	if (!binary && !sqs_text_allowed(v->StringValue))
		return sqs_bad_value(c,
			"Message attribute '%.*s' contains characters outside of the allowed set.",
			STR_FMT(name));
	return CALL_OK;
}

int
sqs_attributes_store(struct call *c, const struct sqs_message_attribute_value_map *in,
	struct sqs_stored_message_row *row, size_t *ret_size)
{
	*ret_size = 0;
	if (in->n > SQS_ATTRIBUTES_MAX)
		return sqs_bad_value(c,
			"Number of message attributes [%u] exceeds the allowed maximum [%d].",
			in->n, SQS_ATTRIBUTES_MAX);
	row->Attributes.v = arena_array(c->arena, struct sqs_stored_attribute, in->n);
	for (uint32_t i = 0; i < in->n; i++) {
		struct sqs_stored_attribute *s = &row->Attributes.v[row->Attributes.n++];
		struct str name = in->v[i].key;
		if (!name_valid(name))
			return sqs_bad_value(c, "Message (user) attribute name '%.*s' is invalid.",
				STR_FMT(name));
		if (value_check(c, name, &in->v[i].value, s) != CALL_OK)
			return CALL_FAILED;
		s->Name = name;
		s->Type = in->v[i].value.DataType;
		*ret_size += name.len + s->Type.len + s->Text.len + s->Binary.len;
	}
	row->Attributes.set = row->Attributes.n > 0;
	row->AttributesMd5 =
		sqs_stored_attributes_md5(c->arena, row->Attributes.v, row->Attributes.n);
	return CALL_OK;
}

int
sqs_system_attributes_store(struct call *c, const struct sqs_message_system_attribute_value_map *in,
	struct sqs_stored_message_row *row)
{
	for (uint32_t i = 0; i < in->n; i++) {
		const struct sqs_message_system_attribute_value *v = &in->v[i].value;
		if (!str_is(in->v[i].key, "AWSTraceHeader"))
			return sqs_bad_value(c, "Message system attribute name '%.*s' is invalid.",
				STR_FMT(in->v[i].key));
		if (!str_is(v->DataType, "String"))
			return sqs_bad_value(c,
				"The message system attribute 'AWSTraceHeader' has an invalid message attribute "
				"type, the set of supported types is String.");
		if (!v->StringValue.len || !sqs_text_allowed(v->StringValue))
			return sqs_bad_value(c,
				"The message system attribute 'AWSTraceHeader' must contain a non-empty value.");
		row->TraceHeader = v->StringValue;
		struct sqs_stored_attribute one = {
			.Name = in->v[i].key, .Type = v->DataType, .Text = v->StringValue
		};
		row->TraceMd5 = sqs_stored_attributes_md5(c->arena, &one, 1);
	}
	return CALL_OK;
}
