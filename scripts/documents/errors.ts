/** docs/errors.md from THE ERROR TABLE. */
import { ERRORS, type ErrorRow, UNLISTED } from '../../src/errors.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Errors of ZITADEL

What each error answer of ZITADEL means for the bridge.

- refused: never with this content. The client gets the status and the text.
- retry: not now. The client gets 503 with Retry-After.
- already: it is so already. Counts as success.
- gone: the user is not there.
- blocked: the token, its rights or the address are wrong.
- replan: ZITADEL's state is not what was believed. The user is read and the change planned again.

The most special row wins. In the text, {says} stands for ZITADEL's own words.
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

export const errors: GeneratedDocument = {
  file: 'docs/errors.md',
  render: () => {
    const rows = [...ERRORS, UNLISTED].map((row) => [
      code(row.call),
      condition(row),
      row.kind,
      [row.status, row.scimType].filter(Boolean).join(' '),
      row.detail,
    ]);
    return [TEXT, note('src/errors.ts'), '', table(['Call', 'Answer', 'Kind', 'SCIM', 'Text'], rows), ''].join('\n');
  },
};
