/** Roles of a project that are named after a group: `{displayName}` is replaced by its name. */

const NAME = '{displayName}';
/** ZITADEL accepts no longer role keys. */
const LENGTH = 200;

export const isTemplate = (role: string): boolean => role.includes(NAME);

/** The role for a group of that name; undefined: a blank name gives none. */
export function roleFor(role: string, displayName: string): string | undefined {
  const name = displayName.trim();
  if (!isTemplate(role)) return role;
  if (name === '') return undefined;
  const filled = role.replaceAll(NAME, () => name);
  return filled.length <= LENGTH ? filled : [...filled].slice(0, LENGTH).join('').trim();
}
