/**
 * Loaded into the sandbox before it (--import): writes each GetUserByID that was answered to the file TAP_FILE, a line of JSON (`Read`)
 * each. The sandbox's own log tells of writes alone.
 */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import type { ServerHttp2Stream } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { GetUserByIDRequestSchema } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Read } from './overlaps.ts';

/** What Node tells of a stream of the server: its headers are those that came, or at its end those that went. */
interface Told {
  readonly stream: ServerHttp2Stream;
  readonly headers: Readonly<Record<string, string | number>>;
}

const { TAP_FILE = '' } = process.env;
const asked = new WeakMap<ServerHttp2Stream, { readonly began: number; readonly body: Buffer[] }>();

subscribe('http2.server.stream.start', (message) => {
  const { stream, headers } = message as Told;
  if (!String(headers[':path']).endsWith('.UserService/GetUserByID')) return;
  const body: Buffer[] = [];
  asked.set(stream, { began: Date.now(), body });
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null, encoding) => {
    if (chunk !== null) body.push(chunk);
    return push(chunk, encoding);
  };
});

subscribe('http2.server.stream.finish', (message) => {
  const { stream, headers } = message as Told;
  const call = asked.get(stream);
  if (call === undefined) return;
  const { userId: id } = fromBinary(GetUserByIDRequestSchema, Buffer.concat(call.body));
  appendFileSync(
    TAP_FILE,
    `${JSON.stringify({ id, began: call.began, status: Number(headers[':status']) } satisfies Read)}\n`,
  );
});
