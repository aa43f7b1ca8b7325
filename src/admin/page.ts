/** The status page: one section per tenant, no script, no personal data (ids of users are none). */
import type { RulesState, TenantState } from '../bridge/ports/operator.ts';
import { TROUBLES } from './arguments.ts';
import { html, type Html } from './html.ts';
import { STYLE } from './page-style.ts';
import { count, plain, span, utc, when } from './text.ts';

/** A tenant, or why nothing is known of it. */
export type Shown = Known | { readonly tenant: string; readonly failure: string };

/** `rules`: a text says why they could not be had. */
export interface Known extends TenantState {
  readonly rules: RulesState | string;
}

export interface PageOptions {
  readonly now: number;
  /** what of a reason may be shown where it could hold words of a user's data: codes only */
  readonly codes: (reason: string) => string;
}

/** Seconds after which the browser asks again. */
const REFRESH = 30;

export function page(tenants: readonly Shown[], options: PageOptions): string {
  const { text } = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="robots" content="noindex" />
<meta http-equiv="refresh" content="${REFRESH}" />
<title>SCIM bridge</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>SCIM bridge for ZITADEL</h1><p>${utc(options.now)}</p></header>
<main>
${tenants.map((each) => section(each, options))}
</main>
<footer><p>What is dead, held, blocked or hidden waits for you: <code>npx scim-bridge doctor</code> says what to do.</p></footer>
</body>
</html>
`;
  return text;
}

function section(shown: Shown, options: PageOptions): Html {
  if ('failure' in shown)
    return html`<section><h2>${plain(shown.tenant)}</h2>
<p class="fail">The store can not be read: ${plain(shown.failure)}</p></section>
`;
  const { tenant, organization, counts } = shown;
  return html`<section><h2>${plain(tenant)}</h2>
<p>organization ${plain(organization)}, ${count(counts.rows, 'user')}</p>
${availability(shown, options)}
<dl class="counts">${TROUBLES.map((condition) => figure(condition, shown, options))}</dl>
${sync(shown, options)}
${rules(shown)}
${deliveries(shown, options)}
</section>
`;
}

/** Whether ZITADEL takes what is owed. */
function availability({ shut }: TenantState, { now, codes }: PageOptions): Html {
  if (shut === undefined) return html`<p class="ok">ZITADEL: deliveries go out</p>`;
  // what one user's call was answered may quote a value; the others are about the connection and the token
  const why = shut.kind === 'limited' ? codes(shut.reason) : shut.reason;
  return html`<p class="${shut.kind === 'limited' ? 'warn' : 'fail'}">ZITADEL: ${shut.kind} since ${when(shut.since, now)}: ${plain(why)}</p>`;
}

/** What waits for ZITADEL is normal; what waits for an operator is not. */
const URGENT: ReadonlySet<string> = new Set(['dead', 'held', 'blocked', 'hidden']);

function figure(condition: (typeof TROUBLES)[number], { counts, oldestOwed }: TenantState, { now }: PageOptions): Html {
  const age =
    condition === 'owed' && oldestOwed !== undefined ? html`<small>oldest ${span(now - oldestOwed)}</small>` : '';
  const mark = URGENT.has(condition) && counts[condition] > 0 ? 'fail' : 'plain';
  return html`<div class="${mark}"><dt>${condition}</dt><dd>${counts[condition]}${age}</dd></div>`;
}

function sync({ sync: { finished, running, last } }: TenantState, { now, codes }: PageOptions): Html {
  const past = finished === null ? 'none has finished yet' : `last finished ${when(finished, now)}`;
  const present = running ? `; one runs${last?.kind === 'progress' ? `, ${count(last.users, 'user')} read` : ''}` : '';
  const condition = last?.kind === 'failed' ? `; the last one failed: ${codes(last.reason)}` : '';
  const kept =
    last?.kind === 'finished' && last.kept > 0 ? `; ${count(last.kept, 'user')} missing in ZITADEL, none removed` : '';
  const mark = finished === null || condition !== '' || kept !== '' ? 'warn' : 'ok';
  return html`<p class="${mark}">sync: ${past}${present}${plain(condition)}${kept}</p>`;
}

/** Numbers only: the names of groups stay out of the page. */
function rules({ rules: confirmed }: Known): Html {
  if (typeof confirmed === 'string') return html`<p class="warn">groups: not known: ${plain(confirmed)}</p>`;
  const off = confirmed.rules.filter((rule) => rule.off !== undefined).length;
  const { differs, unconfirmed, applying } = confirmed;
  const parts = [
    `${count(confirmed.rules.length, 'rule')} in force${off === 0 ? '' : `, ${off} of them off`}`,
    ...(differs ? ['bridge.yaml differs'] : []),
    ...(unconfirmed.length === 0 ? [] : [`${count(unconfirmed.length, 'group')} not confirmed`]),
    ...(applying === null ? [] : [`an apply under way or cut off, ${count(applying.users, 'user')} looked at`]),
  ];
  return html`<p class="${off > 0 ? 'fail' : parts.length > 1 ? 'warn' : 'ok'}">groups: ${parts.join('; ')}</p>`;
}

const HEAD = html`<tr><th scope="col">time (UTC)</th><th scope="col">outcome</th><th scope="col">reason</th><th scope="col">user</th><th scope="col">calls</th><th scope="col">attempts</th></tr>`;

function deliveries({ deliveries }: TenantState, { codes }: PageOptions): Html {
  if (deliveries.length === 0) return html`<p>no deliveries yet</p>`;
  const rows = deliveries.map(
    ({ at, id, outcome, calls, attempts, reason }) =>
      html`<tr><td>${utc(at).replace(' UTC', '')}</td><td>${outcome}</td><td>${reason === undefined ? '' : plain(codes(reason))}</td><td>${plain(id)}</td><td>${plain(calls.join(' '))}</td><td>${attempts}</td></tr>
`,
  );
  return html`<h3>Last deliveries</h3>
<table><thead>${HEAD}</thead>
<tbody>${rows}</tbody></table>`;
}
