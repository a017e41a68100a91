/*
 * memtable: versions of rows in memory, ordered by (environment, key, sequence number descending).
 *
 * One writer, any number of readers beside it without locks: a node is whole before it is linked,
 * and its memory lives as long as the memtable. A removed node keeps its own links, so a reader
 * standing on it walks on; only nodes that no snapshot can see are ever removed.
 * Owned by reference counting; the last memtable_unref frees it.
 */
#ifndef HANEUL_STORE_MEMTABLE_H
#define HANEUL_STORE_MEMTABLE_H

#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define NODE_HEIGHT_MAX 14
#define SEQ_MAX UINT64_MAX

struct node {
	uint64_t seq;
	const char *value;
	uint32_t key_len, value_len;
	uint16_t rows;
	uint8_t height;
	bool deleted;                  /* a tombstone: the row is gone as of seq */
	_Atomic(struct node *) next[]; /* `height` links, then the key's bytes */
};

struct mem_block;

struct memtable {
	atomic_int refs;
	_Atomic(uint64_t) bytes; /* taken from the heap */
	uint64_t last_seq;       /* the newest version within; set when it is frozen */
	uint64_t floor;          /* not 0: nothing older than this table is to be read (a reset) */
	uint64_t count;
	uint64_t random;
	_Atomic(int) height;
	struct mem_block *blocks; /* newest first */
	char *at, *end;
	struct node *head;
};

struct memtable *memtable_new(void);
struct memtable *memtable_ref(struct memtable *m);
void memtable_unref(struct memtable *m); /* NULL is fine */
/* Memory that freed tables left for later ones, back to the system. false: there was none. */
bool memtable_spares_free(void);
/* Empties it; nobody else may be reading. Keeps one small block. */
void memtable_reset(struct memtable *m);

/* Copies key and value. The triple (rows, key, seq) must not be there yet. */
struct node *memtable_add(struct memtable *m, uint16_t rows, struct str key, uint64_t seq,
	bool deleted, struct str value);
/* Replaces the value of a node that only the writer sees; the old value's bytes stay. */
void memtable_replace(struct memtable *m, struct node *n, bool deleted, struct str value);
void memtable_remove(struct memtable *m, struct node *n);

/* The first node at or after (rows, key, seq): newer versions of the key stand before it. */
struct node *memtable_ge(const struct memtable *m, uint16_t rows, struct str key, uint64_t seq);
/* The last node before every version of key; NULL when none. */
struct node *memtable_lt(const struct memtable *m, uint16_t rows, struct str key);
/* The newest version of key at or before seq; NULL when none. */
struct node *memtable_get(const struct memtable *m, uint16_t rows, struct str key, uint64_t seq);
struct node *memtable_first(const struct memtable *m);

static inline struct node *
node_next(const struct node *n)
{
	return atomic_load_explicit(&n->next[0], memory_order_acquire);
}

static inline struct str
node_key(const struct node *n)
{
	return str_of(&n->next[n->height], n->key_len);
}

static inline struct str
node_value(const struct node *n)
{
	return str_of(n->value, n->value_len);
}

#endif
