-- Records how the delivery of one reply stands.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, number, status (sending, placed, failed, delivered, parked),
--       sending: when · placed: the message · failed: not before, 1 to forget the message, 1 where it counts · delivered: the message that shows an ask or empty, its version · parked: the session's error, cause, the dead letter's name
-- Gives 1, or 0 for a stale fence, or 2 where an ask has changed since and the message is to be edited. An unknown reply was settled before; a failure with the time of the one before is the
-- same, noted again because its answer got lost.
-- #include lib/channel.lua lib/fence.lua lib/replies.lua lib/cards.lua
local number, status = ARGV[7], ARGV[8]
local outbox = key('o')
readRow()
if not isOwner() then return 0 end
if status == 'delivered' then
  local entry = ARGV[9] ~= '' and redis.call('HGET', outbox, number)
  redis.call('HDEL', outbox, number)
  local isOld = entry and cardTools().noteShown(entry, ARGV[9], ARGV[10])
  saveRow()
  return isOld and 2 or 1
end
saveRow()
if status == 'parked' then
  local entry = redis.call('HGET', outbox, number)
  if not entry then return 1 end
  redis.call('HDEL', outbox, number)
  local attempts, draft = string.match(entry, '^%S+ (%d+) %S*\n[^\n]*\n(.*)$')
  redis.call('HSET', key('d', ARGV[11]), 'channel', channel, 'reply', draft, 'cause', ARGV[10],
    'attempts', attempts + 1, 'at', now)
  redis.call('ZADD', base .. 'z', now, ARGV[11])
  local session = key('s', row.session)
  local found = redis.call('HMGET', session, 'channel', 'error')
  if found[1] then
    redis.call('HSET', session, 'error', ARGV[9], 'updatedAt', now)
    -- See sessions.lua.
    if (found[2] or '') == '' then redis.call('HINCRBY', base .. 'n', 'error', 1) end
  end
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
  if ARGV[10] == '1' then
    cardTools().forgetShown(entry, ref)
    ref = ''
  end
end
redis.call('HSET', outbox, number, state .. ' ' .. attempts .. ' ' .. notBefore .. '\n' .. ref .. '\n' .. draft)
return 1
