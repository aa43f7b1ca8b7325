/**
 * THE QUIRKS TABLE: every shape in which a client is known to send users and groups, and how it is read. Applied to
 * every request from any client: shapes are recognised by their form. Each row has its exchange in
 * test/idp/<client>/<shape>.json; docs/clients.md is generated from it.
 */
import type { SchemaAttribute } from '../mapping/schema.ts';
import type { Json } from './http/body.ts';
import {
  fromCoreUrn,
  intoExtensions,
  managerId,
  pathsInKeys,
  valuesIntoFilters,
  withoutDraftUrns,
  withoutGroups,
  type Operation,
} from './client-shapes.ts';
import type { Shape } from './shape.ts';

export type Apply =
  /** a whole or partial user: POST, PUT, the value of an operation without path */
  | { readonly body: (user: Json, shape: Shape) => Json }
  | { readonly operation: (operation: Operation, shape: Shape) => readonly Operation[] }
  | { readonly value: (value: unknown) => unknown; readonly of: (attribute: SchemaAttribute) => boolean };

type Client =
  | 'any'
  | 'authentik'
  | 'entra'
  | 'google'
  | 'jumpcloud'
  | 'keycloak'
  | 'okta'
  | 'onelogin'
  | 'playground'
  | 'rippling'
  | 'sap'
  | 'scripts';

interface Known {
  readonly client: Client;
  /** name of the exchange */
  readonly shape: string;
  /** the shape, and how it is read */
  readonly reading: string;
  readonly document: string;
}

/** Read by `apply`; or `where`: the function that handles it, or the section that requires no more. */
export type Quirk = Known & ({ readonly apply: Apply } | { readonly where: string });

const OKTA = 'okta/okta-developer-docs docs/reference/scim/scim-20';
const OKTA_GUIDE = 'okta/okta-developer-docs docs/concepts/scim';
const OKTA_FAQ = 'okta/okta-developer-docs docs/concepts/scim/faqs';
const ENTRA = 'MicrosoftDocs/entra-docs docs/identity/app-provisioning/use-scim-to-provision-users-and-groups.md';
const ENTRA_FLAG =
  'MicrosoftDocs/entra-docs docs/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility.md';
const ONELOGIN = 'developers.onelogin.com "Step 2. Implement RESTful SCIM APIs for Your App"';
const ONELOGIN_TEMPLATE = 'keepnetlabs "Onelogin SCIM Integration" (third-party)';
const JUMPCLOUD = 'JumpCloud support "Identity Management using a Custom SCIM Integration"';
const JUMPCLOUD_GROUPS = 'Infisical PR#2138 (third-party)';
const RIPPLING = 'WorkOS guide "Rippling SCIM" (third-party)';
const AUTHENTIK = 'goauthentik/authentik authentik/providers/scim; Infisical/infisical#6552';
const GOOGLE = 'support.google.com 7681608 and third-party guides';

const isManager = ({ name, type }: SchemaAttribute): boolean => name === 'manager' && type === 'complex';

