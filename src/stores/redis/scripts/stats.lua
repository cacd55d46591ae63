-- Figures of one shard. Their cost grows with what is pending.
-- KEYS  1 the shard's list of channels with something to do
-- ARGV  base
-- Gives sessions, waiting messages, turns in flight, replies, dead letters
local base = ARGV[1]
local waiting, inFlight, replies = 0, 0, 0
for _, channel in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local row = redis.call('HMGET', base .. 'c:' .. channel, 'head', 'tail', 'turn')
  waiting = waiting + (tonumber(row[2]) or 0) - (tonumber(row[1]) or 0)
  if (row[3] or '') ~= '' then inFlight = inFlight + 1 end
  replies = replies + redis.call('HLEN', base .. 'o:' .. channel)
end
return { redis.call('ZCARD', base .. 'l') + redis.call('ZCARD', base .. 'p'), waiting, inFlight, replies,
  redis.call('ZCARD', base .. 'z') }
