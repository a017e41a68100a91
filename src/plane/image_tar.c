/* Tar, as a stream of 512-byte blocks. */
#include "plane/image_tar.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define BLOCK 512u
#define PAX_MAX (256u << 10)
#define IN_MAX (64u << 10)

enum packing { UNKNOWN, PLAIN, GZIP, ZSTD };

struct tar {
	ssize_t (*read)(void *ctx, void *p, size_t n);
	void *ctx;
	enum packing packing;
	z_stream z;
	ZSTD_DStream *zstd;
	uint8_t in[IN_MAX];
	size_t in_at, in_n;
	bool in_end;
	uint64_t left, padding; /* of the current entry */
	struct buf path, link, pax, long_path, long_link;
};

struct tar *
tar_open(ssize_t (*read)(void *ctx, void *p, size_t n), void *ctx)
{
	struct tar *t = calloc(1, sizeof(*t));
	assert(t);
	t->read = read;
	t->ctx = ctx;
	return t;
}

void
tar_close(struct tar *t)
{
	if (!t)
		return;
	if (t->packing == GZIP)
		inflateEnd(&t->z);
	ZSTD_freeDStream(t->zstd);
	struct buf *all[] = { &t->path, &t->link, &t->pax, &t->long_path, &t->long_link };
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_done(all[i]);
	free(t);
}

/* --- bytes --- */

