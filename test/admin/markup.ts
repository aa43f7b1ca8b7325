/** A strict reader of small pages: every tag is closed, attributes are quoted, and nothing stands bare. */
import assert from 'node:assert/strict';

export interface Markup {
  /** opening tags in their order, with their attributes */
  readonly tags: readonly string[];
  /** what a reader sees, references resolved */
  readonly text: string;
}

const TOKEN = /<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"<>]*")*)( \/)?>|[^<>]+/y;
const REFERENCES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

export function parseMarkup(source: string): Markup {
  const doctype = '<!DOCTYPE html>\n';
  assert.ok(source.startsWith(doctype), 'no doctype');
  const open: string[] = [];
  const tags: string[] = [];
  let text = '';
  TOKEN.lastIndex = doctype.length;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    assert.ok(match, `not well-formed: ${JSON.stringify(source.slice(at, at + 80))}`);
    const [whole, closing, name, attributes = '', empty] = match;
    if (name === undefined) text += open.at(-1) === 'style' ? '' : resolve(whole);
    else if (closing === '/') assert.equal(open.pop(), name, `</${name}> closes another tag`);
    else {
      tags.push(`${name}${attributes}`);
      if (empty === undefined) open.push(name);
    }
  }
  assert.deepEqual(open, [], 'tags that are not closed');
  return { tags, text };
}

function resolve(text: string): string {
  return text.replace(/&([^;&\s]*;?)/g, (whole, reference: string) => {
    const sign = reference.endsWith(';') ? REFERENCES[reference.slice(0, -1)] : undefined;
    assert.ok(sign !== undefined, `a bare ampersand: ${whole}`);
    return sign;
  });
}
