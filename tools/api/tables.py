"""What the importer knows beyond the models: which noun an operation belongs to, IAM actions and
resources, kinds of operations that their verb does not tell, errors that no model lists."""
import re

READ_VERBS = ("Get", "List", "Describe", "Head", "Lookup", "Query", "Scan", "Search", "Simulate",
              "Decode", "BatchGet", "Preview", "Estimate", "Test", "Check", "Validate", "Verify",
              "Decrypt", "Encrypt", "Sign", "ReEncrypt", "Generate", "Derive")
STREAMS_IN = {"s3": {"PutObject", "UploadPart", "CopyObject", "UploadPartCopy",
                     "WriteGetObjectResponse", "PutObjectAnnotation"}}
STREAMS_OUT = {"s3": {"GetObject", "GetObjectTorrent", "SelectObjectContent",
                      "GetObjectAnnotation"}}
WAITS = {"sqs": {"ReceiveMessage"}, "lambda": {"Invoke", "InvokeWithResponseStream"}}
KINDS = {"iam": {"GenerateServiceLastAccessedDetails": "writes",
                 "GenerateCredentialReport": "writes",
                 "GenerateOrganizationsAccessReport": "writes"},
         "sts": {"AssumeRole": "writes", "AssumeRoleWithSAML": "writes",
                 "AssumeRoleWithWebIdentity": "writes", "GetSessionToken": "writes",
                 "GetFederationToken": "writes"},
         "dynamodb": {"ExecuteStatement": "writes", "BatchExecuteStatement": "writes",
                      "ExecuteTransaction": "writes"},
         "sns": {"CheckIfPhoneNumberIsOptedOut": "reads", "VerifySMSSandboxPhoneNumber": "writes"}}
NO_PERMISSION = {"sts": {"GetCallerIdentity", "GetSessionToken"}}
ANONYMOUS = {"sts": {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}}
UNWRAPPED = {"s3": {"GetBucketLocation"}}

# The first pattern found in the operation's name decides the file.
NOUNS = {
    "s3": [("select", "SelectObject"), ("multipart", "Multipart|UploadPart|ListParts"),
           ("object_lock", "LegalHold|Retention|ObjectLock"), ("acl", "Acl$|PublicAccess|Ownership"),
           ("tagging", "Tagging"), ("policy", "Policy"), ("lifecycle", "Lifecycle|RestoreObject"),
           ("versioning", "Versioning"), ("website", "Website|Cors$"),
           ("replication", "Replication"), ("notification", "Notification"),
           ("metadata_tables", "Metadata|Annotation"),
           ("configuration", "Encryption$|Logging|Accelerate|RequestPayment|Intelligent|Analytics|"
            "Inventory|Metrics|Abac"),
           ("buckets", "Bucket|Session"), ("listing", "ListObject"), ("objects", "Object")],
    "s3control": [("access_points", "AccessPoint"), ("jobs", "Job"), ("access_grants", "Grant"),
                  ("account", "")],
    "sqs": [("messages", "Message"), ("queues", "")],
    "sns": [("platform", "Platform|Endpoint|SMS|PhoneNumber|Phone"), ("subscriptions", "Subscri"),
            ("publish", "Publish"), ("topics", "")],
    "iam": [("instance_profiles", "InstanceProfile"), ("mfa_devices", "MFA"),
            ("access_keys", "AccessKey"), ("login_profiles", "LoginProfile|ChangePassword"),
            ("certificates", "Certificate|SSHPublicKey|ServiceSpecific"),
            ("providers", "SAML|OpenID"), ("simulation", "Simulate|ContextKeys"),
            ("groups", "Group"), ("roles", "Role"), ("users", "User"), ("policies", "Policy|Policies"),
            ("account", "")],
    "sts": [("sessions", "")],
    "dynamodb": [("transactions", "Transact"), ("partiql", "Statement|ExecuteTransaction"),
                 ("backups", "Backup|PointInTime|Restore"), ("global_tables", "Global|Replica"),
                 ("exports", "Export|Import"), ("streams", "Kinesis"),
                 ("items", "Item|Query|Scan"), ("tables", "")],
    "dynamodbstreams": [("streams", "")],
    "kms": [("aliases", "Alias"), ("grants", "Grant"), ("policies", "Policy|Policies"),
            ("key_material", "Import|Material|Rotat"), ("custom_stores", "CustomKeyStore"),
            ("crypto", "Encrypt|Decrypt|Sign|Verify|Mac|Random|Generate|Derive"), ("keys", "")],
    "fis": [("templates", "Template|TargetAccount"), ("actions", "Action|TargetResource"),
            ("experiments", "")],
    "ec2": [("tags", "Tags$"), ("key_pairs", "KeyPair"), ("launch_templates", "LaunchTemplate"),
            ("spot", "Spot|Fleet"), ("reservations", "Reserved|Hosts|CapacityReserv|PlacementGroup"),
            ("peering", "Peering"), ("endpoints", "VpcEndpoint"), ("flow_logs", "FlowLog"),
            ("prefix_lists", "PrefixList"), ("dhcp_options", "Dhcp"),
            ("security_groups", "SecurityGroup"), ("network_acls", "NetworkAcl"),
            ("route_tables", "Route"), ("gateways", "Gateway"), ("addresses", "Address(es)?(Attribute)?$"),
            ("network_interfaces", "NetworkInterface|PrivateIpAddresses"), ("snapshots", "Snapshot"),
            ("volumes", "Volume|Ebs"), ("images", "Image"), ("instance_types", "InstanceType"),
            ("instance_profiles", "IamInstance"), ("instances", "Instance|Console|Password"),
            ("subnets", "Subnet"), ("vpcs", "Vpc"), ("account", "")],
}

