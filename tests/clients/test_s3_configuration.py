"""Settings of buckets that can be read, emptied or put to what they are; the rest is refused by name."""
import json

from haneul import error_code


def make(h, name):
    s3 = h.client("s3")
    s3.create_bucket(Bucket=name)
    return s3


def test_lists_of_configurations_are_empty(h):
    s3 = make(h, "configured")
    for name in ("analytics", "intelligent_tiering", "inventory", "metrics"):
        for verb in ("get", "delete"):
            call = getattr(s3, f"{verb}_bucket_{name}_configuration")
            assert error_code(call, Bucket="configured", Id="x") == "NoSuchConfiguration", (verb, name)
        got = getattr(s3, f"list_bucket_{name}_configurations")(Bucket="configured")
        assert got["IsTruncated"] is False


def test_what_was_never_set_can_be_deleted(h):
    s3 = make(h, "unset")
    for name in ("encryption", "lifecycle", "replication", "cors", "website", "tagging", "policy", "ownership_controls"):
        call = getattr(s3, f"delete_bucket_{name}")
        assert call(Bucket="unset")["ResponseMetadata"]["HTTPStatusCode"] == 204, name
        assert error_code(call, Bucket="nobody-has-this") == "NoSuchBucket", name
    assert s3.get_bucket_abac(Bucket="unset")["AbacStatus"]["Status"] == "Disabled"


def test_what_is_refused_by_design_says_why(h):
    s3 = h.client("s3")
    s3.create_bucket(Bucket="by-design")
    s3.put_object(Bucket="by-design", Key="k", Body=b"a,b\n")
    for call in (lambda: s3.get_object_torrent(Bucket="by-design", Key="k"),
                 lambda: s3.select_object_content(Bucket="by-design", Key="k", ExpressionType="SQL", Expression="select * from s3object",
                                                  InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}})):
        assert error_code(call)


def test_settings_that_may_only_stay_as_they_are(h):
    s3 = make(h, "defaults")
    aes = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket="defaults", ServerSideEncryptionConfiguration=aes)
    s3.put_bucket_notification_configuration(Bucket="defaults", NotificationConfiguration={})
    s3.put_bucket_request_payment(Bucket="defaults", RequestPaymentConfiguration={"Payer": "BucketOwner"})
    assert s3.get_bucket_request_payment(Bucket="defaults")["Payer"] == "BucketOwner"
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket="defaults")
    assert error_code(s3.put_bucket_notification_configuration, Bucket="defaults", NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "Events": ["s3:ObjectCreated:*"]}]
    }) == "InvalidArgument"  # there is no such queue


def test_website_and_tags_come_back_as_put(h):
    s3 = make(h, "round-trip")
    site = {"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"}, "RoutingRules": [{
        "Condition": {"KeyPrefixEquals": "a/", "HttpErrorCodeReturnedEquals": "404"},
        "Redirect": {"HostName": "h", "Protocol": "https", "ReplaceKeyPrefixWith": "b/", "HttpRedirectCode": "302"}}]}
    s3.put_bucket_website(Bucket="round-trip", WebsiteConfiguration=site)
    got = s3.get_bucket_website(Bucket="round-trip")
    del got["ResponseMetadata"]
    assert got == site
    everything = {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}
    s3.put_bucket_website(Bucket="round-trip", WebsiteConfiguration=everything)
    assert s3.get_bucket_website(Bucket="round-trip")["RedirectAllRequestsTo"] == everything["RedirectAllRequestsTo"]
    tags = [{"Key": f"k{i}", "Value": "ü"} for i in range(50)]
    s3.put_bucket_tagging(Bucket="round-trip", Tagging={"TagSet": tags})
    assert sorted(t["Key"] for t in s3.get_bucket_tagging(Bucket="round-trip")["TagSet"]) == sorted(t["Key"] for t in tags)
    assert error_code(s3.put_bucket_tagging, Bucket="round-trip",
                      Tagging={"TagSet": tags + [{"Key": "one more", "Value": ""}]}) in ("InvalidTag", "BadRequest")
    assert error_code(s3.put_bucket_tagging, Bucket="round-trip", Tagging={"TagSet": [tags[0], tags[0]]}) == "InvalidTag"


