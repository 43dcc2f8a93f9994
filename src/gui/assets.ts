/** The static assets of the web interface; made by `npm run gui`. */
export const ASSETS = {
  style: "/gui/assets/style-8fda8f2316.css",
  script: "/gui/assets/script-15d4cda479.js",
  icon: "/gui/assets/icon-06f76b31f5.svg",
  iconDead: "/gui/assets/icon-dead-6b1f2e1c32.svg",
} as const;
