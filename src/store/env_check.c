/* See env_check.h. The layout is that of LMDB 0.9 on 64 bits: mdb.c describes it. */
#include "store/env_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PAGE_HEAD 16u
#define NODE_HEAD 8u
#define P_BRANCH 1u
#define P_LEAF 2u
#define P_OVERFLOW 4u
#define P_META 8u
#define F_BIG 1u
#define F_SUBDATA 2u
#define META_MAGIC 0xBEEFC0DEu
#define KEY_MAX 511u
#define DEPTH_MAX 32u
#define NO_PAGE UINT64_MAX
#define INTEGER_KEYS 8u /* md_flags */
#define SUM_BYTES 8u

uint64_t env_check_large = 32u << 20;

struct db {
	uint32_t pad;
	uint16_t flags, depth;
	uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct meta {
	uint32_t magic, version;
	uint64_t address, map_bytes;
	struct db free, main;
	uint64_t last_page, txn;
};

struct head {
	uint64_t number;
	uint16_t pad, flags, lower, upper; /* overflow: lower and upper are the number of pages */
};

struct checker {
	struct env_check *c;
	int fd;
	uint32_t page_bytes;
	uint64_t pages; /* all, metas included */
	uint8_t *seen;	/* a bit for each */
	bool old;	/* values without checksums: the databases' names tell */
	bool stopped;
	const atomic_bool *stop;
	bool cut;  /* because of it */
	char *big; /* a value over several pages */
	size_t big_cap;
	/* Of the tree under way. */
	int tree; /* enum env_db, or one of: */
#define TREE_FREE (-1)
#define TREE_MAIN (-2)
	struct db found;     /* counted */
	struct db sub[ENV_DBS]; /* the main tree's entries */
	bool has_sub[ENV_DBS];
};

uint64_t
env_value_sum(struct str key, struct str value)
{
	return XXH3_64bits_withSeed(value.p, value.len, XXH3_64bits(key.p, key.len));
}

static bool
read_at(struct checker *k, uint64_t page, void *p, size_t len)
{
	off_t at = (off_t)(page * k->page_bytes);
	k->c->bytes += len;
	while (len > 0) {
		ssize_t n = pread(k->fd, p, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p = (char *)p + n;
		len -= (size_t)n;
		at += n;
	}
	return true;
}

static bool
bad(struct checker *k)
{
	k->c->bad_pages++;
	return false;
}

/* Each page once: false when it was met before, or does not exist. */
static bool
page_claim(struct checker *k, uint64_t page, uint64_t n)
{
	if (page < 2 || page >= k->pages || n > k->pages - page)
		return false;
	for (uint64_t i = page; i < page + n; i++) {
		if (k->seen[i / 8] >> (i % 8) & 1)
			return false;
		k->seen[i / 8] |= (uint8_t)(1u << (i % 8));
	}
	return true;
}

struct node {
	struct str key;
	uint16_t flags;
	uint32_t data_bytes;
	const char *data;
	uint64_t child; /* of a branch */
};

static bool
node_at(struct checker *k, const char *page, const struct head *h, unsigned i, struct node *ret)
{
	uint16_t at, lo, hi, flags, key_bytes;
	memcpy(&at, page + PAGE_HEAD + 2 * i, 2);
	if (at < h->upper || at + NODE_HEAD > k->page_bytes)
		return false;
	memcpy(&lo, page + at, 2);
	memcpy(&hi, page + at + 2, 2);
	memcpy(&flags, page + at + 4, 2);
	memcpy(&key_bytes, page + at + 6, 2);
	if (key_bytes > KEY_MAX || at + NODE_HEAD + key_bytes > k->page_bytes)
		return false;
	ret->key = str_of(page + at + NODE_HEAD, key_bytes);
	ret->flags = flags;
	ret->data = ret->key.p + key_bytes;
	ret->data_bytes = (uint32_t)lo | (uint32_t)hi << 16;
	ret->child = (uint64_t)lo | (uint64_t)hi << 16 | (uint64_t)flags << 32;
	if (h->flags & P_BRANCH)
		return true;
	uint32_t here = flags & F_BIG ? 8 : ret->data_bytes;
	return here <= k->page_bytes - (at + NODE_HEAD + key_bytes);
}

static int
key_order(const struct checker *k, struct str a, struct str b)
{
	uint64_t x, y;
	if (k->tree != TREE_FREE || a.len != 8 || b.len != 8)
		return str_cmp(a, b);
	memcpy(&x, a.p, 8);
	memcpy(&y, b.p, 8);
	return x < y ? -1 : x > y;
}

/* The value of a node that has pages of its own. */
static bool
big_read(struct checker *k, struct node *n)
{
	uint64_t page;
	memcpy(&page, n->data, 8);
	uint64_t least = (PAGE_HEAD - 1 + (uint64_t)n->data_bytes) / k->page_bytes + 1;
	if (page < 2 || page >= k->pages || least > k->pages - page)
		return bad(k);
	size_t bytes = PAGE_HEAD + n->data_bytes;
	if (bytes > k->big_cap) {
		free(k->big);
		k->big_cap = bytes * 2;
		k->big = malloc(k->big_cap);
		if (!k->big)
			abort();
	}
	struct head h;
	uint32_t pages;
	if (!read_at(k, page, k->big, bytes))
		return bad(k);
	memcpy(&h, k->big, sizeof h);
	memcpy(&pages, k->big + 12, 4);
	/* A shorter value in place of a longer one keeps its pages. */
	if (h.number != page || h.flags != P_OVERFLOW || pages < least ||
		!page_claim(k, page, pages))
		return bad(k);
	k->found.overflow_pages += pages;
	n->data = k->big + PAGE_HEAD;
	return true;
}

/* Free pages: how many, then their numbers. */
static bool
free_list(struct checker *k, const struct node *n)
{
	uint64_t count, page;
	if (n->key.len != 8 || n->data_bytes < 8)
		return bad(k);
	memcpy(&count, n->data, 8);
	if (count > n->data_bytes / 8 - 1)
		return bad(k);
	for (uint64_t i = 1; i <= count; i++) {
		memcpy(&page, n->data + 8 * i, 8);
		if (!page_claim(k, page, 1))
			return bad(k);
	}
	return true;
}

static bool
sub_database(struct checker *k, const struct node *n)
{
	static const char *const names[2][ENV_DBS] = { { "rows.2", "long.2", "meta.2" },
		{ "rows", "long", "meta" } };
	for (int i = 0; i < 2 * ENV_DBS; i++) {
		bool old = i >= ENV_DBS;
		int db = i % ENV_DBS;
		if (!str_eq(n->key, str_c(names[old][db])) || n->flags != F_SUBDATA ||
			n->data_bytes != sizeof(struct db) ||
			(k->found.entries > 1 && k->old != old))
			continue;
		k->old = old;
		memcpy(&k->sub[db], n->data, sizeof(struct db));
		k->has_sub[db] = true;
		return true;
	}
	return bad(k);
}

static void
position_take(struct checker *k, struct str key, struct str value)
{
	if (!str_is(key, "pos") || value.len != 16)
		return;
	memcpy(&k->c->seq, value.p, 8);
	memcpy(&k->c->next_id, value.p + 8, 8);
}

static bool
value_check(struct checker *k, const struct node *n)
{
	struct str value = str_of(n->data, n->data_bytes);
	if (!k->old) {
		uint64_t sum;
		if (value.len < SUM_BYTES)
			return false;
		value.len -= SUM_BYTES;
		memcpy(&sum, value.p + value.len, SUM_BYTES);
		if (sum != env_value_sum(n->key, value))
			return false;
	}
	k->c->rows[k->tree]++;
	if (k->tree == ENV_META)
		position_take(k, n->key, value);
	if (k->c->row && k->c->row(k->c->arg, (enum env_db)k->tree, n->key, value))
		k->stopped = true;
	return true;
}

static bool
leaf_node(struct checker *k, struct node *n)
{
	k->found.entries++;
	if (n->flags & F_BIG && !big_read(k, n))
		return false;
	if (k->tree == TREE_FREE)
		return free_list(k, n);
	if (k->tree == TREE_MAIN)
		return sub_database(k, n);
	if (n->flags & ~F_BIG)
		return bad(k);
	if (!value_check(k, n)) {
		k->c->bad_values++;
		return false;
	}
	return true;
}

/* Before it is copied into: where the tree goes on from a page, and between which keys. */
struct span {
	struct str lo, hi; /* lo <= key < hi; p NULL: open */
};

static bool walk(struct checker *k, uint64_t page, unsigned depth, struct span in);

static bool
nodes_walk(
	struct checker *k, const char *page, const struct head *h, unsigned depth, struct span in)
{
	unsigned n = (h->lower - PAGE_HEAD) / 2;
	bool branch = h->flags & P_BRANCH, good = true;
	struct node at, next;
	struct str before = STR_NULL;
	for (unsigned i = 0; i < n && !k->stopped; i++) {
		if (!node_at(k, page, h, i, &at)) {
			good = bad(k);
			continue;
		}
		/* The first key of a branch stands for everything below the second. */
		bool open = branch && i == 0;
		if (!open && ((before.p && key_order(k, before, at.key) >= 0) ||
				     (in.lo.p && key_order(k, at.key, in.lo) < 0) ||
				     (in.hi.p && key_order(k, at.key, in.hi) >= 0))) {
			good = bad(k);
			continue;
		}
		before = open ? STR_NULL : at.key;
		if (!branch) {
			good &= leaf_node(k, &at);
			continue;
		}
		struct span sub = { open ? in.lo : at.key, in.hi };
		if (i + 1 < n && node_at(k, page, h, i + 1, &next))
			sub.hi = next.key;
		good &= walk(k, at.child, depth + 1, sub);
	}
	return good;
}

static bool
stop_asked(struct checker *k)
{
	if (!k->stopped && k->stop && atomic_load_explicit(k->stop, memory_order_relaxed))
		k->stopped = k->cut = true;
	return k->stopped;
}

/* A page and everything below it; false when something there is wrong. */
static bool
walk(struct checker *k, uint64_t number, unsigned depth, struct span in)
{
	struct head h;
	if (stop_asked(k))
		return true;
	if (depth > k->found.depth || depth > DEPTH_MAX || !page_claim(k, number, 1))
		return bad(k);
	char *page = malloc(k->page_bytes);
	if (!page)
		abort();
	bool good = read_at(k, number, page, k->page_bytes);
	if (good) {
		memcpy(&h, page, sizeof h);
		bool leaf = depth == k->found.depth;
		good = h.number == number && h.flags == (leaf ? P_LEAF : P_BRANCH) &&
		       h.lower >= PAGE_HEAD && h.lower <= h.upper && h.upper <= k->page_bytes &&
		       (h.lower & 1) == 0 && h.lower >= PAGE_HEAD + (leaf ? 2 : 4);
		*(leaf ? &k->found.leaf_pages : &k->found.branch_pages) += 1;
	}
	good = good ? nodes_walk(k, page, &h, depth, in) : bad(k);
	free(page);
	return good;
}

static bool
tree_check(struct checker *k, int tree, const struct db *db)
{
	k->tree = tree;
	k->found = (struct db){ .depth = db->depth };
	if (db->root == NO_PAGE)
		return db->depth == 0 && db->entries == 0 && !db->branch_pages && !db->leaf_pages &&
				       !db->overflow_pages ?
			       true :
			       bad(k);
	if (db->depth < 1 || db->depth > DEPTH_MAX)
		return bad(k);
	bool good = walk(k, db->root, 1, (struct span){ STR_NULL, STR_NULL });
	if (!k->stopped && good &&
		(k->found.entries != db->entries || k->found.leaf_pages != db->leaf_pages ||
			k->found.branch_pages != db->branch_pages ||
			k->found.overflow_pages != db->overflow_pages))
		good = bad(k);
	return good;
}

static bool
meta_read(struct checker *k, unsigned i, struct meta *ret)
{
	char page[PAGE_HEAD + sizeof(struct meta)];
	struct head h;
	if (!read_at(k, i, page, sizeof page))
		return false;
	memcpy(&h, page, sizeof h);
	memcpy(ret, page + PAGE_HEAD, sizeof *ret);
	/* The data version is 1; other bits of the page's flags are not set. */
	return h.number == i && h.flags == P_META && ret->magic == META_MAGIC &&
	       ret->version == 1 && ret->free.pad == k->page_bytes &&
	       ret->free.flags == INTEGER_KEYS && ret->main.flags == 0 &&
	       ret->txn % 2 == (ret->txn ? i : 0);
}

/* The newer of the two, as LMDB chooses it. They follow each other: one that claims more is
 * damaged. */
static bool
meta_choose(struct checker *k, struct meta *ret)
{
	struct meta m[2];
	bool good = true;
	for (unsigned i = 0; i < 2; i++)
		good &= meta_read(k, i, &m[i]);
	if (!good)
		return bad(k);
	unsigned newer = m[1].txn > m[0].txn;
	*ret = m[newer];
	uint64_t apart = m[newer].txn - m[!newer].txn;
	return apart > 1 ? bad(k) : true;
}

/* Every page is in use or free. */
static bool
pages_all_seen(struct checker *k)
{
	for (uint64_t i = 2; i < k->pages; i++)
		if (!(k->seen[i / 8] >> (i % 8) & 1))
			return bad(k);
	return true;
}

static bool
trees_check(struct checker *k, const struct meta *m)
{
	bool good = tree_check(k, TREE_FREE, &m->free);
	good &= tree_check(k, TREE_MAIN, &m->main);
	k->c->counted = k->has_sub[ENV_ROWS] && k->has_sub[ENV_LONG] && k->has_sub[ENV_META];
	if (!k->c->counted)
		return k->cut || bad(k);
	for (int i = ENV_DBS - 1; i >= 0; i--) {
		k->c->entries[i] = k->sub[i].entries;
		good &= tree_check(k, i, &k->sub[i]);
	}
	return good && !k->stopped ? pages_all_seen(k) : good;
}

/* Made, and never filled: a crash in its first moment. */
static bool
file_is_blank(struct checker *k, uint64_t file_bytes)
{
	char page[4096] = "";
	if (file_bytes > 2 * (uint64_t)k->page_bytes)
		return false;
	size_t n = file_bytes < sizeof page ? file_bytes : sizeof page;
	return n == 0 ||
	       (read_at(k, 0, page, n) && page[0] == 0 && memcmp(page, page + 1, n - 1) == 0);
}

static enum env_verdict
file_check(struct checker *k, uint64_t file_bytes)
{
	struct meta m;
	if (file_is_blank(k, file_bytes))
		return ENV_ABSENT;
	if (!meta_choose(k, &m))
		return ENV_DAMAGED;
	k->pages = m.last_page + 1;
	if (m.last_page < 1 || m.last_page > file_bytes / k->page_bytes + (1u << 20)) {
		bad(k);
		return ENV_DAMAGED;
	}
	/* A crash in its first moment: made, and nothing in it. */
	if (m.main.root == NO_PAGE && m.txn == 0)
		return ENV_ABSENT;
	k->seen = calloc(1, k->pages / 8 + 1);
	if (!k->seen)
		abort();
	if (!trees_check(k, &m))
		return ENV_DAMAGED;
	return k->old ? ENV_OLD : ENV_GOOD;
}

enum env_verdict
env_check(const char *path, struct env_check *c)
{
	struct checker k = { .c = c, .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE) };
	struct stat st;
	k.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (k.fd < 0 || fstat(k.fd, &st) < 0) {
		c->error = errno;
		if (k.fd >= 0)
			close(k.fd);
		return c->error == ENOENT ? ENV_ABSENT : ENV_UNREADABLE;
	}
	k.stop = (uint64_t)st.st_size >= env_check_large ? c->stop : NULL;
	enum env_verdict v = file_check(&k, (uint64_t)st.st_size);
	if (k.cut)
		v = ENV_STOPPED;
	close(k.fd);
	free(k.seen);
	free(k.big);
	return v;
}
