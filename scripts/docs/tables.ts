import { ERROR_STATUS, type ErrorCode } from "../../src/domain/errors.ts";
import { ERROR_TEXTS } from "./answers.ts";

/** A JSON schema, as far as a table shows it. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  default?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** What the tables need of a description of the API. */
export interface Description {
  paths: Record<
    string,
    Record<string, { parameters?: { name: string; in: string; required?: boolean; schema: Schema }[] }>
  >;
  components: { schemas: Record<string, Schema> };
}

/**
 * Fills the tables of a page, each between `<!-- fields: NAME -->`, `<!-- parameters: METHOD PATH -->` or
 * `<!-- errors -->` and `<!-- end -->`, from the description of the API. Throws where a name is not described.
 */
export function fillTables(markdown: string, api: Description): string {
  return markdown.replace(
    /^(<!-- (\w+)(?:: (.+?))? -->)$[\s\S]*?^(<!-- end -->)$/gm,
    (_, open: string, kind: string, what: string, end: string) => `${open}\n\n${tableOf(kind, what, api)}\n\n${end}`,
  );
}

function tableOf(kind: string, what: string, api: Description): string {
  switch (kind) {
    case "fields":
      return fieldsTable(what, api);
    case "parameters":
      return parametersTable(what, api);
    case "errors":
      return errorsTable();
    default:
      throw new Error(`There is no kind of table "${kind}".`);
  }
}

function fieldsTable(name: string, api: Description): string {
  const schema = api.components.schemas[name];
  if (!schema?.properties) throw new Error(`The description has no object ${name}.`);
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties).map(([field, property]) => {
    const { description = "" } = property;
    return [`\`${field}\`${required.includes(field) ? "" : " (optional)"}`, formOf(property, api), description];
  });
  return table(["field", "what", ""], rows);
}

function parametersTable(what: string, api: Description): string {
  const [method = "", path = ""] = what.split(" ");
  const parameters = api.paths[path]?.[method.toLowerCase()]?.parameters;
  if (!parameters) throw new Error(`The description has no parameters of ${what}.`);
  const rows = parameters.map(({ name, required, schema }) => [
    `\`${name}\`${required ? "" : " (optional)"}`,
    formOf(schema, api),
    schema.description ?? "",
  ]);
  return table(["parameter", "what", ""], rows);
}

function errorsTable(): string {
  const rows = Object.entries(ERROR_STATUS).map(([code, status]) => [
    `\`${code}\``,
    String(status),
    ERROR_TEXTS[code as ErrorCode],
  ]);
  return table(["code", "status", "what it means"], rows);
}

/** In a few words: `integer, 1 to 86400, default 5`. */
function formOf(schema: Schema, api: Description): string {
  if (schema.$ref) return namedForm(schema.$ref.split("/").at(-1) as string, api);
  if (schema.anyOf) return schema.anyOf.map((form) => formOf(form, api)).join("; or ");
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.items) {
    const items = schema.items.properties
      ? `\`{${Object.keys(schema.items.properties)
          .map((key) => `"${key}"`)
          .join(",")}}\``
      : formOf(schema.items, api);
    return `list of ${schema.maxItems ? `at most ${schema.maxItems} ` : ""}${items}`;
  }
  return [
    [schema.type].flat().join(" or "),
    rangeOf(schema.minimum, schema.maximum, ""),
    rangeOf(schema.minLength, schema.maxLength, " characters"),
    schema.default === undefined ? "" : `default ${schema.default}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function namedForm(name: string, api: Description): string {
  const schema = api.components.schemas[name];
  return schema?.properties ? formOf({ items: schema }, api).replace("list of ", "") : name.toLowerCase();
}

function rangeOf(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === undefined && most === undefined) return "";
  if (most === undefined) return least ? `at least ${least}${unit}` : "";
  return least === most ? `${most}${unit}` : `${least ?? 0} to ${most}${unit}`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
