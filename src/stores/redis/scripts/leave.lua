-- Ends a replica's life: all that it still owns is free.
-- KEYS  1 living replicas, 2 since when, 3 those that leave, 4 what is held
-- ARGV  me
local me = ARGV[1]
redis.call('ZREM', KEYS[1], me)
redis.call('HDEL', KEYS[2], me)
redis.call('SREM', KEYS[3], me)
local held = redis.call('HGETALL', KEYS[4])
for index = 1, #held, 2 do
  if held[index + 1] == me then redis.call('HDEL', KEYS[4], held[index]) end
end
return 1
