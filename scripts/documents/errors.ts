/** docs/errors.md from THE ERROR TABLE. */
import { type ErrorKind, ERRORS, type ErrorRow, UNLISTED } from '../../src/zitadel/error-table.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# ZITADEL errors

How the bridge interprets each error that ZITADEL returns.

- refused: ZITADEL will never accept this content. The client gets the status and the text.
- retry: not now. The client gets 503 with Retry-After. "definite" means that certainly nothing was applied, so nothing is kept,
  and the client's retry carries out the request. Otherwise the call may have been applied: the user is read, and what is missing
  is done in the background.
- already: the requested state already exists. Counts as success.
- gone: the user does not exist. The client gets 404 if GetUserByID says so too; for a DELETE it counts as success.
- blocked: the token, its permissions or the address are wrong. The client gets 503; the text is for the operator.
- replan: the state in ZITADEL differs from what was expected. The user is read, and the change is planned again.

Errors of calls that change rights (administrators, authorizations and project roles) are not reported to clients. What is refused
becomes a dead letter of the user; gone and replan read the user and their rights again; after blocked and definite retries, the
right stays pending.

The most specific row applies. In the text, {says} stands for ZITADEL's own words. A call that certainly never left the bridge
(no connection) is a definite retry; one that got no answer is a retry.
`;

const condition = (row: ErrorRow): string =>
  [
    code(row.on),
    row.says && `message has "${row.says}"`,
    row.keys && `${row.keys === 'one' ? 'one key' : 'several keys'} named`,
    row.withId && 'with an error id',
  ]
    .filter(Boolean)
    .join(', ');

/** What a client gets where the row names no status. */
const STATUS: Readonly<Partial<Record<ErrorKind, number>>> = { retry: 503, blocked: 503, gone: 404 };

export const errors: GeneratedDocument = {
  file: 'docs/errors.md',
  render: () => {
    const rows = [...ERRORS, UNLISTED].map((row) => [
      code(row.call),
      condition(row),
      row.definite === true ? `${row.kind}, definite` : row.kind,
      [row.status ?? STATUS[row.kind], row.scimType].filter(Boolean).join(' '),
      row.detail,
    ]);
    return [
      TEXT,
      note('src/zitadel/error-table.ts'),
      '',
      table(['Call', 'Answer', 'Kind', 'SCIM', 'Text'], rows),
      '',
    ].join('\n');
  },
};