def test_tags_of_objects(h):
    s3 = make(h, "tagged")
    s3.put_object(Bucket="tagged", Key="k", Body=b"x", Tagging="a=1&b%20c=2%2B2")
    assert s3.get_object_tagging(Bucket="tagged", Key="k")["TagSet"] == [{"Key": "a", "Value": "1"},
                                                                         {"Key": "b c", "Value": "2+2"}]
    s3.put_object_tagging(Bucket="tagged", Key="k", Tagging={"TagSet": [{"Key": "n", "Value": "v"}]})
    assert s3.get_object(Bucket="tagged", Key="k")["TagCount"] == 1
    eleven = {"TagSet": [{"Key": str(i), "Value": ""} for i in range(11)]}
    assert error_code(s3.put_object_tagging, Bucket="tagged", Key="k", Tagging=eleven) in ("BadRequest", "InvalidTag")
    long = {"TagSet": [{"Key": "k" * 129, "Value": ""}]}
    assert error_code(s3.put_object_tagging, Bucket="tagged", Key="k", Tagging=long) == "InvalidTag"
    s3.delete_object_tagging(Bucket="tagged", Key="k")
    assert s3.get_object_tagging(Bucket="tagged", Key="k")["TagSet"] == []
    assert error_code(s3.get_object_tagging, Bucket="tagged", Key="none") == "NoSuchKey"


def test_what_cannot_be_real_is_refused(h):
    s3 = make(h, "not-here")
    s3.put_object(Bucket="not-here", Key="k", Body=b"x")
    arn = "arn:aws:s3tables:us-east-1:000000000000:bucket/t"
    expiry = {"RecordExpiration": {"Expiration": "DISABLED"}}
    for op, code, more in (
            ("create_session", "MethodNotAllowed", {}),
            ("rename_object", "MethodNotAllowed", {"Key": "l", "RenameSource": "/not-here/k"}),
            ("create_bucket_metadata_configuration", "NotImplemented",
             {"MetadataConfiguration": {"JournalTableConfiguration": expiry}}),
            ("create_bucket_metadata_table_configuration", "NotImplemented",
             {"MetadataTableConfiguration": {"S3TablesDestination": {"TableBucketArn": arn, "TableName": "t"}}}),
            ("get_bucket_metadata_configuration", "MetadataConfigurationNotFound", {}),
            ("get_bucket_metadata_table_configuration", "MetadataConfigurationNotFound", {}),
            ("delete_bucket_metadata_configuration", "MetadataConfigurationNotFound", {}),
            ("delete_bucket_metadata_table_configuration", "MetadataConfigurationNotFound", {}),
            ("update_bucket_metadata_annotation_table_configuration", "MetadataConfigurationNotFound",
             {"AnnotationTableConfiguration": {"ConfigurationState": "DISABLED"}}),
            ("update_bucket_metadata_inventory_table_configuration", "MetadataConfigurationNotFound",
             {"InventoryTableConfiguration": {"ConfigurationState": "DISABLED"}}),
            ("update_bucket_metadata_journal_table_configuration", "MetadataConfigurationNotFound",
             {"JournalTableConfiguration": expiry})):
        assert error_code(getattr(s3, op), Bucket="not-here", **more) == code, op
        assert error_code(getattr(s3, op), Bucket="not-here-either", **more) == "NoSuchBucket", op


def test_tags_of_buckets_in_policies(h):
    s3, iam = make(h, "abac"), h.client("iam")
    s3.put_bucket_tagging(Bucket="abac", Tagging={"TagSet": [{"Key": "team", "Value": "red"}]})
    iam.create_user(UserName="red")
    iam.put_user_policy(UserName="red", PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {
            "StringEquals": {"aws:ResourceTag/team": "red"}}}]}))
    key = iam.create_access_key(UserName="red")["AccessKey"]
    red = h.client("s3", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert error_code(red.put_object, Bucket="abac", Key="k", Body=b"x") == "AccessDenied"
    s3.put_bucket_abac(Bucket="abac", AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(Bucket="abac")["AbacStatus"]["Status"] == "Enabled"
    red.put_object(Bucket="abac", Key="k", Body=b"x")
    s3.put_bucket_tagging(Bucket="abac", Tagging={"TagSet": [{"Key": "team", "Value": "blue"}]})
    assert error_code(red.get_object, Bucket="abac", Key="k") == "AccessDenied"
