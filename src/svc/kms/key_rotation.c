/* New material on the clock or on demand; what older material encrypted still opens. */
#include "svc/kms/kms.h"

#include "aws/due.h"

#define KIND STR("kms.rotate")
#define DAYS_STANDARD 365
#define ON_DEMAND_MAX 25

static struct str
due_id(struct call *c, const struct kms_key_row *k)
{
	return arena_printf(c->arena, "%.*s %.*s %.*s", STR_FMT(k->Account), STR_FMT(k->Region),
		STR_FMT(k->Id));
}

static void
rotate(struct call *c, struct kms_key_row *k, bool on_demand)
{
	KMS_SECRET s;
	struct str none;
	kms_material_make(kms_spec(STR("SYMMETRIC_DEFAULT")), &s, &none, c->arena);
	kms_material_add(c, k, &s);
	if (on_demand)
		k->Materials.v[k->Materials.n - 1].OnDemand = OPT_BOOL(true);
}

static void
next_set(struct call *c, struct kms_key_row *k, int64_t from_ms)
{
	int64_t days = k->RotationDays.set ? k->RotationDays.v : DAYS_STANDARD;
	k->RotationNext = (struct opt_time){ from_ms + days * KMS_DAY_MS, true };
	due_add(c->tx, KIND, due_id(c, k), k->RotationNext.ms, STR(""));
}

static int
due(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct kms_key k;
	struct str rest = id;
	(void)payload, (void)arg;
	arena_init(&a);
	struct call c = { .arena = &a, .tx = t, .store = tx_store(t), .now_ms = due_ms };
	struct str account = str_cut(&rest, ' '), region = str_cut(&rest, ' ');
	if (kms_key_load(&c, account, region, rest, &k) && k.row.RotationOn.v &&
		!str_is(k.row.State, "PendingDeletion")) {
		/* A key that is disabled is not turned over; its time goes on. */
		if (str_is(k.row.State, "Enabled"))
			rotate(&c, &k.row, false);
		next_set(&c, &k.row, due_ms);
		kms_key_save(&c, &k.row);
	}
	arena_done(&a);
	return 0;
}

void
kms_rotation_start(void)
{
	due_handle("kms.rotate", due, NULL);
}

static int
symmetric_check(struct call *c, const struct kms_key *k)
{
	if (str_is(k->row.Spec, "SYMMETRIC_DEFAULT"))
		return CALL_OK;
	return call_fail(c, &KMS_UnsupportedOperationException, NULL);
}

static int
rotating_open(
	struct call *c, struct str id, const char *operation, bool unusable, struct kms_key *ret)
{
	struct kms_ask a = { .operation = operation, .own = true, .unusable = unusable };
	if (kms_open(c, id, &a, ret) || symmetric_check(c, ret))
		return CALL_FAILED;
	if (!unusable && str_is(ret->row.Manager, "AWS"))
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: kms:%s on resource: %.*s because "
			"the key is managed by AWS",
			STR_FMT(c->who.arn), operation, STR_FMT(ret->arn));
	return CALL_OK;
}

int
kms_enable_key_rotation(struct call *c, const struct kms_enable_key_rotation_in *in,
	struct kms_enable_key_rotation_out *out)
{
	struct kms_key k;
	(void)out;
	if (rotating_open(c, in->KeyId, "EnableKeyRotation", false, &k))
		return CALL_FAILED;
	k.row.RotationOn = OPT_BOOL(true);
	k.row.RotationDays =
		OPT_I64(in->RotationPeriodInDays.set ? in->RotationPeriodInDays.v : DAYS_STANDARD);
	next_set(c, &k.row, c->now_ms);
	kms_key_save(c, &k.row);
	return CALL_OK;
}

