/*
 * map: hash maps with open addressing, from text or from a number to a pointer. The hash is keyed
 * by the process, so outsiders cannot choose colliding keys. Keys and values are borrowed: text
 * keys must stay where they are while they are in the map. A zeroed struct is an empty map on the
 * heap. Not thread-safe. Iteration order is unspecified and changes with the process: sort before
 * showing.
 */
#ifndef HANEUL_BASE_MAP_H
#define HANEUL_BASE_MAP_H

#include "base/arena.h"

struct map_slot {
	struct str key; /* p == NULL: free */
	uint64_t hash;
	void *value;
};
struct map {
	struct map_slot *slots;
	size_t n, cap;       /* cap: 0 or a power of two */
	struct arena *arena; /* NULL: heap */
};

/* a == NULL: heap, and map_done is due. With an arena map_done is not needed. */
void map_init(struct map *m, struct arena *a);
void map_done(struct map *m); /* leaves an empty map; values are not touched */
void *map_get(const struct map *m, struct str key); /* NULL: absent */
/* key.p and value are not NULL. Returns the value that was there (the old key stays), or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_take(struct map *m, struct str key); /* removes; NULL: absent */
/* Walks all: size_t at = 0; while (map_next(&m, &at, &key, &value)) … Key and value pointers may be
 * NULL. Do not put or take meanwhile. */
bool map_next(const struct map *m, size_t *at, struct str *ret_key, void **ret_value);

struct map_u64_slot {
	uint64_t key;
	void *value; /* NULL: free */
};
struct map_u64 {
	struct map_u64_slot *slots;
	size_t n, cap;
	struct arena *arena;
};

void map_u64_init(struct map_u64 *m, struct arena *a);
void map_u64_done(struct map_u64 *m);
void *map_u64_get(const struct map_u64 *m, uint64_t key);
void *map_u64_put(struct map_u64 *m, uint64_t key, void *value);
void *map_u64_take(struct map_u64 *m, uint64_t key);
bool map_u64_next(const struct map_u64 *m, size_t *at, uint64_t *ret_key, void **ret_value);

#endif
