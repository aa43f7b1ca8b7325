import { create, createFileRegistry } from '@bufbuild/protobuf';
import type { DescMessage, DescMethodUnary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { FieldDescriptorProto } from '@bufbuild/protobuf/wkt';
import { AuthorizationService } from '@zitadel/proto/zitadel/authorization/v2beta/authorization_service_pb.js';
import { field, filesOf, twinOf } from './protos.ts';

const PACKAGE = 'zitadel.authorization.v2';
const BETA = '.zitadel.authorization.v2beta';
const FILTER = '.zitadel.filter.v2beta';
const TIME = '.google.protobuf.Timestamp';

const text = (name: string, number: number): FieldDescriptorProto => field(name, number, Type.STRING);
const one = (name: string, number: number, type: string): FieldDescriptorProto =>
  field(name, number, Type.MESSAGE, type);
const many = (name: string, number: number, type: string): FieldDescriptorProto =>
  field(name, number, Type.MESSAGE, type, Label.REPEATED);
const choice = (name: string, number: number, type: string): FieldDescriptorProto =>
  Object.assign(one(name, number, type), { oneofIndex: 0 });

/** Messages of zitadel/authorization/v2 that are numbered otherwise than in v2beta. */
const MESSAGES = [
  {
    name: 'Authorization',
    field: [
      text('id', 1),
      one('creation_date', 2, TIME),
      one('change_date', 3, TIME),
      one('project', 4, `.${PACKAGE}.Project`),
      one('organization', 5, `.${PACKAGE}.Organization`),
      one('user', 6, `${BETA}.User`),
      field('state', 7, Type.ENUM, `${BETA}.State`),
      many('roles', 8, `.${PACKAGE}.Role`),
    ],
  },
  { name: 'Project', field: [text('id', 1), text('name', 2), text('organization_id', 3)] },
  { name: 'Organization', field: [text('id', 1), text('name', 2)] },
  { name: 'Role', field: [text('key', 1), text('display_name', 2), text('group', 3)] },
  {
    name: 'AuthorizationsSearchFilter',
    oneofDecl: [{ name: 'filter' }],
    field: [
      choice('authorization_ids', 1, `${FILTER}.InIDsFilter`),
      choice('organization_id', 2, `${FILTER}.IDFilter`),
      choice('state', 3, `${BETA}.StateQuery`),
      choice('in_user_ids', 4, `${FILTER}.InIDsFilter`),
      choice('user_organization_id', 5, `${FILTER}.IDFilter`),
      choice('user_preferred_login_name', 6, `${BETA}.UserPreferredLoginNameQuery`),
      choice('user_display_name', 7, `${BETA}.UserDisplayNameQuery`),
      choice('project_id', 8, `${FILTER}.IDFilter`),
      choice('project_name', 9, `${BETA}.ProjectNameQuery`),
      choice('role_key', 10, `${BETA}.RoleKeyQuery`),
      choice('project_grant_id', 11, `${FILTER}.IDFilter`),
    ],
  },
  {
    name: 'ListAuthorizationsRequest',
    field: [
      one('pagination', 1, `${FILTER}.PaginationRequest`),
      field('sorting_column', 2, Type.ENUM, `${BETA}.AuthorizationFieldName`),
      many('filters', 3, `.${PACKAGE}.AuthorizationsSearchFilter`),
    ],
  },
  {
    name: 'ListAuthorizationsResponse',
    field: [
      one('pagination', 1, `${FILTER}.PaginationResponse`),
      many('authorizations', 2, `.${PACKAGE}.Authorization`),
    ],
  },
];

export interface AuthorizationV2 {
  /** All methods but ListAuthorizations, whose messages are those of v2beta. */
  readonly service: typeof AuthorizationService;
  readonly list: DescMethodUnary;
}

/** zitadel.authorization.v2.AuthorizationService, made here since @zitadel/proto 1.3.1 lacks it. */
export function authorizationV2(): AuthorizationV2 {
  const dependencies = filesOf(AuthorizationService.file);
  const file = create(FileDescriptorProtoSchema, {
    name: 'zitadel/authorization/v2/list.proto',
    package: PACKAGE,
    syntax: 'proto3',
    dependency: [...dependencies.keys()],
    messageType: MESSAGES,
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...dependencies.values(), file] }));
  const message = (name: string): DescMessage => {
    const found = registry.getMessage(`${PACKAGE}.${name}`);
    if (!found) throw new Error(`no message ${name}`);
    return found;
  };
  const service = twinOf(AuthorizationService, `${PACKAGE}.AuthorizationService`);
  const list = {
    ...service.method.listAuthorizations,
    input: message('ListAuthorizationsRequest'),
    output: message('ListAuthorizationsResponse'),
  } as unknown as DescMethodUnary;
  return { service, list };
}
