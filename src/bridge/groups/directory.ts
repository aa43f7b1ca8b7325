/** A tenant's group definitions in memory: every user that is shown names its groups. */
import type { Definition } from '../../mapping/groups.ts';
import type { Row } from '../row/types.ts';
import type { Store, Write } from '../ports/store.ts';
import { shownFacts } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import { definitionOf, RULES_ID } from './definitions.ts';

/** A group that is shown. */
export interface Listed {
  readonly id: string;
  readonly definition: Definition;
}

export interface Directory {
  /** A group that is shown; one that is being deleted is not. */
  find(id: string): Definition | undefined;
  /** Whether a definition exists, including one being deleted or not acknowledged yet. */
  has(id: string): boolean;
  all(): IterableIterator<Listed>;
  /** Reads all definitions from the store; `hidden` are the ids of groups that are being deleted. */
  load(hidden: readonly string[]): Promise<void>;
  /** Reads one definition again: another process wrote it. */
  reload(id: string): Promise<void>;
  /** Call this for every group row that was written. */
  written(write: Write): void;
}

export function createDirectory(tenant: string, store: Store): Directory {
  const shelf = groupsOf(tenant);
  /** `row` of the version that was noted; null: it was deleted */
  const noted = new Map<
    string,
    { readonly version: number; readonly row: Row | null; readonly shown: Definition | undefined }
  >();

  function note(id: string, row: Row | null, version: number): void {
    if (id === RULES_ID || (noted.get(id)?.version ?? -1) > version) return;
    if (row === null) noted.delete(id);
    else noted.set(id, { version, row, shown: definitionOf(id, shownFacts(row)) });
  }

  return {
    find(id) {
      const shown = noted.get(id)?.shown;
      return shown?.deleting === true ? undefined : shown;
    },
    has(id) {
      const row = noted.get(id)?.row;
      return row !== undefined && row !== null && row.tombstone === null;
    },
    *all() {
      for (const [id, { shown }] of noted) if (shown?.deleting === false) yield { id, definition: shown };
    },
    async load(hidden) {
      for await (const rows of store.scan(shelf)) for (const row of rows) note(row.id, row, row.version);
      for (const id of hidden) {
        const row = await store.read({ tenant: shelf, id });
        if (row !== undefined) note(id, row, row.version);
      }
      for (const condition of ['pending', 'inDoubt'] as const) {
        for (let after: string | undefined; ; ) {
          const rows = await store.withCondition(shelf, condition, AT_ONCE, after);
          for (const row of rows) note(row.id, row, row.version);
          after = rows.at(-1)?.id;
          if (after === undefined) break;
        }
      }
    },
    async reload(id) {
      const row = await store.read({ tenant: shelf, id });
      if (row === undefined) noted.delete(id);
      else note(id, row, row.version);
    },
    written({ key, expect, row }) {
      if (key.tenant === shelf) note(key.id, row, row?.version ?? expect + 1);
    },
  };
}

/** Number of rows read at once. */
const AT_ONCE = 500;
