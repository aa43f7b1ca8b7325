/** The status page: one section per tenant, no script, no personal data (user ids are none). */
import type { RulesState, TenantState } from '../bridge/ports/operator.ts';
import { CONDITION_NAMES, CONDITIONS, flagOf } from '../store/conditions.ts';
import type { Condition } from '../bridge/ports/store.ts';
import { html, type Html } from './html.ts';
import { STYLE } from './page-style.ts';
import { count, plain, span, UNAVAILABLE, utc, when } from './text.ts';

/** A tenant, or why its state is unknown. */
export type Shown = Known | { readonly tenant: string; readonly failure: string };

/** `rules`: a text says why they could not be read. */
export interface Known extends TenantState {
  readonly rules: RulesState | string;
}

export interface PageOptions {
  readonly now: number;
  /** reduces a reason that may quote personal data to its codes */
  readonly codes: (reason: string) => string;
}

/** Seconds after which the browser reloads. */
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
<footer><p>Rows marked in red need your attention: <code>npx scim-bridge doctor</code> says what to do.</p></footer>
</body>
</html>
`;
  return text;
}

function section(shown: Shown, options: PageOptions): Html {
  if ('failure' in shown)
    return html`<section><h2>${plain(shown.tenant)}</h2>
<p class="fail">The store cannot be read: ${plain(shown.failure)}</p></section>
`;
  const { tenant, organization, counts } = shown;
  return html`<section><h2>${plain(tenant)}</h2>
<p>organization ${plain(organization)}, ${count(counts.rows, 'user')}</p>
${availability(shown, options)}
<dl class="counts">${CONDITION_NAMES.map((condition) => figure(condition, shown, options))}</dl>
${sync(shown, options)}
${rules(shown)}
${deliveries(shown, options)}
</section>
`;
}

/** Whether pending changes are delivered to ZITADEL. */
function availability({ unavailable }: TenantState, { now, codes }: PageOptions): Html {
  if (unavailable === undefined) return html`<p class="ok">ZITADEL: available</p>`;
  const { kind, reason, since } = unavailable;
  // the answer to a user's call may quote a value; the others are about the connection and the token
  const why = kind === 'rateLimited' ? codes(reason) : reason;
  return html`<p class="${kind === 'rateLimited' ? 'warn' : 'fail'}">ZITADEL: ${UNAVAILABLE[kind]} since ${when(since, now)}: ${plain(why)}</p>`;
}

function figure(condition: Condition, { counts, oldestPending }: TenantState, { now }: PageOptions): Html {
  const age =
    condition === 'pending' && oldestPending !== undefined
      ? html`<small>oldest ${span(now - oldestPending)}</small>`
      : '';
  const mark = CONDITIONS[condition].severity === 'action' && counts[condition] > 0 ? 'fail' : 'plain';
  return html`<div class="${mark}"><dt>${flagOf(condition)}</dt><dd>${counts[condition]}${age}</dd></div>`;
}

function sync({ sync: { finished, running, last } }: TenantState, { now, codes }: PageOptions): Html {
  const past = finished === null ? 'none has finished yet' : `last finished ${when(finished, now)}`;
  const present = running
    ? `; one is running${last?.kind === 'progress' ? `, ${count(last.users, 'user')} read` : ''}`
    : '';
  const failure = last?.kind === 'failed' ? `; the last one failed: ${codes(last.reason)}` : '';
  const kept =
    last?.kind === 'finished' && last.kept > 0 ? `; ${count(last.kept, 'user')} missing in ZITADEL, none removed` : '';
  const mark = finished === null || failure !== '' || kept !== '' ? 'warn' : 'ok';
  return html`<p class="${mark}">sync: ${past}${present}${plain(failure)}${kept}</p>`;
}

/** Numbers only: the names of groups stay out of the page. */
function rules({ rules: state }: Known): Html {
  if (typeof state === 'string') return html`<p class="warn">groups: not known: ${plain(state)}</p>`;
  const off = state.rules.filter((rule) => rule.off !== undefined).length;
  const { differs, unconfirmed, applying } = state;
  const parts = [
    `${count(state.rules.length, 'rule')} in force${off === 0 ? '' : `, ${off} of them off`}`,
    ...(differs ? ['bridge.yaml differs'] : []),
    ...(unconfirmed.length === 0 ? [] : [`${count(unconfirmed.length, 'group')} not trusted yet`]),
    ...(applying === null
      ? []
      : [`an apply is running or was interrupted, ${count(applying.users, 'user')} evaluated`]),
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
