// The JavaScript SDK against a running Haneul: node s3.mjs ENDPOINT. Prints a line for each test.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import * as s3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { collect, failsWith, run, settings as common } from "./harness.mjs";

const settings = { ...common, forcePathStyle: true };
const client = new s3.S3Client(settings);
const waiting = { client, minDelay: 0.05, maxDelay: 0.1, maxWaitTime: 5 };
const send = (Name, input) => client.send(new s3[`${Name}Command`](input));
const md5 = (data) => createHash("md5").update(data).digest("hex");
const bytes = async (got) => Buffer.from(await got.Body.transformToByteArray());

const tests = {
  async buckets_and_waiters() {
    await send("CreateBucket", { Bucket: "js-buckets" });
    await s3.waitUntilBucketExists(waiting, { Bucket: "js-buckets" });
    const { Buckets } = await send("ListBuckets", {});
    assert.ok(Buckets.some((b) => b.Name === "js-buckets" && b.CreationDate instanceof Date));
    await send("HeadBucket", { Bucket: "js-buckets" });
    await failsWith("NotFound", send("HeadBucket", { Bucket: "js-nobody" }));
    await failsWith("BucketAlreadyExists", new s3.S3Client({ ...settings, credentials: {
      accessKeyId: "222233334444", secretAccessKey: "x" } }).send(new s3.CreateBucketCommand({ Bucket: "js-buckets" })));
    await send("DeleteBucket", { Bucket: "js-buckets" });
    await s3.waitUntilBucketNotExists(waiting, { Bucket: "js-buckets" });
    await failsWith("NoSuchBucket", send("DeleteBucket", { Bucket: "js-buckets" }));
  },

  async objects_of_all_kinds() {
    await send("CreateBucket", { Bucket: "js-objects" });
    for (const size of [0, 1, 3000, 200000]) {
      const Body = randomBytes(size);
      const put = await send("PutObject", { Bucket: "js-objects", Key: `한글/${size} +`, Body, Metadata: { a: "b c" } });
      assert.equal(put.ETag, `"${md5(Body)}"`);
      const got = await send("GetObject", { Bucket: "js-objects", Key: `한글/${size} +`, ChecksumMode: "ENABLED" });
      assert.deepEqual(await bytes(got), Body);
      assert.deepEqual(got.Metadata, { a: "b c" });
    }
    await s3.waitUntilObjectExists(waiting, { Bucket: "js-objects", Key: "한글/1 +" });
    const part = await send("GetObject", { Bucket: "js-objects", Key: "한글/3000 +", Range: "bytes=1000-1999" });
    assert.equal(part.ContentRange, "bytes 1000-1999/3000");
    assert.equal((await bytes(part)).length, 1000);
    await send("CopyObject", { Bucket: "js-objects", Key: "copy", CopySource: encodeURI("js-objects/한글/3000 +").replace("+", "%2B") });
    const head = await send("HeadObject", { Bucket: "js-objects", Key: "copy" });
    assert.equal(head.ContentLength, 3000);
    await failsWith("NoSuchKey", send("GetObject", { Bucket: "js-objects", Key: "none" }));
    await failsWith("NotFound", send("HeadObject", { Bucket: "js-objects", Key: "none" }));
    await failsWith("PreconditionFailed", send("PutObject", { Bucket: "js-objects", Key: "copy", Body: "x", IfNoneMatch: "*" }));
    await send("DeleteObject", { Bucket: "js-objects", Key: "copy" });
    await s3.waitUntilObjectNotExists(waiting, { Bucket: "js-objects", Key: "copy" });
  },

  async streams_go_out_in_chunks_with_trailers() {
    await send("CreateBucket", { Bucket: "js-streams" });
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
      for (const size of [0, 5, 65536, 1500000]) {
        const data = randomBytes(size);
        const pieces = [];
        for (let at = 0; at < size; at += 70001) pieces.push(data.subarray(at, at + 70001));
        const put = await send("PutObject", {
          Bucket: "js-streams", Key: "k", Body: Readable.from(pieces), ContentLength: size, ChecksumAlgorithm,
        });
        assert.ok(put[`Checksum${ChecksumAlgorithm}`], `${ChecksumAlgorithm} ${size}`);
        const got = await send("GetObject", { Bucket: "js-streams", Key: "k", ChecksumMode: "ENABLED" });
        assert.equal(got[`Checksum${ChecksumAlgorithm}`], put[`Checksum${ChecksumAlgorithm}`]);
        assert.deepEqual(await bytes(got), data);
        assert.equal(got.ContentEncoding, undefined);
      }
    }
  },

  async uploads_of_lib_storage() {
    await send("CreateBucket", { Bucket: "js-uploads" });
    const data = randomBytes(12 * 1048576 + 17);
    const seen = [];
    const upload = new Upload({ client, params: { Bucket: "js-uploads", Key: "big", Body: Readable.from([data]) },
      partSize: 5 * 1048576, queueSize: 3 });
    upload.on("httpUploadProgress", (p) => seen.push(p.loaded));
    const done = await upload.done();
    assert.match(done.ETag, /-3"$/);
    assert.ok(seen.length >= 3);
    assert.deepEqual(await bytes(await send("GetObject", { Bucket: "js-uploads", Key: "big" })), data);
    const { ObjectParts } = await send("GetObjectAttributes", {
      Bucket: "js-uploads", Key: "big", ObjectAttributes: ["ObjectParts", "ObjectSize"] });
    assert.equal(ObjectParts.TotalPartsCount, 3);
    const broken = new Upload({ client, params: { Bucket: "js-uploads", Key: "broken", Body: Readable.from([data]) },
      partSize: 5 * 1048576 });
    broken.on("httpUploadProgress", () => broken.abort());
    await failsWith("AbortError", broken.done());
    const left = await send("ListMultipartUploads", { Bucket: "js-uploads" });
    for (const u of left.Uploads ?? [])
      await send("AbortMultipartUpload", { Bucket: "js-uploads", Key: u.Key, UploadId: u.UploadId });
    assert.equal((await send("ListMultipartUploads", { Bucket: "js-uploads" })).Uploads, undefined);
  },

  async multipart_by_hand() {
    await send("CreateBucket", { Bucket: "js-parts" });
    const at = { Bucket: "js-parts", Key: "k" };
    const { UploadId } = await send("CreateMultipartUpload", at);
    const a = randomBytes(5 * 1048576), b = randomBytes(10);
    const Parts = [];
    for (const [PartNumber, Body] of [[1, a], [2, b]])
      Parts.push({ PartNumber, ETag: (await send("UploadPart", { ...at, UploadId, PartNumber, Body })).ETag });
    // Behind the last part the marker is 0, on AWS as here; so the SDK's paginator would begin anew.
    const sizes = [];
    for await (const page of s3.paginateListParts({ client, pageSize: 1 }, { ...at, UploadId })) {
      sizes.push(...page.Parts.map((p) => p.Size));
      if (!page.IsTruncated) break;
    }
    assert.deepEqual(sizes, [a.length, b.length]);
    await failsWith("InvalidPart", send("CompleteMultipartUpload", { ...at, UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 7, ETag: Parts[0].ETag }] } }));
    await send("CompleteMultipartUpload", { ...at, UploadId, MultipartUpload: { Parts } });
    assert.deepEqual(await bytes(await send("GetObject", { ...at, PartNumber: 2 })), b);
    await failsWith("NoSuchUpload", send("ListParts", { ...at, UploadId: "nobody" }));
  },

  async paginators() {
    await send("CreateBucket", { Bucket: "js-pages" });
    const keys = Array.from({ length: 23 }, (_, i) => `dir-${i % 3}/k${String(i).padStart(2, "0")}`);
    await Promise.all(keys.map((Key) => send("PutObject", { Bucket: "js-pages", Key, Body: "x" })));
    const [found, pages] = await collect(s3.paginateListObjectsV2({ client, pageSize: 5 }, { Bucket: "js-pages" }), "Contents");
    assert.deepEqual(found.map((o) => o.Key), keys.toSorted());
    assert.equal(pages, 5);
    const [dirs] = await collect(s3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket: "js-pages", Delimiter: "/" }), "CommonPrefixes");
    assert.deepEqual(dirs.map((d) => d.Prefix), ["dir-0/", "dir-1/", "dir-2/"]);
    const gone = await send("DeleteObjects", { Bucket: "js-pages", Delete: { Objects: keys.map((Key) => ({ Key })) } });
    assert.equal(gone.Deleted.length, keys.length);
    assert.equal((await send("ListObjects", { Bucket: "js-pages" })).Contents, undefined);
  },

  async versions() {
    const Bucket = "js-versions";
    await send("CreateBucket", { Bucket });
    await send("PutBucketVersioning", { Bucket, VersioningConfiguration: { Status: "Enabled" } });
    assert.equal((await send("GetBucketVersioning", { Bucket })).Status, "Enabled");
    const one = await send("PutObject", { Bucket, Key: "k", Body: "one" });
    const two = await send("PutObject", { Bucket, Key: "k", Body: "two" });
    assert.notEqual(one.VersionId, two.VersionId);
    const marker = await send("DeleteObject", { Bucket, Key: "k" });
    assert.equal(marker.DeleteMarker, true);
    await failsWith("NoSuchKey", send("GetObject", { Bucket, Key: "k" }));
    await failsWith("MethodNotAllowed", send("GetObject", { Bucket, Key: "k", VersionId: marker.VersionId }));
    assert.equal(String(await bytes(await send("GetObject", { Bucket, Key: "k", VersionId: one.VersionId }))), "one");
    const list = await send("ListObjectVersions", { Bucket });
    assert.deepEqual(list.Versions.map((v) => v.VersionId), [two.VersionId, one.VersionId]);
    assert.equal(list.DeleteMarkers[0].IsLatest, true);
  },

  async presigned() {
    const Bucket = "js-signed";
    await send("CreateBucket", { Bucket });
    const put = await getSignedUrl(client, new s3.PutObjectCommand({ Bucket, Key: "a b+ü", ContentType: "text/x" }), { expiresIn: 60 });
    const stored = await fetch(put, { method: "PUT", body: "by URL", headers: { "Content-Type": "text/x" } });
    assert.equal(stored.status, 200, await stored.text());
    const get = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: "a b+ü",
      ResponseContentDisposition: "attachment; filename=x" }), { expiresIn: 60 });
    const got = await fetch(get);
    assert.equal(await got.text(), "by URL");
    assert.equal(got.headers.get("content-disposition"), "attachment; filename=x");
    assert.equal(got.headers.get("content-type"), "text/x");
    const late = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: "a b+ü" }),
      { expiresIn: 1, signingDate: new Date(Date.now() - 60000) });
    const refused = await fetch(late);
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /Request has expired/);
    assert.equal((await fetch(get.replace("a%20b", "another"))).status === 200, false);
  },

  async settings_of_buckets() {
    const Bucket = "js-settings";
    await send("CreateBucket", { Bucket });
    await send("PutBucketTagging", { Bucket, Tagging: { TagSet: [{ Key: "k", Value: "v" }] } });
    assert.deepEqual((await send("GetBucketTagging", { Bucket })).TagSet, [{ Key: "k", Value: "v" }]);
    const CORSRules = [{ AllowedMethods: ["GET", "PUT"], AllowedOrigins: ["https://*.example.com"], MaxAgeSeconds: 5 }];
    await send("PutBucketCors", { Bucket, CORSConfiguration: { CORSRules } });
    assert.deepEqual((await send("GetBucketCors", { Bucket })).CORSRules, CORSRules);
    const { PublicAccessBlockConfiguration: block } = await send("GetPublicAccessBlock", { Bucket });
    assert.equal(block.BlockPublicPolicy, true);
    await failsWith("NoSuchBucketPolicy", send("GetBucketPolicy", { Bucket }));
    assert.equal((await send("GetBucketLocation", { Bucket })).LocationConstraint, undefined);
    await send("PutBucketAccelerateConfiguration", { Bucket, AccelerateConfiguration: { Status: "Enabled" } });
    assert.equal((await send("GetBucketAccelerateConfiguration", { Bucket })).Status, "Enabled");
  },
};

await run(tests);
