#include "aws/pattern.h"

#include "base/buf.h"

#include <pthread.h>
#include <stdatomic.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define SLOTS 4096 /* power of two; distinct patterns of all tables: about 1500 */
#define STEPS_MAX 200000
#define DEPTH_MAX 10000

struct slot {
	_Atomic(const char *) pattern; /* set last */
	pcre2_code *code;              /* NULL: not understood */
};
static struct slot slots[SLOTS];
static unsigned slots_used;
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;

/* The models write characters beyond U+FFFF as the two halves that Java sees. */
static void
add_translated(struct buf *out, const char *p)
{
	static const struct str pairs = STR("\\uD800\\uDC00-\\uDBFF\\uDFFF");
	for (size_t n = strlen(p); n;) {
		if (n >= pairs.len && str_eq_nocase(str_of(p, pairs.len), pairs)) {
			buf_add_lit(out, "\\u{10000}-\\u{10FFFF}");
			p += pairs.len, n -= pairs.len;
		} else {
			buf_add_c(out, *p);
			p++, n--;
		}
	}
}

static pcre2_code *
compile(const char *pattern)
{
	int error;
	PCRE2_SIZE at;
	struct buf text = { 0 };
	add_translated(&text, pattern);
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	pcre2_set_compile_extra_options(
		cc, PCRE2_EXTRA_ALT_BSUX | PCRE2_EXTRA_BAD_ESCAPE_IS_LITERAL);
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.p ? text.p : ""), text.len,
					 PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
						 PCRE2_NO_AUTO_CAPTURE | PCRE2_DOLLAR_ENDONLY,
					 &error, &at, cc);
	pcre2_compile_context_free(cc);
	buf_done(&text);
	return code;
}

static struct slot *
slot_of(const char *pattern)
{
	uintptr_t hash = (uintptr_t)pattern;
	hash = (hash ^ hash >> 15) * 0x9E3779B97F4A7C15u >> 40;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &slots[(hash + i) & (SLOTS - 1)];
		const char *have = atomic_load_explicit(&s->pattern, memory_order_acquire);
		if (have == pattern || !have)
			return s;
	}
	return NULL;
}

/* ret_own: the caller frees it, because the table is full. */
static const pcre2_code *
code_of(const char *pattern, pcre2_code **ret_own)
{
	struct slot *s = slot_of(pattern);
	*ret_own = NULL;
	if (s && atomic_load_explicit(&s->pattern, memory_order_acquire) == pattern)
		return s->code;
	pthread_mutex_lock(&slots_lock);
	s = slot_of(pattern); /* again: another thread may have come first */
	const pcre2_code *code;
	if (s && atomic_load_explicit(&s->pattern, memory_order_relaxed) == pattern) {
		code = s->code;
	} else if (s && slots_used < SLOTS * 3 / 4) {
		code = s->code = compile(pattern);
		slots_used++;
		atomic_store_explicit(&s->pattern, pattern, memory_order_release);
	} else {
		code = *ret_own = compile(pattern);
	}
	pthread_mutex_unlock(&slots_lock);
	return code;
}

bool
pattern_matches(const char *pattern, struct str value)
{
	pcre2_code *own;
	const pcre2_code *code = code_of(pattern, &own);
	if (!code)
		return true;
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *mc = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(mc, STEPS_MAX);
	pcre2_set_depth_limit(mc, DEPTH_MAX);
	int n = pcre2_match(code, (PCRE2_SPTR)(value.p ? value.p : ""), value.len, 0, 0, data, mc);
	pcre2_match_context_free(mc);
	pcre2_match_data_free(data);
	pcre2_code_free(own);
	return n >= 0;
}

bool
pattern_valid(const char *pattern)
{
	pcre2_code *own;
	bool ok = code_of(pattern, &own) != NULL;
	pcre2_code_free(own);
	return ok;
}
