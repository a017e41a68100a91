#include "svc/dynamodb/trim.h"

#define TRIM_ROWS 1000

bool
ddb_trim(struct tx *tx, struct rows *r, const struct key *lo, const struct key *hi,
	int64_t until_ms, bool (*time_of)(struct str key, struct str value, int64_t *ret_ms),
	int64_t *ret_next_ms)
{
	struct scan s;
	unsigned n = 0;
	bool over = true;
	int64_t at_ms;
	*ret_next_ms = -1;
	scan_open(&s, tx, r, key_str(lo), key_str(hi), false);
	while (scan_next(&s)) {
		if (time_of(s.key, s.value, &at_ms) && at_ms > until_ms) {
			*ret_next_ms = at_ms;
			break;
		}
		if (n++ == TRIM_ROWS) {
			over = false;
			break;
		}
		tx_delete(tx, r, s.key);
	}
	scan_done(&s);
	return over;
}
