/*
 * unit: one line to add a test beside the code. TEST(name) { … } registers itself; every *_test.c
 * is linked into one runner, which prints a line for each failure and `N passed, N failed, N
 * skipped`. cmocka's assert_* are at hand. test_skip("why") skips with a line that says so.
 */
#ifndef HANEUL_TESTS_UNIT_H
#define HANEUL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

struct unit_test {
	const char *file, *name;
	void (*run)(void **state);
	struct unit_test *next;
};
void unit_register(struct unit_test *t);

#define TEST(test_name)                                                                     \
	static void test_##test_name(void **state);                                         \
	__attribute__((constructor)) static void register_##test_name(void)                 \
	{                                                                                   \
		static struct unit_test t = { __FILE__, #test_name, test_##test_name, 0 };  \
		unit_register(&t);                                                          \
	}                                                                                   \
	static void test_##test_name(void **state __attribute__((unused)))

#define test_skip(why)                                   \
	do {                                             \
		print_message("skipped: %s\n", why);     \
		skip();                                  \
	} while (0)

#define assert_str(s, expected) unit_assert_str((s), str_c(expected), __FILE__, __LINE__)
void unit_assert_str(struct str got, struct str want, const char *file, int line);
/* A fresh directory under $TMPDIR, removed with all in it when the runner ends. */
const char *unit_tmpdir(void);
/* The folder of public vectors (HANEUL_VECTORS, else ../shared/vectors); NULL when it is not
 * there. */
const char *unit_vectors_dir(void);

#endif
