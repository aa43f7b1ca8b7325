/** docs/commands.md from THE VERBS TABLE and THE CHECKS OF DOCTOR. */
import { aboutOf, ARGUMENTS, type ArgumentName } from '../../src/admin/arguments.ts';
import { CHECKS } from '../../src/admin/checks.ts';
import type { Verb } from '../../src/admin/verb.ts';
import { VERBS } from '../../src/admin/verbs.ts';
import { CONDITIONS } from '../../src/store/conditions.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

/** | flag | users and groups … | */
const CONDITION_ROWS = Object.values(CONDITIONS)
  .map(({ flag, description }) => `| ${flag} | users and groups ${description} |`)
  .join('\n');

const TEXT = `# Commands

Run \`npx scim-bridge <command>\` in the folder of the bridge, with its settings (environment, .env, bridge.yaml) and as its
user. While the bridge is running, a command asks it over DATA_DIR/admin.sock, which only its user can open. Otherwise the
command opens the store itself, and no bridge can start on that DATA_DIR until it has finished.

Exit codes: 0 OK; 1 needs attention; 2 invalid usage. \`--json\` prints the answer as JSON on standard output; progress and
errors go to standard error.

| word | meaning |
| --- | --- |
${CONDITION_ROWS}
| settled | applied and confirmed in ZITADEL |
| trusted | a membership that came by SCIM or \`groups apply\`: it can grant rights; one read from ZITADEL only keeps them |
| kept | a right held through a group or membership that is not trusted: it is not revoked |
| unresolved | a member whose id is not known yet; it is added when such a user appears |

There are rows of users and rows of groups; those of groups are listed under the name of the tenant and \`:groups\`. In them the fact \`right:org\` is the roles of a user in the organization,
\`right:project:ID\` those in a project, \`urn:zitadel:scim:group:ID\` a membership. Groups and rules:
[groups.md](groups.md).
`;

const SOCKET = `## Without the command line

\`\`\`
curl --unix-socket data/admin.sock http://bridge/queue/list -d '{"kind":"dead-letter"}'
\`\`\`

POST, one path for each command, its arguments as a JSON object. The answer is JSON, one value a line: any number of
\`{"progress"}\`, then \`{"lines", "value", "exit"}\` or \`{"error", "exit"}\`. 400: invalid arguments, 404: no such
command or user, 409: nothing to do, 503: the store or ZITADEL is unavailable.
`;

const STORE_COPY = `## store copy

Migrates the embedded store to Redis, before you run several processes ([scale.md](scale.md)). Stop the bridge first: the
command refuses while one uses DATA_DIR.

\`scim-bridge store copy [--to URL]\`

| Argument | Meaning |
| --- | --- |
| \`--to URL\` | address of Redis, as in REDIS_URL (REDIS_URL) |

For each tenant of the configuration it copies every row that cannot be read back from ZITADEL: pending changes, dead
letters, deleted users, groups and rules, and trusted memberships. The first sync reads the other users from ZITADEL; until
it has finished, requests are answered 503. Redis must not hold anything else of these tenants. If a copy is interrupted,
run it again; rows already copied are compared and skipped. DATA_DIR is not changed. Do not start a bridge on it again
without REDIS_URL: it would send the same changes a second time.
`;

const DOCTOR = `## What doctor says

One line for each check and tenant: ok, warn or fail, its name, the finding, and what to do. If the configuration is
refused or the store cannot be opened, only that line is printed.
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
      '## token\n\nCreates a bearer token, or with `--basic` a password for HTTP basic, and prints it once together with its entry for bridge.yaml.\n',
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
        ['Name', 'Checks', 'What to do'],
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
