/** The calls from the current rights to the wanted ones. Pure; no difference, no steps. */
import type { Authorization, Rights } from './rights.ts';
import { ORG_RIGHT, projectRight } from './rights.ts';
import type { RightSet, Step } from './steps.ts';

export interface RightSteps {
  /** steps that take a role away, whatever else they grant: they run first */
  readonly take: readonly Step[];
  readonly give: readonly Step[];
}

/**
 * One call for each entry that differs, in the organization or of a project. If an authorization's id is not known yet,
 * the step has no `authorization`: the caller reads it first.
 * @param creates roles of a project that may be created if it lacks them
 */
export function rightSteps(held: Rights, wanted: Rights, creates: (project: string) => readonly string[]): RightSteps {
  const take: Step[] = [];
  const give: Step[] = [];
  const add = (step: Step | null, before: readonly string[]): void => {
    if (step === null) return;
    const after = step.right?.roles ?? [];
    const takes = step.after?.[step.names[0] ?? ''] === null || before.some((role) => !after.includes(role));
    (takes ? take : give).push(step);
  };
  add(orgStep(held.org, wanted.org), held.org);
  for (const project of new Set([...held.projects.keys(), ...wanted.projects.keys()])) {
    const before = held.projects.get(project);
    add(projectStep(project, before, wanted.projects.get(project), creates), before?.roles ?? []);
  }
  return { take, give };
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((role, at) => role === b[at]);

function rightStep(call: Step['call'], right: RightSet, fact: string, after: unknown): Step {
  return { call, set: {}, right, names: [fact], after: { [fact]: after === null ? null : JSON.stringify(after) } };
}

function orgStep(held: readonly string[], wanted: readonly string[]): Step | null {
  if (same(held, wanted)) return null;
  if (wanted.length === 0) return rightStep('DeleteAdministrator', { roles: [] }, ORG_RIGHT, null);
  const call = held.length === 0 ? 'CreateAdministrator' : 'UpdateAdministrator';
  return rightStep(call, { roles: wanted }, ORG_RIGHT, wanted);
}

function projectStep(
  project: string,
  held: Authorization | undefined,
  wanted: Authorization | undefined,
  creates: (project: string) => readonly string[],
): Step | null {
  const fact = projectRight(project);
  const own = held === undefined || held.id === null ? {} : { authorization: held.id };
  if (wanted === undefined)
    return held === undefined ? null : rightStep('DeleteAuthorization', { project, ...own, roles: [] }, fact, null);
  if (held !== undefined && same(held.roles, wanted.roles)) return null;
  const { roles } = wanted;
  const made = creates(project).filter((role) => roles.includes(role));
  const right = { project, ...own, roles, ...(made.length > 0 ? { creates: made } : {}) };
  const call = held === undefined ? 'CreateAuthorization' : 'UpdateAuthorization';
  return rightStep(call, right, fact, { id: held?.id ?? null, roles });
}
