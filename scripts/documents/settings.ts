/** .env.example and docs/settings.md from THE SETTINGS TABLE. */
import { settingRows } from '../../src/config/settings.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

export const envExample: GeneratedDocument = {
  file: '.env.example',
  render: () =>
    [
      '# Copy to .env and fill in what you need. The environment takes precedence over this file.',
      '# Durations: 500ms, 30s, 10m, 1h, 90d. For a setting marked "secret", NAME_FILE can name a file with the value.',
      ...settingRows().flatMap((row) => [
        '',
        `# ${row.description}${row.secret ? ' (secret)' : ''}`,
        `#${row.name}=${row.fallback ?? ''}`,
      ]),
      '',
    ].join('\n'),
};

const TEXT = `# Settings

Settings are read from the environment and from a file \`.env\` in the working directory. The environment takes precedence. An
empty value counts as unset. All errors are reported at once, and the bridge does not start.

Durations are written as \`500ms\`, \`30s\`, \`10m\`, \`1h\` or \`90d\`. For a setting marked *secret*, you can use \`NAME_FILE\`
instead, with the path of a file that contains the value (\`SCIM_TOKEN_FILE=/run/secrets/scim-token\`).
`;

const BRIDGE_YAML = `## bridge.yaml

A single tenant needs no file: SCIM_TOKEN and ZITADEL_ORG_ID define the tenant \`default\`. Define more tenants in \`bridge.yaml\`.
The keys at the top level, except \`redis\`, are defaults for every tenant; a tenant can override them. The environment takes
precedence over keys at the top level. Unknown keys are refused. Paths are relative to the file.

\`\`\`yaml
zitadel:                       # where users are provisioned, and how to sign in: token, clientId + clientSecret, or keyFile
  url: https://id.example.com
  keyFile: service-user.json
passwords: ignore              # ignore | set
whenDown: accept               # accept | refuse: writes while ZITADEL is down
uniqueExternalId: false        # true: a second user with the same externalId is refused with 409
uniqueDisplayName: false       # true: a second group with the same displayName is refused with 409
protect: []                    # ids of users that cannot be locked out, renamed or deleted through SCIM; no rule grants or revokes their roles
redis:                         # top level only: several processes over one Redis, see scale.md
  url: redis://redis:6379
  replicas: 0                  # 1: a write is answered only once a replica has it too
groups:
  strictMembers: false         # true: an unknown member is refused with 400; false: it is kept until it appears, for at most 30 days
  applyOnStart: false          # true: changed rules take effect at start; false: only with npx scim-bridge groups apply, see groups.md
  rules:                       # which group grants which rights
    - match: { displayName: "Help desk*" }
      orgRoles: [ORG_USER_MANAGER]
      allowPrivileged: true
    - match: { externalId: "00g1" }
      project: "298357"
      roles: [editor]
tenants:
  - id: staff                  # appears in log lines and metrics
    organization: "400559977632107558"
    tokens:                    # npx scim-bridge token --name okta
      - { name: okta, sha256: <npx scim-bridge token prints it>, expires: 2027-01-01 }
    jwt:                       # access tokens of an issuer, instead of or in addition to fixed tokens
      issuer: https://login.example.com
      audience: scim
      jwksUri: https://login.example.com/keys
      require: { azp: "0oa1" } # claims that must have this value, or be a list that contains it
      typ: at+jwt              # the type that a token's header must name
    basic:                     # npx scim-bridge token --basic --name hr
      { user: hr, passwordHash: <npx scim-bridge token --basic prints it> }
    mediaType: application/json  # of every answer; default: application/scim+json, or what the request accepts
    groupPatchAnswer: empty    # empty: a PATCH of a group is answered 204; resource (default): 200 with the group, up to 200 members
    passwords: set             # a tenant can override every top-level key, except redis; in groups, each key separately
\`\`\`

A token is refused from the start (UTC) of the day in \`expires\`. A tenant whose \`zitadel.url\` differs from the top-level one
needs its own credential. Two tenants cannot share a token, or an organization of one ZITADEL.

### Group rules

A rule grants rights to the members of the groups it matches.

| Key | Meaning |
| --- | --- |
| \`match\` | \`displayName\` or \`externalId\` of the group, case-sensitive; \`*\` stands for any text. |
| \`orgRoles\` | Roles in the organization. Every role except ORG_OWNER_VIEWER needs \`allowPrivileged: true\`. |
| \`project\`, \`roles\` | Id of a project, and its roles. In a role, \`{displayName}\` stands for the name of the group. |
| \`createRoles\` | true: roles that the project does not have are created. |
| \`allowPrivileged\` | true: this rule may grant roles that can change the organization. |

The bridge grants and revokes the roles that rules name; it leaves all others alone. A rule neither grants nor revokes if ZITADEL
does not have its roles or project, or if the service user is not permitted to carry it out: the log, \`doctor\` and
\`groups explain\` say why.
`;

export const settings: GeneratedDocument = {
  file: 'docs/settings.md',
  render: () => {
    const rows = settingRows().map((row) => [
      code(row.name),
      code(row.fallback ?? ''),
      row.secret ? `${row.description} *Secret.*` : row.description,
    ]);
    return [
      TEXT,
      note('src/config/settings.ts'),
      '',
      table(['Setting', 'Default', 'Meaning'], rows),
      '',
      BRIDGE_YAML,
    ].join('\n');
  },
};
