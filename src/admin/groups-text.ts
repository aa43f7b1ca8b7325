/** Groups and the rights they give, as lines for people. */
import type { ExplainedRight, Explanation, PlannedUser, RightName, RuleStanding } from '../bridge/ports/operator.ts';
import { columns, count, plain } from './text.ts';

/** Groups that are named as the source of one right. */
const MOST_GIVERS = 10;

/** `ORG_USER_MANAGER`, `editor (project 298357)` */
export const rightText = ({ project, role }: RightName): string =>
  plain(project === null ? role : `${role} (project ${project})`);

/** `+ORG_USER_MANAGER, -editor (project 298357)` */
export const plannedText = ({ add, remove }: PlannedUser): string =>
  [...add.map((right) => `+${rightText(right)}`), ...remove.map((right) => `-${rightText(right)}`)].join(', ');

/** `rule 2 (displayName "Staff" gives editor)`, with the reason if it is off. */
export const ruleText = ({ rule, text, off }: RuleStanding): string =>
  `rule ${rule} (${plain(text)})${off === undefined ? '' : ` is off: ${plain(off, 1_000)}`}`;

/** `rules`: those that grant this user something. */
export function explainLines(tenant: string, explanation: Explanation, rules: readonly RuleStanding[]): string[] {
  const { id, memberships, unresolved, rights, off, blocked } = explanation;
  const spared = explanation.protected ? ['protected: no rule grants or revokes rights of this user'] : [];
  return [
    `${plain(id)} of ${tenant}: ${count(memberships.length, 'group')}, ${count(rights.length, 'right')}`,
    ...part(['GROUP', 'NAME', 'MEMBERSHIP'], memberships.map(membershipCells)),
    ...part(['RIGHT', 'HELD', 'STATE', 'GRANTED BY'], rights.map(rightCells)),
    ...apart([
      ...spared,
      ...rules.map(ruleText),
      ...rights.flatMap(({ reason, standing: word, ...right }) =>
        reason === undefined ? [] : [`${word}: ${rightText(right)}: ${plain(reason, 1_000)}`],
      ),
      ...unresolved.map((group) => `unresolved: group ${plain(group)} waits for a user with this id`),
      ...off.map(({ rule, reason }) => `rule ${rule} is off: ${plain(reason, 1_000)}`),
      ...(blocked === null ? [] : [`blocked: ${plain(blocked, 1_000)}`]),
    ]),
  ];
}

const apart = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', ...lines]);

const part = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  apart(rows.length === 0 ? [] : columns([head, ...rows]));

function membershipCells({ id, displayName, trusted, pending }: Explanation['memberships'][number]): string[] {
  const source = trusted ? 'trusted' : 'read from ZITADEL: keeps rights, grants none';
  const way = { add: 'pending: will be added', remove: 'pending: will be removed' };
  return [
    plain(id),
    displayName === undefined ? '(no such group)' : plain(displayName),
    pending === null ? source : `${source}; ${way[pending]}`,
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
  if (word === 'pending') return `pending: will be ${groups.length === 0 ? 'revoked' : 'granted'}`;
  if (word !== 'kept') return word;
  return groups.length === 0 ? 'kept until `groups apply`' : 'kept: its group or membership is not trusted';
}
