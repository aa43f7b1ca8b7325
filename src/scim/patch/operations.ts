/** The operations of a PATCH body (RFC 7644 §3.5.2), as they were sent. */
import { BridgeError } from '../../errors.ts';
import type { Json } from '../http/body.ts';
import type { Operation } from '../client-shapes.ts';
import { object } from '../coerce.ts';
import { invalid, invalidSyntax } from '../http/refusals.ts';
import { sent } from '../sent.ts';

const OPS = new Set(['add', 'replace', 'remove']);

/** Operations with their names in lower case, at most `limit`; none change nothing (Microsoft's validator, scimmyjs/scimmy#59). Throws 400 invalidSyntax, invalidPath or invalidValue. */
export function operationsOf(body: Json, limit: number): Operation[] {
  const operations = sent(body, 'operations');
  if (!Array.isArray(operations)) throw invalidSyntax('Operations must be an array of operations');
  if (operations.length > limit) throw tooManyOperations(limit);
  return operations.map((each: unknown, index) => {
    const operation = object(each, `Operations.${index}`);
    const op = sent(operation, 'op');
    const path = sent(operation, 'path') ?? '';
    const name = typeof op === 'string' ? op.toLowerCase() : '';
    if (!OPS.has(name)) throw invalidSyntax(`Operations.${index}.op must be add, replace or remove`);
    if (typeof path !== 'string')
      throw new BridgeError(400, `Operations.${index}.path must be a string`, { scimType: 'invalidPath' });
    const value = sent(operation, 'value');
    if (value === undefined && name !== 'remove') throw invalid(`Operations.${index}.value is missing`);
    return { op: name, ...(path.trim() !== '' && { path }), value };
  });
}

export function tooManyOperations(limit: number): BridgeError {
  return invalidSyntax(`more than ${limit} operations in one request: send them in several`);
}
