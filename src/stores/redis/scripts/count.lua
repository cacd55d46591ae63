-- Counts the figures of one shard anew, from its sessions: what removed ones spent is not known any more.
-- KEYS  1 the shard's figures
-- ARGV  base
-- Gives nothing
-- #include lib/channel.lua lib/sessions.lua
redis.call('DEL', KEYS[1])
for _, index in ipairs({ 'l', 'p' }) do
  for _, place in ipairs(redis.call('ZRANGE', base .. index, 0, -1)) do
    local session = key('s', string.match(place, '^%d+%.(.*)$'))
    local found = redis.call('HMGET', session, 'source', 'error', 'archivedAt', 'stats')
    countTurns('', found[4] or '')
    if found[1] and (found[3] or '') == '' then countCurrent(1, found[1], found[2]) end
  end
end
