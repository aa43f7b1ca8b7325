/** A small schema with every type and every trait that filters, sorting and projection look at. */

import type { ResourceSchema, SchemaAttribute, ScimType } from '../../src/mapping/schema.ts';

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function attribute(name: string, type: ScimType = 'string', more: Partial<SchemaAttribute> = {}): SchemaAttribute {
  return {
    name,
    type,
    multiValued: false,
    description: name,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...more,
  };
}

const exact = { caseExact: true };

function list(name: string, value: SchemaAttribute): SchemaAttribute {
  const subAttributes = [value, attribute('display'), attribute('type'), attribute('primary', 'boolean')];
  return attribute(name, 'complex', { multiValued: true, subAttributes });
}

export const SCHEMA: ResourceSchema = {
  core: {
    id: USER,
    name: 'User',
    description: 'A person',
    attributes: [
      attribute('schemas', 'reference', { ...exact, multiValued: true, returned: 'always' }),
      attribute('id', 'string', { ...exact, returned: 'always' }),
      attribute('externalId', 'string', exact),
      attribute('meta', 'complex', {
        subAttributes: [
          attribute('resourceType', 'string', exact),
          attribute('created', 'dateTime'),
          attribute('lastModified', 'dateTime'),
          attribute('location', 'reference', exact),
        ],
      }),
      attribute('userName'),
      attribute('displayName'),
      attribute('name', 'complex', { subAttributes: [attribute('givenName'), attribute('familyName')] }),
      attribute('active', 'boolean'),
      attribute('logins', 'integer'),
      attribute('score', 'decimal'),
      attribute('nickName', 'string', { returned: 'request' }),
      attribute('password', 'string', { returned: 'never', mutability: 'writeOnly' }),
      list('emails', attribute('value')),
      list('roles', attribute('value', 'string', { ...exact, returned: 'always' })),
      list('x509Certificates', attribute('value', 'binary', exact)),
      attribute('addresses', 'complex', {
        multiValued: true,
        subAttributes: [
          attribute('pin', 'string', { returned: 'never' }),
          attribute('locality'),
          attribute('type'),
          attribute('primary', 'boolean'),
        ],
      }),
    ],
  },
  extensions: [
    {
      id: ENTERPRISE,
      name: 'EnterpriseUser',
      description: 'A person in an organization',
      attributes: [
        attribute('department'),
        attribute('employeeNumber', 'string', exact),
        attribute('manager', 'complex', {
          subAttributes: [attribute('value', 'string', exact), attribute('$ref', 'reference', exact)],
        }),
      ],
    },
  ],
};

export const BARBARA = {
  schemas: [USER, ENTERPRISE],
  id: '7',
  externalId: 'Ext-7',
  meta: {
    resourceType: 'User',
    created: '2026-01-31T08:00:00.000Z',
    lastModified: '2026-02-01T00:00:00Z',
    location: 'http://localhost/Users/7',
  },
  userName: 'BJensen',
  displayName: 'Barbara "Babs" Jensen\\',
  name: { givenName: 'Barbara', familyName: 'Jensen' },
  active: true,
  logins: 3,
  score: 1.5,
  nickName: 'Babs',
  password: 'secret',
  emails: [
    { value: 'b@work.example', type: 'work', primary: false },
    { value: 'b@home.example', type: 'home', display: 'Home', primary: true },
  ],
  roles: [{ value: 'Admin', type: 'x' }],
  x509Certificates: [{ value: 'QUJD' }],
  addresses: [{ locality: 'Zürich', type: 'work', pin: '1' }],
  [ENTERPRISE]: { department: 'Tours', employeeNumber: 'E1', manager: { value: 'boss-1', $ref: '../Users/boss-1' } },
};
