// For each line on stdin, a request as it arrived somewhere, print the signatures that two published signers give it.

import { createInterface } from "node:readline";
import { AwsV4Signer } from "aws4fetch";
import { SignatureV4 } from "@smithy/signature-v4";
import { createHash, createHmac } from "node:crypto";

class Sha256 {
  constructor(secret) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret);
  }
  update(data) {
    this.hash.update(data);
  }
  async digest() {
    return this.hash.digest();
  }
}

const moment = (text) => new Date(text.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
const signature = (headers) => /Signature=(\w+)/.exec(headers.authorization ?? headers.Authorization)[1];

async function aws4fetch({ method, url, headers, body, datetime, keys, service, region }) {
  const signer = new AwsV4Signer({ method, url, headers, body, datetime, service, region, allHeaders: true, ...keys });
  return signature(Object.fromEntries((await signer.sign()).headers));
}

async function smithy({ method, url, headers, body, datetime, keys, service, region }) {
  const { protocol, hostname, pathname: path, searchParams, host } = new URL(url);
  const query = {};
  for (const name of new Set(searchParams.keys())) query[name] = searchParams.getAll(name);
  const signer = new SignatureV4({ credentials: keys, service, region, sha256: Sha256, applyChecksum: false });
  const request = { method, protocol, hostname, path, query, headers: { ...headers, host }, body };
  return signature((await signer.sign(request, { signingDate: moment(datetime) })).headers);
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  request.body = Buffer.from(request.body, "base64");
  console.log(JSON.stringify({ aws4fetch: await aws4fetch(request), smithy: await smithy(request) }));
}
