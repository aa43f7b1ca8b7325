/** The groups that one row is shown as a member of, and how a write changes them. */

/** Into a group, or out of it. */
export interface Move {
  readonly group: string;
  readonly by: 1 | -1;
}

export interface Memberships {
  readonly moves: readonly Move[];
  /** groups it stays in that show it under another name from now on */
  readonly renamed: readonly string[];
  readonly display: string | null;
}

const NOTHING: Memberships = { moves: [], renamed: [], display: null };

/** From one memberText to another: the user is in a thousand groups, and joins or leaves one. */
export function membershipsBetween(before: string, after: string): Memberships {
  if (before === after) return NOTHING;
  const [was, is] = [read(before), read(after)];
  const moves: Move[] = [];
  for (const group of was.groups) if (!is.groups.has(group)) moves.push({ group, by: -1 });
  for (const group of is.groups) if (!was.groups.has(group)) moves.push({ group, by: 1 });
  const renamed = was.display === is.display ? [] : [...is.groups].filter((group) => was.groups.has(group));
  return { moves, renamed, display: is.display };
}

function read(text: string): { readonly display: string | null; readonly groups: ReadonlySet<string> } {
  const [display = null, ...groups] = JSON.parse(text) as [(string | null)?, ...string[]];
  return { display, groups: new Set(groups) };
}
