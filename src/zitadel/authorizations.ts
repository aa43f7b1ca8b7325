/** Users' roles in projects. The list lags behind writes (measured); its answer differs between v2beta and v2. */
import { create, createFileRegistry, type DescMessage, type DescMethodUnary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import {
  AuthorizationService,
  type ListAuthorizationsRequestSchema,
} from '@zitadel/proto/zitadel/authorization/v2beta/authorization_service_pb.js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Lane } from './bulkhead.ts';
import type { Call, Result } from './caller.ts';
import { PAGE, pages } from './pages.ts';
import type { Services } from './services.ts';

/** One authorization, active or not. */
export interface AuthorizationRow {
  readonly id: string;
  readonly user: string;
  readonly project: string;
  readonly organization: string;
  /** by a project grant; the v2 service does not say */
  readonly granted: boolean;
  readonly roles: readonly string[];
}

/** The authorizations of an organization that the token sees; `userId`: those of one user only. */
export type ListAuthorizations = (lane: Lane, userId?: string) => Promise<Result<readonly AuthorizationRow[]>>;

type Request = MessageInitShape<typeof ListAuthorizationsRequestSchema>;

export interface AuthorizationsOptions {
  /** called as a moved service */
  readonly call: Call;
  readonly transport: Transport;
  readonly services: Services;
  readonly organization: string;
}

export function createListAuthorizations({
  call,
  transport,
  services,
  organization,
}: AuthorizationsOptions): ListAuthorizations {
  const beta = createClient(AuthorizationService, transport);
  const v2 = v2Method();

  /** The request is the same message in both (the filter by user has another name, in JSON only). */
  async function send(request: Request, options: CallOptions): Promise<readonly AuthorizationRow[]> {
    if (services.rewrite(AuthorizationService.typeName) === AuthorizationService.typeName)
      return (await beta.listAuthorizations(request, options)).authorizations.map((each) => ({
        id: each.id,
        user: each.user?.id ?? '',
        project: each.projectId,
        organization: each.organizationId,
        granted: (each.projectGrantId ?? '') !== '',
        roles: each.roles,
      }));
    const { message } = await transport.unary(v2, options.signal, undefined, options.headers, request);
    return (message as unknown as V2Answer).authorizations.map(({ id, user, project, organization: owner, roles }) => ({
      id,
      user: user?.id ?? '',
      project: project?.id ?? '',
      organization: owner?.id ?? '',
      granted: false,
      roles: roles.map(({ key }) => key),
    }));
  }

  return async (lane, userId) => {
    const here = { filter: { case: 'organizationId', value: { id: organization } } } as const;
    const one = userId === undefined ? [] : [{ filter: { case: 'userId', value: { id: userId } } } as const];
    const spec = { name: 'ListAuthorizations', effect: 'read', lane, ...(userId && { user: userId }) } as const;
    const rows = await pages((offset) => {
      const pagination = { offset: BigInt(offset), limit: PAGE, asc: true };
      return call(spec, (options) => send({ pagination, filters: [here, ...one] }, options));
    });
    if (rows.kind !== 'ok') return rows;
    return { kind: 'ok', value: rows.value.filter((each) => each.organization === organization) };
  };
}

interface V2Answer {
  readonly authorizations: readonly {
    readonly id: string;
    readonly project?: { readonly id: string };
    readonly organization?: { readonly id: string };
    readonly user?: { readonly id: string };
    readonly roles: readonly { readonly key: string }[];
  }[];
}

const V2 = 'zitadel.authorization.v2';

/** v2's ListAuthorizations response, with other field numbers; @zitadel/proto 1.3.1 lacks it. Only fields we read. */
function v2Method(): DescMethodUnary {
  const text = (name: string, number: number) => ({
    name,
    jsonName: name,
    number,
    type: Type.STRING,
    label: Label.OPTIONAL,
  });
  const one = (name: string, number: number, of: string) => ({
    ...text(name, number),
    type: Type.MESSAGE,
    typeName: `.${V2}.${of}`,
  });
  const many = (name: string, number: number, of: string) => ({ ...one(name, number, of), label: Label.REPEATED });
  const file = create(FileDescriptorProtoSchema, {
    name: 'zitadel/authorization/v2/answer.proto',
    package: V2,
    syntax: 'proto3',
    messageType: [
      { name: 'Named', field: [text('id', 1)] },
      { name: 'Role', field: [text('key', 1)] },
      {
        name: 'Authorization',
        field: [
          text('id', 1),
          one('project', 4, 'Named'),
          one('organization', 5, 'Named'),
          one('user', 6, 'Named'),
          many('roles', 8, 'Role'),
        ],
      },
      { name: 'Answer', field: [many('authorizations', 2, 'Authorization')] },
    ],
  });
  const output = createFileRegistry(file, () => undefined).getMessage(`${V2}.Answer`) as DescMessage;
  return { ...AuthorizationService.method.listAuthorizations, output };
}
