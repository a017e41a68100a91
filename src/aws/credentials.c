#include "aws/credentials.h"

#include "aws/arn.h"
#include "base/ids.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROVIDERS_MAX 8
#define KEY_MAX 128
#define ACCOUNT_DIGITS 12
#define ROOT_FILE "root-key"

/* Set at start, before the first look-up; only read afterwards. */
static struct {
	struct credential_provider providers[PROVIDERS_MAX];
	unsigned providers_n;
	bool has_root;
	char access_key[KEY_MAX + 1], secret[KEY_MAX + 1], account[ACCOUNT_DIGITS + 1], arn[64];
} known;

void
credentials_provider_add(const struct credential_provider *p)
{
	for (unsigned i = 0; i < known.providers_n; i++)
		if (known.providers[i].find == p->find && known.providers[i].arg == p->arg)
			return;
	assert(known.providers_n < PROVIDERS_MAX);
	known.providers[known.providers_n++] = *p;
}

void
credentials_reset(void)
{
	explicit_bzero(&known, sizeof(known));
}

static void
root_fill(struct credential *c, struct str access_key, struct str account, struct str arn)
{
	memset(c, 0, sizeof(*c));
	c->kind = CREDENTIAL_ROOT;
	c->access_key = access_key;
	c->secret = STR("");
	c->account = account;
	c->arn = arn;
	c->user_id = account;
	c->name = STR("");
}

/* "test" is the root of 000000000000, twelve digits that of the account they name. */
static bool
well_known(struct str access_key, struct arena *a, struct credential *ret)
{
	struct str account = access_key;
	if (str_is(access_key, "test"))
		account = STR("000000000000");
	else if (!account_id_valid(access_key))
		return false;
	root_fill(ret, access_key, account, arn_format(a, "iam", STR(""), account, STR("root")));
	ret->any_secret = true;
	return true;
}

int
credentials_find(struct str access_key, unsigned flags, struct tx *tx, struct arena *a,
	struct credential *ret_credential)
{
	if (known.has_root && str_eq(access_key, str_c(known.access_key))) {
		root_fill(ret_credential, str_c(known.access_key), str_c(known.account),
			str_c(known.arn));
		ret_credential->secret = str_c(known.secret);
		return 0;
	}
	if ((flags & CREDENTIALS_WELL_KNOWN) && well_known(access_key, a, ret_credential))
		return 0;
	for (unsigned i = 0; i < known.providers_n; i++) {
		const struct credential_provider *p = &known.providers[i];
		memset(ret_credential, 0, sizeof(*ret_credential));
		int r = p->find(p->arg, tx, a, access_key, ret_credential);
		/* A provider cannot make keys whose secret does not matter. */
		if (r == 0) {
			ret_credential->any_secret = false;
			ret_credential->provider = p;
			return 0;
		}
	}
	return -ENOENT;
}

void
credentials_used(const struct credential *found, struct call *c)
{
	if (found->provider && found->provider->used)
		found->provider->used(found->provider->arg, c);
}

static bool
key_text_valid(struct str s, size_t min)
{
	if (s.len < min || s.len > KEY_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

int
credentials_root_set(struct str access_key, struct str secret, struct str account)
{
	if (!key_text_valid(access_key, 3) || !key_text_valid(secret, 8) ||
		!account_id_valid(account))
		return -EINVAL;
	snprintf(known.access_key, sizeof(known.access_key), "%.*s", STR_FMT(access_key));
	snprintf(known.secret, sizeof(known.secret), "%.*s", STR_FMT(secret));
	snprintf(known.account, sizeof(known.account), "%.*s", STR_FMT(account));
	snprintf(known.arn, sizeof(known.arn), "arn:aws:iam::%s:root", known.account);
	known.has_root = true;
	return 0;
}

bool
credentials_root_get(struct str *ret_access_key, struct str *ret_secret)
{
	if (!known.has_root)
		return false;
	*ret_access_key = str_c(known.access_key);
	*ret_secret = str_c(known.secret);
	return true;
}

static int
write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Under a temporary name first, so that a crash leaves either no key or a whole one. */
static int
root_write(int dir_fd, const char *text, size_t len)
{
	int fd = openat(dir_fd, ROOT_FILE ".new",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = fchmod(fd, 0600) ? -errno : write_all(fd, text, len);
	if (r == 0 && fsync(fd))
		r = -errno;
	close(fd);
	if (r == 0 && renameat(dir_fd, ROOT_FILE ".new", dir_fd, ROOT_FILE))
		r = -errno;
	if (r == 0 && fsync(dir_fd))
		r = -errno;
	return r;
}

static int
root_make(int dir_fd, struct str account)
{
	char id[21] = "AKIA", secret[41], text[80];
	random_chars(id + 4, 16, IDS_BASE32);
	random_chars(secret, 40, IDS_ALNUM "+/");
	int n = snprintf(text, sizeof(text), "%s %s\n", id, secret);
	int r = root_write(dir_fd, text, (size_t)n);
	if (r == 0)
		r = credentials_root_set(str_c(id), str_c(secret), account);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(text, sizeof(text));
	return r;
}

static int
root_read(int fd, struct str account)
{
	char text[2 * KEY_MAX + 8];
	struct stat st;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077))
		return -EPERM;
	ssize_t n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	struct str rest = str_trim(str_of(text, (size_t)n));
	struct str id = str_cut(&rest, ' ');
	int r = rest.p ? credentials_root_set(id, rest, account) : -EINVAL;
	explicit_bzero(text, sizeof(text));
	return r ? -EBADMSG : 0;
}

int
credentials_root_load(const char *dir, struct str account)
{
	if (!account_id_valid(account))
		return -EINVAL;
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	int r, fd = openat(dir_fd, ROOT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		r = root_read(fd, account);
		close(fd);
	} else {
		r = errno == ENOENT ? root_make(dir_fd, account) : -errno;
	}
	close(dir_fd);
	return r;
}

void
credentials_principal(const struct credential *c, struct arena *a, struct principal *ret_who)
{
	memset(ret_who, 0, sizeof(*ret_who));
	ret_who->account = arena_dup(a, c->account);
	ret_who->arn = arena_dup(a, c->arn);
	ret_who->user_id = arena_dup(a, c->user_id);
	ret_who->access_key = arena_dup(a, c->access_key);
	ret_who->name = arena_dup(a, c->name.p ? c->name : STR(""));
	ret_who->root = c->kind == CREDENTIAL_ROOT ||
			(c->kind == CREDENTIAL_TEMPORARY && str_ends(c->arn, STR(":root")));
	ret_who->session = c->session;
}

void
credentials_anonymous(struct principal *ret_who)
{
	memset(ret_who, 0, sizeof(*ret_who));
	ret_who->account = ret_who->arn = ret_who->user_id = STR("");
	ret_who->access_key = ret_who->name = STR("");
	ret_who->anonymous = true;
}
