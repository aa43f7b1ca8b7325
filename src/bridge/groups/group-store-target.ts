import type { Reading, Zitadel } from '../ports/zitadel.ts';
import type { Target } from '../delivery/target.ts';
import { definitionKey } from './definitions.ts';

export function groupStoreTarget({ groupStore: holder }: Pick<Zitadel, 'groupStore'>): Target['zitadel'] {
  return {
    run: (_id, step, proceed) => holder.run(step, proceed),
    async read(id) {
      const answer = await holder.read();
      if (answer.kind !== 'found') return answer;
      const key = definitionKey(id);
      const value = answer.facts[key];
      if (value === undefined) return { kind: 'gone' };
      return { kind: 'found', reading: { ...NOBODY, id, facts: { [key]: value } } };
    },
    rights: async () => ({ kind: 'found', facts: {} }),
  };
}

const NOBODY: Omit<Reading, 'id' | 'facts'> = { sequence: '', created: 0, changed: 0 };
