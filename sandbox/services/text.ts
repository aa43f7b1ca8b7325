/** Compares text by a method of filter.v2: EQUALS 0, STARTS_WITH 2, CONTAINS 4, ENDS_WITH 6, each + 1 ignores case. */
export function textMatches(method: number, text: string, wanted: string): boolean {
  const ignoreCase = method % 2 === 1;
  const [a, b] = ignoreCase ? [text.toLowerCase(), wanted.toLowerCase()] : [text, wanted];
  switch (method - (method % 2)) {
    case 0:
      return a === b;
    case 2:
      return a.startsWith(b);
    case 4:
      return a.includes(b);
    default:
      return a.endsWith(b);
  }
}
