const CONNECTION = `
Where watchTower is, and how to get in:
  --url URL              or WATCHTOWER_URL
  --password-file FILE   or WATCHTOWER_PASSWORD; FILE may be - for stdin
  --config FILE          or ~/.config/watchtower/config.json, which "watchtower config" writes`;

const FILTER_OPTIONS = `
  --service SERVICE
  --level LEVEL          at least this
  --message TEXT         that contain this
  -q, --query SEARCH     words, "phrases", -word, service:web, level:>=error, host:web-1, OR
  --field NAME=VALUE     that have this field; may be repeated`;

const PULSE_OPTIONS = `
  --next-in DURATION     when the next pulse comes at the latest: 90s, 15m, 25h, 7d, 1h30m
  --alert-type TYPE      pushover, mail or webhook, with --alert-target; the server's default without
  --alert-target TARGET  a key, an address or a URL
  --alert TYPE:TARGET    a further target; may be repeated
  --grace DURATION       tolerated after the promise
  --remind-every DURATION  how often a death is told again; 0 for never
  --pause-for DURATION, --pause-until DATE  nobody is alerted until then`;

/** What each command is for. */
export const HELP: Record<string, string> = {
  "": `watchtower: pulses and events of a watchTower

  watchtower run --service backup --next-in 25h -- /usr/local/bin/backup
                         run a job: pulse when it succeeds, send an event when it fails
  watchtower pulse backup --next-in 25h
  watchtower cancel backup
  watchtower list
  watchtower event backup "disk full" --level error
  watchtower events --since 2h --level warning -q '"disk full" OR timeout'
  watchtower tail --service web
  watchtower export --format csv --from 2026-11-01 > events.csv
  watchtower rules put errors -q "level:>=error" --count 5 --within 1m
  watchtower config --url https://tower.example.workers.dev
                         keep address and password in a file that only you can read

"watchtower COMMAND --help" says more.
${CONNECTION}

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 watchTower can't be reached; "run" has those of its command.`,
  pulse: `watchtower pulse SERVICE --next-in DURATION [options]

The service lives, and promises its next pulse. In a crontab:
  0 3 * * *  backup && watchtower pulse backup --next-in 25h
${PULSE_OPTIONS}
${CONNECTION}`,
  cancel: `watchtower cancel SERVICE [--forget]

Nobody waits for the service any more. With --forget it is gone from the list at once.
${CONNECTION}`,
  list: `watchtower list [--json]

All services: the dead first, then those who are due next.
${CONNECTION}`,
  event: `watchtower event SERVICE MESSAGE [--level LEVEL] [--alert] [--field NAME=VALUE]

Stores an event. MESSAGE may be - for what comes from stdin:
  dmesg | tail | watchtower event web-1 - --level warning
  --level LEVEL          debug, info, notice, warning, error, critical, alert, emergency, or 0 to 1000
  --alert                alert the server's default target, too
  --field NAME=VALUE     may be repeated; NAME:=VALUE for a number, true or false

With --stdin each line is an event, sent with its date as it comes, many together; an outage is waited out:
  journalctl -f -u web | watchtower event web --stdin
  watchtower event --stdin < events.ndjson
Without SERVICE each line has an event as JSON: service, message, level, alert, date, id, fields.
${CONNECTION}`,
  events: `watchtower events [options]

Events of the last day, the newest last.
${FILTER_OPTIONS}
  --from DATE, --to DATE, --since DURATION
  --limit COUNT          the newest so many
  --follow               as "watchtower tail"
  --json                 one JSON object a line
${CONNECTION}`,
  tail: `watchtower tail [options]

Prints events as they come, until Ctrl-C; with --from or --since those since then first. An outage is waited out, and no
event of it is lost.
${FILTER_OPTIONS}
  --from DATE, --since DURATION
  --json                 one JSON object a line
${CONNECTION}`,
  export: `watchtower export [options]

All events that match, the oldest first, whatever their number. What breaks off has exit code 3.
  watchtower export --format csv --from 2026-11-01 > events.csv
  --format FORMAT        ndjson (one JSON object a line, the default) or csv
  --after ID             go on after the event of this id
${FILTER_OPTIONS}
  --from DATE, --to DATE, --since DURATION
${CONNECTION}`,
  rules: `watchtower rules [--json]
watchtower rules put NAME --query SEARCH [options]
watchtower rules delete NAME

Lists, writes and deletes alert rules: so many events that match a search raise an alert.
  watchtower rules put errors -q "level:>=error" --count 5 --within 1m --quiet 1h
  -q, --query SEARCH     words, "phrases", -word, service:web, level:>=error, host:web-1, OR
  --count COUNT          so many matches; 1 by default
  --within DURATION      within so long; 1m by default
  --quiet DURATION       so long there is no other alert; 15m by default
  --alert-type TYPE      pushover, mail or webhook, with --alert-target; the server's default without
  --alert-target TARGET  a key, an address or a URL
${CONNECTION}`,
  run: `watchtower run --service SERVICE --next-in DURATION [options] -- COMMAND…

Runs a command. Its input, output and exit code are untouched, also where watchTower can't be reached. When it succeeds,
the service pulses; when it fails, an event of level error has the end of its output.
  watchtower run --service backup --next-in 25h -- tar czf /backup/home.tgz /home
${PULSE_OPTIONS}
${CONNECTION}`,
  config: `watchtower config --url URL [--config FILE]

Asks for the password (or reads it from stdin, where that is no terminal), and keeps both in a file that only you can read.`,
};
