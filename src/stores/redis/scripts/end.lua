-- Ends the turn in flight, or puts it back; records what was said; claims the next turn.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, turn, outcome (commit, retry, requeue, suspend, park, cancel), take, retryAt,
--       transcript's bound, receipt, cause, beginning of dead letters' names, why its asks are withdrawn ·
--       transcript, session's fields, ask to open (see asks.lua; or nothing), replies (lists)
-- Gives `stale` · `cancelled` · `ended, number of the first reply or empty, the next turn or empty, the ask's id or empty, `outbox` where more is to be shown`
-- One step: the messages are out of the inbox exactly when the replies are in the outbox. A repeated call, whose first
-- answer got lost, gives that answer again.
-- #include lib/channel.lua lib/fence.lua lib/receipts.lua lib/replies.lua lib/cards.lua lib/asks.lua lib/lists.lua lib/sessions.lua lib/transcripts.lua lib/turns.lua
local id, outcome, take, bound, receipt, why = ARGV[7], ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[11]), ARGV[12], ARGV[15]
local transcript, cursor = listAt(16)
local fields, draft, drafts
fields, cursor = listAt(cursor)
draft, cursor = listAt(cursor)
drafts = listAt(cursor)

readRow()
if not isOwner() then return { 'stale' } end
local turn = readTurn()
local endedId, endedAttempt, endedOutcome, endedFirst, endedAsk = string.match(row.ended, '^(%S+) (%S+) (%S+) (%d*) ?(%S*)$')
if not turn or turn.id ~= id then
  if endedId ~= id then return { 'stale' } end
  return { 'ended', endedFirst, viewTurn(), endedAsk, '' }
end
if endedId == id and tonumber(endedAttempt) == turn.attempt and endedOutcome == outcome and turn.state ~= '-' then
  return { 'ended', endedFirst, {}, endedAsk, '' }
end
if outcome == 'commit' and row.cancelled ~= '' then return { 'cancelled' } end

local STATES = { retry = 'again', requeue = 'requeued', suspend = 'suspended' }
local next, hints = 0, ''
if STATES[outcome] then
  turn.state = STATES[outcome]
  writeTurn(turn)
  set('retryAt', ARGV[10])
elseif outcome == 'park' and row.cancelled == '' then
  for _, entry in ipairs(redis.call('LRANGE', key('i'), 0, turn.count - 1)) do
    local letter = ARGV[14] .. string.sub(entry, 1, string.find(entry, '\n', 1, true) - 1)
    redis.call('HSET', key('d', letter), 'channel', channel, 'message', entry, 'cause', ARGV[13],
      'attempts', turn.attempt, 'at', now)
    redis.call('ZADD', base .. 'z', now, letter)
  end
  endTurn(turn, receipt)
  next = take
else
  -- A cancelled turn ends so by `park` too: nothing of it becomes a dead letter, and nothing more is said.
  if row.cancelled ~= '' and outcome ~= 'commit' then
    why = string.match(row.cancelled, '^[^\n]*')
    receipt = now36 .. ',d,' .. why
    if outcome == 'park' then drafts = {} end
  end
  endTurn(turn, receipt)
  next = take
end
if changeSession(turn.session, fields, true) then appendTranscript(turn.session, transcript, bound) end
local first = addReplies(drafts)
if not STATES[outcome] and row.asks ~= '' then
  hints = askTools().withdraw(why, function(_, asker) return asker == id end)
end
if #draft > 0 then askTools().open(draft, first) end
set('ended', id .. ' ' .. turn.attempt .. ' ' .. outcome .. ' ' .. first .. ' ' .. (draft[1] or ''))
if next > 0 then beginTurn(next) end
saveRow()
return { 'ended', first, next > 0 and viewTurn() or {}, draft[1] or '', hints }
