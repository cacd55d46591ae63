-- Opens an ask together with the replies that show it.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, id, ask without its session · replies (list)
-- Gives `stale` · `open, session, number of the first reply`
-- #include lib/channel.lua lib/fence.lua lib/replies.lua lib/lists.lua
local id = ARGV[7]
readRow()
if not isOwner() or row.session == '' then return { 'stale' } end
redis.call('HSET', key('a', id), 'channel', channel, 'session', row.session, 'ask', ARGV[8])
redis.call('SADD', key('as', row.session), id)
local first = addReplies((listAt(9)))
saveRow()
return { 'open', row.session, first }
