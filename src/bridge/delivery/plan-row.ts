/** The steps that deliver a row's pending changes, without rights. `row.pending` are the changes to send. Pure. */
import { plan } from '../../mapping/plan.ts';
import type { Step } from '../../mapping/steps.ts';
import { planDefinition } from '../groups/definitions.ts';
import { isGroupRow } from '../row/kinds.ts';
import type { Row } from '../row/types.ts';
import { believedFacts, merged } from '../row/views.ts';
import type { Timing } from '../timing.ts';

export function planRow(row: Row, now: number, timing: Timing): readonly Step[] {
  return isGroupRow(row) ? planGroup(row) : planUser(row, now, timing);
}

function planGroup(row: Row): readonly Step[] {
  const isSure = !row.pending.some(({ named }) => named.length > 0);
  return planDefinition(row.id, row.confirmed, merged(row.confirmed, row.pending), isSure);
}

function planUser(row: Row, now: number, timing: Timing): readonly Step[] {
  const isFresh = row.hidden === null && Math.abs(now - row.verifiedAt) <= timing.believedMs;
  const named = isFresh ? [] : row.pending.flatMap((change) => change.named);
  const asksState =
    row.pending.some((change) => 'state' in change.facts) || (row.recheck !== null && 'state' in row.recheck.facts);
  const wanted = merged(believedFacts(row), row.pending);
  const asked = { unknown: new Set(named), asksState };
  if (row.confirmed !== null || wanted === null || row.sentName === null || row.sentName === wanted['username']) {
    const steps = plan(row.confirmed, wanted, asked);
    return row.hidden === null ? steps : steps.flatMap(keyByKey);
  }
  // two creates of one id under different names would both reserve their names permanently
  const create = plan(null, { ...wanted, username: row.sentName });
  const rename = plan({ ...wanted, username: row.sentName }, wanted, { asksState: false });
  return [...create, ...rename];
}

/** The keys of a hidden user cannot be read; when several are deleted and one is missing, none is deleted. */
const keyByKey = (step: Step): readonly Step[] =>
  step.call !== 'DeleteUserMetadata' || step.names.length < 2
    ? [step]
    : step.names.map((name) => ({ ...step, set: { [name]: null }, names: [name], after: { [name]: null } }));
