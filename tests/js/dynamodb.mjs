// DynamoDB by the JavaScript SDK's document client: node dynamodb.mjs ENDPOINT
import assert from "node:assert/strict";
import * as DynamoDB from "@aws-sdk/client-dynamodb";
import * as Doc from "@aws-sdk/lib-dynamodb";
import { collect, failsWith, run, sender, settings } from "./harness.mjs";

const plain = sender(DynamoDB, "DynamoDB");
const client = Doc.DynamoDBDocumentClient.from(new DynamoDB.DynamoDBClient(settings));
const doc = (command, input) => client.send(new Doc[`${command}Command`](input));

async function table(TableName, more = {}) {
  await plain("CreateTable", { TableName, BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "h", KeyType: "HASH" }, { AttributeName: "r", KeyType: "RANGE" }],
    AttributeDefinitions: [{ AttributeName: "h", AttributeType: "S" }, { AttributeName: "r", AttributeType: "N" }], ...more });
  await DynamoDB.waitUntilTableExists({ client: plain.client, minDelay: 1, maxDelay: 2, maxWaitTime: 60 }, { TableName });
}

const tests = {
  async documents_come_back_as_they_were_put() {
    await table("js-kinds");
    const Item = { h: "k", r: 1, text: "하늘", list: [1, "two", { three: [3] }], deep: { a: { b: {} } }, yes: true, no: null,
      bytes: new Uint8Array([0, 255]), set: new Set(["a", "b"]), numbers: new Set([1, 2.5]) };
    await doc("Put", { TableName: "js-kinds", Item });
    assert.deepEqual((await doc("Get", { TableName: "js-kinds", Key: { h: "k", r: 1 } })).Item, Item);
    const { Attributes } = await doc("Update", { TableName: "js-kinds", Key: { h: "k", r: 1 }, ReturnValues: "UPDATED_NEW",
      UpdateExpression: "SET deep.a.b = :m, #l[3] = :four ADD numbers :n", ExpressionAttributeNames: { "#l": "list" },
      ExpressionAttributeValues: { ":m": { c: 1 }, ":four": 4, ":n": new Set([7]) } });
    assert.deepEqual(Attributes.numbers, new Set([1, 2.5, 7]));
    assert.equal((await doc("Delete", { TableName: "js-kinds", Key: { h: "k", r: 1 }, ReturnValues: "ALL_OLD" })).Attributes.text, "하늘");
    await failsWith("ConditionalCheckFailedException", doc("Delete", { TableName: "js-kinds", Key: { h: "k", r: 1 },
      ConditionExpression: "attribute_exists(h)" }));
    await failsWith("ResourceNotFoundException", doc("Get", { TableName: "js-none", Key: { h: "k", r: 1 } }));
  },

  async pages_batches_and_transactions() {
    await table("js-many");
    const all = Array.from({ length: 60 }, (_, i) => ({ h: `h${i % 2}`, r: i, v: i }));
    for (let at = 0; at < all.length; at += 25)
      await doc("BatchWrite", { RequestItems: { "js-many": all.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } })) } });
    const [queried, pages] = await collect(Doc.paginateQuery({ client, pageSize: 7 }, { TableName: "js-many",
      KeyConditionExpression: "h = :h AND r BETWEEN :a AND :b", ExpressionAttributeValues: { ":h": "h0", ":a": 10, ":b": 50 } }), "Items");
    assert.deepEqual(queried.map((i) => i.r), Array.from({ length: 21 }, (_, i) => 10 + 2 * i));
    assert.ok(pages >= 3);
    const [scanned] = await collect(Doc.paginateScan({ client, pageSize: 9 }, { TableName: "js-many",
      FilterExpression: "v < :v", ExpressionAttributeValues: { ":v": 30 } }), "Items");
    assert.equal(scanned.length, 30);
    const { Responses } = await doc("BatchGet", { RequestItems: { "js-many": { Keys: [{ h: "h0", r: 2 }, { h: "h1", r: 3 }] } } });
    assert.equal(Responses["js-many"].length, 2);
    const Update = (r) => ({ Update: { TableName: "js-many", Key: { h: "h0", r }, UpdateExpression: "ADD v :one",
      ConditionExpression: "v < :max", ExpressionAttributeValues: { ":one": 1, ":max": 3 } } });
    await doc("TransactWrite", { TransactItems: [Update(0), Update(2)] });
    await assert.rejects(doc("TransactWrite", { TransactItems: [Update(0), Update(2)] }), (e) => {
      assert.deepEqual(e.CancellationReasons.map((r) => r.Code), ["None", "ConditionalCheckFailed"]);
      return e.name === "TransactionCanceledException";
    });
    const got = await doc("TransactGet", { TransactItems: [0, 2].map((r) => ({ Get: { TableName: "js-many", Key: { h: "h0", r } } })) });
    assert.deepEqual(got.Responses.map((r) => r.Item.v), [1, 3]);
  },

  async statements() {
    await table("js-sql");
    await doc("ExecuteStatement", { Statement: `INSERT INTO "js-sql" VALUE {'h': ?, 'r': 1, 'tags': ?}`, Parameters: ["k", new Set(["a"])] });
    const [items] = await collect(Doc.paginateExecuteStatement?.({ client }, { Statement: `SELECT * FROM "js-sql"` }) ??
      [await doc("ExecuteStatement", { Statement: `SELECT * FROM "js-sql"` })], "Items");
    assert.deepEqual(items, [{ h: "k", r: 1, tags: new Set(["a"]) }]);
    await failsWith("DuplicateItemException", doc("ExecuteStatement", { Statement: `INSERT INTO "js-sql" VALUE {'h': 'k', 'r': 1}` }));
    const batch = await doc("BatchExecuteStatement", { Statements: [{ Statement: `SELECT r FROM "js-sql" WHERE h = ? AND r = ?`, Parameters: ["k", 1] }] });
    assert.deepEqual(batch.Responses[0].Item, { r: 1 });
    await doc("ExecuteTransaction", { TransactStatements: [{ Statement: `UPDATE "js-sql" SET n = 5 WHERE h = 'k' AND r = 1` }] });
    assert.equal((await doc("Get", { TableName: "js-sql", Key: { h: "k", r: 1 } })).Item.n, 5);
  },
};

await run(tests);
