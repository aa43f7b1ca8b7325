/** groups explain, groups plan and groups apply. */
import { BridgeError } from '../errors.ts';
import type { PlannedUser, RightName, RulesState } from '../bridge/ports/operator.ts';
import type { Args } from './arguments.ts';
import type { Desk } from './desk.ts';
import { explainLines, plannedText, rightText, ruleText } from './groups-text.ts';
import { type Chosen, chosen, holderOf } from './tenants.ts';
import { count, plain } from './text.ts';
import type { Answer, Asker, Verb } from './verb.ts';

/** Beyond this many users each is reported immediately, so that no answer holds all of them. */
const MOST_USERS = 500;
/** Rights that get a line of their own. */
const MOST_RIGHTS = 20;
/** Users per progress line. */
const TOLD_EACH = 500;

/** Which group gives a user which right. */
export async function explain(desk: Desk, args: Args): Promise<Answer> {
  const id = args.id ?? '';
  const [tenant, { groups }] = await holderOf(desk, args, id, async (operator, user) => operator.groups.explain(user));
  const [explanation, { rules }] = await Promise.all([groups.explain(id), groups.state()]);
  const named = new Set(explanation.rights.flatMap((right) => right.groups.map(({ rule }) => rule)));
  const giving = rules.filter(({ rule }) => named.has(rule));
  return {
    lines: explainLines(tenant, explanation, giving),
    value: { tenant, ...explanation, rules: giving },
    exit: 0,
  };
}

/** What `groups apply` would grant and revoke; nothing is changed. */
export const plan = onEach(planOn);
/** Puts the rules of bridge.yaml in force. */
export const apply = onEach(applyOn);

interface Told {
  /** without the tenant */
  readonly lines: readonly string[];
  readonly value: object;
  /** needs attention */
  readonly mend: boolean;
}

/** Works on the tenants one after another; a failure does not prevent the others. */
function onEach(work: (each: Chosen, asker: Asker) => Promise<Told>): Verb['run'] {
  return async (desk, args, asker) => {
    const told: (readonly [tenant: string, told: Told])[] = [];
    for (const each of chosen(desk, args)) {
      if (asker.signal.aborted) break;
      told.push([each[0], await work(each, asker).catch(failed)]);
    }
    return {
      lines: told.flatMap(([tenant, { lines }]) => lines.map((line) => `${tenant}: ${line}`)),
      value: Object.fromEntries(told.map(([tenant, { value }]) => [tenant, value])),
      exit: told.some(([, { mend }]) => mend) ? 1 : 0,
    };
  };
}

function failed(error: unknown): Told {
  if (!(error instanceof BridgeError)) throw error;
  return { lines: [`failed: ${plain(error.message)}`], value: { failed: error.message }, mend: true };
}

/** Counts of a plan, and its first users. */
interface Ledger {
  users: number;
  readonly first: PlannedUser[];
  readonly given: Map<string, Counted>;
  readonly taken: Map<string, Counted>;
}

interface Counted {
  readonly right: RightName;
  users: number;
}

async function planOn([tenant, { groups }]: Chosen, { progress, signal }: Asker): Promise<Told> {
  const ledger: Ledger = { users: 0, first: [], given: new Map(), taken: new Map() };
  const tell = async (user: PlannedUser): Promise<void> => progress(`${tenant}: ${userLine(user)}`);
  for await (const user of groups.plan()) {
    if (signal.aborted) break;
    ledger.users += 1;
    for (const right of user.add) counted(ledger.given, right);
    for (const right of user.remove) counted(ledger.taken, right);
    if (ledger.users <= MOST_USERS) {
      ledger.first.push(user);
      continue;
    }
    if (ledger.users === MOST_USERS + 1) for (const each of ledger.first) await tell(each);
    await tell(user);
  }
  const { differs, first } = await groups.state();
  const { users, first: changes } = ledger;
  const given = [...ledger.given.values()];
  const taken = [...ledger.taken.values()];
  return {
    lines: [
      ...(users > MOST_USERS ? [] : changes.map(userLine)),
      `${users === 0 ? 'no user' : count(users, 'user')} would change`,
      ...countLines('granted to', given),
      ...countLines('revoked from', taken),
      inForce(differs, first, users),
    ],
    value: { differs, first, users, given: given.map(flat), taken: taken.map(flat), changes },
    mend: false,
  };
}

/** Renamed groups and untrusted memberships make a difference under the same rules, too. */
function inForce(differs: boolean, first: boolean, users: number): string {
  if (differs) return 'bridge.yaml is not in force: `groups apply` puts it in force';
  if (first) return 'bridge.yaml is in force, but until `groups apply` it revokes only what it granted itself';
  return users === 0 ? 'bridge.yaml is in force' : 'bridge.yaml is in force; `groups apply` makes these changes';
}

const userLine = (user: PlannedUser): string => `${plain(user.id)} ${plannedText(user)}`;

function counted(counts: Map<string, Counted>, { project, role }: RightName): void {
  const key = JSON.stringify([project, role]);
  const existing = counts.get(key);
  if (existing === undefined) counts.set(key, { right: { project, role }, users: 1 });
  else existing.users += 1;
}

const flat = ({ right, users }: Counted): RightName & { readonly users: number } => ({ ...right, users });

function countLines(what: string, counts: readonly Counted[]): string[] {
  const lines = counts
    .toSorted((a, b) => b.users - a.users)
    .slice(0, MOST_RIGHTS)
    .map(({ right, users }) => `${rightText(right)} ${what} ${count(users, 'user')}`);
  const left = counts.length - lines.length;
  return left === 0 ? lines : [...lines, `${count(left, 'other right')} ${what} users: --json counts them`];
}

async function applyOn([tenant, { groups }]: Chosen, { progress, signal }: Asker): Promise<Told> {
  const { applying } = await groups.state();
  let told = 0;
  let begun = false;
  const done = await groups.apply(({ users, changed }) => {
    if (!begun && applying !== null)
      void progress(`${tenant}: resuming an interrupted run, after ${count(applying.users, 'user')}`);
    begun = true;
    if (users < told + TOLD_EACH) return;
    told = users;
    void progress(`${tenant}: ${count(users, 'user')} evaluated, ${changed} changed`);
  }, signal);
  // the result is reported even if nothing can be read afterwards
  const after = await groups.state().then(rulesTold, failed);
  return { lines: [plain(done.told), ...after.lines], value: { ...done, ...after.value }, mend: after.mend };
}

/** Rules that grant nothing although they are in force. */
function rulesTold({ rules }: RulesState): Told {
  const off = rules.filter((rule) => rule.off !== undefined);
  return { lines: off.map(ruleText), value: { off }, mend: off.length > 0 };
}
