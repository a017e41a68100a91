#include "guest/guest.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(keys_are_added_once)
{
	struct guest_user u = { .uid = getuid(), .gid = getgid() };
	char path[400];
	snprintf(u.home, sizeof(u.home), "%s/home", unit_tmpdir());
	assert_int_equal(guest_keys_add(&u, "ssh-ed25519 AAAA one"), 0);
	assert_int_equal(guest_keys_add(&u, "ssh-ed25519 AAAA one\nssh-rsa BBBB two\n"), 0);
	snprintf(path, sizeof(path), "%s/.ssh/authorized_keys", u.home);
	char *text = guest_read_file(path, 4096, NULL);
	assert_string_equal(text, "ssh-ed25519 AAAA one\nssh-rsa BBBB two\n");
	free(text);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

TEST(users_are_found_by_name_and_number)
{
	struct guest_user u;
	assert_true(guest_user_find("root", &u));
	assert_int_equal(u.uid, 0);
	assert_true(guest_user_of(0, &u));
	assert_string_equal(u.name, "root");
	assert_false(guest_user_find("nobody-of-that-name", &u));
	assert_false(guest_group_has("root", "nobody-of-that-name"));
}

TEST(a_program_tells_how_it_ended)
{
	char *const yes[] = { "/bin/sh", "-c", "exit 3", NULL }, *const none[] = { "/none", NULL };
	assert_int_equal(WEXITSTATUS(guest_run(yes, -1)), 3);
	assert_int_equal(WEXITSTATUS(guest_run(none, -1)), 127);
}
