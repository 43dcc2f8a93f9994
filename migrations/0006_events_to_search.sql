CREATE TABLE `progress` (
	`job` text PRIMARY KEY NOT NULL,
	`at` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `rules` (
	`name` text PRIMARY KEY NOT NULL,
	`q` text NOT NULL,
	`alert_type` text NOT NULL,
	`alert_target` text NOT NULL,
	`count` integer NOT NULL,
	`seconds` integer NOT NULL,
	`quiet_seconds` integer NOT NULL,
	`written_ms` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `events` ADD `fields` text;
--> statement-breakpoint
-- For people in the D1 console, as before; now with the fields.
DROP VIEW events_readable;
--> statement-breakpoint
-- An id is a ULID: its first ten characters, in Crockford's base 32, are the milliseconds since the epoch.
CREATE VIEW events_readable AS
SELECT
  datetime(date, 'unixepoch') AS date_utc,
  CASE level
    WHEN 0 THEN 'debug' WHEN 1 THEN 'info' WHEN 2 THEN 'notice' WHEN 3 THEN 'warning'
    WHEN 4 THEN 'error' WHEN 5 THEN 'critical' WHEN 6 THEN 'alert' WHEN 7 THEN 'emergency'
    ELSE CAST(level AS TEXT)
  END AS level_name,
  service, message, fields, level, alert, date, id
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
  FROM events
);
