/** The descriptions in /Schemas and docs/mapping.md: one line each, where scimmy has the RFC's paragraphs. */

/** By schema and path; the schema itself under ''. */
const DESCRIPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Common: {
    schemas: 'URNs of the schemas of this resource.',
    id: 'Id given by the bridge; the ZITADEL user id.',
    externalId: 'Id given by the client.',
    meta: 'About the resource.',
    'meta.resourceType': 'User or Group.',
    'meta.created': 'When it was made.',
    'meta.lastModified': 'When it last changed.',
    'meta.location': 'Its URL.',
    'meta.version': 'Its ETag.',
  },
  User: {
    '': 'A person.',
    userName: 'Unique in the ZITADEL instance, without regard to case.',
    name: 'The parts of the name.',
    'name.formatted': 'The full name, ready to show.',
    'name.familyName': 'Last name.',
    'name.givenName': 'First name.',
    'name.middleName': 'Middle names.',
    'name.honorificPrefix': 'Title before the name.',
    'name.honorificSuffix': 'Suffix after the name.',
    displayName: 'The name shown to people.',
    nickName: 'Casual name.',
    profileUrl: 'URL of the profile of the person.',
    title: 'Job title.',
    userType: 'Relation to the organization, e.g. Contractor.',
    preferredLanguage: 'Preferred language, BCP 47.',
    locale: 'Locale for dates and numbers, e.g. en-US.',
    timezone: 'Time zone, e.g. Europe/Zurich.',
    active: 'Whether the person may log in.',
    password: 'Initial password; never returned.',
    emails: 'E-mail addresses.',
    phoneNumbers: 'Phone numbers.',
    ims: 'Instant messaging addresses.',
    photos: 'URLs of photos.',
    addresses: 'Postal addresses.',
    'addresses.formatted': 'The full address, with line breaks.',
    'addresses.streetAddress': 'Street and number.',
    'addresses.locality': 'City.',
    'addresses.region': 'State or region.',
    'addresses.postalCode': 'Postal code.',
    'addresses.country': 'Country, ISO 3166-1 alpha-2.',
    groups: 'Groups the person is a member of.',
    'groups.value': 'The id of the group.',
    'groups.$ref': 'The URL of the group.',
    'groups.display': 'The name of the group.',
    'groups.type': 'direct or indirect.',
    entitlements: 'Entitlements.',
    roles: 'Roles, as the client names them; they grant nothing in ZITADEL.',
    x509Certificates: 'Certificates, base64 DER.',
  },
  EnterpriseUser: {
    '': 'A person in an organization.',
    employeeNumber: 'Number or code that the organization gave the person.',
    costCenter: 'Cost center.',
    organization: 'Organization.',
    division: 'Division.',
    department: 'Department.',
    manager: 'The manager of the person.',
    'manager.value': 'The id of the manager.',
    'manager.$ref': 'The URL of the manager.',
    'manager.displayName': 'The name of the manager.',
  },
  Group: {
    '': 'A group of persons; it may hold other groups.',
    displayName: 'The name of the group.',
    members: 'The members of the group.',
    'members.value': 'The id of the member.',
    'members.$ref': 'The URL of the member.',
    'members.type': 'What the member is.',
    'members.display': 'The name of the member.',
  },
};

/** What one element of a multi-valued attribute of a user is. */
const ELEMENTS: Readonly<Record<string, string>> = {
  emails: 'e-mail address',
  phoneNumbers: 'phone number',
  ims: 'address',
  photos: 'URL of the photo',
  addresses: 'address',
  entitlements: 'entitlement',
  roles: 'role',
  x509Certificates: 'certificate',
};

/** The sub-attributes of RFC 7643 §2.4. */
const OF_ELEMENT: Readonly<Record<string, (element: string) => string>> = {
  value: (element) => `The ${element}.`,
  display: () => 'A name for people to read.',
  type: (element) => `What the ${element} is for.`,
  primary: () => 'The preferred one; at most one element has it.',
};

export function descriptionOf(schema: string, path: string): string | undefined {
  const [attribute = '', sub = ''] = path.split('.');
  const element = ELEMENTS[attribute];
  return DESCRIPTIONS[schema]?.[path] ?? (element === undefined ? undefined : OF_ELEMENT[sub]?.(element));
}
