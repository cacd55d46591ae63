-- Opens an ask together with the replies that show it.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, id, ask without its session · replies (list)
-- Gives `stale` · `open, session, ask without its session`; again for an id that it has, because the first answer got lost
-- #include lib/channel.lua lib/fence.lua lib/replies.lua lib/lists.lua
local id = ARGV[7]
readRow()
if not isOwner() or row.session == '' then return { 'stale' } end
local opened = redis.call('HMGET', key('a', id), 'session', 'ask')
if opened[1] then return { 'open', opened[1], opened[2] } end
redis.call('HSET', key('a', id), 'channel', channel, 'session', row.session, 'ask', ARGV[8])
redis.call('SADD', key('as', row.session), id)
addReplies((listAt(9)))
saveRow()
return { 'open', row.session, ARGV[8] }
