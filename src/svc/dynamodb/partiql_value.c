/* Literals: 'text', numbers, TRUE, FALSE, NULL, [lists], {'tuples': …}, <<bags>>, and
 * parameters. */
#include "svc/dynamodb/partiql.h"

/* Where a value stands, for messages: "root.a[0]". */
struct spot {
	const struct spot *up;
	struct str name; /* p NULL: an index */
	uint32_t index;
	unsigned depth;
};

static struct str
spot_text(struct ddb_sql_parser *p, const struct spot *s)
{
	if (!s->up)
		return STR("root");
	struct str up = spot_text(p, s->up);
	return s->name.p ? arena_printf(p->c->arena, "%.*s.%.*s", STR_FMT(up), STR_FMT(s->name))
			 : arena_printf(p->c->arena, "%.*s[%u]", STR_FMT(up), s->index);
}

static void read_value(struct ddb_sql_parser *p, const struct spot *at, struct ddb_val *ret);

static void
read_number(struct ddb_sql_parser *p, bool minus, struct ddb_val *ret)
{
	uint8_t bytes[DDB_NUMBER_BYTES];
	size_t len = 0;
	struct str text = minus ? arena_printf(p->c->arena, "-%.*s", STR_FMT(p->tok)) : p->tok;
	*ret = (struct ddb_val){ .type = DDB_N };
	switch (ddb_number_parse(text, bytes, &len)) {
	case DDB_NUMBER_OK:
		ret->s = arena_dup(p->c->arena, str_of(bytes, len));
		break;
	case DDB_NUMBER_OVERFLOW:
		ddb_sql_refuse(p, "Number overflow. Attempting to store a number with magnitude "
				  "larger than supported range");
		break;
	case DDB_NUMBER_UNDERFLOW:
		ddb_sql_refuse(p, "Number underflow. Attempting to store a number with magnitude "
				  "smaller than supported range");
		break;
	case DDB_NUMBER_PRECISION:
		ddb_sql_refuse(p,
			"Attempting to store more than 38 significant digits in a Number");
		break;
	default:
		ddb_sql_refuse(p, "The parameter cannot be converted to a numeric value: %.*s",
			STR_FMT(text));
	}
	ddb_sql_next(p);
}

static void
read_signed(struct ddb_sql_parser *p, struct ddb_val *ret)
{
	bool minus = false;
	while (ddb_sql_is(p, "-") || ddb_sql_is(p, "+")) {
		minus ^= ddb_sql_is(p, "-");
		ddb_sql_next(p);
	}
	if (p->kind != SQL_NUMBER)
		ddb_sql_malformed(p, "Unexpected term");
	else
		read_number(p, minus, ret);
}

/* Grows by doubling whenever the count is a power of two. */
static void *
grown(struct ddb_sql_parser *p, void *v, uint32_t n, size_t each)
{
	if (n & (n - 1))
		return v;
	void *more = arena_alloc(p->c->arena, each * (n ? 2 * n : 1));
	if (n)
		memcpy(more, v, each * n);
	return more;
}

static void
read_list(struct ddb_sql_parser *p, const struct spot *at, struct ddb_val *ret)
{
	*ret = (struct ddb_val){ .type = DDB_L };
	ddb_sql_next(p);
	while (!p->failed && !ddb_sql_is(p, "]")) {
		struct spot in = { at, STR_NULL, ret->n, at->depth + 1 };
		ret->items = grown(p, ret->items, ret->n, sizeof(*ret->items));
		read_value(p, &in, &ret->items[ret->n++]);
		if (!ddb_sql_accept(p, ","))
			break;
	}
	ddb_sql_expect(p, "]", "Expected RIGHT_BRACKET");
}

