/*
 * instances: machines as EC2 has them. A row's Instance.State says what is wanted ("pending",
 * "stopping", "shutting-down") or has been reached; the reconciler "ec2.instance" makes it so by
 * the plane, whose machine has the instance's id. `Runs`: the machine was started and is not known
 * to have ended. A terminated row stays for an hour.
 *
 * Functions with a call work in its open transaction, of any sort unless said; text borrows from
 * it.
 */
#ifndef HANEUL_SVC_EC2_INSTANCES_H
#define HANEUL_SVC_EC2_INSTANCES_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_instance_kind;

/* ---- for the metadata service and others that know only an id. false: there is none. */
bool ec2_instance_where(struct tx *t, struct arena *a, struct str id, struct str *ret_region,
	struct str *ret_account);
/* As DescribeInstances shows it: interfaces, addresses, tags; NULL: there is none. */
struct ec2_instance_row *ec2_instance_get(struct call *c, struct str id);
/* Whose interface it is; NULL: nobody's. */
struct ec2_instance_row *ec2_instance_by_interface(struct call *c, struct str interface);
/* Bytes, not base64; STR_NULL: none. */
struct str ec2_instance_user_data(struct call *c, const struct ec2_instance_row *i);
/* The key's public half as it was at the launch, one line; STR_NULL: none. */
struct str ec2_instance_public_key(const struct ec2_instance_row *i);
/* The role of its instance profile; STR_NULL: none (the profile may have lost it). */
struct str ec2_instance_role(
	struct call *c, const struct ec2_instance_row *i, struct str *ret_role_arn);

/* ---- states */
enum ec2_state {
	EC2_PENDING = 0,
	EC2_RUNNING = 16,
	EC2_SHUTTING_DOWN = 32,
	EC2_TERMINATED = 48,
	EC2_STOPPING = 64,
	EC2_STOPPED = 80,
};
struct ec2_instance_state *ec2_state_new(struct arena *a, enum ec2_state s);
void ec2_state_set(struct call *c, struct ec2_instance_row *i, enum ec2_state s);
bool ec2_state_is(const struct ec2_instance_row *i, enum ec2_state s);
/* code "" and message STR_NULL clear it. */
void ec2_reason_set(
	struct call *c, struct ec2_instance_row *i, const char *code, struct str message);
void ec2_instance_put(struct call *c, struct ec2_instance_row *i);

/* What has to happen when a machine is gone: by the state it goes to. In a unit. */
void ec2_instance_ended(struct call *c, struct ec2_instance_row *i, bool terminated);
/* Wanted by calls and by other nouns (reservations, zones): in a unit. */
void ec2_instance_stop(struct call *c, struct ec2_instance_row *i, bool force, struct str reason);
void ec2_instance_terminate(struct call *c, struct ec2_instance_row *i, struct str reason);

/* InsufficientInstanceCapacity for a type larger than this host, unless overcommit is set. */
int ec2_capacity_check(struct call *c, struct str type);
void ec2_console_forget(struct call *c, struct str id);

/* ---- metering: instance seconds, 60 at least for each start (instance_usage.c) */
void ec2_usage_begin(struct call *c, struct ec2_instance_row *i);
void ec2_usage_end(struct call *c, struct ec2_instance_row *i);

/* ---- instance profiles (instance_profiles.c) */
int ec2_profile_find(struct call *c, const struct ec2_iam_instance_profile_specification *s,
	struct ec2_iam_instance_profile **ret); /* checks iam:PassRole */
void ec2_profile_set(
	struct call *c, struct ec2_instance_row *i, struct ec2_iam_instance_profile *p);

/* With the credit specification's word; NULL: what the type has by itself. (instance_credits.c) */
int ec2_credits_check(struct call *c, struct str type, struct str credits, struct str *ret);

#endif
