#include "svc/s3/replication.h"

#include "aws/tasks.h"
#include "base/buf.h"
#include "svc/s3/access.h"
#include "svc/s3/events.h"
#include "svc/s3/rules.h"
#include "svc/s3/sse.h"
#include "svc/s3/task_run.h"

#define KIND "s3-replicate"
#define RULES_MAX 1000

/* ---- which rule ---- */

static struct str
prefix_of(const struct s3_replication_rule *r)
{
	const struct s3_replication_rule_filter *f = r->Filter;
	struct str p = f ? (f->And ? f->And->Prefix : f->Prefix) : r->Prefix;
	return p.p ? p : STR("");
}

static bool
tag_there(const struct s3_object_row *o, const struct s3_tag *want)
{
	for (uint32_t i = 0; i < o->Tags.n; i++)
		if (str_eq(o->Tags.v[i].Key, want->Key) && str_eq(o->Tags.v[i].Value, want->Value))
			return true;
	return false;
}

static bool
rule_has_tags(const struct s3_replication_rule *r)
{
	return r->Filter && (r->Filter->Tag || (r->Filter->And && r->Filter->And->Tags.n));
}

/* Objects under KMS keys are left out unless a rule says otherwise. */
static bool
takes_kms(const struct s3_replication_rule *r)
{
	const struct s3_source_selection_criteria *k = r->SourceSelectionCriteria;
	return k && k->SseKmsEncryptedObjects &&
	       str_is(k->SseKmsEncryptedObjects->Status, "Enabled") &&
	       r->Destination->EncryptionConfiguration &&
	       r->Destination->EncryptionConfiguration->ReplicaKmsKeyID.p;
}

static bool
rule_matches(const struct s3_replication_rule *r, struct str key, const struct s3_object_row *o)
{
	const struct s3_replication_rule_filter *f = r->Filter;
	if (!str_is(r->Status, "Enabled") || !str_starts(key, prefix_of(r)))
		return false;
	if (o->SseKmsKeyId.p && !takes_kms(r))
		return false;
	/* The first schema, without filters, always took delete markers along. */
	if (o->Marker.v)
		return !f || (r->DeleteMarkerReplication &&
				     str_is(r->DeleteMarkerReplication->Status, "Enabled"));
	if (f && f->Tag && !tag_there(o, f->Tag))
		return false;
	for (uint32_t i = 0; f && f->And && i < f->And->Tags.n; i++)
		if (!tag_there(o, &f->And->Tags.v[i]))
			return false;
	return true;
}

/* Of rules with one destination the one with the highest priority counts. */
static bool
rule_leads(const struct s3_replication_row *k, uint32_t at, struct str key,
	const struct s3_object_row *o)
{
	const struct s3_replication_rule *r = &k->Rules.v[at];
	if (!rule_matches(r, key, o))
		return false;
	for (uint32_t i = 0; i < k->Rules.n; i++) {
		const struct s3_replication_rule *other = &k->Rules.v[i];
		if (i != at && str_eq(other->Destination->Bucket, r->Destination->Bucket) &&
			rule_matches(other, key, o) &&
			(other->Priority.v > r->Priority.v ||
				(other->Priority.v == r->Priority.v && i < at)))
			return false;
	}
	return true;
}

void
s3_replication_plan(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	o->ReplicationStatus = STR_NULL;
	if (!(b->Configs.v >> S3_CONFIG_REPLICATION & 1) || b->Versioning.v != S3_VERSIONED)
		return;
	const struct s3_replication_row *k = s3_rules_get(c, b)->replication;
	bool any = false;
	for (uint32_t i = 0; k && i < k->Rules.n && !any; i++)
		any = rule_leads(k, i, key, o);
	if (!any)
		return;
	struct key payload;
	o->ReplicationStatus = STR("PENDING");
	key_begin(&payload);
	key_add(&payload, b->Name);
	key_add_u64(&payload, (uint64_t)b->Id.v);
	key_add(&payload, o->VersionId);
	key_add_raw(&payload, key);
	task_add(c->tx, KIND, key_str(&payload), c->now_ms);
}

/* ---- the copy ---- */

