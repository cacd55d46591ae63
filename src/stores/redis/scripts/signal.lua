-- Records a command; with `cancel` the same step cancels the turn in flight (`turn`), and drops what waits (`all`).
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · id, control, cancel, cancellation (its reason as in receipts, newline, JSON), reason in receipts, dedupeFor, a minus where it was caught up
-- Gives `stored, cancelled turn or empty, how many were dropped, owner, 1 where the turn waited for people` · `duplicate, owner`
-- #include lib/channel.lua lib/receipts.lua lib/replies.lua lib/turns.lua lib/suspended.lua
local id, control, cancel, cancellation, reason = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
readRow()
if findReceipt(id) then return { 'duplicate', row.owner } end
keepRow()
local cancelled, dropped = '', 0
local waited = cancel ~= '' and isSuspended(row.turn, row.asks, row.cancelled)
if cancel ~= '' then
  local turn = readTurn()
  -- The first cancellation of a turn stands.
  if turn and row.cancelled == '' then
    set('cancelled', cancellation)
    cancelled = turn.id
  end
  if cancel == 'all' then
    dropped = dropWaiting(reason)
    -- A `say` (see `readControl`), or a command that would add a message: no text in JSON can look like that.
    local commands = redis.call('HGETALL', key('k'))
    for i = 1, #commands, 2 do
      local entry = commands[i + 1]
      if string.find(entry, '^[^\n]*\n\n\n%[') or string.find(entry, '"enqueues":true', 1, true) then
        redis.call('HDEL', key('k'), commands[i])
        replaceReceipt(commands[i], now36 .. ',d,' .. reason)
        dropped = dropped + 1
      end
    end
  end
end
local sequence = nextOf('replies')
redis.call('HSET', key('k'), id, sequence .. '\n' .. cancelled .. '\n' .. dropped .. '\n' .. control)
addReceipt(id, ARGV[11] .. now36 .. ',q', tonumber(ARGV[10]))
markPending()
saveRow()
return { 'stored', cancelled, dropped, row.owner, waited and 1 or 0 }
