/** Combines the member operations of a request. Pure, except that it asks for the current members. */
import type { GroupMember, MemberOperation } from '../requests/use-cases.ts';

/**
 * The ids that join and leave. Current members are loaded only for operations on all of them; a member that stays is
 * included as well, because its membership may not be trusted yet.
 */
export async function memberChangesOf(
  operations: readonly MemberOperation[],
  members: () => Promise<readonly GroupMember[]>,
): Promise<ReadonlyMap<string, boolean>> {
  const wishes = new Map<string, boolean>();
  let confirmed: readonly GroupMember[] | undefined;
  const all = async (): Promise<readonly GroupMember[]> => (confirmed ??= await members());
  for (const operation of operations) {
    switch (operation.kind) {
      case 'add':
      case 'remove':
        for (const id of operation.ids) wishes.set(id, operation.kind === 'add');
        break;
      case 'removeWhere':
        for (const member of await all())
          if (wishes.get(member.id) !== false && operation.match(member)) wishes.set(member.id, false);
        break;
      case 'replace': {
        for (const [id] of wishes) wishes.set(id, false);
        for (const { id } of await all()) wishes.set(id, false);
        for (const id of operation.ids) wishes.set(id, true);
      }
    }
  }
  return wishes;
}
