-- What the owner has to do besides turns.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence
-- Gives `stale` · `ok, commands, replies`
-- #include lib/channel.lua lib/fence.lua
readRow()
if not isOwner() then return { 'stale' } end
return { 'ok', redis.call('HGETALL', key('k')), redis.call('HGETALL', key('o')) }
