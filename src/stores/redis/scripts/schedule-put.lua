-- Adds a schedule, or puts it in the place of the one with its id.
-- KEYS  1 the schedule
-- ARGV  base, (unused), now, now in base 36 · id, channel, schedule but for its times, next time, last time or empty, a mark of this call
-- Gives nothing
-- A repeated call, whose first answer got lost, has the same mark and writes nothing: the schedule may have moved on since.
local base, id, channel, nextAt, mark = ARGV[1], ARGV[5], ARGV[6], ARGV[8], ARGV[10]
local found = redis.call('HMGET', KEYS[1], 'channel', 'mark')
if found[2] == mark then return end
redis.call('HSET', KEYS[1], 'channel', channel, 'schedule', ARGV[7], 'nextAt', nextAt, 'lastAt', ARGV[9], 'mark', mark,
  'moved', '')
if found[1] and found[1] ~= channel then redis.call('ZREM', base .. 'x:' .. found[1], id) end
redis.call('ZADD', base .. 'x', nextAt, id)
redis.call('ZADD', base .. 'x:' .. channel, nextAt, id)
