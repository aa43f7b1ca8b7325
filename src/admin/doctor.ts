/** doctor: everything the bridge needs, one line per check, with what to do. */
import { CHECKS } from './checks.ts';
import type { Desk } from './desk.ts';
import { type Findings, gather, type Level } from './findings.ts';
import { plain } from './text.ts';
import type { Answer } from './verb.ts';

/** One line of doctor. */
export interface Diagnosis {
  readonly level: Level;
  /** undefined: of the whole bridge */
  readonly tenant?: string;
  readonly name: string;
  readonly finding: string;
  /** '' when no action is needed */
  readonly todo: string;
}

/** All checks on all tenants. Exit 1 when one of them fails. */
export async function doctor(desk: Desk): Promise<Answer> {
  const { operators, setups } = desk;
  const all = await Promise.all(
    setups.flatMap((setup) => {
      const operator = operators.get(setup.id);
      return operator === undefined ? [] : [gather(operator, setup, desk)];
    }),
  );
  return answerOf(all.flatMap(diagnose), setups.length > 1);
}

function diagnose(findings: Findings): Diagnosis[] {
  return CHECKS.map(({ name, todo, judge }) => {
    const { level, finding, to } = judge(findings);
    return { level, tenant: findings.setup.id, name, finding, todo: to === undefined ? '' : (todo[to] ?? '') };
  });
}

/** `several`: each line names its tenant. */
function answerOf(diagnoses: readonly Diagnosis[], several: boolean): Answer {
  const lines = diagnoses.map(({ level, tenant, name, finding, todo }) => {
    const what = several && tenant !== undefined ? `${tenant} ${name}` : name;
    return `${level.padEnd(4)}  ${what}: ${plain(finding, 1_000)}${todo && `. To do: ${todo}`}`;
  });
  return { lines, value: diagnoses, exit: diagnoses.some(({ level }) => level === 'fail') ? 1 : 0 };
}

/** doctor's output when the configuration is invalid: nothing else can be checked. */
export function refusedConfiguration(complaints: readonly string[]): Answer {
  const todo = 'correct it in the environment, in .env or in bridge.yaml; docs/settings.md says what may stand there';
  return answerOf(
    complaints.map((finding) => ({ level: 'fail', name: 'config', finding, todo })),
    false,
  );
}

/** doctor's output when no bridge runs and the store cannot be opened either. */
export function closedStore(reason: string): Answer {
  const todo = 'see that DATA_DIR is right, that its disk is mounted and that this user may write to it';
  return answerOf([{ level: 'fail', name: 'store', finding: reason, todo }], false);
}
