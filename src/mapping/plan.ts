/** plan: the ordered steps from the confirmed facts of a user to the wanted ones. Pure; no difference, no steps. */
import { ATTRIBUTES } from './attributes.ts';
import { INACTIVE_MARK, LOCKED_MARK } from './codecs.ts';
import { type Facts, type FactsChange, isMetadata } from './facts.ts';
import type { Step, StepCall } from './steps.ts';

/** Facts that UpdateUser sets: all outside of metadata except the state. It can set nickName but not clear it. */
const UPDATABLE = [
  ...ATTRIBUTES.flatMap(({ codec }) => codec?.facts ?? []).filter((fact) => !isMetadata(fact) && fact !== 'state'),
  'password',
];
/** Those that UpdateUser can also clear (phone: empty number; preferredLanguage: und). */
const REMOVABLE = new Set(['phone', 'preferredLanguage']);

/** Facts that follow from the state; clients do not write them, and differences in them are never pending. */
const MARKS: ReadonlySet<string> = new Set([INACTIVE_MARK, LOCKED_MARK]);

export interface PlanOptions {
  /** facts in doubt: they equal nothing, so they are set or removed whatever was confirmed */
  readonly unknown?: ReadonlySet<string>;
  /** false: no state was requested, so it is left unchanged */
  readonly asksState?: boolean;
}

/**
 * @param confirmed facts last confirmed (state is ZITADEL's own); null: the user does not exist
 * @param wanted all facts wanted (state is active or inactive); null: the user should be deleted
 */
export function plan(confirmed: Facts | null, wanted: Facts | null, options: PlanOptions = {}): readonly Step[] {
  const { unknown = NOTHING, asksState = true } = options;
  if (wanted === null) return confirmed === null ? [] : [step('DeleteUser', {}, ['gone'], null)];
  if (confirmed === null) return create(wanted);
  const named = unknown.has('state');
  const down = asksState && wanted['state'] === 'inactive' ? deactivate(confirmed, named) : [];
  const up = asksState && wanted['state'] === 'active' ? reactivate(confirmed, named) : [];
  return [...down, ...update(confirmed, wanted, unknown), ...up];
}

const NOTHING: ReadonlySet<string> = new Set();

function step(call: StepCall, set: FactsChange, names: readonly string[], after: FactsChange | null = set): Step {
  return { call, set, names, after };
}

function create(wanted: Facts): Step[] {
  const { state, password: _password, ...after } = wanted;
  const { state: _state, ...set } = wanted;
  const made = step(
    'CreateUser',
    set,
    Object.keys(wanted).filter((fact) => fact !== 'state' || state === 'active'),
    { ...after, state: 'active' },
  );
  return state === 'inactive' ? [made, step('DeactivateUser', {}, ['state'], { state: 'inactive' })] : [made];
}

/** A locked user stays locked underneath; a never-activated one cannot be deactivated and is locked instead. */
function deactivate(confirmed: Facts, named: boolean): Step[] {
  const down = step('DeactivateUser', {}, ['state'], { state: 'inactive' });
  if (confirmed['state'] === 'locked')
    return confirmed[INACTIVE_MARK] === undefined
      ? [step('SetUserMetadata', { [LOCKED_MARK]: 'true' }, ['state']), down]
      : [];
  if (confirmed['state'] === 'initial')
    return [
      step('SetUserMetadata', { [INACTIVE_MARK]: 'true' }, ['state']),
      step('LockUser', {}, ['state'], { state: 'locked' }),
    ];
  return confirmed['state'] === 'active' || named ? [down] : [];
}

/** Only a lock by the bridge itself is ever removed; a user who was deactivated while locked is locked again. */
function reactivate(confirmed: Facts, named: boolean): Step[] {
  const forget = (mark: string): Step[] =>
    confirmed[mark] === undefined ? [] : [step('DeleteUserMetadata', { [mark]: null }, ['state'])];
  if (confirmed['state'] === 'initial') return forget(INACTIVE_MARK);
  if (confirmed['state'] === 'locked')
    return confirmed[INACTIVE_MARK] === undefined
      ? forget(LOCKED_MARK)
      : [step('UnlockUser', {}, ['state'], { state: 'active' }), ...forget(INACTIVE_MARK)];
  const up =
    confirmed['state'] === 'inactive' || named ? [step('ReactivateUser', {}, ['state'], { state: 'active' })] : [];
  if (confirmed[LOCKED_MARK] === undefined) return [...up, ...forget(INACTIVE_MARK)];
  return [...up, step('LockUser', {}, ['state'], { state: 'locked' }), ...forget(LOCKED_MARK)];
}

function update(confirmed: Facts, wanted: Facts, unknown: ReadonlySet<string>): Step[] {
  const differs = (fact: string): boolean => unknown.has(fact) || confirmed[fact] !== wanted[fact];
  const fields: Record<string, string | null> = {};
  for (const fact of UPDATABLE) {
    if (!differs(fact)) continue;
    const value = wanted[fact];
    if (value !== undefined) fields[fact] = value;
    else if (REMOVABLE.has(fact)) fields[fact] = null;
  }
  const set: Record<string, string> = {};
  const gone: Record<string, null> = {};
  for (const fact of new Set([...Object.keys(confirmed), ...Object.keys(wanted), ...unknown])) {
    if (!isMetadata(fact) || MARKS.has(fact) || !differs(fact)) continue;
    const value = wanted[fact];
    if (value === undefined) gone[fact] = null;
    else set[fact] = value;
  }
  const steps: Step[] = [];
  if (Object.keys(fields).length > 0) {
    const { password: _password, ...after } = fields;
    steps.push(step('UpdateUser', fields, Object.keys(fields), after));
  }
  if (differs('nickName') && wanted['nickName'] === undefined) steps.push(clearNickName(wanted));
  if (Object.keys(set).length > 0) steps.push(step('SetUserMetadata', set, Object.keys(set)));
  if (Object.keys(gone).length > 0) steps.push(step('DeleteUserMetadata', gone, Object.keys(gone)));
  return steps;
}

/** Only the older UpdateHumanUser clears a nickname, and it requires the names (measured). */
function clearNickName(wanted: Facts): Step {
  const set = { givenName: wanted['givenName'] ?? null, familyName: wanted['familyName'] ?? null, nickName: null };
  return step('UpdateHumanUser', set, ['nickName'], { nickName: null });
}
