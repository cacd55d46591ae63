-- Decides an ask: the first answer wins. The owner learns of it as a command.
-- KEYS  1 the ask
-- ARGV  base, (unused), now, now in base 36 · ask's id, decision, command's id, command
-- Gives `unknown` · `already, decision` · `decided, channel, owner`
-- #include lib/channel.lua lib/replies.lua
local found = redis.call('HMGET', KEYS[1], 'channel', 'decision')
if not found[1] then return { 'unknown' } end
if found[2] then return { 'already', found[2] } end
redis.call('HSET', KEYS[1], 'decision', ARGV[6])
channel = found[1]
readRow()
keepRow()
redis.call('HSET', key('k'), ARGV[7], nextOf('replies') .. '\n\n\n' .. ARGV[8])
markPending()
saveRow()
return { 'decided', channel, row.owner }
