"""Every operation of IAM by boto3, and a round by the CLI."""
import json
import time

from haneul import error_code

ACCOUNT = "000000000000"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def document(*actions, effect="Allow", resource="*"):
    return json.dumps({"Version": "2012-10-17",
                       "Statement": [{"Effect": effect, "Action": list(actions), "Resource": resource}]})


TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def test_users(h):
    iam = h.client("iam")
    made = iam.create_user(UserName="Ulla", Path="/a/b/", Tags=[{"Key": "k", "Value": "v"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/a/b/Ulla" and made["UserId"].startswith("AIDA")
    assert error_code(iam.create_user, UserName="ULLA") == "EntityAlreadyExists"
    got = iam.get_user(UserName="ulla")["User"]
    assert got["UserName"] == "Ulla" and got["Tags"] == [{"Key": "k", "Value": "v"}]
    iam.tag_user(UserName="Ulla", Tags=[{"Key": "k2", "Value": "w"}])
    iam.untag_user(UserName="Ulla", TagKeys=["k"])
    assert iam.list_user_tags(UserName="Ulla")["Tags"] == [{"Key": "k2", "Value": "w"}]
    iam.attach_user_policy(UserName="Ulla", PolicyArn=ADMIN)
    iam.create_access_key(UserName="Ulla")
    iam.update_user(UserName="Ulla", NewUserName="Ursula", NewPath="/c/")
    assert error_code(iam.get_user, UserName="Ulla") == "NoSuchEntity"
    assert iam.get_user(UserName="Ursula")["User"]["UserId"] == made["UserId"]
    assert [u["UserName"] for u in iam.list_entities_for_policy(PolicyArn=ADMIN)["PolicyUsers"]] == ["Ursula"]
    assert [u["UserName"] for u in iam.list_users(PathPrefix="/c/")["Users"]] == ["Ursula"]
    assert error_code(iam.delete_user, UserName="Ursula") == "DeleteConflict"
    iam.detach_user_policy(UserName="Ursula", PolicyArn=ADMIN)
    for key in iam.list_access_keys(UserName="Ursula")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="Ursula", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="Ursula")
    assert error_code(iam.get_user, UserName="Ursula") == "NoSuchEntity"
    assert iam.get_user()["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_names_are_checked(h):
    iam = h.client("iam")
    assert error_code(iam.create_user, UserName="a b") == "ValidationError"
    assert error_code(iam.create_user, UserName="x" * 65) == "ValidationError"
    assert error_code(iam.create_user, UserName="ok", Path="no-slash") == "ValidationError"
    assert error_code(iam.create_user, UserName="t", Tags=[{"Key": "A", "Value": "1"}, {"Key": "a", "Value": "2"}]) == "InvalidInput"


def test_pages(h):
    iam = h.client("iam", key="333333333333")
    names = [f"user{i:02}" for i in range(23)]
    for name in names:
        iam.create_user(UserName=name)
    first = iam.list_users(MaxItems=10)
    assert first["IsTruncated"] and len(first["Users"]) == 10 and first["Marker"]
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 7})
    assert [u["UserName"] for p in pages for u in p["Users"]] == names
    assert error_code(iam.list_users, Marker="%%%") == "ValidationError"
    pages = iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 13})
    arns = [p["Arn"] for page in pages for p in page["Policies"]]
    assert ADMIN in arns and len(arns) == len(set(arns)) > 80