static void
parts_copy(struct call *c, const struct s3_bucket_row *to, struct s3_object_row *o)
{
	struct s3_parts_walk w;
	const struct s3_part_row *part;
	uint32_t n = 0, cap = 64;
	struct s3_part_row *all = arena_array(c->arena, struct s3_part_row, cap);
	s3_parts_open(c, o->PartsId, 0, &w);
	while ((part = s3_parts_next(c, &w))) {
		if (n == cap) {
			struct s3_part_row *more =
				arena_array(c->arena, struct s3_part_row, cap * 2);
			memcpy(more, all, n * sizeof(*all));
			all = more;
			cap *= 2;
		}
		all[n++] = *part;
		s3_segments_retain(c, to->Region, part->Segments);
	}
	scan_done(&w.scan);
	char *id = arena_alloc_raw(c->arena, 16);
	random_bytes(id, 16);
	o->PartsId = str_of(id, 16);
	s3_parts_write(c, o->PartsId, all, n);
}

static void
own_row_copy(struct call *c, const struct s3_bucket_row *from, const struct s3_bucket_row *to,
	struct str key, const struct s3_object_row *o)
{
	struct key k;
	struct str sealed;
	s3_key_body(&k, (uint64_t)from->Id.v, key, (uint64_t)o->Seq.v);
	if (!o->BodyRow.v || !tx_get(c->tx, s3_rows(c), key_str(&k), &sealed))
		return;
	s3_key_body(&k, (uint64_t)to->Id.v, key, (uint64_t)o->Seq.v);
	tx_put(c->tx, s3_rows(c), key_str(&k), sealed);
}

/* The data key is sealed anew under the replica's KMS key; the bytes stay what they are. */
static bool
data_key_move(struct call *c, const struct s3_bucket_row *from, const struct s3_bucket_row *to,
	const struct s3_replication_rule *r, struct str key, struct s3_object_row *o)
{
	unsigned char plain[SEAL_KEY];
	if (!o->SseKmsKeyId.p)
		return true;
	if (s3_sse_kms_open(c, from, key, o, plain))
		return false;
	o->SseKmsKeyId = r->Destination->EncryptionConfiguration->ReplicaKmsKeyID;
	o->SseContext = STR_NULL;
	bool ok = s3_sse_kms_seal(c, to, key, plain, o) == CALL_OK;
	explicit_bzero(plain, sizeof(plain));
	return ok;
}

/* false: its blobs are out of reach. */
static bool
body_copy(struct call *c, const struct s3_bucket_row *from, const struct s3_bucket_row *to,
	struct str key, struct s3_object_row *o)
{
	if ((o->Segments.p || o->PartsId.p) && !str_eq(from->Region, to->Region))
		return false;
	if (!o->Segments.p && !o->PartsId.p && s3_sse_is_own(o)) {
		/* Sealed under the object's own key, which stays: as it is. */
		own_row_copy(c, from, to, key, o);
	} else if (!o->Segments.p && !o->PartsId.p) {
		/* Sealed for its bucket: opened and sealed anew. */
		struct body *body = s3_body_read(c, from, key, o, NULL, 0, (uint64_t)o->Size.v);
		struct key k;
		if (!body->inline_data.p)
			return false;
		struct str sealed = s3_sse_seal(c, (uint64_t)to->Id.v, key, body->inline_data);
		o->Sse = STR("AES256");
		s3_key_body(&k, (uint64_t)to->Id.v, key, (uint64_t)o->Seq.v);
		if (o->BodyRow.v)
			tx_put(c->tx, s3_rows(c), key_str(&k), sealed);
		else
			o->Body = sealed;
	}
	if (o->Segments.p)
		s3_segments_retain(c, to->Region, o->Segments);
	if (o->PartsId.p)
		parts_copy(c, to, o);
	return true;
}

static bool
bucket_of_arn(struct call *c, struct str arn, struct s3_bucket_row *ret)
{
	return str_starts(arn, STR("arn:aws:s3:::")) &&
	       s3_bucket_find(c, str_slice(arn, 13, arn.len), ret);
}

