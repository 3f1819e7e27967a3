// For each line on stdin ask Bedrock and STS, as whoever the SDK's default chain finds, and print one line of JSON.
// The one argument is a profile, where one is to be named. The clients live as long as the process.

import { createInterface } from "node:readline";
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const [profile] = process.argv.slice(2);
const sts = new STSClient({ profile });
const runtime = new BedrockRuntimeClient({ profile, requestHandler: new NodeHttpHandler() }); // its own speaks HTTP/2 only

async function whole(request) {
  const answer = await runtime.send(new ConverseCommand(request));
  return answer.output.message.content[0].text;
}

async function streamed(request) {
  const answer = await runtime.send(new ConverseStreamCommand(request));
  let text = "";
  for await (const event of answer.stream) text += event.contentBlockDelta?.delta?.text ?? "";
  return text;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { modelId, text } = JSON.parse(line);
  const request = { modelId, messages: [{ role: "user", content: [{ text }] }] };
  const texts = [await whole(request), await streamed(request)];
  const { Arn: arn } = await sts.send(new GetCallerIdentityCommand({}));
  console.log(JSON.stringify({ arn, texts }));
}
