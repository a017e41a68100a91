/* Virtual MFA devices: time-based one-time passwords (RFC 6238, SHA-1, 30 s, six digits). */
#include "aws/errors.h"
#include "base/clock.h"
#include "base/ids.h"
#include "svc/iam/iam.h"

#include <openssl/hmac.h>

#define SEED_BYTES 20

static unsigned
totp(struct str seed, uint64_t step)
{
	unsigned char message[8], sum[20];
	unsigned n = sizeof(sum);
	for (int i = 7; i >= 0; i--, step >>= 8)
		message[i] = (unsigned char)step;
	HMAC(EVP_sha1(), seed.p, (int)seed.len, message, sizeof(message), sum, &n);
	unsigned at = sum[19] & 15;
	uint32_t v = (uint32_t)(sum[at] & 0x7f) << 24 | (uint32_t)sum[at + 1] << 16 |
		     (uint32_t)sum[at + 2] << 8 | sum[at + 3];
	return v % 1000000;
}

/* The devices are real, so it is real time that counts; one step to either side. 0: no. */
static uint64_t
step_of(struct str seed, struct str code)
{
	uint64_t now = (uint64_t)(clock_real_ms() / 30000), value;
	if (code.len != 6 || !str_to_u64(code, &value))
		return 0;
	for (uint64_t s = now - 1; s <= now + 1; s++)
		if (totp(seed, s) == value)
			return s;
	return 0;
}

static struct str
serial_of(struct call *c, const struct iam_entity_row *e)
{
	return iam_arn(c->arena, IAM_MFA, c->account, e);
}

static bool
device_find(struct call *c, struct str serial, struct iam_entity_row *ret)
{
	struct arn arn;
	if (!arn_parse(serial, &arn) || !str_eq(arn.account, c->account) ||
		!str_starts(arn.resource, STR("mfa/")))
		return false;
	long slash = str_rfind(arn.resource, '/');
	return iam_get(c->tx, c->arena, IAM_MFA, c->account,
		       str_slice(arn.resource, (size_t)slash + 1, arn.resource.len), ret) &&
	       str_eq(serial_of(c, ret), serial);
}

bool
iam_mfa_verify(struct call *c, struct str serial, struct str code)
{
	struct iam_entity_row e;
	if (!device_find(c, serial, &e) || !e.Enabled.set || !str_eq(e.User, c->who.name))
		return false;
	uint64_t step = step_of(e.Seed, code);
	/* A code counts once. */
	if (!step || (int64_t)step <= e.VersionNext.v)
		return false;
	if (tx_is_writer(c->tx)) {
		e.VersionNext = OPT_I64((int64_t)step);
		iam_save_quietly(c->tx, IAM_MFA, c->account, &e);
	}
	return true;
}

static struct str
base32(struct arena *a, const unsigned char *bytes)
{
	char *p = arena_alloc_raw(a, 32);
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = i * 5, at = bit / 8;
		unsigned two = (unsigned)bytes[at] << 8 | (at + 1 < SEED_BYTES ? bytes[at + 1] : 0);
		p[i] = IDS_BASE32[two >> (11 - bit % 8) & 31];
	}
	return str_of(p, 32);
}

int
iam_create_virtual_mfa_device(struct call *c, const struct iam_create_virtual_mfa_device_in *in,
	struct iam_create_virtual_mfa_device_out *out)
{
	struct iam_entity_row e;
	unsigned char *seed = arena_alloc(c->arena, SEED_BYTES);
	if (iam_make(c, IAM_MFA, in->VirtualMFADeviceName, in->Path, &in->Tags, &e))
		return CALL_FAILED;
	call_random(c, seed, SEED_BYTES);
	e.Seed = str_of(seed, SEED_BYTES);
	iam_save(c, IAM_MFA, &e);
	out->VirtualMFADevice = arena_new(c->arena, struct iam_virtual_mfa_device);
	out->VirtualMFADevice->SerialNumber = serial_of(c, &e);
	/* No picture: the seed says the same. */
	out->VirtualMFADevice->Base32StringSeed = base32(c->arena, seed);
	out->VirtualMFADevice->Tags = e.Tags;
	return CALL_OK;
}

static int
device_open(struct call *c, struct str serial, struct iam_entity_row *e)
{
	if (device_find(c, serial, e))
		return CALL_OK;
	return call_fail(c, &IAM_NoSuchEntity,
		"VirtualMFADevice with serial number %.*s doesn't exist.", STR_FMT(serial));
}

