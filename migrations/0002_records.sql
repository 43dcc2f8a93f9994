-- WITHOUT ROWID is added by hand, as in the first migration.
CREATE TABLE `transitions` (
	`id` text PRIMARY KEY NOT NULL,
	`service` text NOT NULL,
	`status` text NOT NULL,
	`last` integer,
	`expected` integer
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `transitions_by_service` ON `transitions` (`service`,`id`);--> statement-breakpoint
ALTER TABLE `services` ADD `alerts` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `services` ADD `remind_every` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `services` ADD `pause_until` integer;