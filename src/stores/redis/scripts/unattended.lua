-- The channels of one shard with something to do and no living owner but the one who asks. Takes channels without work
-- off the list, and forgets archived sessions whose time is over.
-- KEYS  1 the shard's list of channels with something to do
-- ARGV  base, (unused), now, now in base 36 · me · the living replicas
-- Gives pairs: channel, owner or empty. An owner that is not among the living may have joined since: the caller asks.
-- #include lib/channel.lua lib/sessions.lua lib/suspended.lua
local living = {}
for index = 6, #ARGV do living[ARGV[index]] = true end
living[ARGV[5]] = nil

local found = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  channel = name
  local values = redis.call('HMGET', key('c'), 'owner', 'turn', 'head', 'tail', 'asks', 'cancelled')
  local owner = values[1] or ''
  local turn = values[2] or ''
  local waits = turn ~= '' or values[3] ~= values[4]
  local busy = redis.call('EXISTS', key('k'), key('o')) > 0
  -- What waits for people is not for anybody to take, and stays on the list: what it counts is counted from there.
  if waits and not busy then busy = not isSuspended(turn, values[5] or '', values[6] or '') end
  if not busy and not waits then
    redis.call('SREM', KEYS[1], name)
    if values[3] then redis.call('HSET', key('c'), 'pending', '') end
  elseif busy and not living[owner] then
    found[#found + 1] = name
    found[#found + 1] = owner
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', base .. 'e', '-inf', now, 'LIMIT', 0, 100)) do eraseSession(id) end
return found
