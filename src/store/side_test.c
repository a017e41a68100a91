/* A store in two directories: which of them count. */
#include "store/sides_test_util.h"

#include <errno.h>

TEST(either_directory_may_be_lost)
{
	struct pair p;
	pair_left(&p);
	for (unsigned round = 0; round < 4; round++) {
		wipe_dir(p.dir[round % 2]);
		struct store *s = pair_open(&p);
		expect_all(s, ROWS + round, 0);
		fill(s, ROWS + round, ROWS + round + 1, 0);
		await_whole(s);
		store_close(s);
	}
	/* Alone, each has everything. */
	for (int i = 0; i < 2; i++) {
		struct store *s = open_at(p.dir[i], STORE_FULL, 0);
		expect_all(s, ROWS + 4, 0);
		store_close(s);
	}
}

TEST(half_a_store_is_not_shown)
{
	struct pair p;
	char path[500];
	pair_left(&p);
	snprintf(path, sizeof path, "%s/incomplete", p.dir[1]);
	FILE *f = fopen(path, "w");
	fclose(f);
	wipe_dir(p.dir[0]);
	struct store_options o = {
		.dir = p.dir[0], .second_dir = p.dir[1], .map_bytes = 1ull << 32
	};
	struct store *s;
	assert_int_equal(store_open(&s, &o, NULL), -EOWNERDEAD);
	o = (struct store_options){ .dir = p.dir[1], .map_bytes = 1ull << 32 };
	assert_int_equal(store_open(&s, &o, NULL), -EOWNERDEAD);
	struct pair other;
	pair_left(&other);
	o = (struct store_options){
		.dir = other.dir[0], .second_dir = p.dir[1], .map_bytes = 1ull << 32
	};
	assert_int_equal(store_open(&s, &o, NULL), -EXDEV);
}

TEST(a_store_of_one_directory_gets_a_second_one)
{
	struct pair p;
	pair_make(&p);
	struct store *s = open_at(p.dir[0], STORE_FULL, 64 << 10);
	fill(s, 0, ROWS, 0);
	store_close(s);
	s = pair_open(&p);
	await_whole(s);
	store_close(s);
	s = open_at(p.dir[1], STORE_FULL, 0);
	expect_all(s, ROWS, 0);
	store_close(s);
}
