/* A key goes when its waiting time is over on the clock; until then that can be taken back. */
#include "svc/kms/kms.h"

#include "aws/due.h"

#define KIND STR("kms.delete")

static struct str
due_id(struct call *c, const struct kms_key_row *k)
{
	return arena_printf(c->arena, "%.*s %.*s %.*s", STR_FMT(k->Account), STR_FMT(k->Region),
		STR_FMT(k->Id));
}

static void
aliases_erase(struct call *c, const struct kms_key_row *k)
{
	struct key space, hi;
	struct scan s;
	kms_key_space(&space, 'A', k->Account, k->Region);
	scan_open(&s, c->tx, kms_rows(c->store), key_str(&space),
		key_after_prefix(&hi, key_str(&space)), false);
	while (scan_next(&s)) {
		struct kms_alias_row a = { 0 };
		if (row_decode(&kms_alias_row_shape, s.value, c->arena, &a) &&
			str_eq(a.Target, k->Id))
			tx_delete(c->tx, kms_rows(c->store), arena_dup(c->arena, s.key));
	}
}

static int
erase(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct key k;
	struct kms_key key;
	struct str rest = id;
	(void)due_ms, (void)payload, (void)arg;
	arena_init(&a);
	struct call c = { .arena = &a, .tx = t, .store = tx_store(t) };
	struct str account = str_cut(&rest, ' '), region = str_cut(&rest, ' ');
	if (kms_key_load(&c, account, region, rest, &key)) {
		aliases_erase(&c, &key.row);
		kms_grants_erase(t, c.store, &key.row);
		kms_key_space(&k, 'K', account, region);
		key_add(&k, rest);
		tx_delete(t, kms_rows(c.store), key_str(&k));
	}
	arena_done(&a);
	return 0;
}

void
kms_deletion_start(void)
{
	due_handle("kms.delete", erase, NULL);
}

int
kms_schedule_key_deletion(struct call *c, const struct kms_schedule_key_deletion_in *in,
	struct kms_schedule_key_deletion_out *out)
{
	struct kms_key k;
	struct kms_ask a = { .operation = "ScheduleKeyDeletion", .own = true, .unusable = true };
	int64_t days = in->PendingWindowInDays.set ? in->PendingWindowInDays.v : 30;
	if (kms_open(c, in->KeyId, &a, &k) || kms_pending_deletion(c, &k))
		return CALL_FAILED;
	if (str_is(k.row.Manager, "AWS"))
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: kms:ScheduleKeyDeletion on "
			"resource: %.*s because the key is managed by AWS",
			STR_FMT(c->who.arn), STR_FMT(k.arn));
	if (days < 7 || days > 30)
		return call_fail(c, &ERR_ValidationException,
			"PendingWindowInDays must be between 7 and 30 days.");
	k.row.State = STR("PendingDeletion");
	k.row.PendingDays = OPT_I64(days);
	k.row.DeletionDate = (struct opt_time){ c->now_ms + days * KMS_DAY_MS, true };
	kms_key_save(c, &k.row);
	due_add(c->tx, KIND, due_id(c, &k.row), k.row.DeletionDate.ms, STR(""));
	out->KeyId = k.arn;
	out->DeletionDate = k.row.DeletionDate;
	out->KeyState = k.row.State;
	out->PendingWindowInDays = k.row.PendingDays;
	return CALL_OK;
}

int
kms_cancel_key_deletion(struct call *c, const struct kms_cancel_key_deletion_in *in,
	struct kms_cancel_key_deletion_out *out)
{
	struct kms_key k;
	struct kms_ask a = { .operation = "CancelKeyDeletion", .own = true, .unusable = true };
	if (kms_open(c, in->KeyId, &a, &k))
		return CALL_FAILED;
	if (!str_is(k.row.State, "PendingDeletion"))
		return call_fail(c, &KMS_KMSInvalidStateException, "%.*s is not pending deletion.",
			STR_FMT(k.arn));
	due_cancel(c->tx, KIND, due_id(c, &k.row));
	/* It comes back disabled; EnableKey is a step of its own. */
	k.row.State = STR("Disabled");
	k.row.DeletionDate.set = false;
	k.row.PendingDays.set = false;
	kms_key_save(c, &k.row);
	out->KeyId = k.arn;
	return CALL_OK;
}
