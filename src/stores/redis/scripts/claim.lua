-- Gives the turn in flight, or begins the next one: its attempt is counted before the agent sees it.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, how many messages a new turn may take
-- Gives `stale` · `turn, ...` (empty where nothing waits, and while the turn in flight waits for people)
-- An attempt is counted once for each owner and retry: a repeated call gives the same, because its answer may have got lost.
-- #include lib/channel.lua lib/fence.lua lib/turns.lua lib/suspended.lua
readRow()
if not isOwner() then return { 'stale' } end
local turn = readTurn()
if isSuspended(row.turn, row.asks, row.cancelled) then
  saveRow()
  return { 'turn', {} }
elseif not turn then
  beginTurn(tonumber(ARGV[7]))
elseif row.cancelled == '' and (turn.fence ~= fence or turn.state ~= '-') then
  if turn.state == '-' or turn.state == 'again' then turn.attempt = turn.attempt + 1 end
  turn.state, turn.fence, turn.startedAt = '-', fence, now
  writeTurn(turn)
  set('retryAt', '')
end
saveRow()
return { 'turn', viewTurn() }
