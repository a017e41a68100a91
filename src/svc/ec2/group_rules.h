/*
 * group_rules: rules of security groups as rows of their own, and the two forms in which requests
 * and replies write them: permissions (many sources under one protocol and port range) and rules.
 */
#ifndef HANEUL_SVC_EC2_GROUP_RULES_H
#define HANEUL_SVC_EC2_GROUP_RULES_H

#include "svc/ec2/network_rows.h"

/* Loads all rules of the group, in the order in which they were made. */
struct ec2_security_group_rule_list ec2_group_rules(
	struct call *c, const struct ec2_security_group_row *g);
/* Permissions as they came, checked and in their plain form: a rule for each source. */
int ec2_permissions_read(struct call *c, const struct ec2_security_group *g,
	const struct ec2_ip_permission_list *in, bool egress,
	struct ec2_security_group_rule_list *ret);
/* The form of a single rule (ModifySecurityGroupRules). */
int ec2_rule_read(struct call *c, const struct ec2_security_group *g,
	const struct ec2_security_group_rule_request *in, bool egress,
	struct ec2_security_group_rule *ret);
/* Rules of one direction as Describe* shows them in groups. */
void ec2_permissions_show(struct call *c, const struct ec2_security_group_rule_list *rules,
	bool egress, struct ec2_ip_permission_list *ret);
/* The same traffic: all but ids, tags and descriptions. */
bool ec2_rule_same(
	const struct ec2_security_group_rule *a, const struct ec2_security_group_rule *b);
/* Adds it to the group, whose row the caller stores. seed as for ids. */
void ec2_rule_add(struct call *c, struct ec2_security_group_row *g,
	struct ec2_security_group_rule *r, const char *seed);
/* No direction may be fuller than AWS's limit. Lists of prefixes count whole. */
int ec2_rules_limit(struct call *c, const struct ec2_security_group_row *g);

#endif