static bool
replicate(struct call *c, const struct s3_bucket_row *from, const struct s3_replication_rule *r,
	struct str key, const struct s3_object_row *source)
{
	struct s3_bucket_row to = { 0 };
	struct s3_object_row o = *source, there = { 0 };
	if (!bucket_of_arn(c, r->Destination->Bucket, &to) || to.Versioning.v != S3_VERSIONED ||
		to.Id.v == from->Id.v)
		return false;
	if (s3_version_get(c, &to, key, o.VersionId, &there))
		return true;
	o.ReplicationStatus = STR("REPLICA");
	o.RestoreExpiry.set = o.RestoreOngoing.set = o.NoncurrentSince.set = false;
	o.Annotations.set = false;
	o.AnnotationsId = STR_NULL;
	if (r->Destination->StorageClass.p)
		o.StorageClass = str_is(r->Destination->StorageClass, "STANDARD")
					 ? STR_NULL
					 : r->Destination->StorageClass;
	if (r->Destination->AccessControlTranslation) {
		o.Owner = to.Owner;
		o.Acl = STR_NULL;
	}
	if (!to.ObjectLock.v) {
		o.LockMode = STR_NULL;
		o.LockUntil.set = o.LegalHold.set = false;
	}
	if (!o.Marker.v && (!data_key_move(c, from, &to, r, key, &o) ||
				   !body_copy(c, from, &to, key, &o)))
		return false;
	s3_version_replica(c, &to, key, &o);
	s3_event_object(c, &to,
		o.Marker.v ? "s3:ObjectRemoved:DeleteMarkerCreated" : "s3:ObjectCreated:Put", key,
		&o);
	return true;
}

static void
replicate_all(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	/* Decoded afresh: the rules of other buckets may take the kept one's place. */
	struct s3_replication_row k = { 0 };
	struct str bytes;
	bool failed = false;
	if (!s3_config_get(c, b, S3_CONFIG_REPLICATION, &bytes) ||
		!row_decode(&s3_replication_row_shape, bytes, c->arena, &k))
		failed = true;
	for (uint32_t i = 0; i < k.Rules.n; i++)
		if (rule_leads(&k, i, key, o))
			failed |= !replicate(c, b, &k.Rules.v[i], key, o);
	/* Markers have no status that anybody could see. */
	o->ReplicationStatus = o->Marker.v ? STR_NULL : failed ? STR("FAILED") : STR("COMPLETED");
	s3_version_update(c, b, key, o);
	if (failed)
		s3_event_object(c, b, "s3:Replication:OperationFailedReplication", key, o);
}

static int
task_run(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	struct call c;
	struct arena a;
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	char name_text[128], version_text[64];
	struct str name, version;
	uint64_t bucket;
	s3_task_call(&c, &a, t, task->due_ms);
	struct str rest = arena_dup(&a, task->payload);
	if (key_take(&rest, name_text, sizeof(name_text), &name) && key_take_u64(&rest, &bucket) &&
		key_take(&rest, version_text, sizeof(version_text), &version) &&
		s3_bucket_find(&c, name, &b) && (uint64_t)b.Id.v == bucket &&
		s3_version_get(&c, &b, rest, version, &o) &&
		str_is(o.ReplicationStatus, "PENDING")) {
		c.account = c.who.account = b.Owner;
		c.who.root = true;
		c.who.arn = arena_printf(&a, "arn:aws:iam::%.*s:root", STR_FMT(b.Owner));
		replicate_all(&c, &b, rest, &o);
	}
	arena_done(&a);
	return 0;
}

void
s3_replication_start(void)
{
	static const struct task_kind kind = { .name = KIND, .run = task_run };
	tasks_register(&kind);
}

/* ---- configuration ---- */

static int
malformed(struct call *c)
{
	return call_fail(c, &S3_MalformedXML, NULL);
}

static int
destination_check(struct call *c, const struct s3_bucket_row *b, const struct s3_destination *d)
{
	struct s3_bucket_row to = { 0 };
	if (!d || !d->Bucket.p)
		return malformed(c);
	if (!str_starts(d->Bucket, STR("arn:aws:s3:::")))
		return call_fail(c, &S3_InvalidArgument, "Invalid bucket ARN");
	if (!bucket_of_arn(c, d->Bucket, &to))
		return call_fail(c, &S3_InvalidRequest, "Destination bucket must exist.");
	if (to.Id.v == b->Id.v)
		return call_fail(
			c, &S3_InvalidRequest, "Destination bucket cannot be the source bucket.");
	if (to.Versioning.v != S3_VERSIONED)
		return call_fail(
			c, &S3_InvalidRequest, "Destination bucket must have versioning enabled.");
	if (d->Account.p && !str_eq(d->Account, to.Owner))
		return call_fail(c, &S3_InvalidArgument,
			"The account specified does not own the destination bucket.");
	return CALL_OK;
}

