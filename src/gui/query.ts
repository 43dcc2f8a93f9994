/** An address with more in its query. */
export function addQuery(address: string, fields: Record<string, string | number | undefined>): string {
  const query = queryOf(fields);
  return address + (address.includes("?") ? query.replace("?", "&") : query);
}

/** The query of an address, with what is given; empty where nothing is. */
export function queryOf(fields: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size > 0 ? `?${query}` : "";
}
