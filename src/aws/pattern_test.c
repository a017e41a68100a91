#include "aws/call.h"
#include "aws/pattern.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

TEST(pattern_matches_whole_values)
{
	static const char name[] = "[a-zA-Z0-9_.-]+";
	assert_true(pattern_matches(name, STR("a.b-c_1")));
	assert_false(pattern_matches(name, STR("a b")));
	assert_false(pattern_matches(name, STR("")));
	assert_false(pattern_matches(name, STR("ab\n")));
	static const char two[] = "ab|abc";
	assert_true(pattern_matches(two, STR("abc")));
}

TEST(pattern_reads_the_escapes_of_java)
{
	static const char iam[] = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
	assert_true(pattern_matches(iam, STR("a\xc3\xbf\n")));
	assert_false(pattern_matches(iam, STR("\xe2\x82\xac")));
	static const char wide[] =
		"[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*";
	assert_true(pattern_valid(wide));
	assert_true(pattern_matches(wide, STR("\xf0\x9f\x98\x80")));
	static const char letters[] = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
	assert_true(pattern_matches(letters, STR("\xed\x95\x98\xeb\x8a\x98 = 1")));
	assert_false(pattern_matches(letters, STR("a,b")));
}

TEST(pattern_work_is_bounded)
{
	static const char evil[] = "(a+)+b";
	char text[4000];
	memset(text, 'a', sizeof(text));
	assert_false(pattern_matches(evil, str_of(text, sizeof(text))));
	assert_false(pattern_matches(evil, STR("\xff\xfe")));
}

static void *
match_many(void *arg)
{
	static const char p[8][8] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	for (int i = 0; i < 800; i++)
		if (!pattern_matches(p[i % 8], str_c(p[i % 8])))
			*(int *)arg = 1;
	return NULL;
}

TEST(pattern_cache_is_shared_by_threads)
{
	pthread_t t[4];
	int failed[4] = { 0 };
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, match_many, &failed[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(failed[i], 0);
	}
}

struct seen {
	const struct shape **slots;
	size_t mask, n, bad;
};

static bool
seen_add(struct seen *k, const struct shape *s)
{
	size_t i = ((uintptr_t)s >> 4) * 2654435761u & k->mask;
	while (k->slots[i] && k->slots[i] != s)
		i = (i + 1) & k->mask;
	if (k->slots[i])
		return false;
	k->slots[i] = s;
	assert_true(++k->n < k->mask / 2);
	return true;
}

static void
walk(struct seen *k, const struct shape *s)
{
	if (!s || !seen_add(k, s))
		return;
	if (s->pattern && !pattern_valid(s->pattern)) {
		print_message("pattern not understood: %s\n", s->pattern);
		k->bad++;
	}
	for (unsigned i = 0; i < s->fields_n; i++)
		walk(k, s->fields[i].shape);
	walk(k, s->key);
	walk(k, s->value);
}

TEST(pattern_understands_every_table)
{
	struct seen k = { calloc(1 << 17, sizeof(void *)), (1 << 17) - 1, 0, 0 };
	for (unsigned i = 0; i < services_n; i++)
		for (unsigned j = 0; j < services[i]->ops_n; j++)
			walk(&k, services[i]->ops[j].in);
	free(k.slots);
	assert_int_equal(k.bad, 0);
}
