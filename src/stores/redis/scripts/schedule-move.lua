-- Moves a schedule on from one time to the next.
-- KEYS  1 the schedule
-- ARGV  base, (unused), now, now in base 36 · id, from, to, last time or empty, a mark of this call
-- Gives 1, or 0 where it is not at `from` (any more) or gone: of several calls one is the first
-- A repeated call, whose first answer got lost, has the same mark and gives that answer again.
local base, id, from, to, lastAt, mark = ARGV[1], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local found = redis.call('HMGET', KEYS[1], 'nextAt', 'moved', 'channel')
if not found[1] then return 0 end
if found[2] == mark then return 1 end
if found[1] ~= from then return 0 end
redis.call('HSET', KEYS[1], 'nextAt', to, 'moved', mark)
if lastAt ~= '' then redis.call('HSET', KEYS[1], 'lastAt', lastAt) end
redis.call('ZADD', base .. 'x', to, id)
redis.call('ZADD', base .. 'x:' .. found[3], to, id)
return 1
