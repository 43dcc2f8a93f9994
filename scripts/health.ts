import { readFileSync } from "node:fs";
import { get as getByHttp } from "node:http";
import { get as getByHttps } from "node:https";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { type Reach, readReach } from "./local/reach.ts";
import { Refusal, runProgram } from "./local/refusal.ts";
import { readSettings } from "./local/settings.ts";

const TIMEOUT_MS = 5_000;

/** Asks the service of the state folder whether it is well, for a container's health check: exit code 0 means yes. */
async function health(): Promise<void> {
  const { stateDir } = readSettings(resolve(import.meta.dirname, ".."), process.env);
  const reach = readReach(stateDir);
  if (reach === undefined) throw new Refusal(`No watchTower runs on STATE_DIR ${stateDir}.`);
  const { status, body } = await ask(reach);
  if (status !== 200) throw new Refusal(`/health answered ${status}: ${body}`);
  console.log(body);
}

/** Asks without a password. The certificate is the only one that is trusted, and needs no authority. */
function ask({ host, port, name, certFile }: Reach): Promise<{ status: number | undefined; body: string }> {
  const options = { host, port, path: "/health", signal: AbortSignal.timeout(TIMEOUT_MS) };
  return new Promise((resolve, reject) => {
    const request =
      certFile === undefined
        ? getByHttp(options)
        : getByHttps({
            ...options,
            // An address is no name to ask for; the certificate is compared with it all the same.
            ...(isIP(name) === 0 && { servername: name }),
            ca: readFileSync(certFile),
            allowPartialTrustChain: true,
          });
    request.once("response", (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
    });
    request.once("error", (error) => reject(new Refusal(`/health can't be reached: ${error.message}`)));
  });
}

await runProgram(health);
