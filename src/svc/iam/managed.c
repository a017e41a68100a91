/* AWS's managed policies that users attach most: a table. Names, paths and ARNs are AWS's; the
 * documents are written here, from which actions each is published to allow. Sorted by name. */
#include "aws/policy.h"
#include "svc/iam/iam.h"

#include <stdatomic.h>
#include <stdlib.h>

static const struct iam_managed table[] = {
	{ "/", "AWSBackupFullAccess", "ANPAO73W7HQALKXEEUNGI", "AWSBackup full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"backup:*\",\"backup-storage:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSCertificateManagerFullAccess", "ANPAVS2APKOEL2S64TI3Q",
		"AWSCertificate manager full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"acm:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":\"iam:CreateServiceLinkedRole\",\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":\"acm.amazonaws.com\"}}}]"
		"}" },
	{ "/", "AWSCertificateManagerReadOnly", "ANPAAOELKGASKO5UEHLNZ",
		"AWSCertificate manager read only.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"acm:DescribeCertificate\",\"acm:ListCertificates\","
		"\"acm:GetCertificate\",\"acm:ListTagsForCertificate\","
		"\"acm:GetAccountConfiguration\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSCloudFormationFullAccess", "ANPAQN3OH5ZOVYYCGIIMD",
		"AWSCloud formation full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudformation:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSCloudFormationReadOnlyAccess", "ANPA7PR7OLJMHOZSLVQ5A",
		"AWSCloud formation read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudformation:Describe*\","
		"\"cloudformation:EstimateTemplateCost\",\"cloudformation:Get*\","
		"\"cloudformation:List*\",\"cloudformation:ValidateTemplate\","
		"\"cloudformation:Detect*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSCloudTrail_FullAccess", "ANPAKN5D4VZJA2QDSC66T", "AWSCloud trail  full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudtrail:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSDenyAll", "ANPAY35G5UQ6362SM2MT3", "Deny all access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"DenyAll\","
		"\"Effect\":\"Deny\",\"Action\":[\"*\"],\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AWSFaultInjectionSimulatorEC2Access", "ANPAM4YGIPMLBICSLPVP3",
		"AWSFault injection simulator eC2 access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:RebootInstances\",\"ec2:StopInstances\","
		"\"ec2:StartInstances\",\"ec2:TerminateInstances\","
		"\"ec2:DescribeInstances\",\"kms:CreateGrant\",\"ssm:SendCommand\","
		"\"ssm:CancelCommand\",\"ssm:ListCommands\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSKeyManagementServicePowerUser", "ANPAPPPFQCQL4L7JSXHUB",
		"Provides access to AWS Key Management Service (KMS).",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"kms:CreateAlias\",\"kms:CreateKey\",\"kms:DeleteAlias\","
		"\"kms:Describe*\",\"kms:GenerateRandom\",\"kms:Get*\",\"kms:List*\","
		"\"kms:TagResource\",\"kms:UntagResource\",\"iam:ListGroups\","
		"\"iam:ListRoles\",\"iam:ListUsers\"],\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AWSLambdaBasicExecutionRole", "ANPA4ZUG43TME452FFAIH",
		"AWSLambda basic execution role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\"],\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AWSLambdaDynamoDBExecutionRole", "ANPAENBSXNQF6BHAUJP3S",
		"AWSLambda dynamo dBExecution role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\",\"dynamodb:DescribeStream\","
		"\"dynamodb:GetRecords\",\"dynamodb:GetShardIterator\","
		"\"dynamodb:ListStreams\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSLambdaExecute", "ANPANFGGEVLBMWTYSUUK2", "AWSLambda execute.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],"
		"\"Resource\":\"arn:aws:s3:::*\"}]}" },
	{ "/service-role/", "AWSLambdaKinesisExecutionRole", "ANPAIFSLRHOVNOBHJSACX",
		"AWSLambda kinesis execution role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\",\"kinesis:DescribeStream\","
		"\"kinesis:DescribeStreamSummary\",\"kinesis:GetRecords\","
		"\"kinesis:GetShardIterator\",\"kinesis:ListShards\","
		"\"kinesis:ListStreams\",\"kinesis:SubscribeToShard\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AWSLambdaMSKExecutionRole", "ANPA5LEAZRODB6RW2Q7NW",
		"AWSLambda mSKExecution role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\",\"kafka:DescribeCluster\","
		"\"kafka:DescribeClusterV2\",\"kafka:GetBootstrapBrokers\","
		"\"ec2:CreateNetworkInterface\",\"ec2:DescribeNetworkInterfaces\","
		"\"ec2:DescribeVpcs\",\"ec2:DeleteNetworkInterface\","
		"\"ec2:DescribeSubnets\",\"ec2:DescribeSecurityGroups\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AWSLambdaRole", "ANPACJNFGIBU6HVJG2WYQ", "AWSLambda role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AWSLambdaSQSQueueExecutionRole", "ANPA67ONG3OPDQUT5JJX7",
		"AWSLambda sQSQueue execution role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\",\"sqs:ReceiveMessage\",\"sqs:DeleteMessage\","
		"\"sqs:GetQueueAttributes\"],\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AWSLambdaVPCAccessExecutionRole", "ANPARG6YLXAK2RW7AEK3X",
		"AWSLambda vPCAccess execution role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\",\"ec2:AssignPrivateIpAddresses\","
		"\"ec2:CreateNetworkInterface\",\"ec2:DeleteNetworkInterface\","
		"\"ec2:DescribeNetworkInterfaces\",\"ec2:DescribeSubnets\","
		"\"ec2:UnassignPrivateIpAddresses\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSLambda_FullAccess", "ANPAFTSWLENI6OYWH5PR4", "AWSLambda  full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"lambda:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudformation:DescribeStacks\","
		"\"cloudformation:ListStackResources\",\"cloudwatch:ListMetrics\","
		"\"cloudwatch:GetMetricData\",\"ec2:DescribeSecurityGroups\","
		"\"ec2:DescribeSubnets\",\"ec2:DescribeVpcs\",\"kms:ListAliases\","
		"\"iam:GetPolicy\",\"iam:GetPolicyVersion\",\"iam:GetRole\","
		"\"iam:GetRolePolicy\",\"iam:ListAttachedRolePolicies\","
		"\"iam:ListRolePolicies\",\"iam:ListRoles\",\"logs:DescribeLogGroups\","
		"\"states:DescribeStateMachine\",\"states:ListStateMachines\","
		"\"tag:GetResources\",\"xray:GetTraceSummaries\","
		"\"xray:BatchGetTraces\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":\"iam:PassRole\",\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:PassedToService\":\"lambda.amazonaws.com\"}}}"
		"]}" },
	{ "/", "AWSLambda_ReadOnlyAccess", "ANPAGJYAFRSEBIJG4GZNF", "AWSLambda  read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"lambda:Get*\",\"lambda:List*\","
		"\"cloudwatch:GetMetricData\",\"cloudwatch:ListMetrics\","
		"\"ec2:DescribeSecurityGroups\",\"ec2:DescribeSubnets\","
		"\"ec2:DescribeVpcs\",\"iam:ListRoles\",\"logs:DescribeLogGroups\","
		"\"logs:FilterLogEvents\",\"logs:GetLogEvents\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSStepFunctionsFullAccess", "ANPAFOGQRMSC4LYKQLJZK",
		"AWSStep functions full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"states:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSStepFunctionsReadOnlyAccess", "ANPAGFPXEFX3OZK4TYIIO",
		"AWSStep functions read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"states:Describe*\",\"states:Get*\",\"states:List*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AWSSupportAccess", "ANPAGJCHV2CEWH2KQ37IM", "AWSSupport access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"support:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSWAFFullAccess", "ANPAIWIT7CKOERW5ZVPAT", "AWSWAFFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"waf:*\",\"waf-regional:*\",\"wafv2:*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AWSXRayDaemonWriteAccess", "ANPA33L3QTI4LZVZG42BU", "AWSXRay daemon write access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"xray:PutTraceSegments\",\"xray:PutTelemetryRecords\","
		"\"xray:GetSamplingRules\",\"xray:GetSamplingTargets\","
		"\"xray:GetSamplingStatisticSummaries\"],\"Resource\":\"*\"}]}" },
	{ "/", "AWSXrayFullAccess", "ANPAKM7UD4Z22KECSJ6CF", "AWSXray full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"xray:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AdministratorAccess", "ANPAG6PCD76GENNFKCZ5R",
		"Provides full access to AWS services and resources.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":\"*\",\"Resource\":\"*\"}]}" },
	{ "/", "AmazonAPIGatewayAdministrator", "ANPA2BWFTFMGHVYD5OUQC",
		"Amazon aPIGateway administrator.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"apigateway:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonAPIGatewayInvokeFullAccess", "ANPAP4NNJCPOEVNN4IHD5",
		"Amazon aPIGateway invoke full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"execute-api:Invoke\",\"execute-api:ManageConnections\"],"
		"\"Resource\":\"arn:aws:execute-api:*:*:*\"}]}" },
	{ "/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs", "ANPAJYJSUOXM777NMTQA2",
		"Amazon aPIGateway push to cloud watch logs.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:DescribeLogGroups\",\"logs:DescribeLogStreams\","
		"\"logs:PutLogEvents\",\"logs:GetLogEvents\",\"logs:FilterLogEvents\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonCognitoPowerUser", "ANPAXY6KDKK3GKINCKH4W", "Amazon cognito power user.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cognito-identity:*\",\"cognito-idp:*\","
		"\"cognito-sync:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonDynamoDBFullAccess", "ANPAMJOCTZ7ADZLDM5VMI", "Amazon dynamo dBFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"dynamodb:*\",\"dax:*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\","
		"\"Action\":[\"application-autoscaling:DeleteScalingPolicy\","
		"\"application-autoscaling:DeregisterScalableTarget\","
		"\"application-autoscaling:Describe*\","
		"\"application-autoscaling:PutScalingPolicy\","
		"\"application-autoscaling:RegisterScalableTarget\","
		"\"cloudwatch:DeleteAlarms\",\"cloudwatch:DescribeAlarm*\","
		"\"cloudwatch:GetMetricData\",\"cloudwatch:GetMetricStatistics\","
		"\"cloudwatch:ListMetrics\",\"cloudwatch:PutMetricAlarm\","
		"\"ec2:DescribeVpcs\",\"ec2:DescribeSubnets\","
		"\"ec2:DescribeSecurityGroups\",\"iam:GetRole\",\"iam:ListRoles\","
		"\"kms:DescribeKey\",\"kms:ListAliases\",\"sns:ListTopics\","
		"\"lambda:ListFunctions\",\"kinesis:ListStreams\","
		"\"kinesis:DescribeStream\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":\"iam:PassRole\",\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:PassedToService\":[\"application-autoscaling."
		"amazonaws.com\","
		"\"dax.amazonaws.com\"]}}},{\"Effect\":\"Allow\","
		"\"Action\":\"iam:CreateServiceLinkedRole\",\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":[\"replication.dynamodb."
		"amazonaws.com\","
		"\"dax.amazonaws.com\","
		"\"dynamodb.application-autoscaling.amazonaws.com\"]}}}]}" },
	{ "/", "AmazonDynamoDBFullAccess_v2", "ANPAF35CJQDC6D2OD526P",
		"Amazon dynamo dBFull access v2.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"dynamodb:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonDynamoDBReadOnlyAccess", "ANPAL5R53TM2NMUQAWFXY",
		"Amazon dynamo dBRead only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"application-autoscaling:Describe*\","
		"\"cloudwatch:Describe*\",\"cloudwatch:GetMetric*\","
		"\"cloudwatch:ListMetrics\",\"dynamodb:BatchGetItem\","
		"\"dynamodb:Describe*\",\"dynamodb:List*\",\"dynamodb:GetItem\","
		"\"dynamodb:GetResourcePolicy\",\"dynamodb:Query\",\"dynamodb:Scan\","
		"\"dynamodb:PartiQLSelect\",\"dax:Describe*\",\"dax:List*\","
		"\"dax:GetItem\",\"dax:BatchGetItem\",\"dax:Query\",\"dax:Scan\","
		"\"kms:DescribeKey\",\"kms:ListAliases\",\"sns:ListTopics\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonEC2ContainerRegistryFullAccess", "ANPAIMEMTQ57EJKCU2HX5",
		"Amazon eC2 container registry full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ecr:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":\"cloudtrail:LookupEvents\",\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:CreateServiceLinkedRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":\"replication.ecr.amazonaws."
		"com\"}}}]}" },
	{ "/", "AmazonEC2ContainerRegistryPowerUser", "ANPA5MQQUN5LABFQH4EVH",
		"Amazon eC2 container registry power user.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ecr:GetAuthorizationToken\","
		"\"ecr:BatchCheckLayerAvailability\",\"ecr:GetDownloadUrlForLayer\","
		"\"ecr:GetRepositoryPolicy\",\"ecr:DescribeRepositories\","
		"\"ecr:ListImages\",\"ecr:DescribeImages\",\"ecr:BatchGetImage\","
		"\"ecr:GetLifecyclePolicy\",\"ecr:GetLifecyclePolicyPreview\","
		"\"ecr:ListTagsForResource\",\"ecr:DescribeImageScanFindings\","
		"\"ecr:InitiateLayerUpload\",\"ecr:UploadLayerPart\","
		"\"ecr:CompleteLayerUpload\",\"ecr:PutImage\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonEC2ContainerRegistryPullOnly", "ANPALM3MJ5LTPH2RKT7LL",
		"Amazon eC2 container registry pull only.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ecr:GetAuthorizationToken\",\"ecr:BatchGetImage\","
		"\"ecr:GetDownloadUrlForLayer\",\"ecr:BatchImportUpstreamImage\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonEC2ContainerRegistryReadOnly", "ANPA7Z6OO3RTNNZGIUGUY",
		"Amazon eC2 container registry read only.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ecr:GetAuthorizationToken\","
		"\"ecr:BatchCheckLayerAvailability\",\"ecr:GetDownloadUrlForLayer\","
		"\"ecr:GetRepositoryPolicy\",\"ecr:DescribeRepositories\","
		"\"ecr:ListImages\",\"ecr:DescribeImages\",\"ecr:BatchGetImage\","
		"\"ecr:GetLifecyclePolicy\",\"ecr:GetLifecyclePolicyPreview\","
		"\"ecr:ListTagsForResource\",\"ecr:DescribeImageScanFindings\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AmazonEC2ContainerServiceforEC2Role", "ANPAQ6AIC2W2YSCFRLWMZ",
		"Amazon eC2 container servicefor eC2 role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:DescribeTags\",\"ecs:CreateCluster\","
		"\"ecs:DeregisterContainerInstance\",\"ecs:DiscoverPollEndpoint\","
		"\"ecs:Poll\",\"ecs:RegisterContainerInstance\","
		"\"ecs:StartTelemetrySession\",\"ecs:UpdateContainerInstancesState\","
		"\"ecs:Submit*\",\"ecr:GetAuthorizationToken\","
		"\"ecr:BatchCheckLayerAvailability\",\"ecr:GetDownloadUrlForLayer\","
		"\"ecr:BatchGetImage\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonEC2FullAccess", "ANPAUAGIZKFFY6SXSMHUE", "Amazon eC2 full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:*\",\"elasticloadbalancing:*\",\"cloudwatch:*\","
		"\"autoscaling:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":\"iam:CreateServiceLinkedRole\",\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":[\"autoscaling.amazonaws."
		"com\","
		"\"ec2scheduled.amazonaws.com\",\"elasticloadbalancing.amazonaws.com\","
		"\"spot.amazonaws.com\",\"spotfleet.amazonaws.com\","
		"\"transitgateway.amazonaws.com\"]}}}]}" },
	{ "/", "AmazonEC2ReadOnlyAccess", "ANPAAUOMKM2B26FC6N7KS", "Amazon eC2 read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:Describe*\",\"ec2:Get*\","
		"\"elasticloadbalancing:Describe*\",\"cloudwatch:ListMetrics\","
		"\"cloudwatch:GetMetricStatistics\",\"cloudwatch:Describe*\","
		"\"autoscaling:Describe*\"],\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AmazonECSTaskExecutionRolePolicy", "ANPABDHRDC6WS4UIBXVO7",
		"Amazon eCSTask execution role policy.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ecr:GetAuthorizationToken\","
		"\"ecr:BatchCheckLayerAvailability\",\"ecr:GetDownloadUrlForLayer\","
		"\"ecr:BatchGetImage\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonECS_FullAccess", "ANPAKXQM3VVER5LRKDCUX", "Amazon eCS  full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ecs:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"application-autoscaling:*\","
		"\"autoscaling:*AutoScalingGroup*\",\"autoscaling:Describe*\","
		"\"cloudformation:CreateStack\",\"cloudformation:DeleteStack\","
		"\"cloudformation:Describe*\",\"cloudformation:UpdateStack\","
		"\"cloudwatch:DeleteAlarms\",\"cloudwatch:Describe*\","
		"\"cloudwatch:GetMetricStatistics\",\"cloudwatch:PutMetricAlarm\","
		"\"ec2:*SecurityGroup*\",\"ec2:CreateLaunchTemplate*\","
		"\"ec2:Describe*\",\"ec2:RunInstances\",\"elasticloadbalancing:*\","
		"\"events:*Rule*\",\"events:PutTargets\",\"events:RemoveTargets\","
		"\"iam:List*\",\"lambda:ListFunctions\",\"logs:CreateLogGroup\","
		"\"logs:DescribeLogGroups\",\"logs:FilterLogEvents\","
		"\"route53:*HostedZone*\",\"servicediscovery:*\",\"sns:ListTopics\"],"
		"\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:PassedToService\":[\"ecs-tasks.amazonaws."
		"com\","
		"\"ec2.amazonaws.com\",\"application-autoscaling.amazonaws.com\"]}}},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:CreateServiceLinkedRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":[\"ecs.amazonaws.com\","
		"\"autoscaling.amazonaws.com\","
		"\"ecs.application-autoscaling.amazonaws.com\","
		"\"elasticloadbalancing.amazonaws.com\"]}}}]}" },
	{ "/", "AmazonEKSClusterPolicy", "ANPAYPWLWFU72B2EVNCXY", "Amazon eKSCluster policy.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"autoscaling:DescribeAutoScalingGroups\","
		"\"autoscaling:UpdateAutoScalingGroup\",\"ec2:AttachVolume\","
		"\"ec2:AuthorizeSecurityGroupIngress\",\"ec2:CreateRoute\","
		"\"ec2:CreateSecurityGroup\",\"ec2:CreateTags\",\"ec2:CreateVolume\","
		"\"ec2:DeleteRoute\",\"ec2:DeleteSecurityGroup\",\"ec2:DeleteVolume\","
		"\"ec2:Describe*\",\"ec2:DetachVolume\","
		"\"ec2:ModifyInstanceAttribute\",\"ec2:ModifyVolume\","
		"\"ec2:RevokeSecurityGroupIngress\",\"elasticloadbalancing:*\","
		"\"kms:DescribeKey\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonEKSWorkerNodePolicy", "ANPANHWV4EITXNC2VODPO",
		"Amazon eKSWorker node policy.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:DescribeInstances\",\"ec2:DescribeInstanceTypes\","
		"\"ec2:DescribeRouteTables\",\"ec2:DescribeSecurityGroups\","
		"\"ec2:DescribeSubnets\",\"ec2:DescribeVolumes\","
		"\"ec2:DescribeVolumesModifications\",\"ec2:DescribeVpcs\","
		"\"eks:DescribeCluster\",\"eks-auth:AssumeRoleForPodIdentity\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonEKS_CNI_Policy", "ANPACBZKHAJ65NKR62F4F", "Amazon eKS  cNI  policy.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:AssignPrivateIpAddresses\","
		"\"ec2:AttachNetworkInterface\",\"ec2:CreateNetworkInterface\","
		"\"ec2:DeleteNetworkInterface\",\"ec2:DescribeInstances\","
		"\"ec2:DescribeTags\",\"ec2:DescribeNetworkInterfaces\","
		"\"ec2:DescribeInstanceTypes\",\"ec2:DescribeSubnets\","
		"\"ec2:DetachNetworkInterface\","
		"\"ec2:ModifyNetworkInterfaceAttribute\","
		"\"ec2:UnassignPrivateIpAddresses\",\"ec2:CreateTags\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonElastiCacheFullAccess", "ANPAKRHTBKOMR42SCVWKE",
		"Amazon elasti cache full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"elasticache:*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:CreateServiceLinkedRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":\"elasticache.amazonaws."
		"com\"}}}]}" },
	{ "/", "AmazonElastiCacheReadOnlyAccess", "ANPA6IH54P4NQPTMCBZGY",
		"Amazon elasti cache read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"elasticache:Describe*\",\"elasticache:List*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonElasticFileSystemFullAccess", "ANPAP7DKQZIR5ZYWU52MV",
		"Amazon elastic file system full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"elasticfilesystem:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonEventBridgeFullAccess", "ANPAL6VL45NDJTRK5UGD4",
		"Amazon event bridge full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"events:*\",\"schemas:*\",\"scheduler:*\",\"pipes:*\"],"
		"\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:PassedToService\":[\"events.amazonaws.com\","
		"\"scheduler.amazonaws.com\",\"pipes.amazonaws.com\"]}}}]}" },
	{ "/", "AmazonEventBridgeReadOnlyAccess", "ANPA2EDU4SHBZNETIRNWK",
		"Amazon event bridge read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"events:Describe*\",\"events:List*\","
		"\"events:TestEventPattern\",\"schemas:Describe*\",\"schemas:Get*\","
		"\"schemas:List*\",\"schemas:Search*\",\"scheduler:Get*\","
		"\"scheduler:List*\",\"pipes:Describe*\",\"pipes:List*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonKinesisFirehoseFullAccess", "ANPA3RSMC2KFFSSTSBBCG",
		"Amazon kinesis firehose full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"firehose:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonKinesisFullAccess", "ANPAMO5VHBPYSXX4PFIGA", "Amazon kinesis full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"kinesis:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonKinesisReadOnlyAccess", "ANPA75FYU2DD6OLPZDPFY",
		"Amazon kinesis read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"kinesis:Get*\",\"kinesis:List*\",\"kinesis:Describe*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AmazonRDSEnhancedMonitoringRole", "ANPAYGRQLXBOU2VD65JSS",
		"Amazon rDSEnhanced monitoring role.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:PutRetentionPolicy\"],"
		"\"Resource\":\"arn:aws:logs:*:*:log-group:RDS*\"},"
		"{\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\",\"logs:DescribeLogStreams\","
		"\"logs:GetLogEvents\"],"
		"\"Resource\":\"arn:aws:logs:*:*:log-group:RDS*:log-stream:*\"}]}" },
	{ "/", "AmazonRDSFullAccess", "ANPAWTI2DQ4Q5W7ZQSJA6", "Amazon rDSFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"rds:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"application-autoscaling:*\","
		"\"cloudwatch:DescribeAlarms\",\"cloudwatch:GetMetricStatistics\","
		"\"cloudwatch:PutMetricAlarm\",\"cloudwatch:DeleteAlarms\","
		"\"cloudwatch:ListMetrics\",\"cloudwatch:GetMetricData\","
		"\"ec2:Describe*\",\"ec2:GetCoipPoolUsage\",\"sns:ListSubscriptions\","
		"\"sns:ListTopics\",\"sns:Publish\",\"logs:DescribeLogStreams\","
		"\"logs:GetLogEvents\",\"outposts:GetOutpostInstanceTypes\","
		"\"devops-guru:GetResourceCollection\",\"pi:*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:CreateServiceLinkedRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":[\"rds.amazonaws.com\","
		"\"rds.application-autoscaling.amazonaws.com\"]}}}]}" },
	{ "/", "AmazonRDSReadOnlyAccess", "ANPAZCZD3UPDVWB5FOU7C", "Amazon rDSRead only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"rds:Describe*\",\"rds:ListTagsForResource\","
		"\"rds:DownloadDBLogFilePortion\",\"cloudwatch:GetMetricStatistics\","
		"\"cloudwatch:GetMetricData\",\"cloudwatch:ListMetrics\","
		"\"ec2:Describe*\",\"logs:DescribeLogStreams\",\"logs:GetLogEvents\","
		"\"devops-guru:GetResourceCollection\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonRoute53FullAccess", "ANPAVPCRDQGE4SNUTCKCH", "Amazon route53 full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"route53:*\",\"route53domains:*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":[\"cloudwatch:DescribeAlarms\","
		"\"cloudwatch:GetMetricStatistics\",\"ec2:DescribeVpcs\","
		"\"ec2:DescribeVpcEndpoints\",\"ec2:DescribeRegions\","
		"\"elasticloadbalancing:DescribeLoadBalancers\","
		"\"s3:ListAllMyBuckets\",\"s3:GetBucketLocation\","
		"\"s3:GetBucketWebsite\",\"sns:ListTopics\","
		"\"sns:ListSubscriptionsByTopic\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonRoute53ReadOnlyAccess", "ANPAVJBEGC6HD6QXJZJII",
		"Amazon route53 read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"route53:Get*\",\"route53:List*\","
		"\"route53:TestDNSAnswer\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonS3FullAccess", "ANPABJKCVZILXU7XNF2I2",
		"Provides full access to all buckets.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"s3:*\",\"s3-object-lambda:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonS3ReadOnlyAccess", "ANPAYETJAULCRV256DSSJ",
		"Provides read only access to all buckets.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"s3:Get*\",\"s3:List*\",\"s3:Describe*\","
		"\"s3-object-lambda:Get*\",\"s3-object-lambda:List*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonSESFullAccess", "ANPAIOTNXQ4SW6LOUHKO5", "Amazon sESFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ses:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonSNSFullAccess", "ANPA6ZGE4FAGR3WBP2HZQ", "Amazon sNSFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"sns:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"firehose:DescribeDeliveryStream\","
		"\"firehose:ListDeliveryStreams\",\"lambda:ListFunctions\","
		"\"sqs:ListQueues\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonSNSReadOnlyAccess", "ANPA4MBXQXB4VELPUUSAG", "Amazon sNSRead only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"sns:GetTopicAttributes\",\"sns:List*\","
		"\"sns:CheckIfPhoneNumberIsOptedOut\",\"sns:GetEndpointAttributes\","
		"\"sns:GetPlatformApplicationAttributes\",\"sns:GetSMSAttributes\","
		"\"sns:GetSMSSandboxAccountStatus\",\"sns:GetSubscriptionAttributes\","
		"\"sns:GetDataProtectionPolicy\"],\"Resource\":\"*\"}]}" },
	{ "/service-role/", "AmazonSNSRole", "ANPATWZ5VLKK3AEQN7QUQ", "Amazon sNSRole.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
		"\"logs:PutLogEvents\",\"logs:PutMetricFilter\","
		"\"logs:PutRetentionPolicy\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonSQSFullAccess", "ANPA6FLGDK63FJLDIVHRA", "Amazon sQSFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"sqs:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonSQSReadOnlyAccess", "ANPAGYR73JWAV6VQCYB7Z", "Amazon sQSRead only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"sqs:GetQueueAttributes\",\"sqs:GetQueueUrl\","
		"\"sqs:ListDeadLetterSourceQueues\",\"sqs:ListQueues\","
		"\"sqs:ListMessageMoveTasks\",\"sqs:ListQueueTags\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonSSMFullAccess", "ANPAXZOY3CYQGUAPWZGBW", "Amazon sSMFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ssm:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudwatch:PutMetricData\",\"ds:CreateComputer\","
		"\"ds:DescribeDirectories\",\"ec2:DescribeInstanceStatus\",\"logs:*\","
		"\"ec2messages:*\",\"ssmmessages:CreateControlChannel\","
		"\"ssmmessages:CreateDataChannel\",\"ssmmessages:OpenControlChannel\","
		"\"ssmmessages:OpenDataChannel\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:CreateServiceLinkedRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":\"ssm.amazonaws.com\"}}}]"
		"}" },
	{ "/", "AmazonSSMManagedInstanceCore", "ANPABNMNJ3X3X2AFLSYFS",
		"Amazon sSMManaged instance core.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ssm:DescribeAssociation\","
		"\"ssm:GetDeployablePatchSnapshotForInstance\",\"ssm:GetDocument\","
		"\"ssm:DescribeDocument\",\"ssm:GetManifest\",\"ssm:GetParameter\","
		"\"ssm:GetParameters\",\"ssm:ListAssociations\","
		"\"ssm:ListInstanceAssociations\",\"ssm:PutInventory\","
		"\"ssm:PutComplianceItems\",\"ssm:PutConfigurePackageResult\","
		"\"ssm:UpdateAssociationStatus\","
		"\"ssm:UpdateInstanceAssociationStatus\","
		"\"ssm:UpdateInstanceInformation\","
		"\"ssmmessages:CreateControlChannel\","
		"\"ssmmessages:CreateDataChannel\",\"ssmmessages:OpenControlChannel\","
		"\"ssmmessages:OpenDataChannel\",\"ec2messages:AcknowledgeMessage\","
		"\"ec2messages:DeleteMessage\",\"ec2messages:FailMessage\","
		"\"ec2messages:GetEndpoint\",\"ec2messages:GetMessages\","
		"\"ec2messages:SendReply\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonSSMReadOnlyAccess", "ANPAXKJPLSPIEBCB3KVHT", "Amazon sSMRead only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ssm:Describe*\",\"ssm:Get*\",\"ssm:List*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AmazonVPCFullAccess", "ANPA3E3IWTVNDSVF4EP4A", "Amazon vPCFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:*Address*\",\"ec2:*AvailabilityZones*\","
		"\"ec2:*CarrierGateway*\",\"ec2:*CustomerGateway*\","
		"\"ec2:*DhcpOptions*\",\"ec2:*EgressOnlyInternetGateway*\","
		"\"ec2:*FlowLogs*\",\"ec2:*InternetGateway*\","
		"\"ec2:*ManagedPrefixList*\",\"ec2:*NatGateway*\",\"ec2:*NetworkAcl*\","
		"\"ec2:*NetworkInterface*\",\"ec2:*PrefixList*\",\"ec2:*Route*\","
		"\"ec2:*RouteTable*\",\"ec2:*SecurityGroup*\",\"ec2:*Subnet*\","
		"\"ec2:*Tags*\",\"ec2:*TransitGateway*\",\"ec2:*Vpc*\","
		"\"ec2:*VpnConnection*\",\"ec2:*VpnGateway*\",\"ec2:Describe*\","
		"\"ec2:GetManagedPrefixList*\"],\"Resource\":\"*\"}]}" },
	{ "/", "AmazonVPCReadOnlyAccess", "ANPASMU6OCH3GP52WX2YY", "Amazon vPCRead only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"ec2:Describe*\",\"ec2:GetManagedPrefixList*\","
		"\"ec2:GetTransitGateway*\",\"ec2:SearchTransitGatewayRoutes\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "AutoScalingFullAccess", "ANPA3AOU6YDFEHX3P6TNW", "Auto scaling full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"autoscaling:*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":[\"cloudwatch:PutMetricAlarm\","
		"\"ec2:DescribeAccountAttributes\",\"ec2:DescribeAvailabilityZones\","
		"\"ec2:DescribeImages\",\"ec2:DescribeInstanceAttribute\","
		"\"ec2:DescribeInstances\",\"ec2:DescribeKeyPairs\","
		"\"ec2:DescribeLaunchTemplateVersions\","
		"\"ec2:DescribePlacementGroups\",\"ec2:DescribeSecurityGroups\","
		"\"ec2:DescribeSpotInstanceRequests\",\"ec2:DescribeSubnets\","
		"\"ec2:DescribeVpcClassicLink\","
		"\"elasticloadbalancing:DescribeLoadBalancers\","
		"\"elasticloadbalancing:DescribeTargetGroups\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:CreateServiceLinkedRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":\"autoscaling.amazonaws."
		"com\"}}}]}" },
	{ "/", "AutoScalingReadOnlyAccess", "ANPATKI363FZCMR4VOF25",
		"Auto scaling read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"autoscaling:Describe*\"],\"Resource\":\"*\"}]}" },
	{ "/job-function/", "Billing", "ANPA3BAZQVBPJFSEVTTBP", "Billing.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"account:GetAccountInformation\",\"aws-portal:*\","
		"\"budgets:*\",\"ce:*\",\"cur:*\",\"purchase-orders:*\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "CloudFrontFullAccess", "ANPATPFLCVUP7FN4BOXJ3", "Cloud front full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudfront:*\"],\"Resource\":\"*\"}]}" },
	{ "/", "CloudFrontReadOnlyAccess", "ANPA4XWWJRD3PFNJPS2YF", "Cloud front read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudfront:Describe*\",\"cloudfront:Get*\","
		"\"cloudfront:List*\"],\"Resource\":\"*\"}]}" },
	{ "/", "CloudWatchAgentServerPolicy", "ANPAYV6H72MVLMHTJJZMM",
		"Cloud watch agent server policy.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudwatch:PutMetricData\",\"ec2:DescribeVolumes\","
		"\"ec2:DescribeTags\",\"logs:PutLogEvents\","
		"\"logs:PutRetentionPolicy\",\"logs:DescribeLogStreams\","
		"\"logs:DescribeLogGroups\",\"logs:CreateLogStream\","
		"\"logs:CreateLogGroup\",\"xray:PutTraceSegments\","
		"\"xray:PutTelemetryRecords\",\"xray:GetSamplingRules\","
		"\"xray:GetSamplingTargets\",\"ssm:GetParameter\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "CloudWatchEventsFullAccess", "ANPA7H36VKLCCF2CBZJON",
		"Cloud watch events full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"events:*\",\"schemas:*\",\"scheduler:*\"],"
		"\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:PassedToService\":\"events.amazonaws.com\"}}}"
		"]}" },
	{ "/", "CloudWatchEventsReadOnlyAccess", "ANPAFRMFD5KNHHZSA5FAM",
		"Cloud watch events read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"events:Describe*\",\"events:List*\","
		"\"events:TestEventPattern\"],\"Resource\":\"*\"}]}" },
	{ "/", "CloudWatchFullAccess", "ANPAJOBOVXGVGOOM7QQMV", "Cloud watch full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudwatch:*\",\"logs:*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":[\"autoscaling:Describe*\",\"sns:*\","
		"\"iam:GetPolicy\",\"iam:GetPolicyVersion\",\"iam:GetRole\","
		"\"oam:ListSinks\"],\"Resource\":\"*\"}]}" },
	{ "/", "CloudWatchFullAccessV2", "ANPAFZN6QQEKY565Y7EQ5", "Cloud watch full access v2.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudwatch:*\",\"logs:*\",\"rum:*\",\"synthetics:*\","
		"\"xray:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"application-autoscaling:DescribeScalingPolicies\","
		"\"autoscaling:DescribeAutoScalingGroups\","
		"\"autoscaling:DescribePolicies\",\"sns:CreateTopic\","
		"\"sns:ListSubscriptions\",\"sns:ListSubscriptionsByTopic\","
		"\"sns:ListTopics\",\"sns:Subscribe\",\"iam:GetPolicy\","
		"\"iam:GetPolicyVersion\",\"iam:GetRole\",\"oam:ListSinks\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "CloudWatchLogsFullAccess", "ANPA3VXCRYR6KODX7EFAM", "Cloud watch logs full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudwatch:GenerateQuery\"],\"Resource\":\"*\"}]}" },
	{ "/", "CloudWatchLogsReadOnlyAccess", "ANPA52L4V5BVESQL32ES6",
		"Cloud watch logs read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"logs:Describe*\",\"logs:Get*\",\"logs:List*\","
		"\"logs:StartQuery\",\"logs:StopQuery\",\"logs:TestMetricFilter\","
		"\"logs:FilterLogEvents\",\"logs:StartLiveTail\",\"logs:StopLiveTail\","
		"\"cloudwatch:GenerateQuery\"],\"Resource\":\"*\"}]}" },
	{ "/", "CloudWatchReadOnlyAccess", "ANPATFWRWTKRDVH4XR2R2", "Cloud watch read only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"autoscaling:Describe*\",\"cloudwatch:BatchGet*\","
		"\"cloudwatch:Describe*\",\"cloudwatch:Get*\",\"cloudwatch:List*\","
		"\"cloudwatch:GenerateQuery\",\"logs:Get*\",\"logs:List*\","
		"\"logs:StartQuery\",\"logs:StopQuery\",\"logs:Describe*\","
		"\"logs:TestMetricFilter\",\"logs:FilterLogEvents\",\"oam:ListSinks\","
		"\"sns:Get*\",\"sns:List*\",\"xray:BatchGet*\",\"xray:Get*\","
		"\"xray:List*\"],\"Resource\":\"*\"}]}" },
	{ "/job-function/", "DatabaseAdministrator", "ANPAJ2CQOHUMROWAYX3OH",
		"Database administrator.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"cloudwatch:DeleteAlarms\",\"cloudwatch:Describe*\","
		"\"cloudwatch:DisableAlarmActions\",\"cloudwatch:EnableAlarmActions\","
		"\"cloudwatch:Get*\",\"cloudwatch:List*\","
		"\"cloudwatch:PutMetricAlarm\",\"dynamodb:*\","
		"\"ec2:DescribeAccountAttributes\",\"ec2:DescribeAddresses\","
		"\"ec2:DescribeAvailabilityZones\",\"ec2:DescribeInternetGateways\","
		"\"ec2:DescribeSecurityGroups\",\"ec2:DescribeSubnets\","
		"\"ec2:DescribeVpcs\",\"elasticache:*\",\"iam:ListRoles\","
		"\"iam:GetRole\",\"kms:ListKeys\",\"logs:DescribeLogGroups\","
		"\"logs:DescribeLogStreams\",\"logs:FilterLogEvents\","
		"\"logs:GetLogEvents\",\"rds:*\",\"redshift:*\",\"sns:CreateTopic\","
		"\"sns:Get*\",\"sns:List*\",\"sns:Subscribe\",\"sns:Unsubscribe\"],"
		"\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\","
		"\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:PassedToService\":\"rds.amazonaws.com\"}}}]"
		"}" },
	{ "/", "ElasticLoadBalancingFullAccess", "ANPAHW6HBDHPD7FFCSRQP",
		"Elastic load balancing full access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"elasticloadbalancing:*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":[\"ec2:Describe*\","
		"\"cognito-idp:DescribeUserPoolClient\",\"arc-zonal-shift:*\"],"
		"\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":\"iam:CreateServiceLinkedRole\",\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:AWSServiceName\":\"elasticloadbalancing."
		"amazonaws.com\"}}}]}" },
	{ "/", "ElasticLoadBalancingReadOnly", "ANPAUED7XU4D5SDO4KZX5",
		"Elastic load balancing read only.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"elasticloadbalancing:Describe*\","
		"\"elasticloadbalancing:Get*\",\"ec2:Describe*\"],\"Resource\":\"*\"}]}" },
	{ "/", "IAMFullAccess", "ANPALWRCUJXJS3MKDQLBG", "IAMFull access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"iam:*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"organizations:DescribeAccount\","
		"\"organizations:DescribeOrganization\","
		"\"organizations:DescribePolicy\",\"organizations:ListChildren\","
		"\"organizations:ListParents\",\"organizations:ListPolicies\","
		"\"organizations:ListRoots\",\"organizations:ListTargetsForPolicy\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "IAMReadOnlyAccess", "ANPA45YIYEKYOUEBYBAXB", "IAMRead only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"iam:GenerateCredentialReport\","
		"\"iam:GenerateServiceLastAccessedDetails\",\"iam:Get*\",\"iam:List*\","
		"\"iam:SimulateCustomPolicy\",\"iam:SimulatePrincipalPolicy\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "IAMUserChangePassword", "ANPAI7SLS5C5TQ5SK4VQU", "IAMUser change password.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":\"iam:ChangePassword\","
		"\"Resource\":[\"arn:aws:iam::*:user/${aws:username}\"]},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:GetAccountPasswordPolicy\","
		"\"Resource\":\"*\"}]}" },
	{ "/", "IAMUserSSHKeys", "ANPA4KYYG6JXDO5EH3JTI", "IAMUser sSHKeys.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"iam:DeleteSSHPublicKey\",\"iam:GetSSHPublicKey\","
		"\"iam:ListSSHPublicKeys\",\"iam:UpdateSSHPublicKey\","
		"\"iam:UploadSSHPublicKey\"],"
		"\"Resource\":\"arn:aws:iam::*:user/${aws:username}\"}]}" },
	{ "/job-function/", "NetworkAdministrator", "ANPAQJRIAXU6NGXXYY4IM",
		"Network administrator.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"autoscaling:Describe*\","
		"\"cloudfront:ListDistributions\",\"cloudwatch:Describe*\","
		"\"cloudwatch:Get*\",\"cloudwatch:List*\",\"ec2:*Address*\","
		"\"ec2:*InternetGateway*\",\"ec2:*NatGateway*\",\"ec2:*NetworkAcl*\","
		"\"ec2:*NetworkInterface*\",\"ec2:*Route*\",\"ec2:*SecurityGroup*\","
		"\"ec2:*Subnet*\",\"ec2:*Vpc*\",\"ec2:*Vpn*\",\"ec2:Describe*\","
		"\"elasticloadbalancing:*\",\"route53:*\",\"route53domains:*\","
		"\"sns:List*\"],\"Resource\":\"*\"}]}" },
	{ "/", "PowerUserAccess", "ANPALV2PFIAWSZ343TQI5",
		"Provides full access to AWS services and resources, but does not allow management "
		"of users and groups.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"NotAction\":[\"iam:*\",\"organizations:*\",\"account:*\"],"
		"\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"account:GetAccountInformation\","
		"\"account:GetPrimaryEmail\",\"account:ListRegions\","
		"\"iam:CreateServiceLinkedRole\",\"iam:DeleteServiceLinkedRole\","
		"\"iam:ListRoles\",\"organizations:DescribeOrganization\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/", "ReadOnlyAccess", "ANPASUIC24HGEXAMREUB6",
		"Provides read-only access to AWS services and resources.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"acm:Describe*\",\"acm:Get*\",\"acm:List*\","
		"\"apigateway:GET\",\"application-autoscaling:Describe*\","
		"\"application-autoscaling:List*\",\"athena:Batch*\",\"athena:Get*\","
		"\"athena:List*\",\"autoscaling:Describe*\",\"autoscaling:Get*\","
		"\"backup:Describe*\",\"backup:Get*\",\"backup:List*\","
		"\"batch:Describe*\",\"batch:List*\",\"budgets:Describe*\","
		"\"budgets:View*\",\"budgets:List*\",\"ce:Describe*\",\"ce:Get*\","
		"\"ce:List*\",\"cloudformation:Describe*\",\"cloudformation:Detect*\","
		"\"cloudformation:Estimate*\",\"cloudformation:Get*\","
		"\"cloudformation:List*\",\"cloudfront:Describe*\",\"cloudfront:Get*\","
		"\"cloudfront:List*\",\"cloudtrail:Describe*\",\"cloudtrail:Get*\","
		"\"cloudtrail:List*\",\"cloudtrail:LookupEvents\","
		"\"cloudwatch:Describe*\",\"cloudwatch:Get*\",\"cloudwatch:List*\","
		"\"codebuild:BatchGet*\",\"codebuild:Describe*\",\"codebuild:Get*\","
		"\"codebuild:List*\",\"codepipeline:Get*\",\"codepipeline:List*\","
		"\"cognito-identity:Describe*\",\"cognito-identity:Get*\","
		"\"cognito-identity:List*\",\"cognito-idp:AdminGet*\","
		"\"cognito-idp:AdminList*\",\"cognito-idp:Describe*\","
		"\"cognito-idp:Get*\",\"cognito-idp:List*\",\"config:BatchGet*\","
		"\"config:Deliver*\",\"config:Describe*\",\"config:Get*\","
		"\"config:List*\",\"dynamodb:BatchGet*\",\"dynamodb:Describe*\","
		"\"dynamodb:Get*\",\"dynamodb:List*\",\"dynamodb:Query\","
		"\"dynamodb:Scan\",\"dynamodb:PartiQLSelect\",\"ec2:Describe*\","
		"\"ec2:Get*\",\"ec2:ListImagesInRecycleBin\","
		"\"ec2:ListSnapshotsInRecycleBin\",\"ec2:SearchLocalGatewayRoutes\","
		"\"ec2:SearchTransitGatewayRoutes\",\"ecr:BatchCheck*\","
		"\"ecr:BatchGet*\",\"ecr:Describe*\",\"ecr:Get*\",\"ecr:List*\","
		"\"ecs:Describe*\",\"ecs:List*\",\"eks:Describe*\",\"eks:List*\","
		"\"elasticache:Describe*\",\"elasticache:List*\","
		"\"elasticfilesystem:Describe*\",\"elasticfilesystem:List*\","
		"\"elasticloadbalancing:Describe*\",\"es:Describe*\",\"es:ESHttpGet\","
		"\"es:ESHttpHead\",\"es:Get*\",\"es:List*\",\"events:Describe*\","
		"\"events:List*\",\"events:TestEventPattern\",\"firehose:Describe*\","
		"\"firehose:List*\",\"fis:Get*\",\"fis:List*\",\"glue:BatchGet*\","
		"\"glue:Get*\",\"glue:List*\",\"glue:Search*\",\"health:Describe*\","
		"\"iam:Generate*\",\"iam:Get*\",\"iam:List*\","
		"\"iam:SimulateCustomPolicy\",\"iam:SimulatePrincipalPolicy\","
		"\"kinesis:Describe*\",\"kinesis:Get*\",\"kinesis:List*\","
		"\"kms:Describe*\",\"kms:Get*\",\"kms:List*\",\"lambda:Get*\","
		"\"lambda:List*\",\"logs:Describe*\",\"logs:FilterLogEvents\","
		"\"logs:Get*\",\"logs:ListTagsLogGroup\",\"logs:StartQuery\","
		"\"logs:StopQuery\",\"logs:TestMetricFilter\",\"logs:List*\","
		"\"organizations:Describe*\",\"organizations:List*\","
		"\"pipes:Describe*\",\"pipes:List*\",\"rds:Describe*\","
		"\"rds:Download*\",\"rds:List*\",\"resource-groups:Get*\","
		"\"resource-groups:List*\",\"resource-groups:Search*\","
		"\"route53:Get*\",\"route53:List*\",\"route53:Test*\","
		"\"s3:DescribeJob\",\"s3:Get*\",\"s3:List*\",\"scheduler:Get*\","
		"\"scheduler:List*\",\"secretsmanager:Describe*\","
		"\"secretsmanager:GetResourcePolicy\",\"secretsmanager:List*\","
		"\"servicediscovery:Discover*\",\"servicediscovery:Get*\","
		"\"servicediscovery:List*\",\"sns:Check*\",\"sns:Get*\",\"sns:List*\","
		"\"sqs:Get*\",\"sqs:List*\",\"sqs:Receive*\",\"ssm:Describe*\","
		"\"ssm:Get*\",\"ssm:List*\",\"states:Describe*\",\"states:Get*\","
		"\"states:List*\",\"sts:GetAccessKeyInfo\",\"sts:GetCallerIdentity\","
		"\"sts:GetSessionToken\",\"tag:Get*\",\"wafv2:Describe*\","
		"\"wafv2:Get*\",\"wafv2:List*\",\"wafv2:CheckCapacity\","
		"\"xray:BatchGet*\",\"xray:Get*\"],\"Resource\":\"*\"}]}" },
	{ "/", "SecretsManagerReadWrite", "ANPA77LAAYJRGFGAP3ETT", "Secrets manager read write.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"secretsmanager:*\",\"cloudformation:CreateChangeSet\","
		"\"cloudformation:DescribeChangeSet\","
		"\"cloudformation:DescribeStackResource\","
		"\"cloudformation:DescribeStacks\",\"cloudformation:ExecuteChangeSet\","
		"\"docdb-elastic:GetCluster\",\"docdb-elastic:ListClusters\","
		"\"ec2:DescribeSecurityGroups\",\"ec2:DescribeSubnets\","
		"\"ec2:DescribeVpcs\",\"kms:DescribeKey\",\"kms:ListAliases\","
		"\"kms:ListKeys\",\"lambda:ListFunctions\",\"rds:DescribeDBClusters\","
		"\"rds:DescribeDBInstances\",\"redshift:DescribeClusters\","
		"\"redshift-serverless:ListWorkgroups\","
		"\"redshift-serverless:GetNamespace\",\"tag:GetResources\"],"
		"\"Resource\":\"*\"},{\"Effect\":\"Allow\","
		"\"Action\":[\"lambda:AddPermission\",\"lambda:CreateFunction\","
		"\"lambda:GetFunction\",\"lambda:InvokeFunction\","
		"\"lambda:UpdateFunctionConfiguration\"],"
		"\"Resource\":\"arn:aws:lambda:*:*:function:SecretsManager*\"}]}" },
	{ "/", "SecurityAudit", "ANPACWAH5O4VXZGLCGGA5", "Security audit.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"acm:Describe*\",\"acm:Get*\",\"acm:List*\","
		"\"apigateway:GET\",\"application-autoscaling:Describe*\","
		"\"application-autoscaling:List*\",\"athena:Batch*\",\"athena:Get*\","
		"\"athena:List*\",\"autoscaling:Describe*\",\"autoscaling:Get*\","
		"\"backup:Describe*\",\"backup:Get*\",\"backup:List*\","
		"\"batch:Describe*\",\"batch:List*\",\"budgets:Describe*\","
		"\"budgets:View*\",\"budgets:List*\",\"ce:Describe*\",\"ce:Get*\","
		"\"ce:List*\",\"cloudformation:Describe*\",\"cloudformation:Detect*\","
		"\"cloudformation:Estimate*\",\"cloudformation:Get*\","
		"\"cloudformation:List*\",\"cloudfront:Describe*\",\"cloudfront:Get*\","
		"\"cloudfront:List*\",\"cloudtrail:Describe*\",\"cloudtrail:Get*\","
		"\"cloudtrail:List*\",\"cloudtrail:LookupEvents\","
		"\"cloudwatch:Describe*\",\"cloudwatch:Get*\",\"cloudwatch:List*\","
		"\"codebuild:BatchGet*\",\"codebuild:Describe*\",\"codebuild:Get*\","
		"\"codebuild:List*\",\"codepipeline:Get*\",\"codepipeline:List*\","
		"\"cognito-identity:Describe*\",\"cognito-identity:Get*\","
		"\"cognito-identity:List*\",\"cognito-idp:AdminGet*\","
		"\"cognito-idp:AdminList*\",\"cognito-idp:Describe*\","
		"\"cognito-idp:Get*\",\"cognito-idp:List*\",\"config:BatchGet*\","
		"\"config:Deliver*\",\"config:Describe*\",\"config:Get*\","
		"\"config:List*\",\"dynamodb:Describe*\",\"dynamodb:List*\","
		"\"ec2:Describe*\",\"ec2:Get*\",\"ec2:ListImagesInRecycleBin\","
		"\"ec2:ListSnapshotsInRecycleBin\",\"ec2:SearchLocalGatewayRoutes\","
		"\"ec2:SearchTransitGatewayRoutes\",\"ecr:BatchCheck*\","
		"\"ecr:BatchGet*\",\"ecr:Describe*\",\"ecr:Get*\",\"ecr:List*\","
		"\"ecs:Describe*\",\"ecs:List*\",\"eks:Describe*\",\"eks:List*\","
		"\"elasticache:Describe*\",\"elasticache:List*\","
		"\"elasticfilesystem:Describe*\",\"elasticfilesystem:List*\","
		"\"elasticloadbalancing:Describe*\",\"es:Describe*\",\"es:ESHttpGet\","
		"\"es:ESHttpHead\",\"es:Get*\",\"es:List*\",\"events:Describe*\","
		"\"events:List*\",\"events:TestEventPattern\",\"firehose:Describe*\","
		"\"firehose:List*\",\"fis:Get*\",\"fis:List*\",\"glue:BatchGet*\","
		"\"glue:Get*\",\"glue:List*\",\"glue:Search*\",\"health:Describe*\","
		"\"iam:Generate*\",\"iam:Get*\",\"iam:List*\","
		"\"iam:SimulateCustomPolicy\",\"iam:SimulatePrincipalPolicy\","
		"\"kinesis:Describe*\",\"kinesis:List*\",\"kms:Describe*\","
		"\"kms:Get*\",\"kms:List*\",\"lambda:Get*\",\"lambda:List*\","
		"\"logs:Describe*\",\"logs:ListTagsLogGroup\",\"logs:StartQuery\","
		"\"logs:StopQuery\",\"logs:TestMetricFilter\",\"logs:List*\","
		"\"organizations:Describe*\",\"organizations:List*\","
		"\"pipes:Describe*\",\"pipes:List*\",\"rds:Describe*\","
		"\"rds:Download*\",\"rds:List*\",\"resource-groups:Get*\","
		"\"resource-groups:List*\",\"resource-groups:Search*\","
		"\"route53:Get*\",\"route53:List*\",\"route53:Test*\","
		"\"s3:DescribeJob\",\"s3:List*\",\"scheduler:Get*\","
		"\"scheduler:List*\",\"secretsmanager:Describe*\","
		"\"secretsmanager:GetResourcePolicy\",\"secretsmanager:List*\","
		"\"servicediscovery:Discover*\",\"servicediscovery:Get*\","
		"\"servicediscovery:List*\",\"sns:Check*\",\"sns:Get*\",\"sns:List*\","
		"\"sqs:Get*\",\"sqs:List*\",\"ssm:Describe*\",\"ssm:Get*\","
		"\"ssm:List*\",\"states:Describe*\",\"states:Get*\",\"states:List*\","
		"\"sts:GetAccessKeyInfo\",\"sts:GetCallerIdentity\","
		"\"sts:GetSessionToken\",\"tag:Get*\",\"wafv2:Describe*\","
		"\"wafv2:Get*\",\"wafv2:List*\",\"wafv2:CheckCapacity\","
		"\"xray:BatchGet*\",\"xray:Get*\",\"s3:GetBucket*\","
		"\"s3:GetEncryptionConfiguration\",\"s3:GetLifecycleConfiguration\"],"
		"\"Resource\":\"*\"}]}" },
	{ "/job-function/", "SystemAdministrator", "ANPA7W7IZKPPJ2GJUZB2D", "System administrator.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"acm:Describe*\",\"acm:Get*\",\"acm:List*\","
		"\"autoscaling:*\",\"cloudformation:Describe*\","
		"\"cloudtrail:Describe*\",\"cloudtrail:LookupEvents\",\"cloudwatch:*\","
		"\"config:*\",\"dynamodb:Describe*\",\"dynamodb:List*\",\"ec2:*\","
		"\"elasticloadbalancing:*\",\"events:*\",\"iam:Get*\",\"iam:List*\","
		"\"kms:Describe*\",\"kms:List*\",\"lambda:*\",\"logs:*\","
		"\"rds:Describe*\",\"route53:*\",\"s3:*\",\"sns:*\",\"sqs:*\","
		"\"ssm:*\",\"trustedadvisor:Describe*\"],\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\",\"Resource\":\"*\","
		"\"Condition\":{\"StringLike\":{\"iam:PassedToService\":[\"ec2.amazonaws.com\","
		"\"lambda.amazonaws.com\"]}}}]}" },
	{ "/job-function/", "ViewOnlyAccess", "ANPALJ5ENEXJEDXMWQHGW", "View only access.",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":[\"acm:Describe*\",\"acm:List*\",\"apigateway:Describe*\","
		"\"apigateway:List*\",\"application-autoscaling:Describe*\","
		"\"application-autoscaling:List*\",\"athena:Describe*\","
		"\"athena:List*\",\"autoscaling:Describe*\",\"autoscaling:List*\","
		"\"backup:Describe*\",\"backup:List*\",\"batch:Describe*\","
		"\"batch:List*\",\"budgets:Describe*\",\"budgets:List*\","
		"\"ce:Describe*\",\"ce:List*\",\"cloudformation:Describe*\","
		"\"cloudformation:List*\",\"cloudfront:Describe*\","
		"\"cloudfront:List*\",\"cloudtrail:Describe*\",\"cloudtrail:List*\","
		"\"cloudwatch:Describe*\",\"cloudwatch:List*\",\"codebuild:Describe*\","
		"\"codebuild:List*\",\"codepipeline:Describe*\",\"codepipeline:List*\","
		"\"cognito-identity:Describe*\",\"cognito-identity:List*\","
		"\"cognito-idp:Describe*\",\"cognito-idp:List*\",\"config:Describe*\","
		"\"config:List*\",\"dynamodb:Describe*\",\"dynamodb:List*\","
		"\"ec2:Describe*\",\"ec2:List*\",\"ecr:Describe*\",\"ecr:List*\","
		"\"ecs:Describe*\",\"ecs:List*\",\"eks:Describe*\",\"eks:List*\","
		"\"elasticache:Describe*\",\"elasticache:List*\","
		"\"elasticfilesystem:Describe*\",\"elasticfilesystem:List*\","
		"\"elasticloadbalancing:Describe*\",\"elasticloadbalancing:List*\","
		"\"es:Describe*\",\"es:List*\",\"events:Describe*\",\"events:List*\","
		"\"firehose:Describe*\",\"firehose:List*\",\"fis:Describe*\","
		"\"fis:List*\",\"glue:Describe*\",\"glue:List*\",\"health:Describe*\","
		"\"health:List*\",\"iam:Describe*\",\"iam:List*\","
		"\"kinesis:Describe*\",\"kinesis:List*\",\"kms:Describe*\","
		"\"kms:List*\",\"lambda:Describe*\",\"lambda:List*\","
		"\"logs:Describe*\",\"logs:List*\",\"organizations:Describe*\","
		"\"organizations:List*\",\"pipes:Describe*\",\"pipes:List*\","
		"\"rds:Describe*\",\"rds:List*\",\"resource-groups:Describe*\","
		"\"resource-groups:List*\",\"route53:Describe*\",\"route53:List*\","
		"\"scheduler:Describe*\",\"scheduler:List*\","
		"\"secretsmanager:Describe*\",\"secretsmanager:List*\","
		"\"servicediscovery:Describe*\",\"servicediscovery:List*\","
		"\"sns:Describe*\",\"sns:List*\",\"sqs:Describe*\",\"sqs:List*\","
		"\"ssm:Describe*\",\"ssm:List*\",\"states:Describe*\",\"states:List*\","
		"\"tag:Describe*\",\"tag:List*\",\"wafv2:Describe*\",\"wafv2:List*\","
		"\"xray:Describe*\",\"xray:List*\",\"s3:ListAllMyBuckets\","
		"\"s3:ListBucket\"],\"Resource\":\"*\"}]}" },
};
#define TABLE_N ((uint32_t)(sizeof(table) / sizeof(*table)))
#define ARN_PREFIX "arn:aws:iam::aws:policy"

/* Compiled when first asked for; a race makes one too many, which is dropped. */
static _Atomic(struct policy *) compiled[TABLE_N];

const struct iam_managed *
iam_managed_at(uint32_t i)
{
	return i < TABLE_N ? &table[i] : NULL;
}

const struct iam_managed *
iam_managed_find(struct str arn)
{
	uint32_t lo = 0, hi = TABLE_N;
	long slash = str_rfind(arn, '/');
	if (!str_starts(arn, STR(ARN_PREFIX "/")))
		return NULL;
	struct str name = str_slice(arn, (size_t)slash + 1, arn.len);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = str_cmp(str_c(table[mid].name), name);
		if (order == 0) {
			struct str path = str_slice(arn, sizeof(ARN_PREFIX) - 1, (size_t)slash + 1);
			return str_eq(path, str_c(table[mid].path)) ? &table[mid] : NULL;
		}
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct str
iam_managed_arn(struct arena *a, const struct iam_managed *m)
{
	return arena_printf(a, ARN_PREFIX "%s%s", m->path, m->name);
}

struct policy *
iam_managed_compiled(const struct iam_managed *m)
{
	_Atomic(struct policy *) *slot = &compiled[m - table];
	struct policy *p = atomic_load(slot), *none = NULL;
	if (p)
		return p;
	if (policy_parse(str_c(m->document), POLICY_IDENTITY, &p, NULL))
		abort(); /* a mistake in the table, which the tests walk */
	if (atomic_compare_exchange_strong(slot, &none, p))
		return p;
	policy_unref(p);
	return none;
}
