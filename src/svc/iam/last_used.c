/* When a key was used last. Every signed call passes here, so each thread remembers which keys it
 * noted lately, and only a key that was not is looked up and written, behind the call. */
#include "svc/iam/iam.h"

#include <stdlib.h>

#define SLOTS 256
#define NOTE_MS (INT64_C(15) * 60000)

struct slot {
	uint64_t hash;
	int64_t noted_ms;
};
static _Thread_local struct slot slots[SLOTS];

struct note {
	struct store_unit unit;
	int64_t now_ms;
	char id[129], service[64], region[64];
};

static int
note_run(struct store_unit *u, struct tx *t)
{
	struct note *n = (struct note *)u;
	struct iam_access_key_row row;
	struct arena a;
	arena_init(&a);
	struct str id = str_c(n->id);
	if (iam_access_key_get(t, &a, id, &row) &&
		(!row.LastUsed.set || row.LastUsed.ms + NOTE_MS <= n->now_ms)) {
		row.LastUsed = OPT_TIME(n->now_ms / 1000 * 1000);
		row.LastUsedService = str_c(n->service);
		row.LastUsedRegion = str_c(n->region);
		iam_access_key_save(t, id, &row);
	}
	arena_done(&a);
	return 0;
}

static void
note_done(struct store_unit *u, int status __attribute__((unused)))
{
	free(u);
}

static void
copy(char *to, size_t cap, struct str from)
{
	size_t n = from.len < cap - 1 ? from.len : cap - 1;
	memcpy(to, from.p ? from.p : "", n);
	to[n] = 0;
}

void
iam_key_used(void *arg __attribute__((unused)), struct call *c)
{
	uint64_t hash = str_hash(c->who.access_key);
	struct slot *s = &slots[hash % SLOTS];
	if (s->hash == hash && c->now_ms >= s->noted_ms && c->now_ms < s->noted_ms + NOTE_MS)
		return;
	*s = (struct slot){ hash, c->now_ms };
	struct note *n = calloc(1, sizeof(*n));
	if (!n)
		return;
	n->unit.run = note_run;
	n->unit.done = note_done;
	n->now_ms = c->now_ms;
	copy(n->id, sizeof(n->id), c->who.access_key);
	copy(n->service, sizeof(n->service), c->service ? str_c(c->service->id) : STR("N/A"));
	copy(n->region, sizeof(n->region), c->region);
	store_submit(c->store, &n->unit);
}