def test_groups(h):
    iam = h.client("iam")
    iam.create_group(GroupName="devs", Path="/g/")
    iam.create_user(UserName="gabi")
    iam.add_user_to_group(GroupName="devs", UserName="gabi")
    assert [u["UserName"] for u in iam.get_group(GroupName="devs")["Users"]] == ["gabi"]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="gabi")["Groups"]] == ["devs"]
    iam.put_group_policy(GroupName="devs", PolicyName="p", PolicyDocument=document("s3:*"))
    iam.attach_group_policy(GroupName="devs", PolicyArn=ADMIN)
    assert iam.list_group_policies(GroupName="devs")["PolicyNames"] == ["p"]
    assert iam.get_group_policy(GroupName="devs", PolicyName="p")["PolicyDocument"]["Statement"][0]["Action"] == ["s3:*"]
    assert iam.list_attached_group_policies(GroupName="devs")["AttachedPolicies"][0]["PolicyArn"] == ADMIN
    iam.update_group(GroupName="devs", NewGroupName="makers")
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="gabi")["Groups"]] == ["makers"]
    assert "makers" in [g["GroupName"] for g in iam.list_groups()["Groups"]]
    assert error_code(iam.delete_group, GroupName="makers") == "DeleteConflict"
    iam.remove_user_from_group(GroupName="makers", UserName="gabi")
    assert error_code(iam.remove_user_from_group, GroupName="makers", UserName="gabi") == "NoSuchEntity"
    iam.detach_group_policy(GroupName="makers", PolicyArn=ADMIN)
    iam.delete_group_policy(GroupName="makers", PolicyName="p")
    iam.delete_group(GroupName="makers")


def test_roles_and_instance_profiles(h):
    iam = h.client("iam")
    made = iam.create_role(RoleName="box", Path="/svc/", AssumeRolePolicyDocument=TRUST, Description="d",
                           MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "b"}])["Role"]
    assert made["RoleId"].startswith("AROA") and made["AssumeRolePolicyDocument"]["Statement"][0]["Effect"] == "Allow"
    got = iam.get_role(RoleName="box")["Role"]
    assert got["MaxSessionDuration"] == 7200 and got["Description"] == "d" and got["Tags"]
    assert error_code(iam.create_role, RoleName="bad", AssumeRolePolicyDocument="{}") == "MalformedPolicyDocument"
    iam.update_role(RoleName="box", Description="e")
    assert iam.get_role(RoleName="box")["Role"]["MaxSessionDuration"] == 3600
    assert iam.update_role_description(RoleName="box", Description="f")["Role"]["Description"] == "f"
    iam.put_role_policy(RoleName="box", PolicyName="p", PolicyDocument=document("s3:*"))
    assert iam.list_role_policies(RoleName="box")["PolicyNames"] == ["p"]
    iam.get_role_policy(RoleName="box", PolicyName="p")
    iam.attach_role_policy(RoleName="box", PolicyArn=ADMIN)
    assert len(iam.list_attached_role_policies(RoleName="box")["AttachedPolicies"]) == 1
    iam.tag_role(RoleName="box", Tags=[{"Key": "c", "Value": "d"}])
    assert len(iam.list_role_tags(RoleName="box")["Tags"]) == 2
    iam.untag_role(RoleName="box", TagKeys=["a", "c"])
    iam.create_instance_profile(InstanceProfileName="prof", Tags=[{"Key": "a", "Value": "b"}])
    iam.add_role_to_instance_profile(InstanceProfileName="prof", RoleName="box")
    assert error_code(iam.add_role_to_instance_profile, InstanceProfileName="prof", RoleName="box") == "LimitExceeded"
    assert iam.get_instance_profile(InstanceProfileName="prof")["InstanceProfile"]["Roles"][0]["RoleName"] == "box"
    assert len(iam.list_instance_profiles()["InstanceProfiles"]) == 1
    assert len(iam.list_instance_profiles_for_role(RoleName="box")["InstanceProfiles"]) == 1
    iam.tag_instance_profile(InstanceProfileName="prof", Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_instance_profile(InstanceProfileName="prof", TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName="prof")["Tags"] == [{"Key": "c", "Value": "d"}]
    assert error_code(iam.delete_role, RoleName="box") == "DeleteConflict"
    assert error_code(iam.delete_instance_profile, InstanceProfileName="prof") == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="prof", RoleName="box")
    iam.delete_instance_profile(InstanceProfileName="prof")
    iam.delete_role_policy(RoleName="box", PolicyName="p")
    iam.detach_role_policy(RoleName="box", PolicyArn=ADMIN)
    iam.delete_role(RoleName="box")
    assert error_code(iam.get_role, RoleName="box") == "NoSuchEntity"