static void
read_tuple(struct ddb_sql_parser *p, const struct spot *at, bool item, struct ddb_val *ret)
{
	*ret = (struct ddb_val){ .type = DDB_M };
	ddb_sql_next(p);
	while (!p->failed && !ddb_sql_is(p, "}")) {
		struct str name = p->tok;
		if (p->kind != SQL_TEXT)
			ddb_sql_refuse(p,
				"Tuple keys must be of type String. Actual type: %s under %.*s",
				p->kind == SQL_NUMBER ? "NUMBER" : "IDENTIFIER",
				STR_FMT(spot_text(p, at)));
		else if (ddb_get(ret, name))
			ddb_sql_refuse(p, "Duplicate keys in tuple. Key: %.*s under %.*s",
				STR_FMT(name), STR_FMT(spot_text(p, at)));
		ddb_sql_next(p);
		ddb_sql_expect(p, ":", "Expected COLON");
		/* The attributes of an item are roots of their own. */
		struct spot in = { item ? NULL : at, name, 0, item ? 0 : at->depth + 1 };
		ret->attrs = grown(p, ret->attrs, ret->n, sizeof(*ret->attrs));
		ret->attrs[ret->n].name = name;
		read_value(p, &in, &ret->attrs[ret->n].v);
		ret->n++;
		if (!ddb_sql_accept(p, ","))
			break;
	}
	ddb_sql_expect(p, "}", "Expected RIGHT_CURLY");
}

static void
check_bag(struct ddb_sql_parser *p, const struct spot *at, const struct ddb_val *bag,
	const struct str *texts)
{
	struct str all = STR("");
	bool twice = false;
	for (uint32_t i = 0; i < bag->n; i++) {
		for (uint32_t k = 0; k < i; k++)
			twice = twice || str_eq(bag->set[i], bag->set[k]);
		all = arena_printf(
			p->c->arena, "%.*s%s%.*s", STR_FMT(all), i ? ", " : "", STR_FMT(texts[i]));
	}
	if (!twice)
		return;
	if (bag->type == DDB_NS)
		ddb_sql_refuse(p,
			"One or more parameter values were invalid: Input collection [%.*s] contains "
			"duplicates! under %.*s",
			STR_FMT(all), STR_FMT(spot_text(p, at)));
	else
		ddb_sql_refuse(p,
			"One or more parameter values were invalid: Input collection [%.*s] contains "
			"duplicates.",
			STR_FMT(all));
}

static void
read_bag(struct ddb_sql_parser *p, const struct spot *at, struct ddb_val *ret)
{
	struct str *texts = NULL;
	struct ddb_val one;
	*ret = (struct ddb_val){ .type = DDB_SS };
	ddb_sql_next(p);
	if (ddb_sql_is(p, ">>"))
		ddb_sql_refuse(p, "Empty bags are not supported");
	while (!p->failed && !ddb_sql_is(p, ">>")) {
		struct spot in = { at, STR_NULL, ret->n, at->depth + 1 };
		size_t start = p->start;
		read_value(p, &in, &one);
		if (p->failed)
			return;
		if (one.type != DDB_S && one.type != DDB_N) {
			ddb_sql_refuse(p, "Unsupported data type in Bag. DynamoDB only supports "
					  "either numbers or strings in bags");
			return;
		}
		uint8_t type = one.type == DDB_N ? DDB_NS : DDB_SS;
		if (ret->n && type != ret->type)
			ddb_sql_refuse(p, "Unexpected data type %s in %s Set under key %.*s",
				one.type == DDB_N ? "NUMBER" : "STRING",
				ret->type == DDB_NS ? "Number" : "String",
				STR_FMT(spot_text(p, at)));
		ret->type = type;
		ret->set = grown(p, ret->set, ret->n, sizeof(*ret->set));
		texts = grown(p, texts, ret->n, sizeof(*texts));
		texts[ret->n] = one.type == DDB_S ? one.s
						  : str_slice(p->text, start, p->before_end);
		ret->set[ret->n++] = one.s;
		if (!ddb_sql_accept(p, ","))
			break;
	}
	ddb_sql_expect(p, ">>", "Expected RIGHT_DOUBLE_ANGLE_BRACKET");
	if (!p->failed)
		check_bag(p, at, ret, texts);
}

static void
read_param(struct ddb_sql_parser *p, const struct spot *at, struct ddb_val *ret)
{
	/* Only whole values, and those of an item's attributes, may be parameters. */
	if (at->depth > 0)
		ddb_sql_refuse(p, "Unsupported data type: Parameter under key %.*s%.*s",
			STR_FMT(spot_text(p, at)), STR_FMT(ddb_sql_place(p, p->start, p->end)));
	else if (p->params_used >= p->params_n)
		ddb_sql_refuse(p, "Number of parameters in request and statement don't match.");
	else
		*ret = p->params[p->params_used++];
	ddb_sql_next(p);
}

