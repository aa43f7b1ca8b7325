/** docs/clients.md from THE QUIRKS TABLE. */
import { type Apply, type Quirk, QUIRKS } from '../../src/scim/quirks.ts';
import { type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Clients

Every shape in which a client is known to send users and groups, what it is read as, and the document that shows it. Each has its
exchange in \`test/idp/<client>/<shape>.json\`. Shapes are told by their form, not by who sends them. "Done by" names the
function under \`src\` that sees to it, or the section that asks for no more.

## Read generously

Requests are read where only one meaning is possible, whoever sends them and for every attribute:

- \`schemas\` may be missing, empty, of a draft, or one text: the URL tells the type. 400 only when another type is named.
- A single value may stand in a list of one, or as \`{"value": x}\`. A list of objects may be one object, one text or a list
  of texts.
- JSON text is read where an object is meant: an app role of Entra ID, an element of a list, the value of an operation
  without path.
- Numbers are read as text, as long as no digit can be lost. 0, 1, "0", "1" and any case of true and false are booleans.
- In filters a value may be without quotes or in single ones, up to the next blank or bracket;
  \`emails[type eq "work"] eq "x"\` means the value; brackets may stand behind the URN of a schema.
- \`Operations: []\` changes nothing.

Where two meanings are possible the answer is 400 and names the attribute: two elements for a single value, an object that
says more than a value, \`remove\` of a list with \`value: null\`, a number too large for JSON.

An attribute that no schema has is ignored; its name (never its value) stands as \`ignored\` in the log line of the request,
and in the metric \`scim_bridge_ignored_attributes_total\`.

## Shapes
`;

const functionOf = (apply: Apply): string =>
  ('body' in apply ? apply.body : 'operation' in apply ? apply.operation : apply.value).name;

const doneBy = (row: Quirk): string => ('apply' in row ? `scim/client-shapes: ${functionOf(row.apply)}` : row.where);

export const clients: GeneratedDocument = {
  file: 'docs/clients.md',
  render: () => {
    const rows = QUIRKS.map((row) => [row.client, row.shape, row.reading, doneBy(row), row.document]);
    return [
      TEXT,
      note('src/scim/quirks.ts'),
      '',
      table(['Client', 'Shape', 'Read as', 'Done by', 'Document'], rows),
      '',
    ].join('\n');
  },
};
