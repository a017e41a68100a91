/* What a message may look like. */
#include "base/json.h"
#include "svc/sns/publish.h"

static int
bad_value(struct call *c, struct str name, const char *what)
{
	return call_fail(c, &SNS_ParameterValueInvalid, "The message attribute '%.*s' %s",
		STR_FMT(str_slice(name, 0, 256)), what);
}

static bool
is_attribute_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || str_find(STR("_-."), ch) >= 0))
			return false;
		if (ch == '.' && (i == 0 || i + 1 == s.len || s.p[i + 1] == '.'))
			return false;
	}
	return s.len > 0 && s.len <= 256 &&
	       !(s.len > 3 && str_eq_nocase(str_slice(s, 0, 4), STR("aws."))) &&
	       !(s.len > 6 && str_eq_nocase(str_slice(s, 0, 7), STR("amazon.")));
}

static bool
type_is(struct str type, const char *name)
{
	struct str n = str_c(name);
	return str_starts(type, n) && (type.len == n.len || type.p[n.len] == '.');
}

static int
check_attribute(struct call *c, struct str name, const struct sns_message_attribute_value *v)
{
	double number;
	bool text = type_is(v->DataType, "String") || type_is(v->DataType, "Number");
	if (!is_attribute_name(name))
		return bad_value(c, name, "has a name that is not valid.");
	if (!v->DataType.len)
		return bad_value(c, name, "must contain non-empty message attribute type.");
	if (!text && !type_is(v->DataType, "Binary"))
		return bad_value(c, name,
			"has an invalid message attribute type, the set of supported type prefixes "
			"is "
			"Binary, Number, and String.");
	if (text ? !v->StringValue.len || v->BinaryValue.p
		 : !v->BinaryValue.len || v->StringValue.p)
		return bad_value(c, name,
			arena_printf(c->arena,
				"must contain non-empty message attribute value for message "
				"attribute type '%.*s'.",
				STR_FMT(str_slice(v->DataType, 0, 64)))
				.p);
	if (type_is(v->DataType, "Number") && !str_to_f64(v->StringValue, &number))
		return call_fail(c, &SNS_ParameterValueInvalid,
			"Could not cast message attribute '%.*s' value to number.", STR_FMT(name));
	if (text && !str_utf8_valid(v->StringValue))
		return bad_value(c, name, "contains characters that are not valid.");
	return CALL_OK;
}

/* Subjects become mail headers: one line of printable characters. */
static bool
is_subject(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.len > 0 && s.p[0] != ' ' && str_utf8_valid(s) &&
	       str_utf8_count(s) <= SNS_SUBJECT_MAX;
}

static bool
is_id(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return s.len > 0 && s.len <= 128;
}

static int
check_structure(struct call *c, const struct sns_publication *p)
{
	if (!p->structure.p)
		return CALL_OK;
	if (!str_is(p->structure, "json"))
		return sns_invalid(c, "MessageStructure Reason: must be json");
	const struct json *j = json_parse(c->arena, p->message, 0, NULL);
	if (!json_is(j, JSON_OBJECT))
		return sns_invalid(c, "Message Structure - JSON message body failed to parse");
	if (!json_get_text(j, STR("default")).p)
		return sns_invalid(c, "Message Structure - No default entry in JSON message body");
	return CALL_OK;
}

static int
check_ids(struct call *c, const struct sns_publication *p, bool fifo, bool content_dedup)
{
	if (p->group_id.p && !is_id(p->group_id))
		return sns_invalid(c, "MessageGroupId Reason: must be 1 to 128 alphanumeric or "
				      "punctuation characters");
	if (p->dedup_id.p && !fifo)
		return sns_invalid(c, "MessageDeduplicationId Reason: The request includes "
				      "MessageDeduplicationId parameter "
				      "that is not valid for this topic type");
	if (p->dedup_id.p && !is_id(p->dedup_id))
		return sns_invalid(c, "MessageDeduplicationId Reason: must be 1 to 128 "
				      "alphanumeric or punctuation characters");
	if (fifo && !p->group_id.p)
		return sns_invalid(c, "The MessageGroupId parameter is required for FIFO topics");
	if (fifo && !p->dedup_id.p && !content_dedup)
		return sns_invalid(c,
			"The topic should either have ContentBasedDeduplication enabled or "
			"MessageDeduplicationId provided explicitly");
	return CALL_OK;
}

uint64_t
sns_publication_bytes(const struct sns_publication *p)
{
	uint64_t n = p->message.len;
	for (uint32_t i = 0; p->attributes && i < p->attributes->n; i++) {
		const struct sns_message_attribute_value *v = &p->attributes->v[i].value;
		n += p->attributes->v[i].key.len + v->DataType.len + v->StringValue.len +
		     v->BinaryValue.len;
	}
	return n;
}

int
sns_publication_check(
	struct call *c, const struct sns_publication *p, bool fifo, bool content_dedup)
{
	if (!p->message.len)
		return sns_invalid(c, "Empty message");
	if (sns_publication_bytes(p) > SNS_MESSAGE_MAX)
		return sns_invalid(c, "Message too long");
	if (!str_utf8_valid(p->message))
		return sns_invalid(c, "Message Reason: is not valid UTF-8");
	if (p->subject.p && !is_subject(p->subject))
		return sns_invalid(c, "Subject");
	for (uint32_t i = 0; p->attributes && i < p->attributes->n; i++) {
		if (check_attribute(c, p->attributes->v[i].key, &p->attributes->v[i].value))
			return CALL_FAILED;
		for (uint32_t k = 0; k < i; k++)
			if (str_eq(p->attributes->v[i].key, p->attributes->v[k].key))
				return sns_invalid(
					c, "MessageAttributes Reason: a name occurs twice");
	}
	return check_structure(c, p) ? CALL_FAILED : check_ids(c, p, fifo, content_dedup);
}
