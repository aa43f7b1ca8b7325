/** The store on one Redis. */
import { startRedis } from '../redis/server.ts';
import { DURABLE } from '../redis/stores.ts';
import { redisConformance } from './redis-conformance.ts';

redisConformance('redis', () => startRedis({ config: DURABLE }));