static void
read_word(struct ddb_sql_parser *p, const struct spot *at, struct ddb_val *ret)
{
	if (ddb_sql_is_word(p, "TRUE") || ddb_sql_is_word(p, "FALSE"))
		*ret = (struct ddb_val){ .type = DDB_BOOL, .b = ddb_sql_is_word(p, "TRUE") };
	else if (ddb_sql_is_word(p, "NULL"))
		*ret = (struct ddb_val){ .type = DDB_NULL, .b = true };
	else if (ddb_sql_is_word(p, "MISSING"))
		ddb_sql_refuse(p, "MISSING must be compared using IS operator");
	else if (ddb_sql_at_call(p))
		ddb_sql_refuse(p, "Unsupported data type: %.*s under key %.*s%.*s", STR_FMT(p->tok),
			STR_FMT(spot_text(p, at)),
			STR_FMT(ddb_sql_place(p, p->start, p->end)));
	else if (p->kind == SQL_WORD && ddb_sql_is_keyword(p->tok))
		ddb_sql_malformed(p, "Unexpected keyword");
	else if (p->kind == SQL_WORD || p->kind == SQL_QUOTED)
		ddb_sql_refuse(p, "Unsupported data type: VariableReference under key %.*s%.*s",
			STR_FMT(spot_text(p, at)), STR_FMT(ddb_sql_place(p, p->start, p->end)));
	else
		ddb_sql_malformed(p, "Unexpected term");
	ddb_sql_next(p);
}

static void
read_value(struct ddb_sql_parser *p, const struct spot *at, struct ddb_val *ret)
{
	*ret = (struct ddb_val){ .type = DDB_NULL };
	if (p->failed)
		return;
	if (at->depth >= DDB_NESTING_MAX) {
		ddb_sql_refuse(p, "Nesting Levels have exceeded supported limits under %.*s",
			STR_FMT(spot_text(p, at)));
	} else if (p->kind == SQL_TEXT) {
		*ret = (struct ddb_val){ .type = DDB_S, .s = p->tok };
		ddb_sql_next(p);
	} else if (p->kind == SQL_NUMBER) {
		read_number(p, false, ret);
	} else if (p->kind == SQL_PARAM) {
		read_param(p, at, ret);
	} else if (ddb_sql_is(p, "-") || ddb_sql_is(p, "+")) {
		read_signed(p, ret);
	} else if (ddb_sql_is(p, "[")) {
		read_list(p, at, ret);
	} else if (ddb_sql_is(p, "{")) {
		read_tuple(p, at, false, ret);
	} else if (ddb_sql_is(p, "<<")) {
		read_bag(p, at, ret);
	} else {
		read_word(p, at, ret);
	}
}

bool
ddb_sql_at_literal(const struct ddb_sql_parser *p)
{
	return p->kind == SQL_TEXT || p->kind == SQL_NUMBER || p->kind == SQL_PARAM ||
	       ddb_sql_is(p, "[") || ddb_sql_is(p, "{") || ddb_sql_is(p, "<<") ||
	       ddb_sql_is(p, "-") || ddb_sql_is(p, "+") || ddb_sql_is_word(p, "TRUE") ||
	       ddb_sql_is_word(p, "FALSE") || ddb_sql_is_word(p, "NULL") ||
	       ddb_sql_is_word(p, "MISSING");
}

void
ddb_sql_value(struct ddb_sql_parser *p, struct ddb_val *ret)
{
	const struct spot root = { NULL, STR_NULL, 0, 0 };
	read_value(p, &root, ret);
}

void
ddb_sql_item(struct ddb_sql_parser *p, struct ddb_val *ret)
{
	const struct spot root = { NULL, STR_NULL, 0, 0 };
	*ret = (struct ddb_val){ .type = DDB_M };
	if (!ddb_sql_is(p, "{")) {
		ddb_sql_refuse(p, "Unsupported format in item expression. Please use struct format "
				  "{...} to express item values for insert statement.");
		return;
	}
	read_tuple(p, &root, true, ret);
}
