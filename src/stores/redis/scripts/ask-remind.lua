-- Reminds of an ask where it is time, and notes when it next wants a look.
-- KEYS  1 the ask
-- ARGV  base, (unused), now, now in base 36 · ask's id, cooldown, when it wants a look or empty, a mark of this call
-- Gives nothing, or `channel, owner` where it was reminded of; again for the same mark, because the first answer got lost
-- #include lib/channel.lua lib/replies.lua lib/cards.lua
local id, cooldown, dueAt, mark = ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8]
local found = redis.call('HMGET', KEYS[1], 'channel', 'end', 'shown', 'turn', 'openedAt', 'remindedAt', 'mark')
local shown = found[3] or ''
if not found[1] or found[2] then return {} end
channel = found[1]
readRow()
if found[7] == mark then return { channel, row.owner } end
if dueAt == '' then
  redis.call('HDEL', KEYS[1], 'dueAt')
  redis.call('ZREM', base .. 'u', id)
else
  redis.call('HSET', KEYS[1], 'dueAt', dueAt)
  redis.call('ZADD', base .. 'u', dueAt, id)
end
local turn = string.match(row.turn, '^%S*')
if shown == '' or turn ~= '' and turn ~= found[4] then return {} end
if tonumber(now) - tonumber(found[6] or found[5]) < cooldown then return {} end
redis.call('HINCRBY', KEYS[1], 'reminders', 1)
redis.call('HSET', KEYS[1], 'remindedAt', now, 'mark', mark)
addReplies({ '', cardTools().text(id, '', 'r', string.match(shown, '^[^,]*')) })
saveRow()
return { channel, row.owner }
