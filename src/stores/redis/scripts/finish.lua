-- Ends a command: its replies, its change of the session, and what else it asks for.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, command, keep, dedupeFor, dead letter to replay or empty,
--       why asks are withdrawn, archived session to make current or empty · session's fields, new session (id, source, agent,
--       title, settings, project; or nothing), message for the inbox (id, message; or nothing), asks to withdraw, replies (lists)
-- Gives `stale` · `done, session's id, session, number of the first reply (empty where the command was not there), what to look at (inbox, outbox), parted by spaces`
-- A repeated call, whose first answer got lost, gives that answer again.
-- #include lib/channel.lua lib/fence.lua lib/receipts.lua lib/replies.lua lib/cards.lua lib/suspended.lua lib/asks.lua lib/lists.lua lib/sessions.lua lib/letters.lua
local control, keep, dedupeFor, letter, reason = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], ARGV[11]
local restored = ARGV[12]
local fields, cursor = listAt(13)
local renew, message, withdrawn, drafts
renew, cursor = listAt(cursor)
message, cursor = listAt(cursor)
withdrawn, cursor = listAt(cursor)
drafts = listAt(cursor)

-- What was a command until now stays queued, since when it was. One that is known otherwise was there before.
local function enqueue(id, body)
  local known, place = findReceipt(id), ',q,' .. row.tail
  if known and id ~= control then return end
  redis.call('RPUSH', key('i'), id .. '\n' .. body)
  if known then
    replaceReceipt(id, (string.match(known, '^%-?(%w+),q$') or now36) .. place)
  else
    addReceipt(id, now36 .. place, dedupeFor)
  end
  set('tail', tonumber(row.tail) + 1)
  markPending()
end

readRow()
if not isOwner() or row.session == '' then return { 'stale' } end
local function answer(first, hints)
  return { 'done', row.session, redis.call('HGETALL', key('s', row.session)), first, hints }
end
if redis.call('HDEL', key('k'), control) == 0 then
  local finished, first = string.match(row.finished, '^(%S+) (%d*)$')
  return answer(finished == control and first or '', '')
end
if control ~= message[1] and findReceipt(control) then replaceReceipt(control, now36 .. ',a') end
changeSession(row.session, fields, true)
local first = addReplies(drafts)
set('finished', control .. ' ' .. first)
local hints = ''
if #withdrawn > 0 and row.asks ~= '' then
  local meant = {}
  for _, ask in ipairs(withdrawn) do meant[ask] = true end
  hints = hints .. ' ' .. askTools().withdraw(reason, function(ask) return meant[ask] end)
end
local function replaceSession(why)
  if row.asks ~= '' then hints = hints .. ' ' .. askTools().withdraw(why, function() return true end) end
  archiveSession(row.session, keep)
end
if #renew > 0 then
  replaceSession('a new session was begun')
  createSession(unpack(renew))
  set('session', renew[1])
elseif restored ~= '' and isArchived(restored) then
  replaceSession('another session was resumed')
  reviveSession(restored)
  set('session', restored)
end
if #message > 0 then enqueue(message[1], message[2]) end
if letter ~= '' then hints = hints .. ' ' .. (replayLetter(letter) or '') end
if #message > 0 or isAwake() then hints = hints .. ' inbox' end
saveRow()
return answer(first, hints)