// biome-ignore format: one row is one fact
export const QUIRKS: readonly Quirk[] = [
  { client: 'any', shape: 'names-in-any-case', reading: 'attribute names in any case are the schema\'s names', where: 'scim/coerce: coerceMembers', document: 'RFC 7643 §2.1' },
  { client: 'any', shape: 'text-json', reading: 'a body of type text/json is JSON', where: 'scim/http/media-type: checkBodyType', document: 'no client document; RFC 8259 §11 knows application/json only, older HTTP libraries send text/json' },
  { client: 'any', shape: 'null-is-unassigned', reading: 'null for a multi-valued attribute is "no value"', where: 'scim/forms: isEmpty', document: 'RFC 7643 §2.5' },
  { client: 'any', shape: 'type-of-its-own', reading: 'a type that is not canonical ("cell") is kept, canonical ones in any case ("Work") are found', where: 'mapping/comparison: text', document: 'RFC 7643 §7, canonicalValues are suggestions' },
  { client: 'any', shape: 'two-primaries', reading: 'of several primaries the last one stays', where: 'scim/patch/element-laws: withOnePrimary', document: 'RFC 7643 §2.4' },
  { client: 'any', shape: 'core-attributes-under-their-urn', reading: 'attributes in an object under the URN of the core schema, by key or by path', document: 'RFC 7644 §3.10',
    apply: { body: fromCoreUrn } },
  { client: 'any', shape: 'two-equal-emails', reading: 'of two equal values the primary one stays primary', where: 'scim/patch/element-laws: settleElements', document: 'RFC 7643 §2.4' },
  { client: 'any', shape: 'put-without-user-name', reading: 'PUT of a user without userName is 400 and changes nothing', where: 'scim/users/users: readUser', document: 'RFC 7643 §4.1.1' },
  { client: 'any', shape: 'no-operations', reading: 'a PATCH without operations changes nothing', where: 'scim/patch/operations: operationsOf', document: "Microsoft's SCIM validator; scimmyjs/scimmy#59" },
  { client: 'any', shape: 'url-ends-in-ampersand', reading: 'a & at the end of the URL', where: 'scim/http/query: urlParameters', document: 'goauthentik/authentik#11249' },
  { client: 'any', shape: 'filter-part-of-an-email', reading: 'emails[value co "@example.com"]', where: 'RFC 7644 §3.4.2.2', document: 'RFC 7644 §3.4.2.2, figure 2' },
  { client: 'any', shape: 'complex-replace-merges', reading: 'replace of a complex attribute keeps what is not named', where: 'scim/patch/patch: parts', document: 'RFC 7644 §3.5.2.3' },
  { client: 'any', shape: 'dotted-and-urn-keys-added', reading: 'an add without path, its keys dotted and URNs', where: 'scim/client-shapes: pathsInKeys', document: 'RFC 7644 §3.5.2.1' },
  { client: 'any', shape: 'several-filtered-removals', reading: 'several filtered removals in one request', where: 'scim/patch/elements: editElements', document: 'RFC 7644 §3.5.2.2' },
  { client: 'any', shape: 'group-members-without-type', reading: 'members without a type', where: 'bridge/groups/groups: sorted', document: 'RFC 7643 §4.2' },
  { client: 'any', shape: 'street-with-blanks', reading: 'blanks and line breaks of an address stay', where: 'RFC 7643 §4.1.2', document: 'RFC 7643 §4.1.2' },
  { client: 'any', shape: 'activate-what-is-active', reading: 'a state that is so already is 200', where: 'RFC 7644 §3.5.2.3', document: 'RFC 7644 §3.5.2.3' },
  { client: 'any', shape: 'add-what-is-there', reading: 'adding a value that is there changes nothing', where: 'scim/patch/element-laws: settleElements', document: 'RFC 7644 §3.5.2.1' },
  { client: 'any', shape: 'remove-what-is-absent', reading: 'removing what is not there changes nothing', where: 'scim/patch/draft: set', document: 'RFC 7644 §3.5.2.2' },
  { client: 'any', shape: 'unknown-attributes', reading: 'unknown attributes, extensions and paths are ignored', where: 'scim/coerce: coerceMembers, scim/patch/path: parsePatchPath', document: 'RFC 7644 §3.3' },
  { client: 'any', shape: 'put-without-active', reading: 'PUT without active or password leaves them as they are', where: 'scim/users/users: replaceUser', document: 'RFC 7643 §4.1.1 leaves the meaning of active to the server; wizard-made Okta apps choose what they map' },
  { client: 'any', shape: 'group-put-without-members', reading: 'PUT of a group without members, or with null, leaves them as they are', where: 'scim/groups/group-body: readGroupBody', document: 'langwatch/langwatch#7131' },
  { client: 'any', shape: 'group-put-without-name', reading: 'PUT of a group without displayName leaves it as it is', where: 'scim/groups/groups: replaceGroup', document: 'langwatch/langwatch#7131' },
  { client: 'any', shape: 'group-members-as-ids', reading: 'members named by their ids alone', where: 'scim/groups/group-members: memberIds', document: 'no client document; hand-written clients' },
  { client: 'any', shape: 'group-member-as-object', reading: 'one member that is not in a list', where: 'scim/groups/group-members: memberIds', document: 'no client document; hand-written clients' },
  { client: 'any', shape: 'group-member-by-ref', reading: 'a member that has a $ref and no value', where: 'scim/groups/group-members: memberIds', document: 'RFC 7643 §4.2' },
  { client: 'any', shape: 'group-members-without-path', reading: 'add and replace without path, {members: [...]}', where: 'scim/groups/group-patch: attributes', document: 'RFC 7644 §3.5.2.1' },
  { client: 'any', shape: 'group-remove-all', reading: 'remove members without a value or a filter empties the group', where: 'scim/groups/group-patch: wholeMembers', document: 'RFC 7644 §3.5.2.2' },
  { client: 'any', shape: 'group-remove-absent', reading: 'removing who is no member changes nothing', where: 'RFC 7644 §3.5.2.2', document: 'RFC 7644 §3.5.2.2' },
  { client: 'any', shape: 'group-member-display', reading: 'what is written about a member (display, type, $ref) is passed over', where: 'scim/groups/group-patch: compile', document: 'RFC 7643 §4.2' },
  { client: 'any', shape: 'group-unknown-member', reading: 'an id that nobody knows does not keep the others out', where: 'bridge/groups/groups: bring', document: 'fleetdm/fleet#52600' },
  { client: 'any', shape: 'group-in-group', reading: 'a group as a member is shown with its type', where: 'bridge/groups/groups: sorted', document: 'RFC 7643 §4.2' },
  { client: 'any', shape: 'user-of-a-group', reading: 'groups of a user are shown with value, display, type and $ref', where: 'scim/users/user-resource: renderUser', document: 'RFC 7643 §4.1.2' },

  { client: 'okta', shape: 'test-connection', reading: 'a list with count=2 and no filter', where: 'RFC 7644 §3.4.2', document: 'Okta support, connection test' },
  { client: 'okta', shape: 'find-before-create', reading: 'userName eq without a hit is 200 and an empty list of integers', where: 'RFC 7644 §3.4.2', document: OKTA },
  { client: 'okta', shape: 'create', reading: 'externalId, groups [], a password nobody keeps, locale, displayName, one work e-mail', where: 'RFC 7644 §3.3', document: OKTA },
  { client: 'okta', shape: 'create-again', reading: '409 uniqueness with a detail for the administrator', where: 'RFC 7644 §3.3', document: OKTA },
  { client: 'okta', shape: 'import-page', reading: 'pages of 100 in a stable order', where: 'RFC 7644 §3.4.2.4', document: OKTA },
  { client: 'okta', shape: 'deactivate', reading: 'replace without path, {active: false}', where: 'RFC 7644 §3.5.2.3', document: OKTA },
  { client: 'okta', shape: 'reactivate', reading: 'replace without path, {active: true}', where: 'RFC 7644 §3.5.2.3', document: OKTA },
  { client: 'okta', shape: 'password', reading: 'replace without path, {password}: never shown', where: 'RFC 7644 §3.5.2.3', document: OKTA },
  { client: 'okta', shape: 'profile-put', reading: 'the whole user by PUT, with id, groups, meta', where: 'RFC 7644 §3.5.1', document: OKTA_FAQ },
  { client: 'okta', shape: 'cleared-as-empty-string', reading: '"" is "no value"', where: 'scim/forms: isEmpty', document: 'OIN test plan C9337' },
  { client: 'okta', shape: 'rename-with-id', reading: 'id inside a replace without path is ignored', where: 'scim/patch/patch: members', document: OKTA_GUIDE },
  { client: 'okta', shape: 'roles-as-text', reading: 'one text for a list of values', where: 'scim/forms: complexForm', document: 'tuist/tuist#13209' },
  { client: 'okta', shape: 'group-import-page', reading: 'groups in pages of 100 in a stable order', where: 'RFC 7644 §3.4.2.4', document: OKTA },
  { client: 'okta', shape: 'group-find-before-create', reading: 'displayName eq without a hit is 200 and an empty list of integers', where: 'RFC 7644 §3.4.2', document: OKTA },
  { client: 'okta', shape: 'group-create', reading: 'a group with members []', where: 'RFC 7644 §3.3', document: OKTA },
  { client: 'okta', shape: 'group-rename-with-id', reading: 'a rename without path that names the group by its id', where: 'scim/groups/group-patch: checkId', document: OKTA_GUIDE },
  { client: 'okta', shape: 'group-rename-of-another', reading: 'an id that is not the one in the URL is 400 mutability, which says so', where: 'scim/groups/group-patch: checkId', document: OKTA_GUIDE },
  { client: 'okta', shape: 'group-rename-and-members', reading: 'a rename sent along with membership changes', where: 'scim/groups/group-patch: compile', document: OKTA_GUIDE },
  { client: 'okta', shape: 'group-members', reading: 'remove by filter and add by list in one request', where: 'scim/groups/group-patch: compile', document: OKTA },
  { client: 'okta', shape: 'group-push-now', reading: 'replace members with the full list', where: 'scim/groups/group-patch: wholeMembers', document: OKTA },
  { client: 'okta', shape: 'group-push-now-empty', reading: 'replace members with [] empties the group', where: 'scim/groups/group-patch: wholeMembers', document: 'Captain-P-Goldfish/SCIM-SDK#757' },
  { client: 'okta', shape: 'group-put', reading: 'wizard-made apps put the group with all members', where: 'scim/groups/groups: replaceGroup', document: OKTA_FAQ },
  { client: 'okta', shape: 'group-unlink', reading: 'DELETE, when the administrator chose to delete it at the target', where: 'RFC 7644 §3.6', document: OKTA },

  { client: 'entra', shape: 'test-connection', reading: 'a filter by a random GUID is 200 and an empty list', where: 'RFC 7644 §3.4.2', document: ENTRA },
  { client: 'entra', shape: 'create', reading: 'core and enterprise schemas, meta.resourceType, roles []', where: 'RFC 7644 §3.3', document: ENTRA },
  { client: 'entra', shape: 'enterprise-attributes-at-the-top', reading: 'department or manager beside userName belongs to the extension', document: ENTRA,
    apply: { body: intoExtensions } },
  { client: 'entra', shape: 'match-by-external-id', reading: 'externalId eq and userName eq', where: 'RFC 7644 §3.4.2.2', document: ENTRA },
  { client: 'entra', shape: 'inactive-is-found', reading: 'users that are not active are found all the same', where: 'RFC 7644 §3.4.2', document: ENTRA },
  { client: 'entra', shape: 'reference-check', reading: 'id eq and manager eq: manager means its value', where: 'mapping/attribute-path: resolvePath, toValue', document: ENTRA },
  { client: 'entra', shape: 'capital-op-names', reading: 'Add, Replace, Remove in any case', where: 'scim/patch/operations: operationsOf', document: ENTRA_FLAG },
  { client: 'entra', shape: 'active-as-string', reading: '"False", "True" in any case for a boolean', where: 'scim/forms: booleanForm', document: ENTRA_FLAG },
  { client: 'entra', shape: 'dotted-and-urn-keys', reading: 'keys that are paths inside a replace without path', document: ENTRA_FLAG,
    apply: { operation: pathsInKeys } },
  { client: 'entra', shape: 'work-mail-that-is-not-there', reading: 'a filtered path that matches nothing makes the element', where: 'scim/patch/elements: founding', document: ENTRA },
  { client: 'entra', shape: 'address-that-is-not-there', reading: 'the same for addresses and phoneNumbers', where: 'scim/patch/elements: founding', document: ENTRA },
  { client: 'entra', shape: 'roles-primary-as-string', reading: 'roles[primary eq "True"] compares with true', where: 'mapping/comparison: literalKey', document: ENTRA },
  { client: 'entra', shape: 'extension-path', reading: 'paths with the URN of the extension', where: 'RFC 7644 §3.10', document: ENTRA },
  { client: 'entra', shape: 'manager-as-string', reading: 'manager is its value', where: 'scim/forms: complexForm', document: ENTRA_FLAG },
  { client: 'entra', shape: 'manager-as-array', reading: 'manager is the one element', where: 'scim/forms: complexForm', document: ENTRA_FLAG },
  { client: 'entra', shape: 'bare-manager-path', reading: 'path "manager" without the URN', where: 'mapping/attribute-path: resolvePath', document: ENTRA },
  { client: 'entra', shape: 'remove-with-values', reading: 'remove with a list of values takes those away, not all', document: ENTRA_FLAG,
    apply: { operation: valuesIntoFilters } },
  { client: 'entra', shape: 'active-in-a-list', reading: '["False"] for a boolean is its one element', where: 'scim/forms: simpleForm', document: 'Captain-P-Goldfish/SCIM-SDK#968; simstudioai/sim#7567' },
  { client: 'entra', shape: 'active-as-element', reading: '[{"value": "False"}] for a boolean is its value', where: 'scim/forms: simpleForm', document: 'Captain-P-Goldfish/SCIM-SDK#968; simstudioai/sim#7567' },
  { client: 'entra', shape: 'roles-as-json-text', reading: 'an app role as JSON text: value and display are those of the JSON', where: 'scim/forms: complexForm', document: 'Captain-P-Goldfish/SCIM-SDK#516; MicrosoftDocs/azure-docs#50772' },
  { client: 'entra', shape: 'remove-roles-as-json-text', reading: 'the same, removed', where: 'scim/client-shapes: valuesIntoFilters', document: 'Captain-P-Goldfish/SCIM-SDK#516; MicrosoftDocs/azure-docs#50772' },
  { client: 'entra', shape: 'role-value-as-json-text', reading: 'the same by the path of a value', where: 'scim/forms: elementInValue', document: 'Captain-P-Goldfish/SCIM-SDK#516; MicrosoftDocs/azure-docs#50772' },
  { client: 'entra', shape: 'value-as-json-text', reading: 'an operation without path whose value is JSON text', where: 'scim/forms: objectForm', document: 'Captain-P-Goldfish/SCIM-SDK#201' },
  { client: 'entra', shape: 'filter-of-an-element', reading: 'emails[type eq "work"] eq "x" asks for the value', where: 'scim/filter/parser: valuePath', document: 'MicrosoftDocs/azure-docs#83855' },
  { client: 'entra', shape: 'filter-value-of-an-element', reading: 'emails[type eq "work"].value eq "x" is emails[type eq "work" and value eq "x"]', where: 'scim/filter/parser: valuePath', document: 'MicrosoftDocs/azure-docs#83855' },
  { client: 'entra', shape: 'filter-behind-a-schema', reading: 'brackets behind the URN of a schema hold its attributes', where: 'scim/filter/parser: ofSchema', document: ENTRA },
  { client: 'entra', shape: 'one-element-by-three-adds', reading: 'three adds by one filter make one element', where: 'scim/patch/elements: founding', document: ENTRA },
  { client: 'entra', shape: 'group-replace-by-nobody', reading: 'members none of whom is known do not take the place of those there are: 400', where: 'bridge/groups/groups: checkReplaced', document: 'Metatavu/keycloak-scim-server#107' },
  { client: 'entra', shape: 'clear-by-replace', reading: 'replace with "" or [] is remove', where: 'scim/forms: isEmpty', document: 'ory/polis test data' },
  { client: 'entra', shape: 'groups-of-a-user', reading: 'groups named by a PATCH of a user are ignored', document: 'RFC 7643 §4.1.2, groups is readOnly',
    apply: { operation: withoutGroups } },
  { client: 'entra', shape: 'soft-delete', reading: 'active false, the user stays', where: 'RFC 7643 §4.1.1', document: 'MicrosoftDocs/entra-docs docs/identity/app-provisioning/how-provisioning-works.md' },
  { client: 'entra', shape: 'hard-delete', reading: 'DELETE', where: 'RFC 7644 §3.6', document: 'MicrosoftDocs/entra-docs docs/identity/app-provisioning/how-provisioning-works.md' },
  { client: 'entra', shape: 'group-create', reading: 'Microsoft\'s own URI beside the schema, externalId, no members', where: 'scim/http/messages: checkSchemas', document: ENTRA },
  { client: 'entra', shape: 'group-match', reading: 'displayName eq with excludedAttributes=members: members are not loaded', where: 'scim/http/resource: list', document: ENTRA },
  { client: 'entra', shape: 'group-match-by-external-id', reading: 'externalId eq with excludedAttributes=members', where: 'RFC 7644 §3.4.2.2', document: ENTRA },
  { client: 'entra', shape: 'group-read', reading: 'a group with excludedAttributes=members', where: 'scim/http/resource: get', document: ENTRA },
  { client: 'entra', shape: 'group-rename', reading: 'Replace displayName, its name in capitals', where: 'scim/patch/operations: operationsOf', document: ENTRA_FLAG },
  { client: 'entra', shape: 'group-external-id', reading: 'externalId is set by path', where: 'scim/groups/group-patch: single', document: ENTRA_FLAG },
  { client: 'entra', shape: 'group-add-members', reading: 'Add members, several in one operation', where: 'scim/groups/group-patch: wholeMembers', document: ENTRA_FLAG },
  { client: 'entra', shape: 'group-add-members-with-flag', reading: 'add members, one operation for each', where: 'scim/groups/group-members: createMemberSteps', document: ENTRA },
  { client: 'entra', shape: 'group-remove-by-value', reading: 'Remove members with a list of values takes those away, not all', where: 'scim/groups/group-patch: wholeMembers', document: ENTRA_FLAG },
  { client: 'entra', shape: 'group-remove-with-null-ref', reading: 'the same with $ref null', where: 'scim/groups/group-members: memberIds', document: ENTRA_FLAG },
  { client: 'entra', shape: 'group-remove-by-filter', reading: 'remove members[value eq "id"]', where: 'scim/groups/group-patch: compile', document: ENTRA },
  { client: 'entra', shape: 'group-path-with-urn', reading: 'paths with the URN of the schema', where: 'scim/patch/path: parsePatchPath', document: ENTRA },
  { client: 'entra', shape: 'group-delete', reading: 'DELETE', where: 'RFC 7644 §3.6', document: ENTRA },

  { client: 'onelogin', shape: 'connect-test', reading: 'a name known not to exist; answers are application/json', where: 'scim/http/media-type: answerType', document: ONELOGIN },
  { client: 'onelogin', shape: 'create-from-template', reading: 'id null, active "true", an extension that schemas does not list', where: 'scim/coerce: coerceResource', document: ONELOGIN_TEMPLATE },
  { client: 'onelogin', shape: 'draft-schemas', reading: 'the URNs of drafts are core and enterprise User; a ? at the end of the URL', document: 'goauthentik/authentik#11249',
    apply: { body: withoutDraftUrns } },
  { client: 'onelogin', shape: 'manager-id', reading: 'manager {managerId} is manager {value}', document: ONELOGIN_TEMPLATE,
    apply: { of: isManager, value: managerId } },
  { client: 'onelogin', shape: 'suspend', reading: 'the user is put with active false', where: 'RFC 7644 §3.5.1', document: ONELOGIN },
  { client: 'onelogin', shape: 'group-pull', reading: 'groups are read first; answers are application/json', where: 'scim/http/media-type: answerType', document: ONELOGIN },
  { client: 'onelogin', shape: 'group-create', reading: 'a group by its name alone', where: 'RFC 7644 §3.3', document: ONELOGIN },

  { client: 'jumpcloud', shape: 'activate', reading: 'makes a user and deletes it at once', where: 'RFC 7644 §3.6', document: JUMPCLOUD },
  { client: 'jumpcloud', shape: 'trailing-slash', reading: 'a base URL that ends in a slash', where: 'scim/http/router: segmentsOf', document: JUMPCLOUD },
  { client: 'jumpcloud', shape: 'group-activate', reading: 'makes a group and deletes it at once', where: 'RFC 7644 §3.6', document: JUMPCLOUD },
  { client: 'jumpcloud', shape: 'group-remove-by-value', reading: 'remove members with a list of values', where: 'scim/groups/group-patch: wholeMembers', document: JUMPCLOUD_GROUPS },
  { client: 'jumpcloud', shape: 'group-add-again', reading: 'adding a member again, or twice, stores it once', where: 'scim/groups/group-members: createMemberSteps', document: JUMPCLOUD_GROUPS },
  { client: 'authentik', shape: 'group-patch-without-schemas', reading: 'a PATCH can be nothing but a PatchOp', where: 'scim/http/messages: checkSchemas', document: AUTHENTIK },
  { client: 'authentik', shape: 'unquoted-filter', reading: 'a value without quotes ends at the next blank or bracket', where: 'scim/filter/tokens: readRun', document: 'goauthentik/authentik#16455; #16677' },
  { client: 'keycloak', shape: 'single-value-in-a-list', reading: 'one element around a single value is that value', where: 'scim/forms: simpleForm', document: 'Captain-P-Goldfish/SCIM-SDK#968' },
  { client: 'playground', shape: 'content-location', reading: 'Content-Location beside Location, where an answer shows one resource', where: 'scim/http/meta: located', document: 'SCIM Playground, validator' },
  { client: 'sap', shape: 'group-create-again', reading: 'a second group of one name is made, unless uniqueDisplayName is set: then 409, and SAP adopts the first', where: 'bridge/groups/tenant-groups', document: 'SAP-docs/btp-cloud-identity-services "SCIM system"' },
  { client: 'scripts', shape: 'active-as-number', reading: '0 and 1 for a boolean', where: 'scim/forms: booleanForm', document: 'no client document; hand-written clients of HR systems' },
  { client: 'scripts', shape: 'number-for-a-text', reading: 'a number for a text is its digits', where: 'scim/forms: textForm', document: 'no client document; hand-written clients of HR systems' },
  { client: 'scripts', shape: 'group-remove-null', reading: 'remove members with value null can mean all or none: 400', where: 'scim/groups/group-patch: wholeMembers', document: 'no client document; hand-written clients' },
  { client: 'rippling', shape: 'probe', reading: 'ServiceProviderConfig', where: 'RFC 7644 §4', document: RIPPLING },
  { client: 'rippling', shape: 'hire', reading: 'externalId, primary e-mail, given and family name', where: 'RFC 7644 §3.3', document: RIPPLING },
  { client: 'rippling', shape: 'group-create', reading: 'a group with its members', where: 'RFC 7644 §3.3', document: RIPPLING },
  { client: 'rippling', shape: 'group-members', reading: 'groups are edited by PATCH', where: 'scim/groups/group-patch: compile', document: RIPPLING },
  { client: 'google', shape: 'probe', reading: 'a list with count=1', where: 'RFC 7644 §3.4.2.4', document: GOOGLE },
  { client: 'google', shape: 'suspend', reading: 'active false by PATCH with a path', where: 'RFC 7644 §3.5.2.3', document: GOOGLE },
];

