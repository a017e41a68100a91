"""Terraform with its AWS provider, unchanged: what it applies is there, its second plan is empty, destroy leaves nothing.

Runs where `terraform` is on the PATH (or TERRAFORM names it) and TERRAFORM_PLUGINS names a folder with the
provider, laid out as `terraform init -plugin-dir` wants it: nothing is fetched from a network here.
"""
import json
import os
import shutil
import subprocess
import tempfile

from haneul import ROOT, Skip, clean_env, error_code, wait_until

TERRAFORM = os.environ.get("TERRAFORM") or shutil.which("terraform")
PLUGINS = os.environ.get("TERRAFORM_PLUGINS")
if not TERRAFORM or not PLUGINS:
    raise Skip("terraform and its AWS provider are not here: put terraform on the PATH and name the provider's folder by TERRAFORM_PLUGINS")


class Work:
    """One configuration in a folder of its own, pointed at the server by the environment alone."""

    def __init__(self, h, name, **variables):
        self.dir = tempfile.mkdtemp(prefix="haneul-terraform-")
        configurations = os.path.join(ROOT, "tests/plays/terraform")
        shutil.copytree(os.path.join(configurations, name), self.dir, dirs_exist_ok=True)
        shutil.copy(os.path.join(configurations, "provider.tf"), self.dir)
        self.env = clean_env({"AWS_ENDPOINT_URL": h.endpoint, "AWS_ACCESS_KEY_ID": h.key, "AWS_SECRET_ACCESS_KEY": h.secret,
                              "AWS_EC2_METADATA_DISABLED": "true",
                              # S3 Control's names have the account in front, which no resolver knows of an address.
                              "HTTP_PROXY": h.endpoint, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1",
                              "TF_INPUT": "0", **{"TF_VAR_" + k: v for k, v in variables.items()}})

    def __enter__(self):
        self.run("init", "-plugin-dir", PLUGINS)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, *args, ok=(0,)):
        done = subprocess.run([TERRAFORM, *args, "-no-color"], cwd=self.dir, env=self.env, capture_output=True, text=True, timeout=300)
        assert done.returncode in ok, f"terraform {' '.join(args)}:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done

    def apply(self):
        self.run("apply", "-auto-approve")
        plan = self.run("plan", "-detailed-exitcode", ok=(0, 2))
        assert plan.returncode == 0, f"the second plan is not empty:\n{plan.stdout}"

    def outputs(self):
        return {k: v["value"] for k, v in json.loads(self.run("output", "-json").stdout).items()}

    def destroy(self):
        self.run("destroy", "-auto-approve")
        assert not self.run("state", "list").stdout.strip()


def test_networks(h):
    e = h.client("ec2")
    with Work(h, "network") as w:
        w.apply()
        vpc = e.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["terraform"]}])["Vpcs"][0]["VpcId"]
        mine = [{"Name": "vpc-id", "Values": [vpc]}]
        assert len(e.describe_subnets(Filters=mine)["Subnets"]) == 4
        gateway = e.describe_nat_gateways(Filter=mine)["NatGateways"][0]
        assert gateway["State"] == "available"
        assert gateway["NatGatewayAddresses"][0]["PublicIp"] == w.outputs()["nat_address"]
        w.destroy()
    assert error_code(e.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"


def test_machines(h):
    e = h.client("ec2")
    if not e.describe_images(Owners=["amazon"])["Images"]:
        raise Skip("machines need root")
    with tempfile.TemporaryDirectory() as d:
        key = os.path.join(d, "k")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        with Work(h, "machines", public_key=open(key + ".pub").read().strip()) as w:
            w.apply()
            address = w.outputs()["address"]

            def said():
                done = subprocess.run(["ssh", "-i", key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                                       "-o", "ConnectTimeout=2", f"ec2-user@{address}", "sudo cat /srv/by-user-data; ls /dev/sdf"],
                                      capture_output=True, text=True, timeout=30)
                return done.stdout.split()

            wait_until(lambda: said() == ["written", "/dev/sdf"], 30)
            w.destroy()
    left = [i for r in e.describe_instances()["Reservations"] for i in r["Instances"] if i["State"]["Name"] != "terminated"]
    assert not left and not e.describe_volumes()["Volumes"]


def test_identities(h):
    with Work(h, "identity") as w:
        w.apply()
        assert h.client("iam").get_role(RoleName="worker")["Role"]["MaxSessionDuration"] == 7200
        w.destroy()
    assert error_code(h.client("iam").get_user, UserName="alice") == "NoSuchEntity"


def test_messages(h):
    sqs, sns = h.client("sqs"), h.client("sns")
    with Work(h, "messaging") as w:
        w.apply()
        topic = next(t["TopicArn"] for t in sns.list_topics()["Topics"] if t["TopicArn"].endswith(":events"))
        for price in ("5", "50"):
            sns.publish(TopicArn=topic, Message=price, MessageAttributes={
                "kind": {"DataType": "String", "StringValue": "order"}, "price": {"DataType": "Number", "StringValue": price}})
        got = sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName="work")["QueueUrl"])["Messages"]
        assert [m["Body"] for m in got] == ["50"]
        w.destroy()
    assert not sns.list_topics()["Topics"]


def test_storage(h):
    s3 = h.client("s3")
    with Work(h, "storage") as w:
        w.apply()
        assert s3.get_object(Bucket="terraform-main", Key="hello.txt")["Body"].read() == b"hello\n"
        assert h.client("dynamodb").get_item(TableName="counters", Key={"id": {"S": "first"}})["Item"]["n"] == {"N": "1"}
        w.destroy()
    assert not s3.list_buckets()["Buckets"]
