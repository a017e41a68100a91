/*
 * nl: netlink spoken directly: messages are appended to a struct buf, sent together, and their
 * acknowledgements read. No library, no child process. Not thread-safe; a socket belongs to the
 * network namespace in which it was opened, wherever its process goes afterwards.
 */
#ifndef HANEUL_PLANE_NL_H
#define HANEUL_PLANE_NL_H

#include "base/buf.h"

struct nlmsghdr;

int nl_open(int protocol); /* fd (close-on-exec) or -errno */

/* A message: its head (struct ifinfomsg, nfgenmsg …) follows at once, attributes after that.
 * Returns where it starts, for nl_end. */
size_t nl_begin(struct buf *b, uint16_t type, uint16_t flags, const void *head, size_t head_len);
void nl_end(struct buf *b, size_t at);

void nl_put(struct buf *b, uint16_t type, const void *p, size_t len);
void nl_put_u8(struct buf *b, uint16_t type, uint8_t v);
void nl_put_u16(struct buf *b, uint16_t type, uint16_t v);
void nl_put_u32(struct buf *b, uint16_t type, uint32_t v);
void nl_put_be32(
	struct buf *b, uint16_t type, uint32_t v); /* v in host order; also IPv4 addresses */
void nl_put_be64(struct buf *b, uint16_t type, uint64_t v);
void nl_put_text(struct buf *b, uint16_t type, const char *s); /* with its NUL */
size_t nl_nest(struct buf *b, uint16_t type);
void nl_nest_end(struct buf *b, size_t at);

/* Sends all messages and reads what comes back. Each acknowledgement that is an error is given to
 * `failed` (NULL: none may fail), which returns true to forgive it; `n` is the message's number
 * from 0. What is no acknowledgement is given to `each` (may be NULL). Returns 0 or the first error
 * that was not forgiven. */
struct nl_run {
	bool (*failed)(void *ctx, unsigned n, int err);
	void (*each)(void *ctx, const struct nlmsghdr *m);
	void *ctx;
	char said[120]; /* the kernel's own sentence about the error, or "" */
};
int nl_run(int fd, struct buf *b, struct nl_run *r);
/* The simple case: all must succeed. The buf is cleared. */
int nl_send(int fd, struct buf *b);

/* Attributes of what came back: found[type] for type <= max; NULL when absent. */
struct nlattr;
void nl_attrs(const void *p, size_t len, const struct nlattr **found, unsigned max);
/* of a whole message with a head of that size */
void nl_attrs_of(
	const struct nlmsghdr *m, size_t head_len, const struct nlattr **found, unsigned max);
const void *nl_data(const struct nlattr *a, size_t least); /* NULL when absent or shorter */
size_t nl_len(const struct nlattr *a);
uint32_t nl_get_u32(const struct nlattr *a);  /* 0 when absent */
uint32_t nl_get_be32(const struct nlattr *a);
uint64_t nl_get_be64(const struct nlattr *a);
uint16_t nl_get_be16(const struct nlattr *a);
void nl_nested(const struct nlattr *a, const struct nlattr **found, unsigned max);

#endif
