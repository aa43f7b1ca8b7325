/** docs/commands.md from THE VERBS TABLE and THE CHECKS OF DOCTOR. */
import { aboutOf, ARGUMENTS, type ArgumentName } from '../../src/admin/arguments.ts';
import { CHECKS } from '../../src/admin/checks.ts';
import type { Verb } from '../../src/admin/verb.ts';
import { VERBS } from '../../src/admin/verbs.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Commands

\`npx scim-bridge <command>\` in the folder of the bridge, with its settings (environment, .env, bridge.yaml) and as its
user. While the bridge runs, a command asks it over DATA_DIR/admin.sock, which nobody but its user may open. When none runs,
the command opens the store itself, and no bridge can start on that DATA_DIR until it has ended.

Exit codes: 0 fine; 1 something is to be mended; 2 the command could not be run as it was given. \`--json\` prints the answer
as JSON on standard output; progress and errors go to standard error.

| word | meaning |
| --- | --- |
| owed | a change that was asked and is not settled in ZITADEL; it is tried again by itself |
| doubt | a call was sent and its outcome is not known; the user is read before anything else is sent |
| confirm | a call that was never answered may still land; the user is read once more |
| settled | confirmed in ZITADEL |
| dead | a change that was answered and that ZITADEL then refused for good; the user is shown as ZITADEL has it |
| held | a change asked before a long sleep of the bridge; an operator says whether it is still wanted |
| hidden | a user that the reads of ZITADEL have lost while its commands know it; it is served and delivered to |
| blocked | the token may not do this to this user; it is tried again each SYNC_INTERVAL |
| vouched | a membership that came by SCIM or \`groups apply\`: it can give rights; one read from ZITADEL only keeps them |
| kept | a right that is held by a group or membership nobody vouched for: it is not taken away |
| pending | a member whose id is not known yet; it is added when such a user appears |

Rows are of users and of groups; those of groups stand under the name of the tenant and \`:groups\`. In them the fact \`right:org\` is the roles of a user in the organization,
\`right:project:ID\` those in a project, \`urn:zitadel:scim:group:ID\` a membership. Groups and rules:
[groups.md](groups.md).
`;

const SOCKET = `## Without the command line

\`\`\`
curl --unix-socket data/admin.sock http://bridge/queue/list -d '{"kind":"dead"}'
\`\`\`

POST, one path for each command, its arguments as a JSON object. The answer is JSON, one value a line: any number of
\`{"progress"}\`, then \`{"lines", "value", "exit"}\` or \`{"error", "exit"}\`. 400: the arguments are wrong, 404: no such
command or user, 409: there is nothing of that kind to be done, 503: the store or ZITADEL can not be had.
`;

const STORE_COPY = `## store copy

Copies what the embedded store owes, holds and has dead to Redis, before the bridge runs as many processes
([scale.md](scale.md)). Stop the bridge first: the command refuses while one has DATA_DIR.

\`scim-bridge store copy [--to URL]\`

| Argument | Meaning |
| --- | --- |
| \`--to URL\` | address of Redis, as in REDIS_URL (REDIS_URL) |

Of the tenants of the configuration it takes every row that ZITADEL cannot tell again: changes that are not settled, dead
letters, the deleted, groups and rules, and whose membership is vouched. The other users are read from ZITADEL by the first
sync; until it has finished, requests are answered 503. Redis must have nothing else of these tenants. A copy that was cut
off is made again: what is there already is compared, and left. In DATA_DIR nothing is changed. Start no bridge on it again
without REDIS_URL: it would send the same changes a second time.
`;

const DOCTOR = `## What doctor says

One line for each check and tenant: ok, warn or fail, its name, what was found, and what to do. With a configuration that
is refused, or a store that can not be opened, there is that line only.
`;

/** \`queue drop ID | --all --kind KIND [--tenant TENANT]\` */
function usage({ name, takes, on, kindWithAll }: Verb): string {
  const words = takes.filter((each) => each !== 'id' && each !== 'all').map((each) => usageOf(each));
  const kind = takes.includes('kind') ? usageOf('kind') : '';
  const rest = words.filter((word) => on !== 'id or all' || word !== kind).map((word) => `[${word}]`);
  const all = kind === '' ? '--all' : `--all ${kindWithAll ? kind : `[${kind}]`}`;
  const target = { id: 'ID', user: 'USER', 'id or all': `ID | ${all}` };
  return ['scim-bridge', name, ...(on === undefined ? [] : [target[on]]), ...rest].join(' ');
}

const usageOf = (name: ArgumentName): string =>
  ARGUMENTS[name].flags.replace(/<(\w+)>/, (_, word: string) => word.toUpperCase());

function argumentOf({ on }: Verb, name: ArgumentName): string {
  if (name !== 'id') return usageOf(name);
  return on === 'user' ? 'USER' : 'ID';
}

const section = (verb: Verb): string =>
  [
    `## ${verb.name}`,
    '',
    `${verb.about[0]?.toUpperCase()}${verb.about.slice(1)}.`,
    '',
    code(usage(verb)),
    '',
    ...(verb.takes.length === 0
      ? []
      : [
          table(
            ['Argument', 'Meaning'],
            verb.takes.map((each) => [code(argumentOf(verb, each)), aboutOf(verb, each)]),
          ),
          '',
        ]),
  ].join('\n');

export const commands: GeneratedDocument = {
  file: 'docs/commands.md',
  render: () =>
    [
      TEXT,
      note('src/admin/verbs.ts and src/admin/checks.ts'),
      '',
      ...VERBS.map(section),
      '## token\n\nMakes a bearer token, or with `--basic` a password for HTTP basic: itself, shown once, and its entry for bridge.yaml.\n',
      code('scim-bridge token [--name NAME] [--expires DAY] [--basic]'),
      '',
      '## start\n\nRuns the bridge, with the settings of the environment, .env and bridge.yaml: what `npm start` does.\n',
      code('scim-bridge start'),
      '',
      '## healthcheck\n\nFor the health check of a container: asks the bridge of this machine at HOST and PORT. Exit code 0 when it answers 200, else 1.\n',
      code('scim-bridge healthcheck [--ready]'),
      '',
      table(
        ['Argument', 'Meaning'],
        [[code('--ready'), 'asks /readyz (it serves requests) instead of /healthz (it runs)']],
      ),
      '',
      STORE_COPY,
      SOCKET,
      DOCTOR,
      table(
        ['Name', 'Looks at', 'What to do'],
        CHECKS.map(({ name, looks, todo }) => [
          name,
          looks,
          Object.entries(todo)
            .filter(([when]) => when !== 'unknown')
            .map(([when, text]) => `${when}: ${text}.`)
            .join(' '),
        ]),
      ),
      '',
      'Where ZITADEL or the store could not be asked, a line says "not known".',
      '',
    ].join('\n'),
};
