/** Laws of the revisions of sets, whatever the clock does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createRevisions, NO_MEMBERS } from '../../src/store/members.ts';

describe('store/members', () => {
  const times = fc.array(fc.integer({ min: 0, max: 2_000_000_000_000 }), { minLength: 1 });

  it('grow by every change, and are never behind the clock', () => {
    fc.assert(
      fc.property(times, (clock) => {
        let now = 0;
        let set = NO_MEMBERS;
        const revisions = createRevisions(() => now);
        for (now of clock) {
          const next = revisions.next(set, 1);
          assert.ok(next.revision > set.revision && next.revision >= now);
          assert.deepEqual([next.count, next.modified], [set.count + 1, now]);
          set = next;
        }
      }),
    );
  });

  it('are whole numbers, also of a clock that tells parts of a millisecond', () => {
    assert.deepEqual(createRevisions(() => 12.7).next(NO_MEMBERS, 1), { count: 1, revision: 12, modified: 12.7 });
  });

  it('that were lost are given to no other set, however far they ran ahead of the clock', () => {
    const revisions = createRevisions(() => 1_000);
    const kept = revisions.next(NO_MEMBERS, 1);
    let lost = kept;
    for (let n = 0; n < 50; n++) lost = revisions.next(lost, 1);
    revisions.fallenBack();
    assert.ok(revisions.next(kept, -1).revision > lost.revision);
    assert.ok(revisions.next(NO_MEMBERS, 1).revision > lost.revision);
  });
});
