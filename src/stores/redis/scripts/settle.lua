-- Records how the delivery of one reply stands.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, number, status (sending, placed, failed, delivered, parked),
--       sending: when · placed: the message · failed: not before, 1 to forget the message, 1 where it counts · parked: the session's error, cause, the dead letter's name
-- Gives 1, or 0 for a stale fence. An unknown reply was settled before; a failure with the time of the one before is the
-- same, noted again because its answer got lost.
-- #include lib/channel.lua lib/fence.lua
local number, status = ARGV[7], ARGV[8]
local outbox = key('o')
readRow()
if not isOwner() then return 0 end
saveRow()
if status == 'delivered' then
  redis.call('HDEL', outbox, number)
  return 1
end
if status == 'parked' then
  local entry = redis.call('HGET', outbox, number)
  if not entry then return 1 end
  redis.call('HDEL', outbox, number)
  local attempts, draft = string.match(entry, '^%S+ (%d+) %S*\n[^\n]*\n(.*)$')
  redis.call('HSET', key('d', ARGV[11]), 'channel', channel, 'reply', draft, 'cause', ARGV[10],
    'attempts', attempts + 1, 'at', now)
  redis.call('ZADD', base .. 'z', now, ARGV[11])
  local session = key('s', row.session)
  if redis.call('EXISTS', session) == 1 then redis.call('HSET', session, 'error', ARGV[9], 'updatedAt', now) end
  return 1
end
local entry = redis.call('HGET', outbox, number)
if not entry then return 1 end
local before, attempts, notBefore, ref, draft = string.match(entry, '^(%S+) (%d+) (%S*)\n([^\n]*)\n(.*)$')
local state = 'pending'
if status == 'sending' then
  state, notBefore = 'sending', ARGV[9]
elseif status == 'placed' then
  ref, notBefore = ARGV[9], ''
elseif before == 'sending' or notBefore ~= ARGV[9] then
  attempts, notBefore = attempts + tonumber(ARGV[11]), ARGV[9]
  if ARGV[10] == '1' then ref = '' end
end
redis.call('HSET', outbox, number, state .. ' ' .. attempts .. ' ' .. notBefore .. '\n' .. ref .. '\n' .. draft)
return 1
