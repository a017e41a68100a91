"""A reset of a cloud whose machines run: nothing of them is left, and new ones begin."""
import os

from haneul import Skip, wait_until

TINY = [{"Name": "name", "Values": ["haneul/tiny"]}]


def launch(e):
    found = e.describe_images(Owners=["amazon"], Filters=TINY)["Images"]
    if not found:
        raise Skip("no data plane here: it needs root, namespaces and the packages busybox-static and dropbear-bin")
    try:
        made = e.run_instances(ImageId=found[0]["ImageId"], MinCount=2, MaxCount=2, InstanceType="t3.nano")["Instances"]
    except e.exceptions.ClientError as why:
        if why.response["Error"]["Code"] == "Unsupported":
            raise Skip(why.response["Error"]["Message"])
        raise
    ids = [i["InstanceId"] for i in made]
    e.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    return ids


def kept(h):
    return [n for folder in ("machines", "roots", "volumes") for n in os.listdir(os.path.join(h.data, "plane", folder))]


def test_a_reset_ends_machines(h):
    e = h.client("ec2")
    launch(e)
    assert kept(h)
    assert h.get("/_haneul/reset", method="POST")[0] == 200
    wait_until(lambda: not kept(h), what="everything of the machines to be gone")
    assert e.describe_instances()["Reservations"] == []
    ids = launch(e)
    e.terminate_instances(InstanceIds=ids)
    e.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
