"""Spot, fleets, reservations, hosts and groups: what an instance costs and where it goes."""
import datetime

from haneul import Skip, error_code, run_command, wait_until


def plane(h):
    if "AuthFailure" in (error_code(h.client("ec2").describe_regions) or ""):
        raise Skip("EC2 does not answer")
    ec2 = h.client("ec2")
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    if not images:
        raise Skip("machines cannot run here: " + run_command("doctor").stdout.strip().replace("\n", "; ")[:300])
    return ec2, images[0]["ImageId"]


def states(ec2, ids):
    return [i["State"]["Name"] for r in ec2.describe_instances(InstanceIds=ids)["Reservations"] for i in r["Instances"]]


def request(ec2, sir):
    return ec2.describe_spot_instance_requests(SpotInstanceRequestIds=[sir])["SpotInstanceRequests"][0]


def price(ec2, zone="us-east-1a", kind="t3.micro"):
    got = ec2.describe_spot_price_history(InstanceTypes=[kind], AvailabilityZone=zone, ProductDescriptions=["Linux/UNIX"])
    return float(got["SpotPriceHistory"][0]["SpotPrice"])


def test_prices_move_on_the_clock(h):
    ec2 = h.client("ec2")
    before = price(ec2)
    assert 0 < before < 0.0104
    now = datetime.datetime.now(datetime.timezone.utc)
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=["t3.micro", "m5.large"], StartTime=now - datetime.timedelta(days=2), EndTime=now,
        Filters=[{"Name": "availability-zone", "Values": ["us-east-1a"]}], PaginationConfig={"PageSize": 20})
    history = [x for p in pages for x in p["SpotPriceHistory"]]
    assert len(history) >= 2 * 48 and len({x["SpotPrice"] for x in history}) > 20
    assert all(a["Timestamp"] >= b["Timestamp"] for a, b in zip(history, history[1:]))
    assert error_code(ec2.describe_spot_price_history, MaxResults=2000) == "InvalidParameterValue"
    h.command("clock", "advance", "36h")
    assert price(ec2) != before


def test_a_spot_instance_is_told_before_it_ends(h):
    ec2, image = plane(h)
    launch = {"ImageId": image, "InstanceType": "t3.micro", "Placement": {"AvailabilityZone": "us-east-1a"}}
    low = ec2.request_spot_instances(SpotPrice="0.0001", LaunchSpecification=launch)["SpotInstanceRequests"][0]["SpotInstanceRequestId"]
    bid = price(ec2) + 0.000001
    sir = ec2.request_spot_instances(SpotPrice=f"{bid:.6f}", LaunchSpecification=launch, ClientToken="spot-1", TagSpecifications=[
        {"ResourceType": "spot-instances-request", "Tags": [{"Key": "a", "Value": "b"}]}])["SpotInstanceRequests"][0]
    sir = sir["SpotInstanceRequestId"]
    assert ec2.request_spot_instances(SpotPrice=f"{bid:.6f}", LaunchSpecification=launch, ClientToken="spot-1", TagSpecifications=[
        {"ResourceType": "spot-instances-request", "Tags": [{"Key": "a", "Value": "b"}]}])["SpotInstanceRequests"][0]["SpotInstanceRequestId"] == sir
    wait_until(lambda: request(ec2, sir)["State"] == "active", what="the launch")
    assert wait_until(lambda: request(ec2, low)["Status"]["Code"] == "price-too-low", what="the market's answer")
    instance = request(ec2, sir)["InstanceId"]
    told = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert (told["InstanceLifecycle"], told["SpotInstanceRequestId"]) == ("spot", sir)
    for _ in range(60):
        h.command("clock", "advance", "6h")
        if request(ec2, sir)["State"] == "closed":
            break
    ended = wait_until(lambda: request(ec2, sir)["State"] == "closed" and request(ec2, sir), what="the interruption")
    assert ended["Status"]["Code"] == "instance-terminated-by-price"
    wait_until(lambda: states(ec2, [instance]) in (["terminated"], ["shutting-down"]), what="the instance's end")
    gone = ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[low])["CancelledSpotInstanceRequests"]
    assert gone == [{"SpotInstanceRequestId": low, "State": "cancelled"}]
    assert request(ec2, low)["Status"]["Code"] == "canceled-before-fulfillment"
    assert error_code(ec2.cancel_spot_instance_requests, SpotInstanceRequestIds=["sir-00000000"]) == "InvalidSpotInstanceRequestID.NotFound"
    assert error_code(ec2.request_spot_instances, LaunchSpecification=dict(launch, InstanceType="no.such")) == "InvalidParameterValue"


