import { onRedis } from '../on-redis.ts';

await onRedis('clients');
