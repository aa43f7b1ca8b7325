/** docs/errors.md from THE ERROR TABLE. */
import { type ErrorKind, ERRORS, type ErrorRow, UNLISTED } from '../../src/zitadel/error-table.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Errors of ZITADEL

What each error answer of ZITADEL means for the bridge.

- refused: never with this content. The client gets the status and the text.
- retry: not now. The client gets 503 with Retry-After. definite: certainly nothing was applied, so nothing is kept and the
  client's repeat does it. Without that word the call may have been applied: the user is read, and what is missing is done
  in the background.
- already: it is so already. Counts as success.
- gone: the user is not there. The client gets 404 when GetUserByID says so too; for a DELETE it counts as success.
- blocked: the token, its rights or the address are wrong. The client gets 503; the text stands for the operator.
- replan: ZITADEL's state is not what was believed. The user is read and the change planned again.

Of calls that change rights (those on administrators, authorizations and roles of projects) no client is told anything: what is
refused is a dead letter of the user, gone and replan read the user and its rights again, blocked and definite retries leave
the right owed.

The most special row wins. In the text, {says} stands for ZITADEL's own words. A call that surely never left the bridge
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
