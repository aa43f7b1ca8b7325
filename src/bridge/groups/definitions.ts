/** Group definitions as rows: one fact each, the JSON stored on the group store user. Pure. */
import { hash } from 'node:crypto';
import type { Facts, FactsChange } from '../../mapping/facts.ts';
import { type Definition, groupKey, RULES_KEY } from '../../mapping/groups.ts';
import { stableJson } from '../../mapping/codecs.ts';
import type { Step } from '../../mapping/steps.ts';

/** The row of the rule set is stored among the groups; no group has this id. */
export const RULES_ID = 'rules';

/** The key of a row's fact, also on the group store user. */
export const definitionKey = (id: string): string => (id === RULES_ID ? RULES_KEY : groupKey(id));

/** The fact of a definition. Empty values are left out: each byte is stored in ZITADEL. */
export function definitionFacts(id: string, { displayName, externalId, groups, pending, deleting }: Definition): Facts {
  const json = {
    displayName,
    ...(externalId === undefined ? {} : { externalId }),
    ...(groups.length > 0 ? { groups } : {}),
    ...(pending.length > 0 ? { pending } : {}),
    ...(deleting ? { deleting } : {}),
  };
  return { [groupKey(id)]: stableJson(json) };
}

/** The definition in the facts; undefined: none, or unreadable (metadata may be written by anyone). */
export function definitionOf(id: string, facts: Facts | null): Definition | undefined {
  const json = facts?.[groupKey(id)];
  if (json === undefined) return undefined;
  try {
    return read(JSON.parse(json) as Readonly<Record<string, unknown>>);
  } catch {
    return undefined;
  }
}

function read(value: Readonly<Record<string, unknown>> | null): Definition | undefined {
  if (value === null || typeof value['displayName'] !== 'string' || value['displayName'] === '') return undefined;
  const { displayName, externalId, groups, pending, deleting } = value;
  return {
    displayName,
    ...(typeof externalId === 'string' ? { externalId } : {}),
    groups: Array.isArray(groups) ? groups.filter((each) => typeof each === 'string') : [],
    pending: Array.isArray(pending) ? pending.filter(isPending) : [],
    deleting: deleting === true,
  };
}

const isPending = (each: unknown): each is { readonly value: string; readonly at: number } =>
  typeof each === 'object' &&
  each !== null &&
  'value' in each &&
  typeof each.value === 'string' &&
  'at' in each &&
  typeof each.at === 'number';

/** The revision of a definition, for the ETag: unchanged as long as the definition is. */
export const revisionOf = (facts: Facts): string => hash('sha1', stableJson(facts), 'base64url').slice(0, 10);

/** The steps that turn one row's data on the group store user into the wanted data. */
export function planDefinition(
  id: string,
  confirmed: Facts | null,
  wanted: Facts | null,
  sure: boolean,
): readonly Step[] {
  const key = definitionKey(id);
  const value = wanted?.[key];
  if (value === undefined)
    return confirmed === null ? [] : [step('DeleteUserMetadata', { [key]: null }, ['gone'], null)];
  if (sure && confirmed?.[key] === value) return [];
  return [step('SetUserMetadata', { [key]: value }, [key], { [key]: value })];
}

function step(call: Step['call'], set: FactsChange, names: readonly string[], after: FactsChange | null): Step {
  return { call, set, names, after };
}
