-- Makes a replica the channel's owner, with a new fence, and a session where there is none.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · me, a dead owner to replace or empty, id for a new session, its source, agent, title, settings, project
-- Gives `elsewhere, owner` · `owned, fence, session, turn, waiting, commands, replies, 1 where the session is new, session's id, open asks (pairs: id, ask)`
-- One step: from here on no write of an earlier owner passes. A living owner keeps the channel: that `dead` is dead for
-- good is the caller's to know (see beat.lua). The source of the first message that waits goes before that of the arguments.
-- #include lib/channel.lua lib/sessions.lua lib/turns.lua
local me, dead, id = ARGV[5], ARGV[6], ARGV[7]
readRow()
if row.owner ~= '' and row.owner ~= me and row.owner ~= dead then return { 'elsewhere', row.owner } end
local isNew = row.session == '' or redis.call('EXISTS', key('s', row.session)) == 0
if isNew then
  keepRow()
  -- See `writeMessage`: no other text of a message can look like that.
  local first = redis.call('LINDEX', key('i'), inFlight()) or ''
  local source = string.match(first, '^[^\n]*\n{"source":"(%a+)"') or ARGV[8]
  createSession(id, source, ARGV[9], ARGV[10], ARGV[11], ARGV[12])
  set('session', id)
end
-- From the server's time, so that it grows although the row, and what it counted, may have expired in between.
local time = redis.call('TIME')
local fence = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if row.fence ~= '' then fence = math.max(fence, tonumber(row.fence) + 1) end
set('fence', fence)
if row.era ~= '' then set('era', '') end
if row.owner ~= me then set('owner', me) end
saveRow()
local asks = {}
for ask in string.gmatch(row.asks, '([^,;]+),[^;]*;') do
  asks[#asks + 1] = ask
  asks[#asks + 1] = redis.call('HGETALL', key('a', ask))
end
return { 'owned', row.fence, redis.call('HGETALL', key('s', row.session)), viewTurn(), waiting(),
  redis.call('HGETALL', key('k')), redis.call('HGETALL', key('o')), isNew and 1 or 0, row.session, asks }
