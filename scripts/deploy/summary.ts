/** What to tell at the end: the address, the password where this deploy set one, and a line that pulses. */
export function summary(url: string, password: string | undefined): string {
  const pulse = JSON.stringify({
    service: "my first service",
    alertType: "mail",
    alertTarget: "you@example.com",
    nextIn: 60,
  });
  // Where the password is not known here, curl asks for it: the service takes it by Basic authentication as well.
  const access = password === undefined ? "-u watchtower" : `-H ${quoted(`password: ${password}`)}`;
  return [
    `watchTower runs at ${url}`,
    "",
    `  password  ${password ?? "unchanged (`npx wrangler secret put PASSWORD` sets another)"}`,
    "",
    "A service that promises to pulse again within 60 seconds (put your own target into it):",
    "",
    `  curl ${access} ${quoted(url)} -d ${quoted(pulse)}`,
    "",
  ].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
