import { describe, expect, it } from "vitest";
import { parseConfig, type Variables } from "../../src/config.ts";

describe("the configuration", () => {
  it("has a default for everything but the secrets", () => {
    expect(parseConfig({})).toEqual({
      password: undefined,
      previousPassword: undefined,
      readPassword: undefined,
      pulseKeySecret: undefined,
      pushover: { token: undefined, apiUrl: "https://api.pushover.net" },
      mail: { apiKey: undefined, from: undefined, apiUrl: "https://api.mailchannels.net" },
      webhook: { secret: undefined, allowPrivate: false },
      defaultTarget: undefined,
      alertsEnabled: true,
      graceSeconds: 5,
      timeZone: "UTC",
      eventsPresets: [],
      eventsRetentionDays: 90,
      eventsRetentionDaysOf: new Map(),
      recordsRetentionDays: 400,
      plan: "free",
      publicUrl: undefined,
      problems: [],
    });
  });

  it("is taken from the variables, without the blanks around them", () => {
    const config = parseConfig({
      PASSWORD: " correct horse\n",
      PASSWORD_PREVIOUS: " battery ",
      PASSWORD_READ: "staple\n",
      PULSE_KEY_SECRET: ` ${"k".repeat(32)} `,
      PUSHOVER_TOKEN: " token ",
      PUSHOVER_API_URL: "http://127.0.0.1:1/a//",
      MAILCHANNELS_API_KEY: "key",
      MAIL_FROM: "tower@example.com",
      MAILCHANNELS_API_URL: " https://mail.example ",
      WEBHOOK_SECRET: "secret",
      DEFAULT_ALERT_TYPE: "mail",
      DEFAULT_ALERT_TARGET: "ann@example.com",
      ALERTS_ENABLED: "False",
      GRACE_SECONDS: "0",
      ALLOW_PRIVATE_WEBHOOKS: "1",
      TIMEZONE: "Europe/Paris",
      EVENTS_PRESETS: '[{"name":"n","service":"s","message":"m"}]',
      EVENTS_RETENTION_DAYS: "7",
      EVENTS_RETENTION_DAYS_DEBUG: "1",
      EVENTS_RETENTION_DAYS_NOTICE: "7",
      EVENTS_RETENTION_DAYS_EMERGENCY: " 400 ",
      RECORDS_RETENTION_DAYS: "8",
      PUBLIC_URL: "https://tower.example/",
      WATCHDOG_URL: " https://watchdog.example/ping/1 ",
      PLAN: "Paid",
    });
    expect(config).toEqual({
      password: "correct horse",
      previousPassword: "battery",
      readPassword: "staple",
      pulseKeySecret: "k".repeat(32),
      pushover: { token: "token", apiUrl: "http://127.0.0.1:1/a" },
      mail: { apiKey: "key", from: "tower@example.com", apiUrl: "https://mail.example" },
      webhook: { secret: "secret", allowPrivate: true },
      defaultTarget: { type: "mail", target: "ann@example.com" },
      alertsEnabled: false,
      graceSeconds: 0,
      timeZone: "Europe/Paris",
      eventsPresets: [{ name: "n", service: "s", message: "m" }],
      eventsRetentionDays: 7,
      eventsRetentionDaysOf: new Map([
        [0, 1],
        [7, 400],
      ]),
      recordsRetentionDays: 8,
      publicUrl: "https://tower.example",
      watchdogUrl: "https://watchdog.example/ping/1",
      plan: "paid",
      problems: [],
    });
  });

  it("takes what is empty for not set", () => {
    const names = ["PASSWORD", "PUSHOVER_TOKEN", "ALERTS_ENABLED", "GRACE_SECONDS", "TIMEZONE", "EVENTS_PRESETS"];
    const empty = Object.fromEntries(names.map((name) => [name, "  "]));
    expect(parseConfig(empty)).toEqual(parseConfig({}));
  });

  it.each<[keyof Variables, string]>([
    ["GRACE_SECONDS", "-1"],
    ["GRACE_SECONDS", "1.5"],
    ["GRACE_SECONDS", "86401"],
    ["GRACE_SECONDS", "five"],
    ["EVENTS_RETENTION_DAYS", "0"],
    ["EVENTS_RETENTION_DAYS", "forever"],
    ["EVENTS_RETENTION_DAYS", "36501"],
    ["EVENTS_RETENTION_DAYS_DEBUG", "0"],
    ["EVENTS_RETENTION_DAYS_ERROR", "36501"],
    ["EVENTS_RETENTION_DAYS_EMERGENCY", "long"],
    ["RECORDS_RETENTION_DAYS", "0"],
    ["RECORDS_RETENTION_DAYS", "1.5"],
    ["RECORDS_RETENTION_DAYS", "a year"],
    ["ALERTS_ENABLED", "yes"],
    ["ALLOW_PRIVATE_WEBHOOKS", "maybe"],
    ["PUSHOVER_API_URL", "api.pushover.net"],
    ["PUSHOVER_API_URL", "ftp://api.pushover.net"],
    ["MAILCHANNELS_API_URL", "javascript:alert(1)"],
    ["TIMEZONE", "Mars/Olympus"],
    ["DEFAULT_ALERT_TYPE", "mail"],
    ["DEFAULT_ALERT_TARGET", "ann@example.com"],
    ["EVENTS_PRESETS", "{}"],
    ["EVENTS_PRESETS", "[null]"],
    ["EVENTS_PRESETS", "[1"],
    ["EVENTS_PRESETS", '[{"service":"s"}]'],
    ["EVENTS_PRESETS", '[{"name":"n","message":5}]'],
    ["PLAN", "enterprise"],
    ["PULSE_KEY_SECRET", "k".repeat(31)],
    ["WATCHDOG_URL", "watchdog.example"],
    ["WATCHDOG_URL", "ftp://watchdog.example"],
  ])("does not stop the watching where %s is %j: the default is used, and said so", (name, value) => {
    const { problems, ...rest } = parseConfig({ [name]: value });
    const { problems: _, ...defaults } = parseConfig({});
    expect(rest).toEqual(defaults);
    expect(problems).toEqual([expect.stringContaining(name)]);
    expect(problems[0]).toMatch(/^[A-Z].*\.$/);
  });

  it.each(["PASSWORD", "PASSWORD_PREVIOUS"])(
    "has no password to read with that is %s, which changes things",
    (name) => {
      const { readPassword, problems } = parseConfig({ [name]: "same", PASSWORD_READ: " same " });
      expect(readPassword).toBeUndefined();
      expect(problems).toEqual([expect.stringMatching(/^PASSWORD_READ must differ .*\.$/)]);
    },
  );

  it("says everything that is wrong at once", () => {
    expect(parseConfig({ GRACE_SECONDS: "x", TIMEZONE: "x", EVENTS_PRESETS: "x" }).problems).toHaveLength(3);
  });
});
