-- Opens an ask together with the replies that show it.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence · ask (see asks.lua), replies (lists)
-- Gives `stale` · `open, ask, number of the first reply`; again for an id that it has, because the first answer got lost
-- #include lib/channel.lua lib/fence.lua lib/replies.lua lib/cards.lua lib/asks.lua lib/lists.lua
local draft, cursor = listAt(7)
local drafts = listAt(cursor)
local ask = key('a', draft[1])
readRow()
if not isOwner() or row.session == '' then return { 'stale' } end
if redis.call('EXISTS', ask) == 0 then
  if draft[2] ~= '' and string.match(row.turn, '^%S*') ~= draft[2] then return { 'stale' } end
  askTools().open(draft, addReplies(drafts))
  saveRow()
end
return { 'open', redis.call('HGETALL', ask), redis.call('HGET', ask, 'first') }
