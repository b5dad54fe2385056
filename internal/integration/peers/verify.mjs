// Verifies with the libraries of others. It reads lines of JSON and answers each
// with {"ok"} or {"error"}: {"secret", "headers", "body"} is a webhook for
// standardwebhooks, {"token", "key", "algorithm", "claims"} a JWT for jose.
import { createInterface } from "node:readline";
import { importSPKI, jwtVerify } from "jose";
import { Webhook } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { ok: await verify(JSON.parse(line)) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}

async function verify({ secret, headers, body, token, key, algorithm, claims }) {
  if (secret) {
    return new Webhook(secret).verify(body, headers);
  }
  const { payload, protectedHeader } = await jwtVerify(token, await importSPKI(key, algorithm), {
    algorithms: [algorithm],
    ...claims,
  });
  return { payload, header: protectedHeader };
}