def test_run_instances_on_the_spot_market(h):
    ec2, image = plane(h)
    market = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.00001"}}
    assert error_code(ec2.run_instances, ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1,
                      InstanceMarketOptions=market) == "SpotMaxPriceTooLow"
    i = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, InstanceMarketOptions={
        "MarketType": "spot", "SpotOptions": {"MaxPrice": "1"}})["Instances"][0]
    assert i["InstanceLifecycle"] == "spot"
    assert request(ec2, i["SpotInstanceRequestId"])["State"] == "active"
    ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
    wait_until(lambda: request(ec2, i["SpotInstanceRequestId"])["Status"]["Code"] == "instance-terminated-by-user", what="the request's end")


def test_fleets(h):
    ec2, image = plane(h)
    ec2.create_launch_template(LaunchTemplateName="fleet", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.nano"})
    configs = [{"LaunchTemplateSpecification": {"LaunchTemplateName": "fleet", "Version": "$Latest"},
                "Overrides": [{"InstanceType": "t3.nano", "WeightedCapacity": 1}, {"InstanceType": "t3.micro", "WeightedCapacity": 2}]}]
    made = ec2.create_fleet(Type="instant", LaunchTemplateConfigs=configs, TargetCapacitySpecification={
        "TotalTargetCapacity": 3, "OnDemandTargetCapacity": 1, "SpotTargetCapacity": 2, "DefaultTargetCapacityType": "spot"})
    assert not made["Errors"] and {i["Lifecycle"] for i in made["Instances"]} == {"on-demand", "spot"}
    data = ec2.describe_fleets(FleetIds=[made["FleetId"]])["Fleets"][0]
    assert data["FulfilledCapacity"] >= 3 and data["Type"] == "instant"
    bad = ec2.create_fleet(Type="instant", LaunchTemplateConfigs=[dict(configs[0], Overrides=[{"InstanceType": "t3.nano", "MaxPrice": "0.00001"}])],
                           TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"})
    assert bad["Errors"][0]["ErrorCode"] == "SpotMaxPriceTooLow" and not bad["Instances"]
    kept = ec2.create_fleet(Type="maintain", LaunchTemplateConfigs=configs, ClientToken="f1", TargetCapacitySpecification={
        "TotalTargetCapacity": 2, "DefaultTargetCapacityType": "on-demand"})["FleetId"]

    def members():
        return [i["InstanceId"] for p in [ec2.describe_fleet_instances(FleetId=kept)] for i in p["ActiveInstances"]]
    first = wait_until(lambda: members(), what="the fleet's instances")
    ec2.terminate_instances(InstanceIds=first)
    wait_until(lambda: not set(members()) & set(first), what="their end")
    h.command("clock", "advance", "2m")
    wait_until(lambda: members(), what="their replacement")
    ec2.modify_fleet(FleetId=kept, TargetCapacitySpecification={"TotalTargetCapacity": 0})
    wait_until(lambda: not members(), what="the smaller fleet")
    assert error_code(ec2.modify_fleet, FleetId=made["FleetId"], TargetCapacitySpecification={"TotalTargetCapacity": 1}) == "UnsupportedOperation"
    done = ec2.delete_fleets(FleetIds=[made["FleetId"], kept, "fleet-00000000-0000-0000-0000-000000000000"], TerminateInstances=True)
    assert {d["CurrentFleetState"] for d in done["SuccessfulFleetDeletions"]} == {"deleted_terminating"}
    assert done["UnsuccessfulFleetDeletions"][0]["Error"]["Code"] == "fleetIdDoesNotExist"
    ids = [i for x in made["Instances"] for i in x["InstanceIds"]]
    wait_until(lambda: set(states(ec2, ids)) <= {"terminated", "shutting-down"}, what="the end of the instances")
    ec2.delete_launch_template(LaunchTemplateName="fleet")
    pages = [f["FleetId"] for p in ec2.get_paginator("describe_fleets").paginate(PaginationConfig={"PageSize": 1}) for f in p["Fleets"]]
    assert made["FleetId"] in pages and kept in pages


def test_reserved_instances(h):
    ec2 = h.client("ec2")
    offers = [o for p in ec2.get_paginator("describe_reserved_instances_offerings").paginate(
        InstanceType="m5.large", OfferingClass="standard", PaginationConfig={"PageSize": 5}) for o in p["ReservedInstancesOfferings"]]
    assert len(offers) == 6 and {o["Duration"] for o in offers} == {31536000, 94608000}
    upfront = next(o for o in offers if o["OfferingType"] == "All Upfront" and o["Duration"] == 31536000)
    assert 400 < upfront["FixedPrice"] < 600
    bought = ec2.purchase_reserved_instances_offering(
        ReservedInstancesOfferingId=upfront["ReservedInstancesOfferingId"], InstanceCount=2)["ReservedInstancesId"]
    mine = ec2.describe_reserved_instances(ReservedInstancesIds=[bought])["ReservedInstances"][0]
    assert (mine["State"], mine["InstanceCount"], mine["InstanceType"]) == ("active", 2, "m5.large")
    assert ec2.describe_reserved_instances(Filters=[{"Name": "instance-type", "Values": ["c5.*"]}])["ReservedInstances"] == []
    assert error_code(ec2.purchase_reserved_instances_offering, ReservedInstancesOfferingId="00000000-0000-0000-0000-000000000000",
                      InstanceCount=1) == "InvalidReservedInstancesOfferingId"
    assert error_code(ec2.purchase_reserved_instances_offering, ReservedInstancesOfferingId=upfront["ReservedInstancesOfferingId"],
                      InstanceCount=1, LimitPrice={"Amount": 1.0, "CurrencyCode": "USD"}) == "InvalidParameterValue"
    h.command("clock", "advance", "366d")
    assert ec2.describe_reserved_instances(ReservedInstancesIds=[bought])["ReservedInstances"][0]["State"] == "retired"


def test_capacity_reservations(h):
    ec2 = h.client("ec2")
    soon = datetime.datetime.fromtimestamp(ec2.create_capacity_reservation(
        InstanceType="t3.micro", InstancePlatform="Linux/UNIX", AvailabilityZone="us-east-1b",
        InstanceCount=1)["CapacityReservation"]["CreateDate"].timestamp() + 3600, datetime.timezone.utc)
    r = ec2.create_capacity_reservation(InstanceType="t3.micro", InstancePlatform="Linux/UNIX", AvailabilityZone="us-east-1b",
                                        InstanceCount=2, EndDateType="limited", EndDate=soon, ClientToken="cr1",
                                        TagSpecifications=[{"ResourceType": "capacity-reservation", "Tags": [{"Key": "a", "Value": "b"}]}])
    r = r["CapacityReservation"]
    assert (r["State"], r["AvailableInstanceCount"], r["Tags"]) == ("active", 2, [{"Key": "a", "Value": "b"}])
    got = [x["CapacityReservationId"] for p in ec2.get_paginator("describe_capacity_reservations").paginate(
        Filters=[{"Name": "state", "Values": ["active"]}], PaginationConfig={"PageSize": 1}) for x in p["CapacityReservations"]]
    assert len(got) == 2
    h.command("clock", "advance", "2h")
    wait_until(lambda: ec2.describe_capacity_reservations(CapacityReservationIds=[r["CapacityReservationId"]])["CapacityReservations"][0]["State"] == "expired",
               what="the end of the reservation")
    other = next(x for x in got if x != r["CapacityReservationId"])
    assert ec2.cancel_capacity_reservation(CapacityReservationId=other)["Return"]
    assert error_code(ec2.cancel_capacity_reservation, CapacityReservationId=other) == "InvalidCapacityReservationState"
    assert error_code(ec2.create_capacity_reservation, InstanceType="t3.micro", InstancePlatform="Windows",
                      AvailabilityZone="us-east-1b", InstanceCount=1) == "Unsupported"


def test_dedicated_hosts(h):
    ec2, image = plane(h)
    host = ec2.allocate_hosts(InstanceType="m5.large", AvailabilityZone="us-east-1a", Quantity=1, AutoPlacement="off", ClientToken="h1")["HostIds"][0]
    assert ec2.allocate_hosts(InstanceType="m5.large", AvailabilityZone="us-east-1a", Quantity=1, AutoPlacement="off", ClientToken="h1")["HostIds"] == [host]
    shown = ec2.describe_hosts(HostIds=[host])["Hosts"][0]
    assert shown["AvailableCapacity"]["AvailableInstanceCapacity"][0]["AvailableCapacity"] == 48
    i = ec2.run_instances(ImageId=image, InstanceType="m5.large", MinCount=1, MaxCount=1,
                          Placement={"Tenancy": "host", "HostId": host, "AvailabilityZone": "us-east-1a"})["Instances"][0]
    assert (i["Placement"]["HostId"], i["Placement"]["Tenancy"]) == (host, "host")
    assert ec2.describe_hosts(HostIds=[host])["Hosts"][0]["AvailableCapacity"]["AvailableVCpus"] == 94
    assert ec2.release_hosts(HostIds=[host])["Unsuccessful"][0]["Error"]["Code"] == "Client.InvalidHost.Occupied"
    ec2.terminate_instances(InstanceIds=[i["InstanceId"]])
    wait_until(lambda: states(ec2, [i["InstanceId"]]) == ["terminated"], what="the instance's end")
    assert ec2.release_hosts(HostIds=[host])["Successful"] == [host]
    assert error_code(ec2.allocate_hosts, AvailabilityZone="us-east-1a", Quantity=1) == "InvalidParameterCombination"
    assert error_code(ec2.describe_hosts, HostIds=[host]) == "InvalidHostID.NotFound"
    assert [x for p in ec2.get_paginator("describe_hosts").paginate(PaginationConfig={"PageSize": 5}) for x in p["Hosts"]] == []


def test_placement_groups(h):
    ec2, image = plane(h)
    g = ec2.create_placement_group(GroupName="apart", Strategy="partition", PartitionCount=3)["PlacementGroup"]
    assert g["PartitionCount"] == 3
    many = ec2.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=3, MaxCount=3, Placement={"GroupName": "apart"})["Instances"]
    assert sorted(i["Placement"]["PartitionNumber"] for i in many) == [1, 2, 3]
    assert error_code(ec2.delete_placement_group, GroupName="apart") == "InvalidPlacementGroup.InUse"
    ec2.terminate_instances(InstanceIds=[i["InstanceId"] for i in many])
    wait_until(lambda: error_code(ec2.delete_placement_group, GroupName="apart") is None, what="an empty group")
    assert error_code(ec2.describe_placement_groups, GroupNames=["apart"]) == "InvalidPlacementGroup.Unknown"
    ec2.create_placement_group(GroupName="near")
    assert ec2.describe_placement_groups(Filters=[{"Name": "strategy", "Values": ["cluster"]}])["PlacementGroups"][0]["GroupName"] == "near"
    assert error_code(ec2.create_placement_group, GroupName="near") == "InvalidPlacementGroup.Duplicate"
    assert error_code(ec2.run_instances, ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1,
                      Placement={"GroupName": "nowhere"}) == "InvalidPlacementGroup.Unknown"
    h.cli_json("ec2", "describe-placement-groups", "--group-names", "near")