static int
filter_check(struct call *c, const struct s3_replication_rule *r)
{
	const struct s3_replication_rule_filter *f = r->Filter;
	if (!f)
		return CALL_OK;
	if (r->Prefix.p || (f->Prefix.p != NULL) + (f->Tag != NULL) + (f->And != NULL) > 1)
		return malformed(c);
	if (!r->Priority.set)
		return call_fail(c, &S3_InvalidRequest,
			"Priority must be specified for this version of Cross Region Replication "
			"configuration schema. Please refer to S3 Developer Guide for more "
			"information.");
	if (!r->DeleteMarkerReplication)
		return call_fail(c, &S3_InvalidRequest,
			"DeleteMarkerReplication must be specified for this version of Cross "
			"Region "
			"Replication configuration schema. Please refer to S3 Developer Guide for "
			"more information.");
	if (rule_has_tags(r) && str_is(r->DeleteMarkerReplication->Status, "Enabled"))
		return call_fail(c, &S3_InvalidRequest,
			"Delete marker replication is not supported if any Tag filter is "
			"specified. "
			"Please refer to S3 Developer Guide for more information.");
	return CALL_OK;
}

static int
rules_check(struct call *c, const struct s3_bucket_row *b, struct s3_replication_rule *rules,
	uint32_t n)
{
	if (!n || n > RULES_MAX)
		return malformed(c);
	for (uint32_t i = 0; i < n; i++) {
		struct s3_replication_rule *r = &rules[i];
		if (!str_is(r->Status, "Enabled") && !str_is(r->Status, "Disabled"))
			return malformed(c);
		if (r->ID.len > 255)
			return call_fail(c, &S3_InvalidArgument,
				"Rule Id length should not exceed allowed limit of 255");
		if (!r->ID.len)
			r->ID = call_uuid(c);
		if (filter_check(c, r) || destination_check(c, b, r->Destination))
			return CALL_FAILED;
		for (uint32_t j = 0; j < i; j++) {
			if (str_eq(rules[j].ID, r->ID))
				return call_fail(c, &S3_InvalidArgument, "Rule Id must be unique");
			if (r->Priority.set && rules[j].Priority.set &&
				r->Priority.v == rules[j].Priority.v)
				return call_fail(c, &S3_InvalidArgument,
					"Found duplicate priority %lld. Priority must be unique.",
					(long long)r->Priority.v);
		}
	}
	return CALL_OK;
}

int
s3_put_bucket_replication(struct call *c, const struct s3_put_bucket_replication_in *in,
	struct s3_put_bucket_replication_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_replication_row row = { 0 };
	struct buf bytes = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutReplicationConfiguration", &b))
		return CALL_FAILED;
	if (!in->ReplicationConfiguration)
		return malformed(c);
	if (b.Versioning.v != S3_VERSIONED)
		return call_fail(c, &S3_InvalidRequest,
			"Versioning must be 'Enabled' on the bucket to apply a replication "
			"configuration");
	row.Role = in->ReplicationConfiguration->Role;
	row.Rules = in->ReplicationConfiguration->Rules;
	if (!str_starts(row.Role, STR("arn:aws:iam::")))
		return call_fail(c, &S3_InvalidArgument,
			"Invalid Role specified in replication configuration");
	if (rules_check(c, &b, row.Rules.v, row.Rules.n))
		return CALL_FAILED;
	row_encode(&s3_replication_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_REPLICATION, buf_str(&bytes));
	buf_done(&bytes);
	return CALL_OK;
}

int
s3_get_bucket_replication(struct call *c, const struct s3_get_bucket_replication_in *in,
	struct s3_get_bucket_replication_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_replication_row row = { 0 };
	struct str bytes;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:GetReplicationConfiguration", &b))
		return CALL_FAILED;
	if (!s3_config_get(c, &b, S3_CONFIG_REPLICATION, &bytes) ||
		!row_decode(&s3_replication_row_shape, bytes, c->arena, &row)) {
		call_fail(c, &S3_ReplicationConfigurationNotFoundError, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	out->ReplicationConfiguration = arena_new(c->arena, struct s3_replication_configuration);
	out->ReplicationConfiguration->Role = row.Role;
	out->ReplicationConfiguration->Rules = row.Rules;
	return CALL_OK;
}

int
s3_delete_bucket_replication(struct call *c, const struct s3_delete_bucket_replication_in *in,
	struct s3_delete_bucket_replication_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutReplicationConfiguration", &b))
		return CALL_FAILED;
	if (b.Configs.v >> S3_CONFIG_REPLICATION & 1)
		s3_config_put(c, &b, S3_CONFIG_REPLICATION, STR_NULL);
	return CALL_OK;
}
