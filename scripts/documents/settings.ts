/** .env.example and docs/settings.md from THE SETTINGS TABLE. */
import { settingRows } from '../../src/config/settings.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

export const envExample: GeneratedDocument = {
  file: '.env.example',
  render: () =>
    [
      '# Copy to .env and fill in what you need. The environment wins over this file.',
      '# Durations: 500ms, 30s, 10m, 1h, 90d. Of a setting marked "secret", NAME_FILE may name a file that holds the value.',
      ...settingRows().flatMap((row) => [
        '',
        `# ${row.description}${row.secret ? ' (secret)' : ''}`,
        `#${row.name}=${row.fallback ?? ''}`,
      ]),
      '',
    ].join('\n'),
};

const TEXT = `# Settings

Settings are read from the environment and from a file \`.env\` in the working directory. The environment wins. An empty
value counts as unset. Everything that is wrong is told at once, and the bridge does not start.

Durations are written as \`500ms\`, \`30s\`, \`10m\`, \`1h\` or \`90d\`. For a setting marked *secret*, \`NAME_FILE\` may name a file that
holds the value (\`SCIM_TOKEN_FILE=/run/secrets/scim-token\`).
`;

const BRIDGE_YAML = `## bridge.yaml

One tenant needs no file: SCIM_TOKEN and ZITADEL_ORG_ID make the tenant \`default\`. More tenants stand in \`bridge.yaml\`.
The keys at the top but \`redis\` are defaults for every tenant, and a tenant may say otherwise. Of the keys at the top, the
environment wins over the file. Unknown keys are refused. Paths are relative to the file.

\`\`\`yaml
zitadel:                       # where the users live, and how to sign in: token, clientId + clientSecret, or keyFile
  url: https://id.example.com
  keyFile: service-user.json
passwords: ignore              # ignore | set
whenDown: accept               # accept | refuse: writes while ZITADEL is away
uniqueExternalId: false        # true: a second user with the same externalId is refused with 409
uniqueDisplayName: false       # true: a second group with the same displayName is refused with 409
protect: []                    # ids of users that cannot be locked out, renamed or deleted through SCIM; no rule gives or takes their roles
redis:                         # at the top only: many processes over one Redis, see scale.md
  url: redis://redis:6379
  replicas: 0                  # 1: a write is answered once one replica has it too
groups:
  strictMembers: false         # true: an unknown member is refused with 400; else it is kept until it appears, 30 days at most
  applyOnStart: false          # true: changed rules are put in force at start; else, and the first ones in any case, by npx scim-bridge groups apply
  rules:                       # which group gives which rights
    - match: { displayName: "Help desk*" }
      orgRoles: [ORG_USER_MANAGER]
      allowPrivileged: true
    - match: { externalId: "00g1" }
      project: "298357"
      roles: [editor]
tenants:
  - id: staff                  # stands in log lines and metrics
    organization: "400559977632107558"
    tokens:                    # npx scim-bridge token --name okta
      - { name: okta, sha256: <npx scim-bridge token prints it>, expires: 2027-01-01 }
    jwt:                       # access tokens of an issuer instead of, or beside, fixed tokens
      issuer: https://login.example.com
      audience: scim
      jwksUri: https://login.example.com/keys
      require: { azp: "0oa1" } # claims that must have this value, or be a list that holds it
      typ: at+jwt              # the type that the header of a token must name
    basic:                     # npx scim-bridge token --basic --name hr
      { user: hr, passwordHash: <npx scim-bridge token --basic prints it> }
    mediaType: application/json  # of every answer; without it application/scim+json, or what the request accepts
    groupPatchAnswer: empty    # a PATCH of a group is answered 204; resource, as without it: 200 with the group up to 200 members
    passwords: set             # whatever stands at the top may stand here too; of groups each key by itself
\`\`\`

A token is refused from the first moment (UTC) of the day in \`expires\`. A tenant with a \`zitadel.url\` other than the
common one needs its own credential. Two tenants cannot share a token, or an organization of one ZITADEL.

### Rules of groups

A rule gives rights to the members of the groups that it matches.

| Key | Meaning |
| --- | --- |
| \`match\` | \`displayName\` or \`externalId\` of the group, case included; \`*\` stands for any text. |
| \`orgRoles\` | Roles in the organization. Every one but ORG_OWNER_VIEWER needs \`allowPrivileged: true\`. |
| \`project\`, \`roles\` | Id of a project, and roles of it. In a role \`{displayName}\` stands for the name of the group. |
| \`createRoles\` | true: roles that the project does not have are made. |
| \`allowPrivileged\` | true: this rule may give roles that can change the organization. |

Roles that a rule names are given and taken by the bridge; all others are left alone. A rule whose roles or project
ZITADEL does not have, or that the service user may not carry out, gives and takes nothing: the log, \`doctor\` and
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
