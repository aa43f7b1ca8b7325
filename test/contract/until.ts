/** Asks until there is a value; lists of ZITADEL lag up to half a second (measured). The minute is the last resort. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 60_000; ; ) {
    const value = await look();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error('not seen within 60 s');
  }
}
