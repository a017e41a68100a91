// sns_verify.mjs PORT CA-FILE < message: the SDK's verifier, with its own rules about hosts. Connections to
// sns.<region>.amazonaws.com lead to the port given; names and certificates are checked as ever.
import fs from "node:fs";
import https from "node:https";
import tls from "node:tls";
import { createRequire } from "node:module";

const [port, ca] = process.argv.slice(2);
const agent = new https.Agent();
agent.createConnection = (o) =>
  tls.connect({ host: "127.0.0.1", port: Number(port), servername: o.servername || o.host, ca: fs.readFileSync(ca) });
https.globalAgent = agent;
const MessageValidator = createRequire(import.meta.url)("sns-validator");
new MessageValidator().validate(fs.readFileSync(0, "utf8"), (error) => {
  console.log(error ? `refused: ${error.message}` : "accepted");
});
