/** Conditional requests (RFC 7644 §3.14, RFC 9110 §13). Versions are weak; clients send them back with W/ or without, with quotes or without. */

/** The ETags of If-Match or If-None-Match in the form the bridge gives them, `*` as it is; undefined without the header. */
export function etagsOf(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return undefined;
  const tags = header.match(/\*|(?:W\/)?"[^"]*"|[^\s,"]+/g) ?? [];
  return tags.map((tag) => (tag === '*' ? tag : `W/"${tag.replace(/^W\//, '').replaceAll('"', '')}"`));
}

export function matches(etags: readonly string[], etag: string): boolean {
  return etags.includes('*') || etags.includes(etag);
}
