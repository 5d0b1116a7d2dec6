// Do the main job with an old official client, and print what it got: `client.mjs PICTURE COMMAND...`.
import { Client } from "sdk-1.11/client/index.js";
import { StdioClientTransport } from "sdk-1.11/client/stdio.js";

const [picture, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "check", version: "1" }, { capabilities: {} });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
const { tools } = await client.listTools();
const made = await client.callTool({
  name: "post-img2img-ip-adapter-inferences",
  arguments: {
    modelId: "model_sandbox-ink",
    prompt: "a phoenix",
    image: picture,
    ipAdapterImages: [picture],
    numSamples: 2,
  },
});
const [asset] = made.content[0].text.match(/asset_sandbox_\w+/);
const shown = await client.callTool({ name: "show-assets", arguments: { assetIds: [asset] } });
const blocks = [...made.content, ...shown.content];
console.log(
  JSON.stringify({
    tools: tools.length,
    texts: [made, shown].map((each) => each.content[0].text),
    pictures: blocks.filter((each) => each.type === "image").length,
    others: blocks.filter((each) => !["image", "text"].includes(each.type)).length,
  }),
);
await client.close();
