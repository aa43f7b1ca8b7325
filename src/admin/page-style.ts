/** The style of the status page: one column on phones, light or dark as the reader's system. */
import { hash } from 'node:crypto';
import { Html } from './html.ts';

const CSS = `
:root { color-scheme: light dark; --line: #8886; --ok: #1a7f37; --warn: #9a6700; --fail: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ok: #3fb950; --warn: #d29922; --fail: #ff7b72; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .25rem 0; }
section { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
.ok, .warn, .fail { border-left: .3rem solid; padding-left: .5rem; }
.ok { border-color: var(--ok); }
.warn { border-color: var(--warn); color: var(--warn); }
.fail { border-color: var(--fail); color: var(--fail); }
.counts { display: grid; grid-template-columns: repeat(auto-fit, minmax(6rem, 1fr)); gap: .5rem; margin: .75rem 0; }
.counts div { border: 1px solid var(--line); border-radius: .3rem; padding: .25rem .5rem; }
.counts .fail { border-color: var(--fail); }
dt, th { font-weight: normal; opacity: .8; }
dd { margin: 0; font-size: 1.4rem; }
dd small { display: block; font-size: .8rem; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th, td:first-child { white-space: nowrap; }
@media (max-width: 45rem) {
  thead, td:last-child, td:empty { display: none; }
  table, tbody, tr, td { display: block; border: 0; padding: 0; }
  tr { border-bottom: 1px solid var(--line); padding: .3rem 0; }
}
`;

export const STYLE = new Html(CSS);

/** Nothing is loaded or run except this style; no other page may frame this one. */
export const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', CSS, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