int
kms_disable_key_rotation(struct call *c, const struct kms_disable_key_rotation_in *in,
	struct kms_disable_key_rotation_out *out)
{
	struct kms_key k;
	(void)out;
	if (rotating_open(c, in->KeyId, "DisableKeyRotation", false, &k))
		return CALL_FAILED;
	k.row.RotationOn = OPT_BOOL(false);
	k.row.RotationNext.set = false;
	due_cancel(c->tx, KIND, due_id(c, &k.row));
	kms_key_save(c, &k.row);
	return CALL_OK;
}

int
kms_get_key_rotation_status(struct call *c, const struct kms_get_key_rotation_status_in *in,
	struct kms_get_key_rotation_status_out *out)
{
	struct kms_key k;
	struct kms_ask a = { .operation = "GetKeyRotationStatus", .unusable = true };
	if (kms_open(c, in->KeyId, &a, &k) || kms_pending_deletion(c, &k) || symmetric_check(c, &k))
		return CALL_FAILED;
	out->KeyRotationEnabled = OPT_BOOL(k.row.RotationOn.v);
	out->KeyId = k.arn;
	if (k.row.RotationOn.v) {
		out->RotationPeriodInDays =
			OPT_I64(k.row.RotationDays.set ? k.row.RotationDays.v : DAYS_STANDARD);
		out->NextRotationDate = k.row.RotationNext;
	}
	return CALL_OK;
}

int
kms_rotate_key_on_demand(struct call *c, const struct kms_rotate_key_on_demand_in *in,
	struct kms_rotate_key_on_demand_out *out)
{
	struct kms_key k;
	unsigned before = 0;
	if (rotating_open(c, in->KeyId, "RotateKeyOnDemand", false, &k))
		return CALL_FAILED;
	for (uint32_t i = 0; i < k.row.Materials.n; i++)
		before += k.row.Materials.v[i].OnDemand.v;
	if (before >= ON_DEMAND_MAX)
		return call_fail(c, &KMS_LimitExceededException,
			"The key %.*s was rotated on demand %d times, which is as often as that "
			"goes.",
			STR_FMT(k.arn), ON_DEMAND_MAX);
	rotate(c, &k.row, true);
	kms_key_save(c, &k.row);
	out->KeyId = k.arn;
	return CALL_OK;
}

static struct kms_rotations_list_entry
tell(const struct kms_key *k, uint32_t i)
{
	const struct kms_material *m = &k->row.Materials.v[i];
	struct kms_rotations_list_entry e = { .KeyId = k->arn,
		.KeyMaterialId = m->Id,
		.KeyMaterialState =
			i + 1 == k->row.Materials.n ? STR("CURRENT") : STR("NON_CURRENT") };
	if (i > 0) {
		e.RotationDate = m->Created;
		e.RotationType = m->OnDemand.v ? STR("ON_DEMAND") : STR("AUTOMATIC");
	}
	return e;
}

int
kms_list_key_rotations(struct call *c, const struct kms_list_key_rotations_in *in,
	struct kms_list_key_rotations_out *out)
{
	struct kms_key k;
	struct kms_ask a = { .operation = "ListKeyRotations", .own = true, .unusable = true };
	int64_t first = str_is(in->IncludeKeyMaterial, "ALL_KEY_MATERIAL") ? 0 : 1, at = first;
	uint32_t max = in->Limit.set ? (uint32_t)in->Limit.v : 100;
	if (kms_open(c, in->KeyId, &a, &k) || symmetric_check(c, &k))
		return CALL_FAILED;
	if (in->Marker.p && (!str_to_i64(in->Marker, &at) || at < first))
		return call_fail(c, &KMS_InvalidMarkerException, "Could not deserialize marker");
	out->Rotations.v = arena_array(c->arena, struct kms_rotations_list_entry, max);
	out->Rotations.set = true;
	for (; at < k.row.Materials.n && out->Rotations.n < max; at++)
		out->Rotations.v[out->Rotations.n++] = tell(&k, (uint32_t)at);
	out->Truncated = OPT_BOOL(at < k.row.Materials.n);
	if (out->Truncated.v)
		out->NextMarker = arena_printf(c->arena, "%lld", (long long)at);
	return CALL_OK;
}
