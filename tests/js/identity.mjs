// IAM and STS by the JavaScript SDK: node identity.mjs ENDPOINT.
import assert from "node:assert/strict";
import * as IAM from "@aws-sdk/client-iam";
import * as STS from "@aws-sdk/client-sts";
import * as SQS from "@aws-sdk/client-sqs";
import { collect, failsWith, run, sender } from "./harness.mjs";

const iam = sender(IAM, "IAM");
const sts = sender(STS, "STS");
const account = "000000000000";
const readOnly = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";
const policy = (Statement) => JSON.stringify({ Version: "2012-10-17", Statement });
const allow = (Action, Resource = "*") => policy({ Effect: "Allow", Action, Resource });
const trust = (Principal) => policy({ Effect: "Allow", Principal, Action: "sts:AssumeRole" });
const keyOf = (k) => ({ credentials: { accessKeyId: k.AccessKeyId, secretAccessKey: k.SecretAccessKey, sessionToken: k.SessionToken } });

async function user(UserName, document) {
  await iam("CreateUser", { UserName });
  if (document) await iam("PutUserPolicy", { UserName, PolicyName: "p", PolicyDocument: document });
  return keyOf((await iam("CreateAccessKey", { UserName })).AccessKey);
}

const tests = {
  async users_groups_and_pages() {
    for (let i = 0; i < 7; i++) await iam("CreateUser", { UserName: `js${i}`, Path: "/js/" });
    const [users, pages] = await collect(IAM.paginateListUsers({ client: iam.client, pageSize: 3 }, { PathPrefix: "/js/" }), "Users");
    assert.deepEqual(users.map((u) => u.UserName), ["js0", "js1", "js2", "js3", "js4", "js5", "js6"]);
    assert.ok(users[0].CreateDate instanceof Date && pages === 3);
    await iam("CreateGroup", { GroupName: "js-group" });
    await iam("AddUserToGroup", { GroupName: "js-group", UserName: "js0" });
    assert.deepEqual((await iam("GetGroup", { GroupName: "js-group" })).Users.map((u) => u.UserName), ["js0"]);
    await iam("TagUser", { UserName: "js0", Tags: [{ Key: "k", Value: "v" }] });
    assert.deepEqual((await iam("GetUser", { UserName: "js0" })).User.Tags, [{ Key: "k", Value: "v" }]);
    await IAM.waitUntilUserExists({ client: iam.client, minDelay: 0.05, maxDelay: 0.1, maxWaitTime: 5 }, { UserName: "js0" });
    await failsWith("EntityAlreadyExistsException", iam("CreateUser", { UserName: "js0" }));
    await failsWith("DeleteConflictException", iam("DeleteUser", { UserName: "js0" }));
    await failsWith("NoSuchEntityException", iam("GetUser", { UserName: "js-none" }));
  },

  async policies_bite() {
    const credentials = await user("js-bitten", allow("sqs:CreateQueue"));
    const own = sender(SQS, "SQS", credentials);
    await own("CreateQueue", { QueueName: "js-bitten" });
    await failsWith("AccessDenied", own("ListQueues"));
    await iam("AttachUserPolicy", { UserName: "js-bitten", PolicyArn: readOnly });
    await own("ListQueues");
    const [attached] = await collect(IAM.paginateListAttachedUserPolicies({ client: iam.client }, { UserName: "js-bitten" }), "AttachedPolicies");
    assert.deepEqual(attached, [{ PolicyName: "AmazonSQSReadOnlyAccess", PolicyArn: readOnly }]);
    await iam("DetachUserPolicy", { UserName: "js-bitten", PolicyArn: readOnly });
    await failsWith("AccessDenied", own("ListQueues"));
    await failsWith("AccessDenied", sender(IAM, "IAM", credentials)("ListUsers"));
    const { PolicyDocument } = await iam("GetUserPolicy", { UserName: "js-bitten", PolicyName: "p" });
    assert.deepEqual(JSON.parse(decodeURIComponent(PolicyDocument)), JSON.parse(allow("sqs:CreateQueue")));
    await failsWith("MalformedPolicyDocumentException", iam("PutUserPolicy", { UserName: "js-bitten", PolicyName: "q", PolicyDocument: "{}" }));
  },

  async managed_policies_have_versions() {
    const { Policy } = await iam("CreatePolicy", { PolicyName: "js-pol", PolicyDocument: allow("s3:*") });
    await iam("CreatePolicyVersion", { PolicyArn: Policy.Arn, PolicyDocument: allow("sqs:*"), SetAsDefault: true });
    const { Versions } = await iam("ListPolicyVersions", { PolicyArn: Policy.Arn });
    assert.deepEqual(Versions.map((v) => [v.VersionId, v.IsDefaultVersion]), [["v2", true], ["v1", false]]);
    await failsWith("DeleteConflictException", iam("DeletePolicy", { PolicyArn: Policy.Arn }));
    await iam("DeletePolicyVersion", { PolicyArn: Policy.Arn, VersionId: "v1" });
    await iam("DeletePolicy", { PolicyArn: Policy.Arn });
    const [policies] = await collect(IAM.paginateListPolicies({ client: iam.client, pageSize: 30 }, { Scope: "AWS" }), "Policies");
    assert.ok(policies.length > 80 && policies.some((p) => p.Arn === readOnly));
  },

  async simulation_says_why() {
    const text = policy([{ Effect: "Allow", Action: "s3:*", Resource: "*" }, { Sid: "no", Effect: "Deny", Action: "s3:DeleteBucket", Resource: "*" }]);
    const { EvaluationResults } = await iam("SimulateCustomPolicy", { PolicyInputList: [text], ActionNames: ["s3:DeleteBucket", "s3:GetObject", "sqs:SendMessage"] });
    assert.deepEqual(EvaluationResults.map((r) => r.EvalDecision), ["explicitDeny", "allowed", "implicitDeny"]);
    assert.equal(EvaluationResults[0].MatchedStatements[0].SourcePolicyId, "PolicyInputList.1");
  },

  async roles_are_assumed() {
    const { Role } = await iam("CreateRole", { RoleName: "js-role", AssumeRolePolicyDocument: trust({ AWS: account }) });
    await iam("PutRolePolicy", { RoleName: "js-role", PolicyName: "p", PolicyDocument: allow("sqs:ListQueues") });
    const asked = { RoleArn: Role.Arn, RoleSessionName: "js-session" };
    const got = await sts("AssumeRole", asked);
    assert.ok(got.Credentials.Expiration > new Date());
    const me = await sender(STS, "STS", keyOf(got.Credentials))("GetCallerIdentity");
    assert.equal(me.Arn, `arn:aws:sts::${account}:assumed-role/js-role/js-session`);
    const own = sender(SQS, "SQS", keyOf(got.Credentials));
    await own("ListQueues");
    await failsWith("AccessDenied", own("CreateQueue", { QueueName: "js-by-role" }));
    const narrow = await sts("AssumeRole", { ...asked, Policy: allow("s3:*") });
    await failsWith("AccessDenied", sender(SQS, "SQS", keyOf(narrow.Credentials))("ListQueues"));
    const stranger = await user("js-stranger");
    await failsWith("AccessDenied", sender(STS, "STS", stranger)("AssumeRole", asked));
    await sender(STS, "STS", stranger)("GetSessionToken");
    assert.equal((await sts("GetAccessKeyInfo", { AccessKeyId: stranger.credentials.accessKeyId })).Account, account);
    await failsWith("MalformedPolicyDocumentException", sts("AssumeRole", { ...asked, Policy: "{}" }));
  },

  async keys_are_switched_off() {
    const { credentials } = await user("js-off", allow("sqs:*"));
    const own = sender(SQS, "SQS", { credentials });
    await own("ListQueues");
    await iam("UpdateAccessKey", { UserName: "js-off", AccessKeyId: credentials.accessKeyId, Status: "Inactive" });
    await failsWith("InvalidClientTokenId", own("ListQueues"));
    await iam("DeleteAccessKey", { UserName: "js-off", AccessKeyId: credentials.accessKeyId });
    await failsWith("NoSuchEntityException", iam("DeleteAccessKey", { UserName: "js-off", AccessKeyId: credentials.accessKeyId }));
  },
};

await run(tests);
