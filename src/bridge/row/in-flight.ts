/** The userName that calls in flight may take: no other row may have it until their outcome is known. Pure. */
import { mayLandLate } from './recheck.ts';
import type { Row } from './types.ts';
import { askedName } from './views.ts';

/** Marked with the change itself, before anything is planned: any name that is asked for may be sent. */
export function nameBeforePlanning(row: Row): string | null {
  const { confirmed, sentName } = row;
  const asked = askedName(row);
  // the name of a create that may still be applied stays
  const isKept = confirmed === null ? sentName !== null : mayLandLate(row) || asked === (confirmed['username'] ?? null);
  return isKept ? sentName : asked;
}

/** Marked once the steps are planned: only a name that one of them takes is sent. */
export const nameInSteps = (row: Row, taken: string | undefined): string | null =>
  mayLandLate(row) ? row.sentName : (taken ?? row.sentName);
