-- Removes a schedule as it was put there by one call.
-- KEYS  1 the schedule
-- ARGV  base, (unused), now, now in base 36 · id, that call's mark
-- Gives 1, or 0 where it is another by now, or gone
local base, id = ARGV[1], ARGV[5]
local found = redis.call('HMGET', KEYS[1], 'mark', 'channel')
if found[1] ~= ARGV[6] then return 0 end
redis.call('UNLINK', KEYS[1])
redis.call('ZREM', base .. 'x', id)
redis.call('ZREM', base .. 'x:' .. found[2], id)
return 1
