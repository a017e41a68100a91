/*
 * Units as bytes in the log. A unit is its length (u32), then steps: 'R' name length (u8), name:
 * the environment of the steps that follow; 'P' key length (u16), value length (u32), key, value;
 * 'D' key length (u16), key; 'W': first of all, nothing
 * that is older counts any more (a reset). Environments are named in full, so that a record needs
 * nothing else.
 */
#include "store/store_private.h"

#include <errno.h>

static void
encode_row(struct buf *b, const struct node *n)
{
	char head[7] = { n->deleted ? 'D' : 'P' };
	uint16_t key_len = (uint16_t)n->key_len;
	memcpy(head + 1, &key_len, 2);
	memcpy(head + 3, &n->value_len, 4);
	buf_add(b, head, n->deleted ? 3 : 7);
	buf_add_str(b, node_key(n));
	if (!n->deleted)
		buf_add_str(b, node_value(n));
}

void
unit_encode(struct store *s, struct buf *b, const struct memtable *stage, bool resets)
{
	size_t start = b->len;
	int rows = -1;
	buf_add(b, "\0\0\0\0", 4);
	if (resets)
		buf_add_c(b, 'W');
	for (struct node *n = memtable_first(stage); n; n = node_next(n)) {
		if (n->rows != rows) {
			rows = n->rows;
			struct str name = str_c(s->rows[rows]->name);
			buf_add_c(b, 'R');
			buf_add_c(b, (char)name.len);
			buf_add_str(b, name);
		}
		encode_row(b, n);
	}
	uint32_t len = (uint32_t)(b->len - start - 4);
	memcpy(b->p + start, &len, 4);
}

static bool
take(struct str *rest, size_t len, struct str *ret_piece)
{
	if (len > rest->len)
		return false;
	*ret_piece = str_of(rest->p, len);
	*rest = str_of(rest->p + len, rest->len - len);
	return true;
}

static bool
take_number(struct str *rest, size_t bytes, uint32_t *ret_v)
{
	struct str piece;
	*ret_v = 0;
	if (!take(rest, bytes, &piece))
		return false;
	memcpy(ret_v, piece.p, bytes);
	return true;
}

/* The environment named next; opened when it is there, because its position decides what is
 * replayed. */
static int
replay_rows(struct store *s, struct str *rest, struct rows **ret_rows)
{
	uint32_t len;
	struct str name;
	if (!take_number(rest, 1, &len) || !take(rest, len, &name))
		return -EBADMSG;
	*ret_rows = rows_find(s, name);
	if (!*ret_rows)
		return -EBADMSG;
	int rc = rows_open(*ret_rows, false);
	return rc == -ENOENT ? 0 : rc;
}

static int
replay_row(struct store *s, struct rows *r, bool deleted, struct str *rest, uint64_t seq)
{
	uint32_t key_len, value_len = 0;
	struct str key, value;
	if (!r || !take_number(rest, 2, &key_len) ||
		(!deleted && !take_number(rest, 4, &value_len)) || !take(rest, key_len, &key) ||
		!take(rest, value_len, &value) || key_len == 0 || key_len > STORE_KEY_MAX)
		return -EBADMSG;
	if (seq > r->copy[r->live].lenv.seq)
		memtable_add(s->view->tables[0], r->id, key, seq, deleted, value);
	return 0;
}

static int
replay_unit(struct store *s, struct str unit, uint64_t seq)
{
	struct rows *r = NULL;
	int rc = 0;
	while (!rc && unit.len > 0) {
		uint32_t kind;
		take_number(&unit, 1, &kind);
		if (kind == 'R')
			rc = replay_rows(s, &unit, &r);
		else if (kind == 'P' || kind == 'D')
			rc = replay_row(s, r, kind == 'D', &unit, seq);
		else if (kind == 'W')
			rc = reset_replay(s, seq);
		else
			rc = -EBADMSG;
	}
	return rc;
}

int
group_replay(void *arg, const struct wal_group *g)
{
	struct store *s = arg;
	struct str rest = g->payload;
	int rc = 0;
	for (uint32_t i = 0; i < g->units && !rc; i++) {
		uint32_t len;
		struct str unit;
		if (!take_number(&rest, 4, &len) || !take(&rest, len, &unit))
			return -EBADMSG;
		rc = replay_unit(s, unit, g->first_seq + i);
	}
	s->visible = g->first_seq + g->units - 1;
	/* More than a memtable's worth waited in the log: merged on the way, as it would have been.
	 */
	if (!rc && s->view->tables[0]->bytes >= s->o.memtable_bytes) {
		view_freeze(s);
		rc = merge_oldest(s);
	}
	return rc;
}