int
iam_delete_virtual_mfa_device(struct call *c, const struct iam_delete_virtual_mfa_device_in *in,
	struct iam_delete_virtual_mfa_device_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (device_open(c, in->SerialNumber, &e))
		return CALL_FAILED;
	if (e.Enabled.set)
		return call_fail(
			c, &IAM_DeleteConflict, "MFA VirtualDevice in use. Must deactivate first.");
	iam_erase(c, IAM_MFA, e.Name);
	return CALL_OK;
}

int
iam_enable_mfa_device(struct call *c, const struct iam_enable_mfa_device_in *in,
	struct iam_enable_mfa_device_out *out __attribute__((unused)))
{
	struct iam_entity_row e, user;
	if (device_open(c, in->SerialNumber, &e) || iam_open(c, IAM_USER, in->UserName, &user))
		return CALL_FAILED;
	if (e.Enabled.set)
		return call_fail(c, &IAM_EntityAlreadyExists, "MFA Device already in use.");
	if (user.Mfa.n >= 8)
		return call_fail(
			c, &IAM_LimitExceeded, "Cannot exceed quota for MfaDevicesPerUser: 8");
	uint64_t first = step_of(e.Seed, in->AuthenticationCode1),
		 second = step_of(e.Seed, in->AuthenticationCode2);
	if (!first || second != first + 1)
		return call_fail(c, &IAM_InvalidAuthenticationCode,
			"Authentication code for device is not valid");
	e.Enabled = OPT_TIME(c->now_ms / 1000 * 1000);
	e.User = user.Name;
	e.VersionNext = OPT_I64((int64_t)second);
	iam_list_add(c->arena, &user.Mfa, in->SerialNumber);
	iam_save(c, IAM_MFA, &e);
	iam_save(c, IAM_USER, &user);
	return CALL_OK;
}

int
iam_deactivate_mfa_device(struct call *c, const struct iam_deactivate_mfa_device_in *in,
	struct iam_deactivate_mfa_device_out *out __attribute__((unused)))
{
	struct iam_entity_row e, user;
	if (device_open(c, in->SerialNumber, &e) || iam_user_or_self(c, in->UserName, &user))
		return CALL_FAILED;
	if (!iam_list_drop(&user.Mfa, in->SerialNumber))
		return call_fail(c, &IAM_NoSuchEntity, "MFA Device invalid for user.");
	e.Enabled = (struct opt_time){ 0 };
	e.User = STR_NULL;
	iam_save(c, IAM_MFA, &e);
	iam_save(c, IAM_USER, &user);
	return CALL_OK;
}

int
iam_list_mfa_devices(struct call *c, const struct iam_list_mfa_devices_in *in,
	struct iam_list_mfa_devices_out *out)
{
	struct iam_entity_row user, e;
	uint32_t from, to;
	if (iam_user_or_self(c, in->UserName, &user) ||
		iam_slice(c, user.Mfa.n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated,
			&out->Marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->MFADevices, to - from);
	for (uint32_t i = from; i < to; i++)
		if (device_find(c, user.Mfa.v[i], &e))
			out->MFADevices.v[out->MFADevices.n++] =
				(struct iam_mfa_device){ user.Name, user.Mfa.v[i], e.Enabled };
	return CALL_OK;
}

static bool
assigned(const struct iam_page *p __attribute__((unused)), const struct iam_entity_row *e)
{
	return e->Enabled.set;
}

static bool
unassigned(const struct iam_page *p __attribute__((unused)), const struct iam_entity_row *e)
{
	return !e->Enabled.set;
}

int
iam_list_virtual_mfa_devices(struct call *c, const struct iam_list_virtual_mfa_devices_in *in,
	struct iam_list_virtual_mfa_devices_out *out)
{
	struct iam_page p;
	struct iam_entity_row e, user;
	if (iam_page_open(c, IAM_MFA, in->Marker, in->MaxItems, STR_NULL, &p))
		return CALL_FAILED;
	p.keep = str_is(in->AssignmentStatus, "Assigned")     ? assigned
		 : str_is(in->AssignmentStatus, "Unassigned") ? unassigned
							      : NULL;
	IAM_LIST_NEW(c, out->VirtualMFADevices, p.max);
	while (iam_page_next(&p, &e)) {
		struct iam_virtual_mfa_device *d =
			&out->VirtualMFADevices.v[out->VirtualMFADevices.n++];
		d->SerialNumber = serial_of(c, &e);
		d->EnableDate = e.Enabled;
		if (e.Enabled.set && iam_get(c->tx, c->arena, IAM_USER, c->account, e.User, &user))
			d->User = iam_user_tell(c, &user, false, NULL);
	}
	iam_page_end(&p, &out->IsTruncated, &out->Marker);
	return CALL_OK;
}
