import { type Schema as AnySchema, Validator } from "@cfworker/json-schema";
import fc from "fast-check";
import description from "../../public/openapi.json" with { type: "json" };

/** A JSON schema, as far as ours go. */
export interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  additionalProperties?: Schema | false;
  properties?: Record<string, Schema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  pattern?: string;
}

/** What came as an answer, its body parsed where it is JSON. */
export interface Answered {
  status: number;
  headers: Headers;
  body: unknown;
}

/** One operation of the published description, with its references resolved. */
export interface Operation {
  id: string;
  method: string;
  path: string;
  isOpen: boolean;
  body: Schema | undefined;
  parameters: { name: string; in: "query" | "path"; required: boolean; schema: Schema }[];
  responses: Record<string, Schema | undefined>;
}

const json = description as unknown as Record<string, unknown>;

/** Resolves references, and closes objects: what an answer has is what is described, no more. */
function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== "object" || value === null) return value;
  const { $ref, ...rest } = value as Record<string, unknown>;
  if (typeof $ref === "string") {
    const target = $ref
      .split("/")
      .slice(1)
      .reduce((at, key) => at[key] as Record<string, unknown>, json);
    return { ...(resolved(target) as object), ...(resolved(rest) as object) };
  }
  const entries = Object.entries(rest).map(([key, inner]) => [key, resolved(inner)] as const);
  return Object.fromEntries(
    entries.map(([key, inner]) => (key === "additionalProperties" && isAnything(inner) ? [key, false] : [key, inner])),
  );
}

function isAnything(schema: unknown): boolean {
  return typeof schema !== "object" || Object.keys(schema ?? {}).length === 0;
}

// biome-ignore lint/suspicious/noExplicitAny: a JSON document, read as OpenAPI has it.
const paths = resolved(json.paths) as Record<string, Record<string, any>>;

/** All operations of the published description. */
export const operations: Operation[] = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    isOpen: operation.security?.length === 0,
    body: operation.requestBody?.content["application/json"]?.schema,
    parameters: operation.parameters ?? [],
    responses: Object.fromEntries(
      Object.entries(operation.responses as Record<string, { content?: Record<string, { schema: Schema }> }>).map(
        ([status, response]) => [status, response.content?.["application/json"]?.schema],
      ),
    ),
  })),
);

/** What is wrong with an answer by the description; empty where it is as described. */
export function deviations(operation: Operation, { status, body, headers }: Answered): string[] {
  if (!(status in operation.responses)) return [`${status} is not described: ${JSON.stringify(body)}`];
  const schema = operation.responses[status];
  if (!schema) return [];
  if (!headers.get("content-type")?.startsWith("application/json")) return ["It is not JSON."];
  const { errors } = new Validator(schema as AnySchema, "2020-12", false).validate(body);
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

/** The properties that a description of an answer has, as paths such as `heartBeats[].grace`. */
export function describedProperties(schema: Schema, at = ""): string[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    `${at}${name}`,
    ...describedProperties(property, `${at}${name}.`),
  ]);
  return [
    ...inner,
    ...(schema.items ? describedProperties(schema.items, at.replace(/\.$/, "[].")) : []),
    ...(schema.anyOf ?? []).flatMap((form) => describedProperties(form, at)),
  ];
}

/** The properties that an answer has, written as by {@link describedProperties}. */
export function presentProperties(value: unknown, at = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => presentProperties(item, at.replace(/\.$/, "[].")));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    `${at}${name}`,
    ...presentProperties(inner, `${at}${name}.`),
  ]);
}

/** Values of a schema, its bounds more often than chance would have them. */
export function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(valuesOf));
  switch (schema.type) {
    case "integer": {
      const min = schema.minimum ?? 0;
      const max = schema.maximum ?? Number.MAX_SAFE_INTEGER;
      return fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));
    }
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(valuesOf(schema.items as Schema), { maxLength: schema.maxItems ?? 3 });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "object":
      if (schema.additionalProperties) return fc.dictionary(fc.string(), valuesOf(schema.additionalProperties));
      return fc.record(
        Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, valuesOf(inner)])),
        { requiredKeys: schema.required ?? [] },
      );
    default: {
      const pattern = new RegExp(schema.pattern ?? "", "u");
      return fc
        .oneof(
          fc.constantFrom("fuzzed", "https://hooks.example/", "ann@example.com", "2040-01-01", "2039-12-31T12:00:00Z"),
          fc.string({ unit: "grapheme", minLength: schema.minLength ?? 0, maxLength: 40 }),
        )
        .filter((text) => pattern.test(text) && [...text].length >= (schema.minLength ?? 0));
    }
  }
}

