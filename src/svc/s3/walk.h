/*
 * walk: an ordered walk over the keys of a bucket in one space (C, V or U of s3.h), with prefix and
 * delimiter: keys that share a common prefix are told once and jumped over, so a page costs what it
 * shows, whatever the bucket holds. Belongs to one call and its transaction.
 */
#ifndef HANEUL_SVC_S3_WALK_H
#define HANEUL_SVC_S3_WALK_H

#include "svc/s3/s3.h"

enum walk_step { WALK_END, WALK_ITEM, WALK_PREFIX };

struct s3_walk {
	struct call *c;
	uint64_t bucket;
	char space;
	struct str prefix, delimiter; /* delimiter empty: none */
	struct str after; /* common prefixes up to this one were told already; STR_NULL: none */
	struct scan scan; /* scan.value is the row of an item */
	struct str key;   /* of the item or the common prefix; borrowed until the next step */
	bool ended;
	char text[S3_KEY_MAX + 1];
};
/* `after`: go on behind this key (and behind all rows of it); STR_NULL: from the start. */
void walk_open(struct s3_walk *w, struct call *c, uint64_t bucket, char space, struct str prefix,
	struct str delimiter, struct str after);
enum walk_step walk_next(struct s3_walk *w);
/* Goes on at `key` of the space if that lies inside the prefix and ahead. */
void walk_seek(struct s3_walk *w, const struct key *key);
/* Jumps over every key that begins with `prefix`. */
void walk_skip(struct s3_walk *w, struct str prefix);
void walk_done(struct s3_walk *w);

/* What every listing asks and answers. */
struct s3_page {
	struct str prefix, delimiter;
	uint32_t max;
	bool encode;
};
/* Checks max-keys and encoding-type; an empty delimiter is none. */
int page_init(struct call *c, struct s3_page *p, struct str prefix, struct str delimiter,
	struct opt_i64 max, const char *max_name, struct str encoding);
/* Percent-encoded when the client asked for it; STR_NULL stays. */
struct str page_text(struct call *c, const struct s3_page *p, struct str s);
struct str page_delimiter(struct call *c, const struct s3_page *p);
/* The common prefix of `key` below p->prefix, or STR_NULL. */
struct str page_common_prefix(struct str prefix, struct str delimiter, struct str key);

/* Grows a list by doubling in the arena. */
void *s3_list_room(struct call *c, void *v, uint32_t n, size_t size);
#define S3_LIST_PUSH(c, l)                                                                         \
	((l).v = s3_list_room((c), (l).v, (l).n, sizeof(*(l).v)), (l).set = true, &(l).v[(l).n++])

#endif
