-- WITHOUT ROWID is added by hand, since drizzle-kit has no word for it: a row is then written once, not twice.
CREATE TABLE `alerts` (
	`id` text PRIMARY KEY NOT NULL,
	`service` text NOT NULL,
	`date` integer NOT NULL,
	`kind` text NOT NULL,
	`alert_type` text NOT NULL,
	`alert_target` text NOT NULL,
	`title` text NOT NULL,
	`message` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer NOT NULL,
	`last_answer` text,
	`next_attempt` integer
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `alerts_by_service` ON `alerts` (`service`,`id`);--> statement-breakpoint
CREATE TABLE `events` (
	`id` text PRIMARY KEY NOT NULL,
	`service` text NOT NULL,
	`level` integer NOT NULL,
	`message` text NOT NULL,
	`alert` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `events_by_service` ON `events` (`service`,`id`);--> statement-breakpoint
CREATE INDEX `events_errors` ON `events` (`id`) WHERE level >= 4;--> statement-breakpoint
CREATE TABLE `services` (
	`service` text PRIMARY KEY NOT NULL,
	`status` text NOT NULL,
	`since` integer NOT NULL,
	`last` integer NOT NULL,
	`next_in` integer NOT NULL,
	`grace` integer NOT NULL,
	`grace_is_own` integer NOT NULL,
	`alert_type` text NOT NULL,
	`alert_target` text NOT NULL,
	`revision` integer NOT NULL,
	`as_of` integer NOT NULL
) WITHOUT ROWID;
