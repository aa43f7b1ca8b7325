/** Patterns of rules: `*` matches any text, including none; everything else matches itself, case-sensitively. */

export const isGlob = (pattern: string): boolean => pattern.includes('*');

/** Compares part by part: a regular expression built from a pattern could run practically forever. */
export function matches(pattern: string, text: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return text === pattern;
  const end = text.length - tail.length;
  if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
