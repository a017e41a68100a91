#include "aws/master_key.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dirs[MASTER_KEY_DIRS][300];

static struct master_key_options
options(const unsigned char *check)
{
	struct master_key_options o = { .check = check };
	const char *base = unit_tmpdir();
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), "%.200s/%u/%s", base, i, i ? "a/b" : "");
		o.dirs[i] = dirs[i];
	}
	return o;
}

static void
path_of(char ret[400], unsigned i)
{
	snprintf(ret, 400, "%s/master-key", dirs[i]);
}

/* Overwrites the first bytes of a copy. */
static void
spoil(unsigned i)
{
	char path[400];
	path_of(path, i);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "spoilt", 6, 0), 6);
	close(fd);
}

static void
expect_copies(void)
{
	unsigned char first[SEAL_KEY], key[SEAL_KEY];
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++) {
		char path[400];
		struct stat st;
		path_of(path, i);
		int fd = open(path, O_RDONLY);
		assert_int_equal(read(fd, i ? key : first, SEAL_KEY), SEAL_KEY);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		close(fd);
		if (i)
			assert_memory_equal(first, key, SEAL_KEY);
	}
}

TEST(any_copy_of_the_master_key_is_enough)
{
	unsigned char check[SEAL_KEY], again[SEAL_KEY];
	struct master_key_options o = options(NULL);
	assert_int_equal(master_key_load(&o), 0);
	master_key_check(check);
	expect_copies();
	o.check = check;
	for (unsigned kept = 0; kept < MASTER_KEY_DIRS; kept++) {
		for (unsigned i = 0; i < MASTER_KEY_DIRS; i++) {
			char path[400];
			path_of(path, i);
			if (i != kept && (i + kept) % 2)
				unlink(path);
			else if (i != kept)
				spoil(i);
		}
		assert_int_equal(master_key_load(&o), 0);
		master_key_check(again);
		assert_memory_equal(check, again, SEAL_KEY);
		expect_copies();
	}
	spoil(2);
	master_key_tend(&o);
	expect_copies();
}

TEST(a_missing_or_strange_master_key_is_refused)
{
	unsigned char check[SEAL_KEY];
	struct master_key_options o = options(NULL);
	assert_int_equal(master_key_load(&o), 0);
	master_key_check(check);
	o.check = check;
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++)
		spoil(i);
	assert_int_equal(master_key_load(&o), -EKEYREJECTED);
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++) {
		char path[400];
		path_of(path, i);
		unlink(path);
	}
	assert_int_equal(master_key_load(&o), -ENOKEY);
	/* For the tests after this one. */
	o.check = NULL;
	assert_int_equal(master_key_load(&o), 0);
}
