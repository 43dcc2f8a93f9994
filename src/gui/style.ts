/** The style sheet of the web interface. */
export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dce2, #333a44); --muted: light-dark(#566070, #9aa5b5);
  --alive: light-dark(#11713a, #5fd38d); --dead: light-dark(#b3141f, #ff8087); --cancelled: var(--muted);
  --warning: light-dark(#8a5200, #f0b45b); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 1rem/1.45 system-ui, sans-serif;
  background: light-dark(#fff, #14181d); color: light-dark(#1a1f26, #e6eaf0); }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.counts { color: var(--muted); margin: 0; }
.counts .dead { font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 500; font-size: .85rem; }
td.name, td.message { overflow-wrap: anywhere; min-width: 10rem; white-space: pre-wrap; }
td.date { white-space: nowrap; font-variant-numeric: tabular-nums; }
.alive { color: var(--alive); } .dead { color: var(--dead); } .cancelled { color: var(--cancelled); }
.error { color: var(--dead); } .warning { color: var(--warning); }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem; }
`;
