"""Launch templates: versions that build on each other, defaults, deletion, paging."""
import base64

from haneul import error_code


def test_versions(h):
    ec2 = h.client("ec2")
    t = ec2.create_launch_template(
        LaunchTemplateName="web", ClientToken="t1", VersionDescription="first",
        LaunchTemplateData={"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro",
                            "UserData": base64.b64encode(b"#!/bin/sh\n").decode(),
                            "BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3"}}],
                            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
                            "MetadataOptions": {"HttpTokens": "required"}},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "k", "Value": "v"}]}])["LaunchTemplate"]
    assert (t["DefaultVersionNumber"], t["LatestVersionNumber"], t["Tags"]) == (1, 1, [{"Key": "k", "Value": "v"}])
    v2 = ec2.create_launch_template_version(LaunchTemplateId=t["LaunchTemplateId"], SourceVersion="1",
                                            LaunchTemplateData={"InstanceType": "m5.large"})["LaunchTemplateVersion"]
    assert v2["VersionNumber"] == 2 and not v2["DefaultVersion"]
    assert v2["LaunchTemplateData"]["InstanceType"] == "m5.large"
    assert v2["LaunchTemplateData"]["ImageId"] == "ami-0123456789abcdef0"
    assert v2["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"]["VolumeType"] == "gp3"
    plain = ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData={"KeyName": "x"})
    assert "ImageId" not in plain["LaunchTemplateVersion"]["LaunchTemplateData"]
    assert ec2.modify_launch_template(LaunchTemplateName="web", DefaultVersion="2")["LaunchTemplate"]["DefaultVersionNumber"] == 2
    got = ec2.describe_launch_template_versions(LaunchTemplateName="web", Versions=["$Latest", "$Default"])["LaunchTemplateVersions"]
    assert [v["VersionNumber"] for v in got] == [3, 2]
    pages = [v["VersionNumber"] for p in ec2.get_paginator("describe_launch_template_versions").paginate(
        LaunchTemplateName="web", PaginationConfig={"PageSize": 2}) for v in p["LaunchTemplateVersions"]]
    assert pages == [3, 2, 1]
    only = ec2.describe_launch_template_versions(
        LaunchTemplateName="web", Filters=[{"Name": "instance-type", "Values": ["m5.*"]}])["LaunchTemplateVersions"]
    assert [v["VersionNumber"] for v in only] == [2]
    assert [v["VersionNumber"] for v in ec2.describe_launch_template_versions(
        LaunchTemplateName="web", MinVersion="2", MaxVersion="2")["LaunchTemplateVersions"]] == [2]
    assert any(v["LaunchTemplateName"] == "web" for v in ec2.describe_launch_template_versions(
        Versions=["$Latest"])["LaunchTemplateVersions"])
    gone = ec2.delete_launch_template_versions(LaunchTemplateName="web", Versions=["1", "2", "9"])
    assert [g["VersionNumber"] for g in gone["SuccessfullyDeletedLaunchTemplateVersions"]] == [1]
    assert [(k["VersionNumber"], k["ResponseError"]["Code"]) for k in gone["UnsuccessfullyDeletedLaunchTemplateVersions"]] == [
        (2, "unexpectedError"), (9, "launchTemplateVersionDoesNotExist")]
    assert ec2.delete_launch_template(LaunchTemplateName="web")["LaunchTemplate"]["LaunchTemplateId"] == t["LaunchTemplateId"]
    assert error_code(ec2.describe_launch_templates, LaunchTemplateNames=["web"]) == "InvalidLaunchTemplateName.NotFoundException"


def test_errors_and_paging(h):
    ec2 = h.client("ec2")
    for n in range(3):
        ec2.create_launch_template(LaunchTemplateName=f"page-{n}", LaunchTemplateData={"KeyName": str(n)})
    names = [t["LaunchTemplateName"] for p in ec2.get_paginator("describe_launch_templates").paginate(
        Filters=[{"Name": "launch-template-name", "Values": ["page-?"]}],
        PaginationConfig={"PageSize": 2}) for t in p["LaunchTemplates"]]
    assert sorted(names) == ["page-0", "page-1", "page-2"]

    def create(name, **data):
        return error_code(ec2.create_launch_template, LaunchTemplateName=name, LaunchTemplateData=data or {"KeyName": "x"})
    assert create("page-0") == "InvalidLaunchTemplateName.AlreadyExistsException"
    assert create("a b c") == "InvalidLaunchTemplateName.MalformedException"
    assert create("both", SecurityGroupIds=["sg-1"], NetworkInterfaces=[{"DeviceIndex": 0}]) == "InvalidParameterCombination"
    assert error_code(ec2.create_launch_template, LaunchTemplateName="dry", LaunchTemplateData={"KeyName": "x"},
                      DryRun=True) == "DryRunOperation"
    assert error_code(ec2.describe_launch_template_versions, LaunchTemplateName="page-0",
                      Versions=["7"]) == "InvalidLaunchTemplateId.VersionNotFound"
    assert error_code(ec2.describe_launch_templates, LaunchTemplateIds=["lt-0123456789abcdef0"]) == "InvalidLaunchTemplateId.NotFound"
    assert error_code(ec2.describe_launch_templates, LaunchTemplateIds=["nonsense"]) == "InvalidLaunchTemplateId.Malformed"
    assert error_code(ec2.modify_launch_template, LaunchTemplateName="page-0", DefaultVersion="5") == "InvalidLaunchTemplateId.VersionNotFound"
    shown = h.cli_json("ec2", "describe-launch-templates", "--launch-template-names", "page-1")
    assert shown["LaunchTemplates"][0]["LatestVersionNumber"] == 1
