-- Records how the delivery of one reply stands.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, number, status (sending, placed, failed, delivered, parked),
--       sending: when · placed: the message · failed: not before, 1 to forget the message, 1 where it counts · parked: the session's error, cause, the dead letter's name
-- Gives 1, or 0 for a stale fence. An unknown reply was settled before.
local base, channel, now, lives, fence, number, status = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local outbox = base .. 'o:' .. channel
local row = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'session')
if (row[1] or '') == '' or row[2] ~= fence or not string.find(lives, row[1], 1, true) then return 0 end
if status == 'delivered' then
  redis.call('HDEL', outbox, number)
  return 1
end
if status == 'parked' then
  local entry = redis.call('HGET', outbox, number)
  if not entry then return 1 end
  redis.call('HDEL', outbox, number)
  local attempts, draft = string.match(entry, '^%S+ (%d+) %S*\n[^\n]*\n(.*)$')
  redis.call('HSET', base .. 'd:' .. ARGV[11], 'channel', channel, 'reply', draft, 'cause', ARGV[10],
    'attempts', attempts + 1, 'at', now)
  redis.call('ZADD', base .. 'z', now, ARGV[11])
  local session = base .. 's:' .. (row[3] or '')
  if redis.call('EXISTS', session) == 1 then redis.call('HSET', session, 'error', ARGV[9], 'updatedAt', now) end
  return 1
end
local entry = redis.call('HGET', outbox, number)
if not entry then return 1 end
local attempts, notBefore, ref, draft = string.match(entry, '^%S+ (%d+) (%S*)\n([^\n]*)\n(.*)$')
local state = 'pending'
if status == 'sending' then
  state, notBefore = 'sending', ARGV[9]
elseif status == 'placed' then
  ref, notBefore = ARGV[9], ''
else
  attempts, notBefore = attempts + tonumber(ARGV[11]), ARGV[9]
  if ARGV[10] == '1' then ref = '' end
end
redis.call('HSET', outbox, number, state .. ' ' .. attempts .. ' ' .. notBefore .. '\n' .. ref .. '\n' .. draft)
return 1
