import { printable } from "./terminal.ts";

/** Rows as a table for the terminal, under the names of their columns. */
export function formatTable(columns: string[], rows: unknown[][]): string {
  const cells = [columns, ...rows.map((row) => row.map(cellText))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const [header, ...body] = cells.map(line);
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [header, rule, ...body].join("\n");
}

/** A value on one line. */
function cellText(value: unknown): string {
  if (value === null) return "NULL";
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex")}'`;
  return printable(String(value)).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
