-- Removes a session, its transcript and its asks; where it is its channel's current one, also what is under way there.
-- KEYS  1 the session
-- ARGV  base, (unused), now, now in base 36 · session, reason in receipts, dedupeFor
-- Gives `unknown` · `removed, channel, owner of before`
-- The row of a channel without a session expires: its receipts keep redeliveries from being answered until then.
-- #include lib/channel.lua lib/receipts.lua lib/sessions.lua lib/turns.lua
local id, reason, dedupeFor = ARGV[5], ARGV[6], tonumber(ARGV[7])
local home = redis.call('HGET', KEYS[1], 'channel')
if not home then return { 'unknown' } end
channel = home
readRow()
local owner = row.owner
eraseSession(id)
if row.session == id then
  local receipt = now36 .. ',d,' .. reason
  local turn = readTurn()
  if turn then endTurn(turn, receipt) end
  dropWaiting(reason)
  for _, control in ipairs(redis.call('HKEYS', key('k'))) do
    if findReceipt(control) then replaceReceipt(control, receipt) end
  end
  redis.call('UNLINK', key('k'), key('o'))
  redis.call('SREM', base .. 'w', channel)
  for _, field in ipairs({ 'session', 'owner', 'pending', 'asks' }) do set(field, '') end
  saveRow()
  redis.call('PEXPIRE', key('c'), dedupeFor)
end
return { 'removed', channel, owner }
