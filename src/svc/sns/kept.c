/* Lists that forget their oldest rows: the outbox, and what became of deliveries. */
#include "base/ids.h"
#include "svc/sns/internal.h"

#define KEPT_MAX 10000

/* How many rows a list has stands under its letter in lower case. */
static void
count_key(struct key *k, char space)
{
	char c = (char)(space | 0x20);
	key_begin(k);
	key_add_raw(k, str_of(&c, 1));
}

static bool
drop_oldest(struct tx *t, struct store *s, char space)
{
	struct key lo, hi;
	struct scan c;
	key_begin(&lo);
	key_add_raw(&lo, str_of(&space, 1));
	scan_open(&c, t, sns_rows(s), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	bool found = scan_next(&c);
	key_begin(&lo);
	if (found)
		key_add_raw(&lo, c.key);
	scan_done(&c);
	if (found)
		tx_delete(t, sns_rows(s), key_str(&lo));
	return found;
}

void
sns_kept_add(struct tx *t, struct store *s, char space, const struct shape *shape, const void *row,
	int64_t now_ms, struct key *ret_key)
{
	struct key count, v;
	struct str value;
	uint64_t n = 0;
	/* No two share the number behind the time. */
	key_begin(ret_key);
	key_add_raw(ret_key, str_of(&space, 1));
	key_add_u64(ret_key, (uint64_t)now_ms);
	key_add_u64(ret_key, random_u64());
	sns_row_put(t, s, ret_key, shape, row);
	count_key(&count, space);
	if (tx_get(t, sns_rows(s), key_str(&count), &value))
		key_take_u64(&value, &n);
	if (++n > KEPT_MAX && drop_oldest(t, s, space))
		n--;
	key_begin(&v);
	key_add_u64(&v, n);
	tx_put(t, sns_rows(s), key_str(&count), key_str(&v));
}
