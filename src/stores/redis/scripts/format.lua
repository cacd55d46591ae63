-- Fixes format and number of shards at the first start, and tells them from then on.
-- KEYS  1 the store's own row
-- ARGV  format, shards
-- Gives format, shards as they stand
redis.call('HSETNX', KEYS[1], 'format', ARGV[1])
redis.call('HSETNX', KEYS[1], 'shards', ARGV[2])
return redis.call('HMGET', KEYS[1], 'format', 'shards')
