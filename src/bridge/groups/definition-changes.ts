/** Writes definitions: each is a change of its group's row, submitted like that of a user, sent to the group store. */
import { BridgeError } from '../../errors.ts';
import { stableJson } from '../../mapping/codecs.ts';
import type { Definition } from '../../mapping/groups.ts';
import { type Asked, checkAccepted, submitChange, type SubmitContext, type Submitted } from '../requests/submit.ts';
import type { Context } from '../ports/context.ts';
import { trust } from '../row/transitions.ts';
import type { Key, Row } from '../row/types.ts';
import { baseFacts, emptyRow, isId } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import { definitionFacts, definitionOf } from './definitions.ts';
import { EVALUATED, TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID } from './active-rules.ts';

/** The parts of a definition that a request can make trusted. */
export type Trusted = typeof TRUSTED_DISPLAY_NAME | typeof TRUSTED_EXTERNAL_ID;

/** A request that writes one definition. */
export interface DefinitionRequest {
  readonly ctx: Context;
  readonly id: string;
  readonly deadline: number;
  /** it is stored and left to the queue */
  readonly later?: boolean;
}

/** An existing group, with all requested changes. */
export interface Defined {
  readonly row: Row;
  readonly definition: Definition;
}

const keyIn = ({ requests }: SubmitContext, id: string): Key => ({ tenant: groupsOf(requests.tenant), id });

/** Throws 404 for a group that does not exist or is being deleted. */
function definedBy(row: Row | undefined): Defined {
  const definition = row === undefined ? undefined : definitionOf(row.id, baseFacts(row));
  if (row === undefined || definition === undefined || definition.deleting) throw absent();
  return { row, definition };
}

/** Throws 404. */
export async function readDefinition(context: SubmitContext, id: string): Promise<Defined> {
  return definedBy(isId(id) ? await context.requests.store.read(keyIn(context, id)) : undefined);
}

/** Whether a group exists, or is being deleted. */
export async function standingOf(context: SubmitContext, id: string): Promise<'there' | 'deleting' | 'gone'> {
  const row = await context.requests.store.read(keyIn(context, id));
  const definition = row === undefined ? undefined : definitionOf(id, baseFacts(row));
  return definition === undefined ? 'gone' : definition.deleting ? 'deleting' : 'there';
}

/** taken: by a unique name, or by an equal request that is not acknowledged yet (`isCreation`). */
export function createDefinition(
  context: SubmitContext,
  { ctx, id, deadline }: DefinitionRequest,
  definition: Definition,
  hash: string,
): Promise<Submitted> {
  const onto = emptyRow(keyIn(context, id), context.requests.clock(), {
    trusted: [TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID],
    replay: { hash, open: true },
  });
  const change = { kind: 'create', facts: definitionFacts(id, definition), named: [] } as const;
  return submitChange(context, { ctx, read: async () => onto, make: () => ({ onto, change }), deadline });
}

/** Writes the result of `make` on the current definition; `trusted`: the parts set by SCIM. False: no change. */
export function changeDefinition(
  context: SubmitContext,
  request: DefinitionRequest,
  make: (definition: Definition) => Definition,
  trusted: readonly Trusted[] = [],
): Promise<boolean> {
  return submitDefinition(context, request, (read) => {
    const { row, definition } = definedBy(read);
    const next = make(definition);
    const isSame = stableJson(next) === stableJson(definition);
    if (isSame && trusted.every((each) => row.trusted.includes(each))) return undefined;
    // the rules evaluate the name that SCIM sets again
    const onto = trust(row, trusted, trusted.length === 0 ? [] : [EVALUATED]);
    return { onto, change: { kind: 'edit', facts: definitionFacts(row.id, next), named: [] } };
  });
}

export async function removeDefinition(context: SubmitContext, request: DefinitionRequest): Promise<void> {
  await submitDefinition(context, request, (onto) => {
    if (definitionOf(onto.id, baseFacts(onto)) === undefined) throw absent();
    return { onto, change: { kind: 'delete', facts: {}, named: [] } };
  });
}

/** Whether anything was written. */
async function submitDefinition(
  context: SubmitContext,
  { ctx, id, deadline, later = false }: DefinitionRequest,
  make: (row: Row) => Asked | undefined,
): Promise<boolean> {
  const { store, clock, timing } = context.requests;
  const submitted = await submitChange(context, {
    ctx,
    read: () => store.read(keyIn(context, id)),
    make,
    deadline,
    giveUpAt: Math.max(clock(), deadline) + timing.answerWithinMs,
    later: () => later,
  });
  checkAccepted(submitted, absent);
  return submitted.kind === 'accepted';
}

export const absent = (): BridgeError => new BridgeError(404, 'there is no group with this id');
