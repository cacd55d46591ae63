-- Puts a dead letter's message at the end of its channel's inbox again.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · dead letter
-- Gives `unknown` · `inbox` or `outbox, owner`
-- #include lib/channel.lua lib/receipts.lua lib/replies.lua lib/letters.lua
readRow()
local kind = replayLetter(ARGV[5])
if not kind then return { 'unknown' } end
keepRow()
saveRow()
return { kind, row.owner }
