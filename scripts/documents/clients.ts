/** docs/clients.md from THE QUIRKS TABLE. */
import { type Apply, type Quirk, QUIRKS } from '../../src/scim/quirks.ts';
import { type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Clients

Every request shape that clients are known to send for users and groups, how it is read, and the document that shows it. Each has
an exchange in \`test/idp/<client>/<shape>.json\`. Shapes are recognised by their form, not by who sends them. "Done by" names
the function under \`src\` that handles the shape, or the section that needs no special handling.

## Lenient reading

Where only one meaning is possible, a request is accepted, from any client and for every attribute:

- \`schemas\` may be missing, empty, from a draft, or a single string: the URL determines the type. It is 400 only if it names
  another type.
- A single value may be wrapped in a list, or in \`{"value": x}\`. A list of objects may be one object, one string or a list
  of strings.
- JSON text is parsed where an object is expected: an app role of Entra ID, an element of a list, the value of an operation
  without a path.
- Numbers are read as text if no digit can be lost. 0, 1, "0", "1", and true and false in any case are booleans.
- In filters, a value may be unquoted or in single quotes, up to the next space or bracket;
  \`emails[type eq "work"] eq "x"\` compares the value; brackets may follow the URN of a schema.
- \`Operations: []\` changes nothing.

Where two meanings are possible, the answer is 400 and names the attribute: two elements for a single value, an object that
contains more than a value, \`remove\` of a list with \`value: null\`, or a number too large for JSON.

An attribute that no schema defines is ignored. Its name (never its value) appears as \`ignored\` in the log line of the request
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
