/* A skiplist in memory of its own: see memtable.h. */
#include "store/memtable.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BLOCK_MIN 4096u
#define BLOCK_MAX (1u << 20)
/* Blocks from here on are mapped, so that their memory goes back to the system at once. */
#define BLOCK_MAPPED (128u << 10)

struct mem_block {
	struct mem_block *next;
	size_t size;
};

/* Blocks of BLOCK_MAX that a merged table left for the next one: pages that are there already cost
 * a durable write less than clean ones. memtable_spares_free lets go of them when writing has
 * stopped. */
#define SPARES_MAX 16
static pthread_mutex_t spares_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mem_block *spares;
static unsigned spares_n;

static struct mem_block *
spare_take(void)
{
	pthread_mutex_lock(&spares_lock);
	struct mem_block *b = spares;
	if (b) {
		spares = b->next;
		spares_n--;
	}
	pthread_mutex_unlock(&spares_lock);
	return b;
}

static bool
spare_give(struct mem_block *b)
{
	pthread_mutex_lock(&spares_lock);
	bool room = spares_n < SPARES_MAX;
	if (room) {
		b->next = spares;
		spares = b;
		spares_n++;
	}
	pthread_mutex_unlock(&spares_lock);
	return room;
}

bool
memtable_spares_free(void)
{
	unsigned n = 0;
	for (struct mem_block *b; (b = spare_take()); n++)
		munmap(b, b->size);
	return n > 0;
}

static struct mem_block *
block_new(size_t size)
{
	struct mem_block *b = size == BLOCK_MAX ? spare_take() : NULL;
	if (b)
		return b;
	if (size >= BLOCK_MAPPED) {
		b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (b == MAP_FAILED)
			abort();
	} else {
		b = malloc(size);
		if (!b)
			abort();
	}
	b->size = size;
	return b;
}

static void
block_free(struct mem_block *b)
{
	if (b->size == BLOCK_MAX && spare_give(b))
		return;
	if (b->size >= BLOCK_MAPPED)
		munmap(b, b->size);
	else
		free(b);
}

static void *
mem_alloc(struct memtable *m, size_t size)
{
	size = (size + 7) & ~(size_t)7;
	if (size > (size_t)(m->end - m->at)) {
		size_t want = m->blocks ? m->blocks->size * 2 : BLOCK_MIN;
		if (want > BLOCK_MAX)
			want = BLOCK_MAX;
		if (want < size + sizeof(struct mem_block))
			want = (size + sizeof(struct mem_block) + 4095) & ~(size_t)4095;
		struct mem_block *b = block_new(want);
		b->next = m->blocks;
		m->blocks = b;
		m->at = (char *)(b + 1);
		m->end = (char *)b + want;
		atomic_fetch_add_explicit(&m->bytes, want, memory_order_relaxed);
	}
	void *p = m->at;
	m->at += size;
	return p;
}

static struct node *
node_alloc(struct memtable *m, int height, size_t key_len)
{
	struct node *n = mem_alloc(m, sizeof *n + sizeof(n->next[0]) * (size_t)height + key_len);
	for (int i = 0; i < height; i++)
		atomic_init(&n->next[i], NULL);
	n->height = (uint8_t)height;
	n->key_len = (uint32_t)key_len;
	return n;
}

static void
head_init(struct memtable *m)
{
	m->head = node_alloc(m, NODE_HEIGHT_MAX, 0);
	atomic_store(&m->height, 1);
	m->count = 0;
	m->last_seq = 0;
}

struct memtable *
memtable_new(void)
{
	struct memtable *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	atomic_init(&m->refs, 1);
	m->random = 0x9e3779b97f4a7c15u;
	head_init(m);
	return m;
}

struct memtable *
memtable_ref(struct memtable *m)
{
	atomic_fetch_add(&m->refs, 1);
	return m;
}

void
memtable_unref(struct memtable *m)
{
	if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
		return;
	while (m->blocks) {
		struct mem_block *b = m->blocks;
		m->blocks = b->next;
		block_free(b);
	}
	free(m);
}

void
memtable_reset(struct memtable *m)
{
	while (m->blocks->next) {
		struct mem_block *b = m->blocks;
		m->blocks = b->next;
		block_free(b);
	}
	m->at = (char *)(m->blocks + 1);
	m->end = (char *)m->blocks + m->blocks->size;
	atomic_store(&m->bytes, m->blocks->size);
	head_init(m);
}

