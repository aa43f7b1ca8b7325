/** Groups and the rights they give, as lines for people. */
import type { ExplainedRight, Explanation, PlannedUser, RightName, RuleStanding } from '../bridge/ports/operator.ts';
import { columns, count, plain } from './text.ts';

/** Groups that are named as the givers of one right. */
const MOST_GIVERS = 10;

/** `ORG_USER_MANAGER`, `editor (project 298357)` */
export const rightText = ({ project, role }: RightName): string =>
  plain(project === null ? role : `${role} (project ${project})`);

/** `+ORG_USER_MANAGER, -editor (project 298357)` */
export const plannedText = ({ add, remove }: PlannedUser): string =>
  [...add.map((right) => `+${rightText(right)}`), ...remove.map((right) => `-${rightText(right)}`)].join(', ');

/** `rule 2 (displayName "Staff" gives editor)`, with why it is off. */
export const ruleText = ({ rule, text, off }: RuleStanding): string =>
  `rule ${rule} (${plain(text)})${off === undefined ? '' : ` is off: ${plain(off, 1_000)}`}`;

/** `rules`: the ones that give this user something. */
export function explainLines(tenant: string, explanation: Explanation, rules: readonly RuleStanding[]): string[] {
  const { id, memberships, pending, rights, off, blocked } = explanation;
  const spared = explanation.protected ? ['protected: no rule gives or takes rights of this user'] : [];
  return [
    `${plain(id)} of ${tenant}: ${count(memberships.length, 'group')}, ${count(rights.length, 'right')}`,
    ...part(['GROUP', 'NAME', 'MEMBERSHIP'], memberships.map(membershipCells)),
    ...part(['RIGHT', 'HELD', 'STANDING', 'GIVEN BY'], rights.map(rightCells)),
    ...apart([
      ...spared,
      ...rules.map(ruleText),
      ...rights.flatMap(({ reason, standing: word, ...right }) =>
        reason === undefined ? [] : [`${word}: ${rightText(right)}: ${plain(reason, 1_000)}`],
      ),
      ...pending.map((group) => `pending: the group ${plain(group)} waits for a user of this id`),
      ...off.map(({ rule, reason }) => `rule ${rule} is off: ${plain(reason, 1_000)}`),
      ...(blocked === null ? [] : [`blocked: ${plain(blocked, 1_000)}`]),
    ]),
  ];
}

const apart = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', ...lines]);

const part = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  apart(rows.length === 0 ? [] : columns([head, ...rows]));

function membershipCells({ id, displayName, vouched: trusted, owed }: Explanation['memberships'][number]): string[] {
  const source = trusted ? 'vouched' : 'read from ZITADEL: keeps rights, gives none';
  const way = { add: 'owed: to be added', remove: 'owed: to be taken off' };
  return [
    plain(id),
    displayName === undefined ? '(no such group)' : plain(displayName),
    owed === null ? source : `${source}; ${way[owed]}`,
  ];
}

function rightCells(right: ExplainedRight): string[] {
  const givers = right.groups
    .slice(0, MOST_GIVERS)
    .map(({ id, displayName, rule }) => `${plain(displayName)} (${plain(id)}) by rule ${rule}`);
  const left = right.groups.length - givers.length;
  const given = [...givers, ...(left === 0 ? [] : [`${count(left, 'other')}: --json shows all`])].join(', ');
  return [rightText(right), right.held ? 'yes' : 'no', standing(right), given || '-'];
}

function standing({ managed, standing: word, groups }: ExplainedRight): string {
  if (!managed) return 'not managed: never touched';
  if (word === 'owed') return `owed: to be ${groups.length === 0 ? 'taken away' : 'given'}`;
  if (word !== 'kept') return word;
  return groups.length === 0 ? 'kept until `groups apply`' : 'kept: nobody vouched for its group or membership';
}
