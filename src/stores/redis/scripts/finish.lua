-- Ends a command: its replies, its change of the session, and a new session or a replay where it asks for one.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, command, keep, dead letter to replay or empty ·
--       session's fields, new session (id, source, agent, title; or nothing), replies (lists)
-- Gives `stale` · `done, session's id, session, number of the first reply (empty where the command was not there), `inbox` or `outbox` where something waits anew`
-- A repeated call, whose first answer got lost, gives that answer again.
-- #include lib/channel.lua lib/fence.lua lib/receipts.lua lib/replies.lua lib/lists.lua lib/sessions.lua lib/letters.lua
local control, keep, letter = ARGV[7], tonumber(ARGV[8]), ARGV[9]
local fields, cursor = listAt(10)
local renew, drafts
renew, cursor = listAt(cursor)
drafts = listAt(cursor)

readRow()
if not isOwner() or row.session == '' then return { 'stale' } end
local function answer(first, replayed)
  return { 'done', row.session, redis.call('HGETALL', key('s', row.session)), first, replayed }
end
if redis.call('HDEL', key('k'), control) == 0 then
  local finished, first = string.match(row.finished, '^(%S+) (%d*)$')
  return answer(finished == control and first or '', '')
end
if findReceipt(control) then replaceReceipt(control, now36 .. ',a') end
changeSession(row.session, fields, true)
if #renew > 0 then
  archiveSession(row.session, keep)
  createSession(renew[1], renew[2], renew[3], renew[4])
  set('session', renew[1])
end
local first = addReplies(drafts)
set('finished', control .. ' ' .. first)
local replayed = letter ~= '' and replayLetter(letter) or ''
saveRow()
return answer(first, replayed)
