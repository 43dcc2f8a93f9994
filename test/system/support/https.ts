import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** What was answered. */
export interface Answer {
  status: number | undefined;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request over TLS that trusts the certificates of a file and no other. */
export function fetchTrusting(
  url: URL,
  certFile: string,
  { method = "GET", headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, ca: readFileSync(certFile) }, (response) => {
      const { statusCode: status, headers } = response;
      text(response).then((body) => resolve({ status, headers, body }), reject);
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

/** The files of a certificate and its key, in a folder. */
export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

/** Makes a self-signed certificate with OpenSSL, for names such as `DNS:tower.example` or `IP:127.0.0.1`. */
export function makeCertificate(folder: string, name: string, names: string[], days: number): CertificateFiles {
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", files.keyFile];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${names.join(",")}`];
  openssl(["req", "-x509", ...key, "-days", String(days), ...subject, "-out", files.certFile]);
  return files;
}

/** Runs OpenSSL. */
export function openssl(args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
