-- What became of one message or command.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · id
-- Gives nothing where it is not known, or receipt, head, turn
-- #include lib/channel.lua lib/receipts.lua
readRow()
local known = findReceipt(ARGV[5])
if not known then return {} end
return { known, row.head, row.turn }
