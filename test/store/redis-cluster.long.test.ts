/** The store on a cluster. */
import { startCluster } from '../redis/cluster.ts';
import { redisConformance } from './redis-conformance.ts';

redisConformance('redis cluster', startCluster);
