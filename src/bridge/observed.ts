import type { Store, Write } from './ports/store.ts';

export function observed(store: Store, onWritten: (write: Write) => void): Store {
  return {
    ...store,
    async write(write, options) {
      const result = await store.write(write, options);
      if (result.kind === 'ok') onWritten(write);
      return result;
    },
  };
}
