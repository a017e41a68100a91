/* Console passwords: kept as salted PBKDF2 hashes, checked against the account's password policy.
 */
#include "aws/errors.h"
#include "svc/iam/iam.h"

#include <openssl/evp.h>

#define ROUNDS 20000
#define SALT_BYTES 16

static struct str
hash_with(struct call *c, struct str password, const unsigned char salt[SALT_BYTES])
{
	unsigned char out[SALT_BYTES + 32];
	memcpy(out, salt, SALT_BYTES);
	PKCS5_PBKDF2_HMAC(password.p, (int)password.len, salt, SALT_BYTES, ROUNDS, EVP_sha256(), 32,
		out + SALT_BYTES);
	return hex_text(c->arena, str_of(out, sizeof(out)));
}

static bool
password_is(struct call *c, struct str password, struct str hash)
{
	unsigned char salt[SALT_BYTES];
	if (hash.len != 2 * (SALT_BYTES + 32) ||
		!hex_decode(str_slice(hash, 0, 2 * SALT_BYTES), salt, SALT_BYTES))
		return false;
	return str_eq_consttime(hash_with(c, password, salt), hash);
}

static bool
has_any(struct str s, const char *from, const char *to)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] >= *from && s.p[i] <= *to)
			return true;
	return false;
}

static bool
has_symbol(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (memchr("!@#$%^&*()_+-=[]{}|'", s.p[i], 20))
			return true;
	return false;
}

static int
violates(struct call *c, const char *what)
{
	return call_fail(c, &IAM_PasswordPolicyViolation,
		"Password does not conform to the account password policy. %s", what);
}

static int
policy_check(struct call *c, struct str password, const struct iam_entity_row *e)
{
	static const struct iam_password_policy standard = { .MinimumPasswordLength = { 8, true } };
	struct iam_account_row account;
	iam_account_get(c, &account);
	const struct iam_password_policy *p =
		account.PasswordPolicy ? account.PasswordPolicy : &standard;
	if ((int64_t)password.len < (p->MinimumPasswordLength.set ? p->MinimumPasswordLength.v : 6))
		return violates(c, "It is too short.");
	if (p->RequireUppercaseCharacters.v && !has_any(password, "A", "Z"))
		return violates(c, "It must contain at least one uppercase letter.");
	if (p->RequireLowercaseCharacters.v && !has_any(password, "a", "z"))
		return violates(c, "It must contain at least one lowercase letter.");
	if (p->RequireNumbers.v && !has_any(password, "0", "9"))
		return violates(c, "It must contain at least one number.");
	if (p->RequireSymbols.v && !has_symbol(password))
		return violates(c, "It must contain at least one symbol.");
	for (uint32_t i = 0; p->PasswordReusePrevention.set && i < e->PasswordHistory.n; i++)
		if (e->PasswordHistory.n - i <= (uint32_t)p->PasswordReusePrevention.v &&
			password_is(c, password, e->PasswordHistory.v[i]))
			return violates(c, "It was used before.");
	return CALL_OK;
}

static int
password_set(struct call *c, struct iam_entity_row *e, struct str password)
{
	unsigned char salt[SALT_BYTES];
	if (policy_check(c, password, e))
		return CALL_FAILED;
	call_random(c, salt, sizeof(salt));
	e->Password = hash_with(c, password, salt);
	iam_list_add(c->arena, &e->PasswordHistory, e->Password);
	if (e->PasswordHistory.n > 24) {
		e->PasswordHistory.v++;
		e->PasswordHistory.n--;
	}
	return CALL_OK;
}

static struct iam_login_profile *
profile_tell(struct call *c, const struct iam_entity_row *e)
{
	struct iam_login_profile *p = arena_new(c->arena, struct iam_login_profile);
	*p = (struct iam_login_profile){ e->Name, e->PasswordCreated,
		OPT_BOOL(e->PasswordReset.v) };
	return p;
}

int
iam_create_login_profile(struct call *c, const struct iam_create_login_profile_in *in,
	struct iam_create_login_profile_out *out)
{
	struct iam_entity_row e;
	if (iam_user_or_self(c, in->UserName, &e))
		return CALL_FAILED;
	if (e.Password.p)
		return call_fail(c, &IAM_EntityAlreadyExists,
			"Login Profile for user %.*s already exists.", STR_FMT(e.Name));
	if (!in->Password.p)
		return call_fail(c, &ERR_ValidationException, "A password is required.");
	if (password_set(c, &e, in->Password))
		return CALL_FAILED;
	e.PasswordCreated = OPT_TIME(c->now_ms / 1000 * 1000);
	e.PasswordReset = OPT_BOOL(in->PasswordResetRequired.v);
	iam_save(c, IAM_USER, &e);
	out->LoginProfile = profile_tell(c, &e);
	return CALL_OK;
}

static int
profile_open(struct call *c, struct str name, struct iam_entity_row *e)
{
	if (iam_user_or_self(c, name, e))
		return CALL_FAILED;
	if (e->Password.p)
		return CALL_OK;
	return call_fail(c, &IAM_NoSuchEntity, "Login Profile for User %.*s cannot be found.",
		STR_FMT(e->Name));
}

int
iam_get_login_profile(struct call *c, const struct iam_get_login_profile_in *in,
	struct iam_get_login_profile_out *out)
{
	struct iam_entity_row e;
	if (profile_open(c, in->UserName, &e))
		return CALL_FAILED;
	out->LoginProfile = profile_tell(c, &e);
	return CALL_OK;
}

int
iam_update_login_profile(struct call *c, const struct iam_update_login_profile_in *in,
	struct iam_update_login_profile_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (profile_open(c, in->UserName, &e) ||
		(in->Password.p && password_set(c, &e, in->Password)))
		return CALL_FAILED;
	if (in->PasswordResetRequired.set)
		e.PasswordReset = in->PasswordResetRequired;
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

int
iam_delete_login_profile(struct call *c, const struct iam_delete_login_profile_in *in,
	struct iam_delete_login_profile_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (profile_open(c, in->UserName, &e))
		return CALL_FAILED;
	e.Password = STR_NULL;
	e.PasswordCreated = (struct opt_time){ 0 };
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

int
iam_change_password(struct call *c, const struct iam_change_password_in *in,
	struct iam_change_password_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (c->who.root || str_find_str(c->who.arn, STR(":user/")) < 0)
		return call_fail(
			c, &IAM_InvalidUserType, "Only IAM Users can change their own password.");
	if (profile_open(c, STR_NULL, &e))
		return CALL_FAILED;
	if (!password_is(c, in->OldPassword, e.Password))
		return call_fail(c, &ERR_AccessDenied, "The old password was incorrect.");
	if (password_set(c, &e, in->NewPassword))
		return CALL_FAILED;
	e.PasswordReset = OPT_BOOL(false);
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}