/** Values worth trying for any field: what a schema allows at its very edge, what lies beyond, and nonsense. */
export function edgeValues(schema: Schema): unknown[] {
  const forms = [schema, ...(schema.anyOf ?? [])];
  return [
    ...[null, "", " ", "-1", -1, 0, 1.5, 1e30, "NaN", "60", "0x10", true, "true", 2, [], {}, "\0", "a\u0085b", "other"],
    ...forms.flatMap(({ minimum, maximum }) =>
      [minimum, maximum].flatMap((bound) =>
        bound === undefined
          ? []
          : [bound - 1, bound, bound + 1, bound - 0.5, bound + 0.5, String(bound), String(bound + 1)],
      ),
    ),
    ...forms.flatMap((form) => form.enum ?? (form.const === undefined ? [] : [form.const])),
    ...(schema.maxLength ? ["x".repeat(schema.maxLength), "x".repeat(schema.maxLength + 1)] : []),
    ...(schema.maxItems && schema.items
      ? [schema.maxItems, schema.maxItems + 1].map((length) => listOf(schema.items as Schema, length))
      : []),
  ];
}

/** A list of objects whose fields are all the same text, the way that lists of targets are. */
function listOf({ properties = {} }: Schema, length: number): unknown[] {
  const item = Object.fromEntries(Object.keys(properties).map((name) => [name, "webhook"]));
  return Array.from({ length }, () => ({ ...item, target: "https://hooks.example/" }));
}

/** Values that no schema of ours, or hardly any, allows. */
function strangeValues(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constantFrom(...edgeValues(schema)),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.jsonValue({ maxDepth: 2 }),
  );
}

/** Objects of a schema in which, as often as not, one or two fields are strange, missing or unknown. */
export function objectsNear(schema: Schema): fc.Arbitrary<Record<string, unknown>> {
  const good = valuesOf(schema) as fc.Arbitrary<Record<string, unknown>>;
  const properties = Object.entries(schema.properties ?? {});
  const change = fc.constantFrom(...properties).chain(([name, inner]) =>
    fc.oneof(
      fc.constant({ [name]: undefined }),
      strangeValues(inner).map((value) => ({ [name]: value })),
    ),
  );
  return fc
    .tuple(good, fc.array(fc.oneof(change, fc.constant({ unknown: 1 })), { maxLength: 2 }))
    .map(([object, changes]) => Object.assign({}, object, ...changes));
}

/**
 * What is wrong with an input by the description; empty where it is as described. What the protocol forgives beyond the
 * description counts as right: numbers as texts, fractions, booleans as 1 and 0, unknown fields.
 */
export function objections(schema: Schema, input: Record<string, unknown>): string[] {
  const properties = schema.properties ?? {};
  const known = Object.entries(input)
    .filter(([name, value]) => name in properties && value !== undefined)
    .map(([name, value]) => [name, forgiven(properties[name] as Schema, value)]);
  const { errors } = new Validator(schema as AnySchema, "2020-12", false).validate(Object.fromEntries(known));
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

function forgiven(schema: Schema, value: unknown): unknown {
  const forms = [schema, ...(schema.anyOf ?? [])];
  if (forms.some(({ type }) => type === "integer")) {
    const isNumeric = typeof value === "string" && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value);
    const number = isNumeric ? Number(value) : value;
    return typeof number === "number"
      ? Math.ceil(number)
      : typeof value === "string"
        ? value.trim().toLowerCase()
        : value;
  }
  if (schema.type === "boolean") {
    if ([1, "1", "true"].includes(value as string)) return true;
    if ([0, "0", "false"].includes(value as string)) return false;
  }
  return value;
}
