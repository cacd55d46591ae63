-- Ends the turn in flight, or puts it back; records what was said; claims the next turn.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, turn, outcome (commit, retry, requeue, park, cancel), take, retryAt,
--       transcript's bound, receipt, cause, beginning of dead letters' names ·
--       transcript, session's fields, replies (lists)
-- Gives `stale` · `cancelled` · `ended, number of the first reply or empty, the next turn or empty`
-- One step: the messages are out of the inbox exactly when the replies are in the outbox. A repeated call, whose first
-- answer got lost, gives that answer again.
-- #include lib/channel.lua lib/fence.lua lib/receipts.lua lib/replies.lua lib/lists.lua lib/sessions.lua lib/transcripts.lua lib/turns.lua
local id, outcome, take, bound, receipt = ARGV[7], ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[11]), ARGV[12]
local transcript, cursor = listAt(15)
local fields, drafts
fields, cursor = listAt(cursor)
drafts = listAt(cursor)

readRow()
if not isOwner() then return { 'stale' } end
local turn = readTurn()
local endedId, endedAttempt, endedOutcome, endedFirst = string.match(row.ended, '^(%S+) (%S+) (%S+) (%d*)$')
if not turn or turn.id ~= id then
  if endedId ~= id then return { 'stale' } end
  return { 'ended', endedFirst, viewTurn() }
end
if endedId == id and tonumber(endedAttempt) == turn.attempt and endedOutcome == outcome and turn.state ~= '-' then
  return { 'ended', endedFirst, {} }
end
if outcome == 'commit' and row.cancelled ~= '' then return { 'cancelled' } end

local next = 0
if outcome == 'retry' or outcome == 'requeue' then
  turn.state = outcome == 'retry' and 'again' or 'requeued'
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
    receipt = now36 .. ',d,' .. string.match(row.cancelled, '^[^\n]*')
    if outcome == 'park' then drafts = {} end
  end
  endTurn(turn, receipt)
  next = take
end
if changeSession(turn.session, fields, true) then appendTranscript(turn.session, transcript, bound) end
local first = addReplies(drafts)
set('ended', id .. ' ' .. turn.attempt .. ' ' .. outcome .. ' ' .. first)
if next > 0 then beginTurn(next) end
saveRow()
return { 'ended', first, next > 0 and viewTurn() or {} }
