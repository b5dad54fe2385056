// Sends with web-push, the library that most servers on Node.js push with. It
// reads lines of JSON, {"subscription", "text", "vapid", "options", "ca"}, and
// answers each with the status.
import { Agent } from "node:https";
import { createInterface } from "node:readline";
import webpush from "web-push";

for await (const line of createInterface({ input: process.stdin })) {
  const { subscription, text, vapid, options, ca } = JSON.parse(line);
  let status;
  try {
    const result = await webpush.sendNotification(subscription, text, {
      vapidDetails: { subject: vapid.subject, publicKey: vapid.publicKey, privateKey: vapid.privateKey },
      contentEncoding: "aes128gcm",
      agent: new Agent({ ca }),
      ...options,
    });
    status = result.statusCode;
  } catch (error) {
    status = error.statusCode ?? String(error);
  }
  process.stdout.write(JSON.stringify({ status }) + "\n");
}