def test_managed_policies_that_users_attach(h):
    iam = h.client("iam")
    paths = {"": "AdministratorAccess PowerUserAccess ReadOnlyAccess SecurityAudit IAMFullAccess AmazonS3FullAccess "
                 "AmazonEC2FullAccess AmazonSSMManagedInstanceCore AmazonEKSWorkerNodePolicy AWSCodeBuildDeveloperAccess",
             "job-function/": "Billing DatabaseAdministrator DataScientist NetworkAdministrator SupportUser SystemAdministrator "
                              "ViewOnlyAccess",
             "service-role/": "AWSLambdaBasicExecutionRole AmazonECSTaskExecutionRolePolicy AWSCodeDeployRole AWSGlueServiceRole "
                              "AmazonEBSCSIDriverPolicy AWSBackupServiceRolePolicyForBackup AWSFaultInjectionSimulatorSSMAccess"}
    for path, names in paths.items():
        for name in names.split():
            p = iam.get_policy(PolicyArn=f"arn:aws:iam::aws:policy/{path}{name}")["Policy"]
            assert p["PolicyName"] == name and p["IsAttachable"] and p["Description"]
            assert iam.get_policy_version(PolicyArn=p["Arn"], VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
    every = [p["Arn"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for p in page["Policies"]]
    assert len(every) == len(set(every)) >= 300


def test_managed_policies_and_versions(h):
    iam = h.client("iam")
    made = iam.create_policy(PolicyName="pol", Path="/p/", PolicyDocument=document("s3:*"), Description="d",
                             Tags=[{"Key": "a", "Value": "b"}])["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/p/pol" and made["DefaultVersionId"] == "v1"
    assert error_code(iam.create_policy, PolicyName="pol", PolicyDocument=document("s3:*")) == "EntityAlreadyExists"
    assert error_code(iam.create_policy, PolicyName="b", PolicyDocument='{"Statement":[]}') == "MalformedPolicyDocument"
    for i in range(2, 6):
        v = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(f"s3:Get{i}"), SetAsDefault=i == 3)
        assert v["PolicyVersion"]["VersionId"] == f"v{i}"
    assert error_code(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document("s3:*")) == "LimitExceeded"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v5", "v4", "v3", "v2", "v1"]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"]["Statement"][0]["Action"] == ["s3:Get2"]
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert error_code(iam.delete_policy_version, PolicyArn=arn, VersionId="v1") == "DeleteConflict"
    assert error_code(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    for i in range(2, 6):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{i}")
    iam.create_user(UserName="pete")
    iam.attach_user_policy(UserName="pete", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [p["PolicyName"] for p in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]] == ["pol"]
    assert error_code(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_user_policy(UserName="pete", PolicyArn=arn)
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    iam.delete_policy(PolicyArn=arn)
    assert error_code(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"
    assert iam.get_policy_version(PolicyArn=ADMIN, VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
    assert iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert error_code(iam.create_policy_version, PolicyArn=ADMIN, PolicyDocument=document("s3:*")) == "AccessDenied"


def test_access_keys(h):
    iam = h.client("iam")
    iam.create_user(UserName="kim")
    key = iam.create_access_key(UserName="kim")["AccessKey"]["AccessKeyId"]
    iam.create_access_key(UserName="kim")
    assert error_code(iam.create_access_key, UserName="kim") == "LimitExceeded"
    iam.update_access_key(UserName="kim", AccessKeyId=key, Status="Inactive")
    statuses = {k["AccessKeyId"]: k["Status"] for k in iam.list_access_keys(UserName="kim")["AccessKeyMetadata"]}
    assert statuses[key] == "Inactive" and len(statuses) == 2
    assert iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    assert error_code(iam.update_access_key, UserName="kim", AccessKeyId="AKIA" + "A" * 16, Status="Active") == "NoSuchEntity"


def test_last_used(h):
    iam = h.client("iam")
    iam.create_user(UserName="lena")
    iam.attach_user_policy(UserName="lena", PolicyArn=ADMIN)
    key = iam.create_access_key(UserName="lena")["AccessKey"]
    h.client("s3", key=key["AccessKeyId"], secret=key["SecretAccessKey"]).list_buckets()
    for _ in range(100):
        used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
        if used["AccessKeyLastUsed"]["ServiceName"] == "s3":
            break
        time.sleep(0.02)
    assert used["UserName"] == "lena" and used["AccessKeyLastUsed"]["ServiceName"] == "s3"
    assert used["AccessKeyLastUsed"]["Region"] == "us-east-1"


def test_login_profiles_and_password_policy(h):
    iam = h.client("iam")
    iam.create_user(UserName="lou")
    iam.create_login_profile(UserName="lou", Password="Sufficient-1", PasswordResetRequired=True)
    assert iam.get_login_profile(UserName="lou")["LoginProfile"]["PasswordResetRequired"] is True
    assert error_code(iam.create_login_profile, UserName="lou", Password="Sufficient-1") == "EntityAlreadyExists"
    assert error_code(iam.get_account_password_policy) == "NoSuchEntity"
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireNumbers=True, PasswordReusePrevention=3)
    assert iam.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 12
    assert error_code(iam.update_login_profile, UserName="lou", Password="short1") == "PasswordPolicyViolation"
    assert error_code(iam.update_login_profile, UserName="lou", Password="no-numbers-here") == "PasswordPolicyViolation"
    assert error_code(iam.update_login_profile, UserName="lou", Password="Sufficient-1") == "PasswordPolicyViolation"
    iam.update_login_profile(UserName="lou", Password="Sufficient-2", PasswordResetRequired=False)
    iam.delete_account_password_policy()
    assert error_code(iam.delete_user, UserName="lou") == "DeleteConflict"
    iam.delete_login_profile(UserName="lou")
    assert error_code(iam.get_login_profile, UserName="lou") == "NoSuchEntity"
    iam.delete_user(UserName="lou")


def test_boundaries(h):
    iam = h.client("iam")
    iam.create_user(UserName="bo", PermissionsBoundary=ADMIN)
    assert iam.get_user(UserName="bo")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == ADMIN
    assert iam.list_entities_for_policy(PolicyArn=ADMIN, PolicyUsageFilter="PermissionsBoundary")["PolicyUsers"][0]["UserName"] == "bo"
    iam.delete_user_permissions_boundary(UserName="bo")
    assert error_code(iam.delete_user_permissions_boundary, UserName="bo") == "NoSuchEntity"
    iam.put_user_permissions_boundary(UserName="bo", PermissionsBoundary=ADMIN)
    assert error_code(iam.put_user_permissions_boundary, UserName="bo",
                      PermissionsBoundary="arn:aws:iam::aws:policy/NoSuch") == "NoSuchEntity"
    iam.create_role(RoleName="bor", AssumeRolePolicyDocument=TRUST)
    iam.put_role_permissions_boundary(RoleName="bor", PermissionsBoundary=ADMIN)
    iam.delete_role_permissions_boundary(RoleName="bor")


def test_account(h):
    iam = h.client("iam", key="444444444444")
    iam.create_account_alias(AccountAlias="our-cloud")
    assert iam.list_account_aliases()["AccountAliases"] == ["our-cloud"]
    assert error_code(h.client("iam").create_account_alias, AccountAlias="our-cloud") == "EntityAlreadyExists"
    iam.delete_account_alias(AccountAlias="our-cloud")
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_user(UserName="one")
    summary = iam.get_account_summary()["SummaryMap"]
    assert summary["Users"] == 1 and summary["UsersQuota"] == 5000 and summary["Roles"] == 0
    assert error_code(iam.get_credential_report) == "ReportNotPresent"
    assert iam.generate_credential_report()["State"] == "STARTED"
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv" and b"\none,arn:aws:iam::444444444444:user/one," in report["Content"]
    assert iam.generate_credential_report()["State"] == "COMPLETE"


def test_service_linked_roles(h):
    iam = h.client("iam")
    role = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")["Role"]
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    assert error_code(iam.create_service_linked_role, AWSServiceName="autoscaling.amazonaws.com") == "InvalidInput"
    assert error_code(iam.attach_role_policy, RoleName=role["RoleName"], PolicyArn=ADMIN) == "UnmodifiableEntity"
    assert error_code(iam.delete_role, RoleName=role["RoleName"]) == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_oidc_and_saml_providers(h):
    iam = h.client("iam")
    arn = iam.create_open_id_connect_provider(Url="https://token.example.com/x", ClientIDList=["app"],
                                              ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com/x"
    assert error_code(iam.create_open_id_connect_provider, Url="https://token.example.com/x") == "EntityAlreadyExists"
    for url in ("ftp://x", "http://127.0.0.1.example.com", "http://localhost@x", "https://", "https://a b"):
        assert error_code(iam.create_open_id_connect_provider, Url=url) == "ValidationError", url
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert got["Url"] == "token.example.com/x" and got["ClientIDList"] == ["app"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["a"])
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert got["ClientIDList"] == ["two"] and got["ThumbprintList"] == ["b" * 40]
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert error_code(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn) == "NoSuchEntity"


def saml_metadata(folder, entity="https://idp.example.com/x"):
    import subprocess
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/k", "-out",
                    f"{folder}/c", "-days", "30", "-subj", "/CN=idp"], check=True, capture_output=True)
    text = "".join(l for l in open(f"{folder}/c").read().splitlines() if "CERTIFICATE" not in l)
    return ('<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="' + entity + '">'
            '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
            f'<ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>'
            '</md:IDPSSODescriptor></md:EntityDescriptor>' + " " * 1000)


def test_saml_providers(h):
    import tempfile
    with tempfile.TemporaryDirectory() as d:
        metadata, other = saml_metadata(d), saml_metadata(d, "https://idp.example.com/y")
    iam = h.client("iam")
    saml = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=metadata, Tags=[{"Key": "a", "Value": "b"}])
    arn = saml["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:saml-provider/idp" and saml["Tags"] == [{"Key": "a", "Value": "b"}]
    assert iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == metadata
    assert [p["Arn"] for p in iam.list_saml_providers()["SAMLProviderList"]] == [arn]
    assert iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=other)["SAMLProviderArn"] == arn
    assert iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == other
    iam.tag_saml_provider(SAMLProviderArn=arn, Tags=[{"Key": f"k{i}", "Value": "v"} for i in range(5)])
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["a"])
    assert tag_pages(iam.list_saml_provider_tags, SAMLProviderArn=arn) == [f"k{i}" for i in range(5)]
    # What STS could verify nothing with is refused when it is stored.
    for bad in (metadata.replace("X509Certificate", "X509Cert"), metadata.replace('entityID="https://idp.example.com/x"', ""),
                metadata.replace("EntityDescriptor", "Descriptor"), metadata.replace("MII", "AAA"),
                "EntityDescriptor IDPSSODescriptor X509Certificate" + " " * 1000):
        assert error_code(iam.create_saml_provider, Name="bad", SAMLMetadataDocument=bad) == "InvalidInput"
        assert error_code(iam.update_saml_provider, SAMLProviderArn=arn, SAMLMetadataDocument=bad) == "InvalidInput"
    assert error_code(iam.update_saml_provider, SAMLProviderArn=arn, AssertionEncryptionMode="Required") == "InvalidInput"
    missing = f"arn:aws:iam::{ACCOUNT}:saml-provider/none"
    for call, more in ((iam.update_saml_provider, {"SAMLMetadataDocument": other}), (iam.list_saml_provider_tags, {}),
                       (iam.tag_saml_provider, {"Tags": [{"Key": "a", "Value": "b"}]}), (iam.untag_saml_provider, {"TagKeys": ["a"]})):
        assert error_code(call, SAMLProviderArn=missing, **more) == "NoSuchEntity"
    iam.delete_saml_provider(SAMLProviderArn=arn)
    assert error_code(iam.get_saml_provider, SAMLProviderArn=arn) == "NoSuchEntity"


def tag_pages(call, **which):
    """Keys of all tags, two on a page; every page but the last says that there is more."""
    keys, marker = [], {}
    while True:
        got = call(MaxItems=2, **which, **marker)
        keys += [t["Key"] for t in got["Tags"]]
        assert len(got["Tags"]) <= 2 and got["IsTruncated"] == ("Marker" in got)
        if not got["IsTruncated"]:
            return keys
        marker = {"Marker": got["Marker"]}


def test_policies_of_users(h):
    iam = h.client("iam")
    iam.create_user(UserName="polly", Path="/p/")
    for i in range(5):
        iam.put_user_policy(UserName="polly", PolicyName=f"in{i}", PolicyDocument=document(f"s3:Get{i}"))
    got = iam.get_user_policy(UserName="polly", PolicyName="in3")
    assert got["UserName"] == "polly" and got["PolicyDocument"]["Statement"][0]["Action"] == ["s3:Get3"]
    assert error_code(iam.get_user_policy, UserName="polly", PolicyName="none") == "NoSuchEntity"
    assert error_code(iam.get_user_policy, UserName="none", PolicyName="in3") == "NoSuchEntity"
    pages = list(iam.get_paginator("list_user_policies").paginate(UserName="polly", PaginationConfig={"PageSize": 2}))
    assert [n for p in pages for n in p["PolicyNames"]] == [f"in{i}" for i in range(5)] and len(pages) == 3
    names = ["AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess", "ReadOnlyAccess"]
    for name in names:
        iam.attach_user_policy(UserName="polly", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    pages = list(iam.get_paginator("list_attached_user_policies").paginate(UserName="polly", PaginationConfig={"PageSize": 2}))
    assert sorted(a["PolicyName"] for p in pages for a in p["AttachedPolicies"]) == names and len(pages) == 2
    assert iam.list_attached_user_policies(UserName="polly", PathPrefix="/none/")["AttachedPolicies"] == []
    assert error_code(iam.list_attached_user_policies, UserName="none") == "NoSuchEntity"


def test_context_keys_of_a_principal(h):
    iam = h.client("iam")
    arn = iam.create_user(UserName="ctx")["User"]["Arn"]
    iam.put_user_policy(UserName="ctx", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::home-${aws:username}/*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}}))
    more = document("s3:*", resource="arn:aws:s3:::${aws:PrincipalTag/team}")
    got = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn, PolicyInputList=[more])["ContextKeyNames"]
    assert {k.lower() for k in got} == {"aws:username", "aws:sourceip", "aws:principaltag/team"}, got
    assert error_code(iam.get_context_keys_for_principal_policy, PolicySourceArn=arn + "x") == "NoSuchEntity"


def test_pages_of_roles(h):
    iam = h.client("iam", key="666666666666")
    for i in range(7):
        iam.create_role(RoleName=f"r{i}", Path="/a/" if i % 2 else "/b/", AssumeRolePolicyDocument=TRUST)
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 3}))
    assert [r["RoleName"] for p in pages for r in p["Roles"]] == [f"r{i}" for i in range(7)] and len(pages) == 3
    assert [r["RoleName"] for r in iam.list_roles(PathPrefix="/a/")["Roles"]] == ["r1", "r3", "r5"]
    assert pages[0]["Roles"][0]["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"


def test_a_user_changes_its_password(h):
    iam = h.client("iam")
    iam.create_user(UserName="chang")
    iam.create_login_profile(UserName="chang", Password="Sufficient-1", PasswordResetRequired=True)
    key = iam.create_access_key(UserName="chang")["AccessKey"]
    own = h.client("iam", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert error_code(own.change_password, OldPassword="Sufficient-1", NewPassword="Sufficient-2") == "AccessDenied"
    iam.put_user_policy(UserName="chang", PolicyName="p", PolicyDocument=document(
        "iam:ChangePassword", resource=f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"))
    assert error_code(own.change_password, OldPassword="Sufficient-9", NewPassword="Sufficient-2") == "AccessDenied"
    own.change_password(OldPassword="Sufficient-1", NewPassword="Sufficient-2")
    assert not iam.get_login_profile(UserName="chang")["LoginProfile"]["PasswordResetRequired"]
    assert error_code(own.change_password, OldPassword="Sufficient-1", NewPassword="Sufficient-3") == "AccessDenied"
    assert error_code(iam.change_password, OldPassword="Sufficient-2", NewPassword="Sufficient-3") == "InvalidUserType"


def test_server_certificates(h, tmp="/tmp"):
    import subprocess
    import tempfile
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{d}/k", "-out",
                        f"{d}/c", "-days", "30", "-subj", "/CN=x"], check=True, capture_output=True)
        cert, key = open(f"{d}/c").read(), open(f"{d}/k").read()
        subprocess.run(["openssl", "genrsa", "-out", f"{d}/k2", "2048"], check=True, capture_output=True)
        other = open(f"{d}/k2").read()
    iam = h.client("iam")
    made = iam.upload_server_certificate(ServerCertificateName="web", CertificateBody=cert, PrivateKey=key)
    assert made["ServerCertificateMetadata"]["Arn"].endswith(":server-certificate/web")
    assert made["ServerCertificateMetadata"]["Expiration"] > made["ServerCertificateMetadata"]["UploadDate"]
    assert error_code(iam.upload_server_certificate, ServerCertificateName="w2", CertificateBody=cert, PrivateKey=other) == "KeyPairMismatch"
    assert error_code(iam.upload_server_certificate, ServerCertificateName="w2", CertificateBody="x", PrivateKey=key) == "MalformedCertificate"
    assert iam.get_server_certificate(ServerCertificateName="web")["ServerCertificate"]["CertificateBody"].strip() == cert.strip()
    iam.tag_server_certificate(ServerCertificateName="web", Tags=[{"Key": f"k{i}", "Value": "v"} for i in range(5)])
    iam.untag_server_certificate(ServerCertificateName="web", TagKeys=["k4"])
    assert tag_pages(iam.list_server_certificate_tags, ServerCertificateName="web") == ["k0", "k1", "k2", "k3"]
    assert error_code(iam.tag_server_certificate, ServerCertificateName="none", Tags=[{"Key": "a", "Value": "b"}]) == "NoSuchEntity"
    assert error_code(iam.list_server_certificate_tags, ServerCertificateName="none") == "NoSuchEntity"
    iam.update_server_certificate(ServerCertificateName="web", NewServerCertificateName="web3")
    assert [c["ServerCertificateName"] for c in iam.list_server_certificates()["ServerCertificateMetadataList"]] == ["web3"]
    iam.delete_server_certificate(ServerCertificateName="web3")


def totp(seed, at):
    import base64
    import hashlib
    import hmac
    mac = hmac.new(base64.b32decode(seed), int(at // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    offset = mac[19] & 15
    return f"{(int.from_bytes(mac[offset:offset + 4], 'big') & 0x7fffffff) % 1000000:06}"


def test_mfa(h):
    iam = h.client("iam")
    iam.create_user(UserName="mia")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial, seed = device["SerialNumber"], device["Base32StringSeed"]
    assert error_code(iam.enable_mfa_device, UserName="mia", SerialNumber=serial, AuthenticationCode1="000000",
                      AuthenticationCode2="000000") == "InvalidAuthenticationCode"
    now = time.time()
    iam.enable_mfa_device(UserName="mia", SerialNumber=serial, AuthenticationCode1=totp(seed, now - 30),
                          AuthenticationCode2=totp(seed, now))
    assert iam.list_mfa_devices(UserName="mia")["MFADevices"][0]["SerialNumber"] == serial
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"][0]["User"]["UserName"] == "mia"
    key = iam.create_access_key(UserName="mia")["AccessKey"]
    sts = h.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert error_code(sts.get_session_token, SerialNumber=serial, TokenCode="000000") == "AccessDenied"
    sts.get_session_token(SerialNumber=serial, TokenCode=totp(seed, now + 30))
    assert error_code(sts.get_session_token, SerialNumber=serial, TokenCode=totp(seed, now + 30)) == "AccessDenied"
    assert error_code(iam.delete_virtual_mfa_device, SerialNumber=serial) == "DeleteConflict"
    iam.deactivate_mfa_device(UserName="mia", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)


def test_cli(h):
    assert h.cli_json("iam", "create-user", "--user-name", "cli")["User"]["UserName"] == "cli"
    h.cli("iam", "put-user-policy", "--user-name", "cli", "--policy-name", "p", "--policy-document", document("s3:*"))
    assert h.cli_json("iam", "list-user-policies", "--user-name", "cli")["PolicyNames"] == ["p"]
    assert len(h.cli_json("iam", "list-policies", "--scope", "AWS", "--page-size", "20")["Policies"]) > 80
    failed = h.cli("iam", "get-user", "--user-name", "none", ok=False)
    assert "(NoSuchEntity)" in failed.stderr and "The user with name none cannot be found." in failed.stderr
