#include "base/ids.h"
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

TEST(ids_have_their_shapes)
{
	struct arena a = { 0 };
	char u[IDS_UUID_LEN + 1], s3[IDS_S3_REQUEST_LEN + 1], ext[IDS_S3_EXTENDED_LEN + 1];
	ids_uuid(u);
	assert_int_equal(strlen(u), 36);
	assert_int_equal(u[14], '4');
	assert_non_null(strchr("89ab", u[19]));
	assert_int_equal(strspn(u, "0123456789abcdef-"), 36);
	assert_true(u[8] == '-' && u[13] == '-' && u[18] == '-' && u[23] == '-');
	ids_s3_request(s3);
	assert_int_equal(strspn(s3, IDS_UPPER_ALNUM), 16);
	ids_s3_extended(ext);
	assert_int_equal(strlen(ext), 76);
	struct str id = ids_hex_text(&a, "i-", 17);
	assert_int_equal(id.len, 19);
	assert_true(str_starts(id, STR("i-")));
	assert_false(str_eq(id, ids_hex_text(&a, "i-", 17)));
	arena_done(&a);
}

TEST(ids_follow_a_seed)
{
	struct arena a = { 0 };
	ids_seed(42);
	struct str one = ids_uuid_text(&a), two = ids_uuid_text(&a);
	ids_seed(42);
	assert_true(str_eq(one, ids_uuid_text(&a)));
	assert_true(str_eq(two, ids_uuid_text(&a)));
	assert_false(str_eq(one, two));
	ids_seed(0);
	assert_false(str_eq(one, ids_uuid_text(&a)));
	arena_done(&a);
}

TEST(random_below_covers_its_range)
{
	unsigned seen[7] = { 0 };
	for (int i = 0; i < 2000; i++) {
		uint64_t v = random_below(7);
		assert_true(v < 7);
		seen[v]++;
	}
	for (int i = 0; i < 7; i++)
		assert_true(seen[i] > 100);
	assert_int_equal(random_below(1), 0);
}

TEST(random_differs_after_a_fork)
{
	int fd[2];
	uint64_t here, there = 0;
	random_u64();
	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		there = random_u64();
		_exit(write(fd[1], &there, sizeof(there)) != sizeof(there));
	}
	here = random_u64();
	assert_int_equal(read(fd[0], &there, sizeof(there)), sizeof(there));
	waitpid(pid, NULL, 0);
	close(fd[0]);
	close(fd[1]);
	assert_true(here != there);
}
