#include "aws/credentials.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(credentials_well_known_only_where_allowed)
{
	struct arena a;
	struct credential c;
	arena_init(&a);
	credentials_reset();
	assert_int_equal(credentials_find(STR("test"), 0, NULL, &a, &c), -ENOENT);
	assert_int_equal(credentials_find(STR("test"), CREDENTIALS_WELL_KNOWN, NULL, &a, &c), 0);
	assert_str(c.account, "000000000000");
	assert_str(c.arn, "arn:aws:iam::000000000000:root");
	assert_true(c.any_secret);
	assert_int_equal(
		credentials_find(STR("123456789012"), CREDENTIALS_WELL_KNOWN, NULL, &a, &c), 0);
	assert_str(c.account, "123456789012");
	assert_int_equal(credentials_find(STR("12345678901"), CREDENTIALS_WELL_KNOWN, NULL, &a, &c),
		-ENOENT);
	struct principal who;
	credentials_find(STR("123456789012"), CREDENTIALS_WELL_KNOWN, NULL, &a, &c);
	credentials_principal(&c, &a, &who);
	assert_true(who.root);
	assert_false(who.anonymous);
	assert_str(who.access_key, "123456789012");
	arena_done(&a);
}

TEST(credentials_root_key_is_made_and_kept)
{
	struct arena a;
	struct credential c;
	struct str id, secret;
	char path[400], first[64], first_secret[64];
	struct stat st;
	const char *dir = unit_tmpdir();

	arena_init(&a);
	credentials_reset();
	assert_false(credentials_root_get(&id, &secret));
	assert_int_equal(credentials_root_load(dir, STR("000000000000")), 0);
	assert_true(credentials_root_get(&id, &secret));
	assert_int_equal(id.len, 20);
	assert_int_equal(secret.len, 40);
	snprintf(first, sizeof(first), "%.*s", STR_FMT(id));
	snprintf(first_secret, sizeof(first_secret), "%.*s", STR_FMT(secret));
	snprintf(path, sizeof(path), "%s/root-key", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	credentials_reset();
	assert_int_equal(credentials_root_load(dir, STR("000000000000")), 0);
	assert_int_equal(credentials_find(str_c(first), 0, NULL, &a, &c), 0);
	assert_str(c.secret, first_secret);
	assert_false(c.any_secret);
	assert_int_equal(c.kind, CREDENTIAL_ROOT);

	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(credentials_root_load(dir, STR("000000000000")), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(credentials_root_load(dir, STR("000000000000")), -EBADMSG);
	credentials_reset();
	arena_done(&a);
}

static int
find_alice(void *arg, struct tx *tx, struct arena *a, struct str access_key, struct credential *ret)
{
	(void)arg, (void)tx, (void)a;
	if (!str_is(access_key, "AKIAALICE00000000000"))
		return -ENOENT;
	ret->kind = CREDENTIAL_USER;
	ret->secret = STR("alice's");
	ret->any_secret = true;
	return 0;
}

TEST(credentials_of_a_provider)
{
	struct arena a;
	struct credential c;
	arena_init(&a);
	credentials_reset();
	credentials_provider_add(&(struct credential_provider){ .find = find_alice });
	assert_int_equal(credentials_find(STR("AKIAALICE00000000000"), 0, NULL, &a, &c), 0);
	assert_int_equal(c.kind, CREDENTIAL_USER);
	assert_false(c.any_secret); /* whatever a provider says */
	assert_int_equal(credentials_find(STR("AKIABOB0000000000000"), 0, NULL, &a, &c), -ENOENT);
	credentials_reset();
	arena_done(&a);
}
