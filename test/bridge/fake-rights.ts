import type { GroupStoreOutcome, Outcome, RightsOutcome } from '../../src/bridge/ports/zitadel.ts';
import { BridgeError } from '../../src/errors.ts';
import { type Facts, overlay } from '../../src/mapping/facts.ts';
import { type Authorization, factsOfRights, projectRight } from '../../src/mapping/rights.ts';
import type { Step } from '../../src/mapping/steps.ts';

/** A role that ZITADEL refuses. */
export const REFUSED_ROLE = 'ORG_REFUSED';
/** A role that no project has. */
export const MISSING_ROLE = 'missing';
/** Lists that lag show what was so long ago, ms. */
const LAG = 500;

export interface FakeRights {
  /** roles of members of the organization, by user */
  readonly members: Map<string, readonly string[]>;
  /** by user, then by project */
  readonly grants: Map<string, Map<string, Authorization>>;
  /** metadata of the holder; undefined: there is no holder */
  holder: Facts | undefined;
  /** lists show what was LAG ms ago */
  lags: boolean;
  apply(id: string, step: Step): Outcome;
  define(step: Step): Outcome;
  readHolder(): GroupStoreOutcome;
  list(id: string): RightsOutcome;
  listAll(): ReadonlyMap<string, Facts>;
  /** To be called after a change past the bridge, and when a user is gone. */
  touched(): void;
  remove(id: string): void;
  factsOf(id: string): Facts;
}

const REPLAN: Outcome = { kind: 'replan', reason: 'rights are held otherwise' };

export function createFakeRights(clock: () => number, hasUser: (id: string) => boolean): FakeRights {
  const members = new Map<string, readonly string[]>();
  const grants = new Map<string, Map<string, Authorization>>();
  /** what lists have shown since when */
  let history: { readonly since: number; readonly all: ReadonlyMap<string, Facts> }[] = [{ since: 0, all: new Map() }];
  let ids = 0;

  const factsOf = (id: string): Facts =>
    factsOfRights({ org: members.get(id) ?? [], projects: grants.get(id) ?? new Map() });

  function touched(): void {
    const all = new Map([...new Set([...members.keys(), ...grants.keys()])].map((id) => [id, factsOf(id)]));
    history = [...history.filter(({ since }) => since > clock() - 10 * LAG).slice(-50), { since: clock(), all }];
  }

  function listAll(): ReadonlyMap<string, Facts> {
    const at = fake.lags ? clock() - LAG : clock();
    return (history.findLast(({ since }) => since <= at) ?? history[0])?.all ?? new Map();
  }

  function change(id: string, { call, right }: Step): Outcome {
    if (right === undefined) throw new Error(`${call} is no right`);
    if (!hasUser(id)) return { kind: 'gone' };
    if (right.roles.includes(REFUSED_ROLE) || right.roles.includes(MISSING_ROLE))
      return { kind: 'refused', error: new BridgeError(400, 'the role is refused', { scimType: 'invalidValue' }) };
    const { project } = right;
    if (project === undefined) {
      const isMember = members.has(id);
      if (isMember === (call === 'CreateAdministrator') && call !== 'DeleteAdministrator') return REPLAN;
      if (call === 'DeleteAdministrator') members.delete(id);
      else members.set(id, right.roles);
      return { kind: 'done' };
    }
    const own = grants.get(id) ?? new Map<string, Authorization>();
    const held = own.get(project);
    if (call === 'CreateAuthorization') {
      if (held !== undefined) return REPLAN;
      const made = { id: `a${(ids += 1)}`, roles: right.roles };
      grants.set(id, own.set(project, made));
      return { kind: 'done', after: { [projectRight(project)]: JSON.stringify(made) } };
    }
    if (held === undefined || held.id !== right.authorization)
      return call === 'DeleteAuthorization' ? { kind: 'done' } : REPLAN;
    if (call === 'DeleteAuthorization') own.delete(project);
    else own.set(project, { id: held.id, roles: right.roles });
    return { kind: 'done' };
  }

  const fake: FakeRights = {
    members,
    grants,
    holder: undefined,
    lags: false,
    factsOf,
    touched,
    listAll,
    remove(id) {
      members.delete(id);
      grants.delete(id);
      touched();
    },
    apply(id, step) {
      const outcome = change(id, step);
      touched();
      return outcome;
    },
    define(step) {
      if (step.call === 'DeleteUserMetadata' && Object.keys(step.set).some((key) => fake.holder?.[key] === undefined))
        return { kind: 'already' };
      fake.holder = overlay(fake.holder ?? {}, step.set);
      return { kind: 'done' };
    },
    readHolder: () => (fake.holder === undefined ? { kind: 'gone' } : { kind: 'found', facts: fake.holder }),
    list: (id) => ({ kind: 'found', facts: listAll().get(id) ?? {} }),
  };
  return fake;
}
