import type { Command } from "./command.ts";
import { connect, defaultConfigFile, writeConfig } from "./config.ts";
import { event } from "./event.ts";
import { events, exportEvents, tail } from "./events.ts";
import { askPassword } from "./input.ts";
import { listTable } from "./list.ts";
import { COMMON, PULSE, pulseOf } from "./options.ts";
import { none, only, parse } from "./parse.ts";
import { rules } from "./rules.ts";
import { runCommand } from "./run.ts";
import { UsageError } from "./usage.ts";

/** All commands by their names. */
export const COMMANDS: Record<string, Command> = {
  async pulse(args, { env, print, warn }) {
    const { values, positionals } = parse(args, { ...COMMON, ...PULSE });
    const service = only(positionals, "the service");
    const said = pulseOf(values, Date.now());
    const heartBeat = await connect(values, env, { onWarning: warn }).pulse(service, said);
    print(`${heartBeat.service} is alive until ${new Date(heartBeat.expected * 1_000).toISOString()}`);
    return 0;
  },

  async cancel(args, { env, print }) {
    const { values, positionals } = parse(args, { ...COMMON, forget: { type: "boolean" } });
    const service = only(positionals, "the service");
    const cancelled = await connect(values, env).cancel(service, values.forget ? { forget: true } : {});
    print(cancelled ? `${service} is ${values.forget ? "forgotten" : "cancelled"}` : `${service} is unknown`);
    return 0;
  },

  async list(args, { env, print }) {
    const { values, positionals } = parse(args, { ...COMMON, json: { type: "boolean" } });
    none(positionals);
    const services = await connect(values, env).heartbeats();
    print(values.json ? JSON.stringify(services, null, 2) : listTable(services, Date.now()));
    return 0;
  },

  event,
  events,
  tail,
  export: exportEvents,
  rules,

  async run(args, { env, report }) {
    const end = args.indexOf("--");
    const command = end === -1 ? [] : args.slice(end + 1);
    const { values, positionals } = parse(end === -1 ? args : args.slice(0, end), {
      ...COMMON,
      ...PULSE,
      service: { type: "string" },
    });
    none(positionals);
    if (values.service === undefined) throw new UsageError("--service is missing: the name of the job.");
    if (command.length === 0) throw new UsageError('The command is missing: give it after "--".');
    return runCommand(connect(values, env), values.service, pulseOf(values, Date.now()), command, report);
  },

  async config(args, { env, print }) {
    const { values, positionals } = parse(args, COMMON);
    none(positionals);
    const { url, config = defaultConfigFile(env) } = values;
    if (url === undefined) throw new UsageError("--url is missing: the address of your watchTower.");
    const password = await askPassword();
    // Refuses what can't be right.
    connect({ url }, { ...env, WATCHTOWER_PASSWORD: password });
    writeConfig(config, { url, password });
    print(`Kept in ${config}`);
    return 0;
  },
};
