import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const migrations = await readD1Migrations("migrations");

export default defineConfig({
  test: {
    // What a test makes the Worker log matters where the test fails.
    silent: "passed-only",
    projects: [
      {
        // Pure code, in plain Node: also the stores of the object, against SQLite in memory.
        test: { name: "domain", include: ["test/{domain,gui}/**/*.test.ts"], isolate: false, testTimeout: 60_000 },
      },
      {
        // Objects, routes, providers and D1, in workerd.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: migrations,
                PASSWORD: "correct horse",
                PASSWORD_PREVIOUS: "battery staple",
                PASSWORD_READ: "only looking",
                PULSE_KEY_SECRET: "what the keys of devices are signed with",
                PUSHOVER_TOKEN: "pushover-token",
                MAILCHANNELS_API_KEY: "mailchannels-key",
                MAIL_FROM: "tower@example.com",
                WEBHOOK_SECRET: "webhook-secret",
                DEFAULT_ALERT_TYPE: "webhook",
                DEFAULT_ALERT_TARGET: "https://default.example/hook",
                GRACE_SECONDS: "5",
                PLAN: "paid",
              },
            },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/{monitor,http,providers,storage}/**/*.test.ts"],
          setupFiles: ["migrate", "sentinel", "messenger", "wrong-passwords"].map((name) => `test/support/${name}.ts`),
          testTimeout: 60_000,
        },
      },
      {
        // The whole system from outside: real processes, real HTTP.
        test: {
          name: "system",
          include: ["test/{system,deploy}/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The web interface, in a real browser, against a running watchTower.
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The clients' own tests, and programs that use them, against a running watchTower.
        test: {
          name: "clients",
          include: ["test/clients/**/*.test.ts"],
          fileParallelism: false,
          // What the other test runners print is part of the result.
          silent: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
