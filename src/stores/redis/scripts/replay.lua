-- Puts a dead letter's message at the end of its channel's inbox again.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · dead letter
-- Gives `unknown` · `ok, owner`
-- #include lib/channel.lua lib/receipts.lua lib/letters.lua
readRow()
if not replayLetter(ARGV[5]) then return { 'unknown' } end
keepRow()
saveRow()
return { 'ok', row.owner }
