#include "svc/iam/iam.h"

static const struct {
	const char *service, *name;
} known[] = {
	{ "autoscaling.amazonaws.com", "AutoScaling" },
	{ "ecs.amazonaws.com", "ECS" },
	{ "ecs.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_ECSService" },
	{ "dynamodb.application-autoscaling.amazonaws.com",
		"ApplicationAutoScaling_DynamoDBTable" },
	{ "ec2.application-autoscaling.amazonaws.com",
		"ApplicationAutoScaling_EC2SpotFleetRequest" },
	{ "rds.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_RDSCluster" },
	{ "lambda.application-autoscaling.amazonaws.com",
		"ApplicationAutoScaling_LambdaConcurrency" },
	{ "elasticache.amazonaws.com", "ElastiCache" },
	{ "elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing" },
	{ "es.amazonaws.com", "AmazonElasticsearchService" },
	{ "opensearchservice.amazonaws.com", "AmazonOpenSearchService" },
	{ "eks.amazonaws.com", "AmazonEKS" },
	{ "eks-nodegroup.amazonaws.com", "AmazonEKSNodegroup" },
	{ "rds.amazonaws.com", "RDS" },
	{ "spot.amazonaws.com", "EC2Spot" },
	{ "spotfleet.amazonaws.com", "EC2SpotFleet" },
	{ "ec2fleet.amazonaws.com", "EC2Fleet" },
	{ "lex.amazonaws.com", "LexBots" },
	{ "organizations.amazonaws.com", "Organizations" },
	{ "replication.dynamodb.amazonaws.com", "DynamoDBReplication" },
	{ "replicator.lambda.amazonaws.com", "LambdaReplicator" },
	{ "kafka.amazonaws.com", "Kafka" },
	{ "support.amazonaws.com", "Support" },
	{ "trustedadvisor.amazonaws.com", "TrustedAdvisor" },
	{ "transitgateway.amazonaws.com", "VPCTransitGateway" },
	{ "cloudtrail.amazonaws.com", "CloudTrail" },
	{ "ssm.amazonaws.com", "AmazonSSM" },
	{ "backup.amazonaws.com", "Backup" },
	{ "config.amazonaws.com", "Config" },
	{ "guardduty.amazonaws.com", "AmazonGuardDuty" },
	{ "fis.amazonaws.com", "FIS" },
};

struct str
iam_service_role_name(struct call *c, struct str service, struct str suffix)
{
	struct str rest = service, first = str_cut(&rest, '.');
	const char *name = NULL;
	for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (str_eq(service, str_c(known[i].service)))
			name = known[i].name;
	char *own = arena_cstr(c->arena, first);
	if (own[0] >= 'a' && own[0] <= 'z')
		own[0] = (char)(own[0] - 'a' + 'A');
	return arena_printf(c->arena, "AWSServiceRoleFor%s%s%.*s", name ? name : own,
		suffix.len ? "_" : "", STR_FMT(suffix));
}

int
iam_create_service_linked_role(struct call *c, const struct iam_create_service_linked_role_in *in,
	struct iam_create_service_linked_role_out *out)
{
	struct iam_entity_row e;
	struct str name = iam_service_role_name(c, in->AWSServiceName, in->CustomSuffix);
	struct str path =
		arena_printf(c->arena, "/aws-service-role/%.*s/", STR_FMT(in->AWSServiceName));
	if (!str_ends(in->AWSServiceName, STR(".amazonaws.com")) || name.len > 64)
		return call_fail(c, &IAM_InvalidInput, "Service role name %.*s is not valid.",
			STR_FMT(in->AWSServiceName));
	if (iam_exists(c, IAM_ROLE, name))
		return call_fail(c, &IAM_InvalidInput,
			"Service role name %.*s has been taken in this account, please try a "
			"different suffix.",
			STR_FMT(name));
	if (iam_make(c, IAM_ROLE, name, path, NULL, &e))
		return CALL_FAILED;
	e.Description = in->Description;
	e.LinkedService = in->AWSServiceName;
	e.MaxSession = OPT_I64(3600);
	e.Trust = arena_printf(c->arena,
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
		"\"Service\":"
		"\"%.*s\"},\"Action\":\"sts:AssumeRole\"}]}",
		STR_FMT(in->AWSServiceName));
	iam_save(c, IAM_ROLE, &e);
	out->Role = iam_role_tell(c, &e, false, NULL);
	return CALL_OK;
}

int
iam_delete_service_linked_role(struct call *c, const struct iam_delete_service_linked_role_in *in,
	struct iam_delete_service_linked_role_out *out)
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_ROLE, in->RoleName, &e))
		return CALL_FAILED;
	if (!e.LinkedService.len)
		return call_fail(c, &IAM_NoSuchEntity,
			"The role with name %.*s is not a service-linked role.",
			STR_FMT(in->RoleName));
	/* Nothing here keeps such a role in use, so the deletion is done when it is asked for. */
	iam_erase(c, IAM_ROLE, e.Name);
	out->DeletionTaskId = arena_printf(c->arena, "task%.*s%.*s/%.*s", STR_FMT(e.Path),
		STR_FMT(e.Name), STR_FMT(call_uuid(c)));
	return CALL_OK;
}

int
iam_get_service_linked_role_deletion_status(struct call *c,
	const struct iam_get_service_linked_role_deletion_status_in *in,
	struct iam_get_service_linked_role_deletion_status_out *out)
{
	struct str id = in->DeletionTaskId;
	long uuid = str_rfind(id, '/');
	struct str role = uuid > 0 ? str_slice(id, 0, (size_t)uuid) : STR("");
	long slash = str_rfind(role, '/');
	if (!str_starts(id, STR("task/aws-service-role/")) || slash < 0)
		return call_fail(
			c, &IAM_NoSuchEntity, "Deletion task %.*s cannot be found.", STR_FMT(id));
	role = str_slice(role, (size_t)slash + 1, role.len);
	out->Status = iam_exists(c, IAM_ROLE, role) ? STR("FAILED") : STR("SUCCEEDED");
	return CALL_OK;
}
