/** The page of a list as bytes: each resource is rendered when its turn comes, and the page ends before it grows too large. */
import { nextSlice, sliceIsOver } from '../../mapping/slices.ts';
import type { Json } from './body.ts';
import type { Answer } from './respond.ts';

/**
 * Maximum bytes of a page, unless it is one resource. RFC 7644 §3.4.2.4 lets a server return fewer than `count`:
 * itemsPerPage tells how many there are, and the client continues after them.
 */
const PAGE_MAX_BYTES = 8 * 1024 * 1024;

/** Bytes written at once, approximately. */
const PIECE_BYTES = 64 * 1024;
/** Elements of a long list (the members of a group) rendered at once. */
const ELEMENTS_AT_ONCE = 200;

export interface Page {
  readonly count: number;
  /** the JSON of the resources, a comma between two */
  readonly pieces: readonly Buffer[];
}

export async function* mapped<From, To>(
  items: AsyncIterable<From> | Iterable<From>,
  make: (item: From) => To | Promise<To>,
): AsyncGenerator<To, void> {
  for await (const item of items) yield await make(item);
}

/** Renders resources in slices until there are no more, or no room for the next one. */
export async function renderPage(
  resources: AsyncIterable<Json> | Iterable<Json>,
  most = PAGE_MAX_BYTES,
): Promise<Page> {
  const pieces: Buffer[] = [];
  let [text, count, size] = ['', 0, 0];
  for await (const resource of resources) {
    if (sliceIsOver()) await nextSlice();
    const parts = await renderInSlices(resource);
    const more = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 1);
    if (count > 0 && size + more > most) break;
    if (count > 0) text += ',';
    count += 1;
    size += more;
    for (const part of parts) {
      text += part;
      if (text.length < PIECE_BYTES) continue;
      pieces.push(Buffer.from(text));
      text = '';
    }
  }
  if (text !== '') pieces.push(Buffer.from(text));
  return { count, pieces };
}

/** JSON in parts; a long list in it is rendered piece by piece. */
export async function renderInSlices(resource: Json): Promise<readonly string[]> {
  if (!Object.values(resource).some(isLong)) return [JSON.stringify(resource)];
  const parts: string[] = [];
  for (const [name, value] of Object.entries(resource)) {
    if (value === undefined) continue;
    parts.push(`${parts.length === 0 ? '{' : ','}${JSON.stringify(name)}:`);
    if (!isLong(value)) {
      parts.push(JSON.stringify(value));
      continue;
    }
    for (let at = 0; at < value.length; at += ELEMENTS_AT_ONCE) {
      if (sliceIsOver()) await nextSlice();
      const some = JSON.stringify(value.slice(at, at + ELEMENTS_AT_ONCE)).slice(1, -1);
      parts.push(at === 0 ? `[${some}` : `,${some}`);
    }
    parts.push(']');
  }
  parts.push('}');
  return parts;
}

/** A large body as bytes, made in slices; a small one as it is. */
export async function inPieces(answer: Answer): Promise<Answer> {
  const { body } = answer;
  if (body === undefined || !Object.values(body).some(isLong)) return answer;
  return { ...answer, pieces: (await renderInSlices(body)).map((part) => Buffer.from(part)) };
}

const isLong = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > ELEMENTS_AT_ONCE;
