/** Splits the path of a URL: of a request or of a reference in a body. */

/**
 * The parts of a path, percent-decoded, without what stands behind `?` or `#`. Empty ones are dropped: some clients put a slash behind
 * the base URL, and one before the path. A text says what is wrong with it: it `holds a NUL character`, or `is not percent-encoded UTF-8`.
 */
export function segmentsOf(url: string): readonly string[] | string {
  const end = url.search(/[?#]/);
  const path = end < 0 ? url : url.slice(0, end);
  try {
    const segments = path
      .split('/')
      .filter((segment) => segment !== '')
      .map((segment) => decodeURIComponent(segment));
    return segments.some((segment) => segment.includes('\0')) ? 'holds a NUL character' : segments;
  } catch {
    return 'is not percent-encoded UTF-8';
  }
}
