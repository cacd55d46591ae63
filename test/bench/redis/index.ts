/** `npm run bench -- redis`: all that is measured on Redis. */
import type { Benchmark } from "../benchmark.ts";
import { redisFailover } from "./failover.ts";
import { redisMemory } from "./memory.ts";
import { redisRestore } from "./restore.ts";
import { redisStartUp } from "./start-up.ts";
import { redisAccepts, redisCalls, redisTurns } from "./turns.ts";

export const REDIS: readonly Benchmark[] = [
  redisAccepts,
  redisTurns,
  redisCalls,
  redisMemory,
  redisRestore,
  redisStartUp,
  redisFailover,
];
