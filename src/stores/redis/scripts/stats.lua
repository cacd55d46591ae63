-- Figures of one shard. Their cost grows with what is pending.
-- KEYS  1 the shard's list of channels with something to do
-- ARGV  base
-- Gives sessions, waiting messages, turns in flight, replies, dead letters, turns that wait for nobody, channels with an open ask, the figures that are counted (hash: see sessions.lua)
local base = ARGV[1]
local waiting, inFlight, replies, running, asking = 0, 0, 0, 0, 0
for _, channel in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local row = redis.call('HMGET', base .. 'c:' .. channel, 'head', 'tail', 'turn', 'asks')
  waiting = waiting + (tonumber(row[2]) or 0) - (tonumber(row[1]) or 0)
  if (row[3] or '') ~= '' then
    inFlight = inFlight + 1
    if (row[4] or '') == '' then running = running + 1 end
  end
  replies = replies + redis.call('HLEN', base .. 'o:' .. channel)
end
local seen = {}
for _, place in ipairs(redis.call('ZRANGE', base .. 'q', 0, -1)) do
  -- See asks.lua.
  local channel = redis.call('HGET', base .. 'a:' .. string.match(place, '^%d+%.%d+%.(.*)$'), 'channel')
  if channel and not seen[channel] then
    seen[channel] = true
    asking = asking + 1
  end
end
return { redis.call('ZCARD', base .. 'l') + redis.call('ZCARD', base .. 'p'), waiting, inFlight, replies,
  redis.call('ZCARD', base .. 'z'), running, asking, redis.call('HGETALL', base .. 'n') }
