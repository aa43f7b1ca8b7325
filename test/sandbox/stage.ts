import * as http from 'node:http';
import { fromBinary, fromJson, toJson } from '@bufbuild/protobuf';
import type { DescMethodUnary, JsonObject, JsonValue, MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import type { Sandbox } from '../../sandbox/server.ts';

export type Json = JsonObject;

/** What came back of one call. error in the form of test/zitadel/exchanges.json. */
export interface Outcome {
  readonly response?: Json;
  readonly error?: {
    readonly code: string;
    readonly id: string | null;
    readonly message: string;
    readonly httpStatus?: number;
    readonly hasErrorDetail: boolean;
    readonly detailMessage?: string;
  };
  readonly headers?: http.IncomingHttpHeaders;
}

export interface CallOptions {
  readonly token?: string | undefined;
  readonly organization?: string | undefined;
  readonly host?: string;
}

export const SERVICES = {
  user: 'zitadel.user.v2.UserService',
  session: 'zitadel.session.v2.SessionService',
  administrator: 'zitadel.internal_permission.v2beta.InternalPermissionService',
  authorization: 'zitadel.authorization.v2beta.AuthorizationService',
  organization: 'zitadel.org.v2beta.OrganizationService',
  project: 'zitadel.project.v2beta.ProjectService',
  management: ManagementService.typeName,
} as const;

/** Calls a method: v1 services by gRPC, all others by Connect with JSON over HTTP/1.1. */
export async function call(
  sandbox: Sandbox,
  service: string,
  method: string,
  request: Json,
  options: CallOptions = {},
): Promise<Outcome> {
  const headers: Record<string, string> = {
    ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
    ...(options.organization ? { 'x-zitadel-orgid': options.organization } : {}),
    ...(options.host ? { host: options.host } : {}),
  };
  if (service.includes('.v1.')) return byGrpc(sandbox, service, method, request, headers);
  const answer = await post(sandbox, `/${service}/${method}`, request, headers);
  const body = JSON.parse(answer.text) as Json;
  if (answer.status === 200) return { response: body, headers: answer.headers };
  const [detail] = (body.details ?? []) as { value: string }[];
  const value = detail && fromBinary(ErrorDetailSchema, Buffer.from(detail.value, 'base64'));
  return {
    headers: answer.headers,
    error: {
      code: String(body.code).toUpperCase(),
      id: value ? value.id : null,
      message: String(body.message),
      httpStatus: answer.status,
      hasErrorDetail: value !== undefined,
      ...(value ? { detailMessage: value.message } : {}),
    },
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** POSTs JSON; a body of undefined makes it a GET. */
export function post(
  { port }: Pick<Sandbox, 'port'>,
  path: string,
  body?: JsonValue,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const all = { 'content-type': 'application/json', ...headers };
    const request = http.request({ host: '127.0.0.1', port, path, method, headers: all, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString(),
          headers: response.headers,
        });
      });
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** GET (without body) or POST on the control endpoints. */
export async function control(sandbox: Pick<Sandbox, 'port'>, path: string, body?: JsonValue): Promise<Json> {
  const { status, text } = await post(sandbox, `/sandbox/${path}`, body);
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  return JSON.parse(text) as Json;
}

const transports = new WeakMap<Sandbox, Transport>();

async function byGrpc(
  sandbox: Sandbox,
  service: string,
  method: string,
  request: Json,
  headers: Record<string, string>,
): Promise<Outcome> {
  const confirmed = [AuthService, ManagementService].find((one) => one.typeName === service);
  const desc = confirmed?.methods.find((one) => one.name === method) as DescMethodUnary | undefined;
  if (!desc) throw new Error(`no method ${service}/${method}`);
  const transport = transports.get(sandbox) ?? createGrpcTransport({ baseUrl: sandbox.url });
  transports.set(sandbox, transport);
  try {
    const input = fromJson(desc.input, request) as MessageInitShape<typeof desc.input>;
    const { message } = await transport.unary(desc, undefined, undefined, headers, input);
    return { response: toJson(desc.output, message) as Json };
  } catch (reason) {
    const error = ConnectError.from(reason);
    const [detail] = error.findDetails(ErrorDetailSchema);
    return {
      error: {
        code: (Code[error.code] ?? '').replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(),
        id: detail ? detail.id : null,
        message: error.rawMessage,
        hasErrorDetail: detail !== undefined,
        ...(detail ? { detailMessage: detail.message } : {}),
      },
    };
  }
}

/** The response of a call that must succeed. */
export function answered({ response, error }: Outcome): Json {
  if (!response) throw new Error(JSON.stringify(error));
  return response;
}
