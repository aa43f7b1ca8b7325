/** A process whose deliveries never end, to be killed: `node bullmq-hanging.ts <redis url> <tenant> <id>`. */
import { createRows, createTestQueue, SHORT_LOCK } from './bullmq-rows.ts';

const [url = '', tenant = '', id = ''] = process.argv.slice(2);
const rows = createRows();
rows.put(tenant, id, Date.now());
const queue = createTestQueue(url, rows, {
  ...SHORT_LOCK,
  deliver: () => {
    console.log('delivering');
    return new Promise(() => undefined);
  },
});
await queue.start();