/* false at the end, or after an error (then *err). */
static bool
fill(struct tar *t, int *err)
{
	if (t->in_at < t->in_n)
		return true;
	if (t->in_end)
		return false;
	ssize_t n = t->read(t->ctx, t->in, sizeof(t->in));
	if (n < 0)
		*err = (int)n;
	t->in_end = n <= 0;
	t->in_at = 0;
	t->in_n = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static int
find_packing(struct tar *t)
{
	int err = 0;
	if (!fill(t, &err))
		return err ? err : -EBADMSG;
	if (t->in_n >= 2 && t->in[0] == 0x1f && t->in[1] == 0x8b) {
		t->packing = GZIP;
		return inflateInit2(&t->z, 15 + 16) == Z_OK ? 0 : -ENOMEM;
	}
	if (t->in_n >= 4 && memcmp(t->in, "\x28\xb5\x2f\xfd", 4) == 0) {
		t->packing = ZSTD;
		t->zstd = ZSTD_createDStream();
		return t->zstd ? 0 : -ENOMEM;
	}
	t->packing = PLAIN;
	return 0;
}

static ssize_t
inflate_some(struct tar *t, uint8_t *p, size_t n)
{
	int err = 0, r = Z_OK;
	t->z.next_out = p;
	t->z.avail_out = (uInt)(n < 1 << 30 ? n : 1 << 30);
	size_t want = t->z.avail_out;
	while (t->z.avail_out == want && fill(t, &err)) {
		t->z.next_in = t->in + t->in_at;
		t->z.avail_in = (uInt)(t->in_n - t->in_at);
		r = inflate(&t->z, Z_NO_FLUSH);
		t->in_at = t->in_n - t->z.avail_in;
		if (r == Z_STREAM_END)
			inflateReset2(&t->z, 15 + 16); /* another member may follow */
		else if (r != Z_OK && r != Z_BUF_ERROR)
			return -EBADMSG;
	}
	return err ? err : (ssize_t)(want - t->z.avail_out);
}

static ssize_t
zstd_some(struct tar *t, uint8_t *p, size_t n)
{
	ZSTD_outBuffer out = { p, n, 0 };
	int err = 0;
	while (out.pos == 0 && fill(t, &err)) {
		ZSTD_inBuffer in = { t->in, t->in_n, t->in_at };
		if (ZSTD_isError(ZSTD_decompressStream(t->zstd, &out, &in)))
			return -EBADMSG;
		t->in_at = in.pos;
	}
	return err ? err : (ssize_t)out.pos;
}

static ssize_t
some(struct tar *t, uint8_t *p, size_t n)
{
	int err = 0;
	if (t->packing == GZIP)
		return inflate_some(t, p, n);
	if (t->packing == ZSTD)
		return zstd_some(t, p, n);
	if (!fill(t, &err))
		return err;
	size_t take = t->in_n - t->in_at < n ? t->in_n - t->in_at : n;
	memcpy(p, t->in + t->in_at, take);
	t->in_at += take;
	return (ssize_t)take;
}

/* All n, or less at the end; -errno. */
static ssize_t
whole(struct tar *t, void *p, size_t n)
{
	size_t got = 0;
	while (got < n) {
		ssize_t one = some(t, (uint8_t *)p + got, n - got);
		if (one < 0)
			return one;
		if (one == 0)
			break;
		got += (size_t)one;
	}
	return (ssize_t)got;
}

static int
pass_over(struct tar *t, uint64_t n)
{
	uint8_t block[4096];
	while (n) {
		size_t take = n < sizeof(block) ? (size_t)n : sizeof(block);
		ssize_t got = whole(t, block, take);
		if (got != (ssize_t)take)
			return got < 0 ? (int)got : -EBADMSG;
		n -= take;
	}
	return 0;
}

/* --- headers --- */

/* Octal, or big-endian binary with the first bit set (GNU). false: neither, or more than 63
 * bits. */
static bool
number(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;
	if (p[0] & 0x80) {
		for (v = p[0] & 0x3f, i = 1; i < n; i++) {
			if (v >> 55)
				return false;
			v = v << 8 | p[i];
		}
		*ret = v;
		return !(p[0] & 0x40);
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v >> 60)
			return false;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	*ret = v;
	return i == n || p[i] == 0 || p[i] == ' ';
}

static bool
sum_right(const uint8_t *h)
{
	uint64_t said, sum = 0;
	for (unsigned i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return number(h + 148, 8, &said) && said == sum;
}

static void
add_text(struct buf *b, const uint8_t *p, size_t n)
{
	buf_add(b, p, strnlen((const char *)p, n));
}

static enum tar_type
type_of(uint8_t flag)
{
	switch (flag) {
	case 0:
	case '0':
	case '7':
		return TAR_FILE;
	case '1':
		return TAR_LINK;
	case '2':
		return TAR_SYMLINK;
	case '3':
		return TAR_CHAR;
	case '4':
		return TAR_BLOCK;
	case '5':
		return TAR_DIR;
	case '6':
		return TAR_FIFO;
	default:
		return TAR_OTHER;
	}
}

static bool
header(struct tar *t, const uint8_t *h, struct tar_entry *e)
{
	uint64_t mode, uid, gid, mtime;
	if (!sum_right(h) || !number(h + 100, 8, &mode) || !number(h + 108, 8, &uid) ||
		!number(h + 116, 8, &gid) || !number(h + 124, 12, &e->size) ||
		!number(h + 136, 12, &mtime))
		return false;
	e->mode = (uint32_t)mode & 07777;
	e->uid = uid > UINT32_MAX ? UINT32_MAX : (uint32_t)uid;
	e->gid = gid > UINT32_MAX ? UINT32_MAX : (uint32_t)gid;
	e->mtime = (int64_t)mtime;
	e->type = type_of(h[156]);
	buf_clear(&t->path);
	buf_clear(&t->link);
	if (memcmp(h + 257, "ustar\0", 6) == 0 && h[345]) {
		add_text(&t->path, h + 345, 155);
		buf_add_c(&t->path, '/');
	}
	add_text(&t->path, h, 100);
	add_text(&t->link, h + 157, 100);
	return true;
}

static int
take_text(struct tar *t, uint64_t size, size_t max, struct buf *ret)
{
	buf_clear(ret);
	if (size > max)
		return -EBADMSG;
	ssize_t n = whole(t, buf_reserve(ret, (size_t)size + 1), (size_t)size);
	if (n != (ssize_t)size)
		return n < 0 ? (int)n : -EBADMSG;
	ret->len = (size_t)size;
	return pass_over(t, (BLOCK - size % BLOCK) % BLOCK);
}

/* "27 path=some/where\n": the number counts itself. */
static bool
pax_record(struct str *rest, struct str *ret_key, struct str *ret_value)
{
	struct str text = *rest;
	struct str digits = str_cut(&text, ' ');
	uint64_t len;
	if (!text.p || !str_to_u64(digits, &len) || len > rest->len || len < digits.len + 3 ||
		rest->p[len - 1] != '\n')
		return false;
	struct str value = str_of(text.p, len - digits.len - 2);
	*ret_key = str_cut(&value, '=');
	*ret_value = value;
	*rest = str_of(rest->p + len, rest->len - len);
	return value.p != NULL;
}

static bool
apply_pax(struct tar *t, struct tar_entry *e)
{
	struct str rest = buf_str(&t->pax), key, value;
	while (rest.len) {
		uint64_t v = 0;
		if (!pax_record(&rest, &key, &value))
			return false;
		if (str_is(key, "path") || str_is(key, "linkpath")) {
			struct buf *b = str_is(key, "path") ? &t->path : &t->link;
			buf_clear(b);
			buf_add_str(b, value);
		} else if (str_is(key, "size") || str_is(key, "uid") || str_is(key, "gid")) {
			if (!str_to_u64(value, &v))
				return false;
			if (str_is(key, "size"))
				e->size = v;
			else
				*(str_is(key, "uid") ? &e->uid : &e->gid) =
					v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
		} else if (str_starts(key, STR("SCHILY.xattr.")) && e->attrs_n < TAR_ATTRS_MAX) {
			e->attrs[e->attrs_n++] =
				(struct tar_attr){ str_slice(key, 13, key.len), value };
		}
	}
	return true;
}

static struct str
relative(struct buf *b)
{
	struct str s = buf_str(b);
	while (s.len && (s.p[0] == '/' || (s.len > 1 && s.p[0] == '.' && s.p[1] == '/')))
		s = str_slice(s, s.p[0] == '/' ? 1 : 2, s.len);
	while (s.len && s.p[s.len - 1] == '/')
		s.len--;
	return s;
}

static int
complete(struct tar *t, struct tar_entry *e)
{
	if (t->long_path.len) {
		buf_clear(&t->path);
		add_text(&t->path, (const uint8_t *)t->long_path.p, t->long_path.len);
	}
	if (t->long_link.len) {
		buf_clear(&t->link);
		add_text(&t->link, (const uint8_t *)t->long_link.p, t->long_link.len);
	}
	if (!apply_pax(t, e) || t->path.len > TAR_PATH_MAX || t->link.len > TAR_PATH_MAX ||
		memchr(buf_str(&t->path).p, 0, t->path.len) ||
		memchr(buf_str(&t->link).p, 0, t->link.len))
		return -EBADMSG;
	if (e->type != TAR_FILE)
		e->size = 0;
	if (e->size > INT64_MAX - BLOCK)
		return -EBADMSG;
	e->path = relative(&t->path);
	e->link = e->type == TAR_LINK ? relative(&t->link) : buf_str(&t->link);
	t->left = e->size;
	t->padding = (BLOCK - e->size % BLOCK) % BLOCK;
	return 1;
}

static bool
all_zero(const uint8_t *p)
{
	for (unsigned i = 0; i < BLOCK; i++)
		if (p[i])
			return false;
	return true;
}

int
tar_next(struct tar *t, struct tar_entry *ret)
{
	uint8_t h[BLOCK];
	int e = t->packing == UNKNOWN ? find_packing(t) : pass_over(t, t->left + t->padding);
	t->left = t->padding = 0;
	buf_clear(&t->pax);
	buf_clear(&t->long_path);
	buf_clear(&t->long_link);
	while (!e) {
		*ret = (struct tar_entry){ 0 };
		ssize_t n = whole(t, h, BLOCK);
		if (n < 0)
			return (int)n;
		if (n == 0 || (n == BLOCK && all_zero(h)))
			return 0;
		if (n != BLOCK || !header(t, h, ret))
			return -EBADMSG;
		if (h[156] == 'L')
			e = take_text(t, ret->size, TAR_PATH_MAX, &t->long_path);
		else if (h[156] == 'K')
			e = take_text(t, ret->size, TAR_PATH_MAX, &t->long_link);
		else if (h[156] == 'x')
			e = take_text(t, ret->size, PAX_MAX, &t->pax);
		else if (h[156] == 'g')
			e = pass_over(t, ret->size + (BLOCK - ret->size % BLOCK) % BLOCK);
		else
			return complete(t, ret);
	}
	return e;
}

ssize_t
tar_read(struct tar *t, void *p, size_t n)
{
	size_t take = t->left < n ? (size_t)t->left : n;
	ssize_t got = take ? whole(t, p, take) : 0;
	if (got < 0)
		return got;
	if ((size_t)got != take)
		return -EBADMSG;
	t->left -= take;
	return got;
}