# S3's IAM actions are not the operations' names; so are its resources.
S3_ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "HeadBucket": "ListBucket", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions", "HeadObject": "GetObject",
    "DeleteObjects": "DeleteObject", "CopyObject": "PutObject", "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject", "CreateMultipartUpload": "PutObject",
    "CompleteMultipartUpload": "PutObject", "ListParts": "ListMultipartUploadParts",
    "ListMultipartUploads": "ListBucketMultipartUploads", "SelectObjectContent": "GetObject",
    "PutBucketCors": "PutBucketCORS", "GetBucketCors": "GetBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
}
for _noun, _action in (("IntelligentTiering", "IntelligentTiering"), ("Analytics", "Analytics"),
                       ("Inventory", "Inventory"), ("Metrics", "Metrics")):
    for _verb in ("Get", "Put", "Delete"):
        S3_ACTIONS[f"{_verb}Bucket{_noun}Configuration"] = \
            f"{'Get' if _verb == 'Get' else 'Put'}{_action}Configuration"
    S3_ACTIONS[f"ListBucket{_noun}Configurations"] = f"Get{_action}Configuration"

IAM_PREFIX = {"s3control": "s3", "dynamodbstreams": "dynamodb", "elbv2": "elasticloadbalancing",
              "elb": "elasticloadbalancing"}

# Operations that share the route of a newer one, or that only exist on other hosts.
DROPPED = {"s3": {"GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification",
                  "PutBucketNotification", "ListDirectoryBuckets"}}

# Members whose AWS type we keep as a parsed tree instead (DynamoDB's items).
DOCUMENTS = {"dynamodb": {"AttributeValue"}, "dynamodbstreams": {"AttributeValue"}}

# Facts of the wire that the models do not carry.
XMLNS = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/",
         "s3control": "http://awss3control.amazonaws.com/doc/2018-08-20/"}
PROTOCOLS = {"sqs": ["json-1.0", "query"]}


def noun_of(service, op):
    for noun, pattern in NOUNS.get(service, [("operations", "")]):
        if re.search(pattern, op):
            return noun
    return "operations"


def kind_of(service, op):
    for kind, table in (("streams-in", STREAMS_IN), ("streams-out", STREAMS_OUT), ("waits", WAITS)):
        if op in table.get(service, ()):
            return kind
    if op in KINDS.get(service, {}):
        return KINDS[service][op]
    return "reads" if op.startswith(READ_VERBS) else "writes"


def action_of(service, prefix, op):
    if service == "s3":
        return "s3:" + S3_ACTIONS.get(op, op)
    return f"{IAM_PREFIX.get(service, prefix)}:{op}"


def resource_of(service, uri, members):
    if service == "s3" and "Bucket" in members:
        return "arn:aws:s3:::{Bucket}" + ("/{Key}" if uri.startswith("/{Bucket}/{Key+}") else "")
    return None