static int
node_cmp(const struct node *n, uint16_t rows, struct str key, uint64_t seq)
{
	if (n->rows != rows)
		return n->rows < rows ? -1 : 1;
	size_t len = n->key_len < key.len ? n->key_len : key.len;
	int c = len ? memcmp(&n->next[n->height], key.p, len) : 0;
	if (c)
		return c;
	if (n->key_len != key.len)
		return n->key_len < key.len ? -1 : 1;
	return n->seq == seq ? 0 : n->seq > seq ? -1 : 1;
}

/* The last node before (rows, key, seq), maybe the head; with prevs, the last one on each level.
 * *ret_after is the one behind it when we looked: by now the writer may have put another between.
 */
static struct node *
find_before(const struct memtable *m, uint16_t rows, struct str key, uint64_t seq,
	struct node **prevs, struct node **ret_after)
{
	struct node *at = m->head, *known = NULL, *n = NULL;
	for (int i = atomic_load_explicit(&m->height, memory_order_acquire) - 1; i >= 0; i--) {
		for (;;) {
			n = atomic_load_explicit(&at->next[i], memory_order_acquire);
			/* What a higher level found to be beyond need not be compared again. */
			if (!n || n == known)
				break;
			if (node_cmp(n, rows, key, seq) >= 0) {
				known = n;
				break;
			}
			at = n;
		}
		if (prevs)
			prevs[i] = at;
	}
	*ret_after = n;
	return at;
}

static int
random_height(struct memtable *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	int h = 1;
	for (uint64_t r = m->random >> 20; (r & 3) == 0 && h < NODE_HEIGHT_MAX; r >>= 2)
		h++;
	return h;
}

struct node *
memtable_add(struct memtable *m, uint16_t rows, struct str key, uint64_t seq, bool deleted,
	struct str value)
{
	struct node *prevs[NODE_HEIGHT_MAX], *after;
	int height = random_height(m), old = atomic_load(&m->height);
	find_before(m, rows, key, seq, prevs, &after);
	for (int i = old; i < height; i++)
		prevs[i] = m->head;
	struct node *n = node_alloc(m, height, key.len);
	n->seq = seq;
	n->rows = rows;
	memcpy(&n->next[height], key.p, key.len);
	memtable_replace(m, n, deleted, value);
	for (int i = 0; i < height; i++)
		atomic_store_explicit(
			&n->next[i], atomic_load(&prevs[i]->next[i]), memory_order_relaxed);
	for (int i = 0; i < height; i++)
		atomic_store_explicit(&prevs[i]->next[i], n, memory_order_release);
	if (height > old)
		atomic_store_explicit(&m->height, height, memory_order_release);
	m->count++;
	return n;
}

void
memtable_replace(struct memtable *m, struct node *n, bool deleted, struct str value)
{
	char *p = mem_alloc(m, value.len);
	if (value.len)
		memcpy(p, value.p, value.len);
	n->value = p;
	n->value_len = (uint32_t)value.len;
	n->deleted = deleted;
}

void
memtable_remove(struct memtable *m, struct node *n)
{
	struct node *prevs[NODE_HEIGHT_MAX], *after;
	find_before(m, n->rows, node_key(n), n->seq, prevs, &after);
	for (int i = n->height - 1; i >= 0; i--)
		atomic_store_explicit(
			&prevs[i]->next[i], atomic_load(&n->next[i]), memory_order_release);
	m->count--;
}

struct node *
memtable_ge(const struct memtable *m, uint16_t rows, struct str key, uint64_t seq)
{
	struct node *after;
	find_before(m, rows, key, seq, NULL, &after);
	return after;
}

struct node *
memtable_lt(const struct memtable *m, uint16_t rows, struct str key)
{
	struct node *after, *n = find_before(m, rows, key, SEQ_MAX, NULL, &after);
	return n == m->head ? NULL : n;
}

struct node *
memtable_get(const struct memtable *m, uint16_t rows, struct str key, uint64_t seq)
{
	struct node *n = memtable_ge(m, rows, key, seq);
	return n && n->rows == rows && str_eq(node_key(n), key) ? n : NULL;
}

struct node *
memtable_first(const struct memtable *m)
{
	return node_next(m->head);
}
