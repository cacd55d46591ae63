-- Puts a message at the end of a channel's inbox, once for each id; where an ask is open, among the commands instead.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · id, message, most that may wait, notice for a full queue, its receipt, dedupeFor, a minus where it was caught up, what else a command says of it
-- Gives `queued, position, owner` · `aside, owner` · `duplicate, receipt, head, turn, owner` · `full, 1 where the notice was added, owner`
-- One step: who sees the receipt sees the message. A repetition writes nothing.
-- #include lib/channel.lua lib/receipts.lua lib/replies.lua
local id, message, most, notice, refusal = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local dedupeFor = tonumber(ARGV[10])
readRow()
local known = findReceipt(id)
if known then return { 'duplicate', known, row.head, row.turn, row.owner } end
keepRow()
local isAside = row.asks ~= ''
if (isAside and redis.call('HLEN', key('k')) or waiting()) >= most then
  addReceipt(id, refusal, dedupeFor)
  local told = false
  for _, entry in ipairs(redis.call('HVALS', key('o'))) do
    if string.sub(entry, -#notice - 1) == '\n' .. notice then told = true end
  end
  if not told then addReplies({ '', notice }) end
  saveRow()
  return { 'full', told and 0 or 1, row.owner }
end
if isAside then
  -- A `say`: see `readControl`.
  redis.call('HSET', key('k'), id, nextOf('replies') .. '\n\n\n[' .. message .. ARGV[12] .. ']')
  addReceipt(id, ARGV[11] .. now36 .. ',q', dedupeFor)
  markPending()
  saveRow()
  return { 'aside', row.owner }
end
redis.call('RPUSH', key('i'), id .. '\n' .. message)
addReceipt(id, ARGV[11] .. now36 .. ',q,' .. row.tail, dedupeFor)
set('tail', tonumber(row.tail) + 1)
markPending()
saveRow()
return { 'queued', waiting(), row.owner }
