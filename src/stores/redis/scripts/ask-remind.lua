-- Notes a reminder where one is due.
-- KEYS  1 the ask
-- ARGV  now, cooldown
-- Gives 1 where it was due, else 0
local ask = redis.call('HMGET', KEYS[1], 'channel', 'decision', 'remindedAt')
if not ask[1] or ask[2] then return 0 end
if ask[3] and tonumber(ARGV[1]) - tonumber(ask[3]) < tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'remindedAt', ARGV[1])
return 1
