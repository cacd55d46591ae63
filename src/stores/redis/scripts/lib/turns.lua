-- The turn in flight: one field of the row, `id session first count attempt startedAt fence state`. Its messages are
-- the first `count` of the inbox until it ends. `state`: `-` claimed, `requeued` (the next claim is no new attempt),
-- `again` (it is), `suspended` (see suspended.lua; then like `requeued`).
local function readTurn()
  if row.turn == '' then return nil end
  local id, session, first, count, attempt, startedAt, by, state =
    string.match(row.turn, '^(%S+) (%S+) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+)$')
  return { id = id, session = session, first = tonumber(first), count = tonumber(count), attempt = tonumber(attempt),
    startedAt = startedAt, fence = by, state = state }
end

local function writeTurn(turn)
  set('turn', string.format('%s %s %.0f %d %d %s %s %s', turn.id, turn.session, turn.first, turn.count, turn.attempt,
    turn.startedAt, turn.fence, turn.state))
end

local function inFlight()
  local turn = readTurn()
  return turn and turn.count or 0
end

-- What a reader of the turn needs: the row's fields, and the messages.
local function viewTurn()
  local turn = readTurn()
  if not turn then return {} end
  return { row.turn, row.preview, row.cancelled, row.retryAt, redis.call('LRANGE', key('i'), 0, turn.count - 1), row.asked }
end

-- Begins a turn over the messages that wait longest. There must be none in flight.
local function beginTurn(take)
  local count = math.min(take, waiting())
  if count < 1 or row.session == '' then return end
  local head = tonumber(row.head)
  writeTurn({ id = 't' .. nextOf('turns'), session = row.session, first = head, count = count, attempt = 1,
    startedAt = now, fence = row.fence, state = '-' })
  set('head', head + count)
end

local function forgetTurn(turn)
  redis.call('LTRIM', key('i'), turn.count, -1)
  set('turn', '')
  if row.preview ~= '' then set('preview', '') end
  if row.cancelled ~= '' then set('cancelled', '') end
  if row.retryAt ~= '' then set('retryAt', '') end
  if row.asked ~= '' then set('asked', '') end
end

-- Takes the turn's messages out of the inbox, each with the receipt.
local function endTurn(turn, receipt)
  for _, entry in ipairs(redis.call('LRANGE', key('i'), 0, turn.count - 1)) do
    replaceReceipt(string.sub(entry, 1, string.find(entry, '\n', 1, true) - 1), receipt)
  end
  forgetTurn(turn)
end

-- Empties the inbox behind the turn in flight. Returns how many there were.
local function dropWaiting(reason)
  local kept = inFlight()
  local dropped = redis.call('LRANGE', key('i'), kept, -1)
  if #dropped == 0 then return 0 end
  for _, entry in ipairs(dropped) do
    replaceReceipt(string.sub(entry, 1, string.find(entry, '\n', 1, true) - 1), now36 .. ',d,' .. reason)
  end
  if kept == 0 then redis.call('UNLINK', key('i')) else redis.call('LTRIM', key('i'), 0, kept - 1) end
  set('head', row.tail)
  return #dropped
end
