/** Runs a command of the table on fake operators. */
import assert from 'node:assert/strict';
import type { Desk } from '../../src/admin/desk.ts';
import type { Answer, Verb } from '../../src/admin/verb.ts';
import { VERBS } from '../../src/admin/verbs.ts';
import { checkArguments } from '../../src/admin/arguments.ts';
import { type FakeOperator, NOW, setup } from './fake-operator.ts';

export function deskOf(
  operators: Readonly<Record<string, FakeOperator>>,
  setups = Object.keys(operators).map((id) => setup(id)),
): Desk {
  return { operators: new Map(Object.entries(operators)), setups, clock: () => NOW };
}

export function verb(name: string): Verb {
  const found = VERBS.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

/** As the socket does it: arguments are checked first. */
export async function run(
  desk: Desk,
  name: string,
  args: object = {},
  signal = new AbortController().signal,
): Promise<Answer & { readonly text: string; readonly progress: readonly string[] }> {
  const progress: string[] = [];
  const one = verb(name);
  const answer = await one.run(desk, checkArguments(one, args), {
    progress: (line) => void progress.push(line),
    signal,
  });
  return { ...answer, text: answer.lines.join('\n'), progress };
}
