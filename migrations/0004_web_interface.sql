ALTER TABLE `alerts` ADD `answers` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `alerts` ADD `downtime` text;--> statement-breakpoint
ALTER TABLE `services` ADD `written_ms` integer DEFAULT 0 NOT NULL;