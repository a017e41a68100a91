#include "base/map.h"

#include <stdlib.h>

#define FIRST_CAP 16

static void *
slots_new(struct arena *a, size_t n, size_t size)
{
	void *p = a ? arena_alloc(a, n * size) : calloc(n, size);
	if (!p)
		abort();
	return p;
}

void
map_init(struct map *m, struct arena *a)
{
	*m = (struct map){ .arena = a };
}

void
map_done(struct map *m)
{
	if (!m)
		return;
	if (!m->arena)
		free(m->slots);
	map_init(m, m->arena);
}

/* The slot of the key, or the free one where it belongs; cap is not 0 and one slot is free. */
static struct map_slot *
find(const struct map *m, struct str key, uint64_t hash)
{
	size_t at = hash & (m->cap - 1);
	while (m->slots[at].key.p && (m->slots[at].hash != hash || !str_eq(m->slots[at].key, key)))
		at = (at + 1) & (m->cap - 1);
	return &m->slots[at];
}

static void
grow(struct map *m)
{
	struct map old = *m;
	m->cap = old.cap ? old.cap * 2 : FIRST_CAP;
	m->slots = slots_new(m->arena, m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key.p)
			*find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
	if (!m->arena)
		free(old.slots);
}

void *
map_get(const struct map *m, struct str key)
{
	if (!m->n)
		return NULL;
	return find(m, key, str_hash(key))->value;
}

void *
map_put(struct map *m, struct str key, void *value)
{
	if (m->n >= m->cap / 4 * 3)
		grow(m);
	uint64_t hash = str_hash(key);
	struct map_slot *s = find(m, key, hash);
	void *old = s->value;
	if (!s->key.p) {
		s->key = key;
		s->hash = hash;
		m->n++;
	}
	s->value = value;
	return old;
}

void *
map_take(struct map *m, struct str key)
{
	struct map_slot *s = m->n ? find(m, key, str_hash(key)) : NULL;
	if (!s || !s->key.p)
		return NULL;
	void *value = s->value;
	size_t hole = (size_t)(s - m->slots), mask = m->cap - 1;
	/* Later ones of the same run move up, so that no look-up stops at the hole. */
	for (size_t i = (hole + 1) & mask; m->slots[i].key.p; i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_slot){ 0 };
	m->n--;
	return value;
}

bool
map_next(const struct map *m, size_t *at, struct str *ret_key, void **ret_value)
{
	for (; *at < m->cap; ++*at) {
		const struct map_slot *s = &m->slots[*at];
		if (!s->key.p)
			continue;
		if (ret_key)
			*ret_key = s->key;
		if (ret_value)
			*ret_value = s->value;
		++*at;
		return true;
	}
	return false;
}

void
map_u64_init(struct map_u64 *m, struct arena *a)
{
	*m = (struct map_u64){ .arena = a };
}

void
map_u64_done(struct map_u64 *m)
{
	if (!m)
		return;
	if (!m->arena)
		free(m->slots);
	map_u64_init(m, m->arena);
}

static size_t
home_u64(const struct map_u64 *m, uint64_t key)
{
	return str_hash(str_of(&key, sizeof(key))) & (m->cap - 1);
}

static struct map_u64_slot *
find_u64(const struct map_u64 *m, uint64_t key)
{
	size_t at = home_u64(m, key);
	while (m->slots[at].value && m->slots[at].key != key)
		at = (at + 1) & (m->cap - 1);
	return &m->slots[at];
}

static void
grow_u64(struct map_u64 *m)
{
	struct map_u64 old = *m;
	m->cap = old.cap ? old.cap * 2 : FIRST_CAP;
	m->slots = slots_new(m->arena, m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			*find_u64(m, old.slots[i].key) = old.slots[i];
	if (!m->arena)
		free(old.slots);
}

void *
map_u64_get(const struct map_u64 *m, uint64_t key)
{
	return m->n ? find_u64(m, key)->value : NULL;
}

void *
map_u64_put(struct map_u64 *m, uint64_t key, void *value)
{
	if (m->n >= m->cap / 4 * 3)
		grow_u64(m);
	struct map_u64_slot *s = find_u64(m, key);
	void *old = s->value;
	m->n += !old;
	*s = (struct map_u64_slot){ key, value };
	return old;
}

void *
map_u64_take(struct map_u64 *m, uint64_t key)
{
	struct map_u64_slot *s = m->n ? find_u64(m, key) : NULL;
	if (!s || !s->value)
		return NULL;
	void *value = s->value;
	size_t hole = (size_t)(s - m->slots), mask = m->cap - 1;
	for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		if (((i - home_u64(m, m->slots[i].key)) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_u64_slot){ 0 };
	m->n--;
	return value;
}

bool
map_u64_next(const struct map_u64 *m, size_t *at, uint64_t *ret_key, void **ret_value)
{
	for (; *at < m->cap; ++*at) {
		const struct map_u64_slot *s = &m->slots[*at];
		if (!s->value)
			continue;
		if (ret_key)
			*ret_key = s->key;
		if (ret_value)
			*ret_value = s->value;
		++*at;
		return true;
	}
	return false;
}
