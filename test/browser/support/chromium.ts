import { findChromium } from "../../../scripts/local/chromium.ts";

/** The Chromium of this machine. In CI there has to be one; elsewhere a line says that the browser is not tested. */
export const chromiumPath = findChromium();

if (chromiumPath === undefined) {
  if (process.env.CI) throw new Error("Chromium is missing, and CI has to test the web interface in it.");
  console.warn("The web interface is not tested here: there is no Chromium on this machine (CHROMIUM may name one).");
}