const APPLIED = QUIRKS.flatMap((row) => ('apply' in row ? [row.apply] : []));
const BODIES = APPLIED.flatMap((apply) => ('body' in apply ? [apply.body] : []));
const OPERATIONS = APPLIED.flatMap((apply) => ('operation' in apply ? [apply.operation] : []));
const VALUES = APPLIED.flatMap((apply) => ('value' in apply ? [apply] : []));
const valueReadings = new WeakMap<SchemaAttribute, readonly ((value: unknown) => unknown)[]>();

/** A whole or partial user in RFC shape. */
export function readUserBody(user: Json, shape: Shape): Json {
  return BODIES.reduce((read, apply) => apply(read, shape), user);
}

/** The operations of a PATCH in RFC shape. */
export function readOperations(operations: readonly Operation[], shape: Shape): readonly Operation[] {
  return OPERATIONS.reduce((read, apply) => read.flatMap((operation) => apply(operation, shape)), operations);
}

/** A value of an attribute in RFC shape. */
export function readLeniently(value: unknown, attribute: SchemaAttribute): unknown {
  let readings = valueReadings.get(attribute);
  if (!readings) {
    readings = VALUES.filter(({ of }) => of(attribute)).map(({ value }) => value);
    valueReadings.set(attribute, readings);
  }
  let read = value;
  for (const reading of readings) read = reading(read);
  return read;
}
