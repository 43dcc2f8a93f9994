CREATE INDEX `alerts_by_service_and_state` ON `alerts` (`service`,`state`,`id`);--> statement-breakpoint
CREATE INDEX `alerts_by_state` ON `alerts` (`state`,`id`);--> statement-breakpoint
-- For people in the D1 console, as before; now with what a pulse may ask for besides.
DROP VIEW services_now;
--> statement-breakpoint
CREATE VIEW services_now AS
SELECT
  service,
  status,
  datetime(since, 'unixepoch') AS since_utc,
  datetime(last, 'unixepoch') AS last_pulse_utc,
  datetime(last + next_in, 'unixepoch') AS expected_utc,
  CASE WHEN status = 'alive' THEN last + next_in + grace - unixepoch() END AS seconds_left,
  next_in AS next_in_seconds,
  grace AS grace_seconds,
  CASE WHEN remind_every > 0 THEN remind_every END AS remind_every_seconds,
  CASE WHEN pause_until > unixepoch() THEN datetime(pause_until, 'unixepoch') END AS paused_until_utc,
  alert_type,
  alert_target,
  json_array_length(alerts) AS further_targets,
  alerts AS further_alerts,
  datetime(as_of, 'unixepoch') AS as_of_utc
FROM services;
--> statement-breakpoint
CREATE VIEW alerts_readable AS
SELECT
  datetime(date, 'unixepoch') AS date_utc,
  state, service, kind, title, alert_type, alert_target, attempts, last_answer,
  datetime(next_attempt, 'unixepoch') AS next_attempt_utc,
  message, date, id
FROM alerts;
--> statement-breakpoint
-- An id is a ULID: its first ten characters, in Crockford's base 32, are the milliseconds since the epoch.
CREATE VIEW transitions_readable AS
SELECT
  datetime(date, 'unixepoch') AS date_utc,
  service, status,
  datetime(last, 'unixepoch') AS last_pulse_utc,
  datetime(expected, 'unixepoch') AS expected_utc,
  CASE WHEN status = 'alive' THEN date - expected END AS seconds_dead,
  date, id
FROM (
  SELECT *, (
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 1, 1)) - 1) * 35184372088832 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 2, 1)) - 1) * 1099511627776 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 3, 1)) - 1) * 34359738368 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 4, 1)) - 1) * 1073741824 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 5, 1)) - 1) * 33554432 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 6, 1)) - 1) * 1048576 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 7, 1)) - 1) * 32768 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 8, 1)) - 1) * 1024 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 9, 1)) - 1) * 32 +
      (instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 10, 1)) - 1) * 1
    ) / 1000 AS date
  FROM transitions
);
