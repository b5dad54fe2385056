// A push service and its browsers, made of other people's code: the HTTP/2
// server of Node.js, http_ece for RFC 8188 and 8291, jose for RFC 8292. It reads
// one line, {"key", "cert", "subscriptions"}, and writes lines of JSON: first
// where it listens and the subscriptions, then what came of each message. It
// ends with its input.
import { createECDH, randomBytes } from "node:crypto";
import { createSecureServer } from "node:http2";
import { createInterface } from "node:readline";
import ece from "http_ece";
import { importJWK, jwtVerify } from "jose";

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const browsers = new Map();

createInterface({ input: process.stdin })
  .once("line", (line) => serve(JSON.parse(line)))
  .once("close", () => process.exit(0));

function serve({ key, cert, subscriptions }) {
  const server = createSecureServer({ key, cert, allowHTTP1: false });
  server.on("stream", (stream, headers) => {
    const parts = [];
    stream.on("data", (part) => parts.push(part));
    stream.on("end", async () => {
      try {
        say(await take(headers, Buffer.concat(parts)));
        stream.respond({ ":status": 201 });
      } catch (error) {
        say({ error: String(error) });
        stream.respond({ ":status": 400 });
      }
      stream.end();
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const origin = `https://127.0.0.1:${server.address().port}`;
    for (let i = 0; i < subscriptions; i++) {
      const path = `/push/${i}`;
      const pair = createECDH("prime256v1");
      browsers.set(path, { origin, pair, p256dh: pair.generateKeys(), auth: randomBytes(16) });
    }
    say({
      subscriptions: [...browsers].map(([path, browser]) => ({
        endpoint: origin + path,
        expirationTime: null,
        keys: { p256dh: browser.p256dh.toString("base64url"), auth: browser.auth.toString("base64url") },
      })),
    });
  });
}

// take does what a push service and then a browser do with a message.
async function take(headers, body) {
  const path = headers[":path"];
  const browser = browsers.get(path);
  if (!browser || headers[":method"] !== "POST" || headers["content-encoding"] !== "aes128gcm") {
    throw new Error("not a message");
  }
  const [, token, key] = /^vapid t=([^,]+), ?k=([\w-]+)$/.exec(headers.authorization);
  const point = Buffer.from(key, "base64url");
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33).toString("base64url"),
  };
  const { payload } = await jwtVerify(token, await importJWK(jwk, "ES256"), {
    audience: browser.origin,
    algorithms: ["ES256"],
    requiredClaims: ["exp", "sub"],
  });
  const text = ece.decrypt(body, { version: "aes128gcm", privateKey: browser.pair, authSecret: browser.auth });
  return {
    path,
    key,
    subject: payload.sub,
    lasts: payload.exp - Math.floor(Date.now() / 1000),
    ttl: headers.ttl,
    topic: headers.topic,
    urgency: headers.urgency,
    size: body.length,
    message: JSON.parse(text.toString("utf8")),
  };
}
