-- Leaves a receipt and nothing else. Where the channel has no session, its row expires: strangers leave nothing for ever.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · id, receipt, dedupeFor
-- Gives 1, or 0 where the id is known
-- #include lib/channel.lua lib/receipts.lua
local id, receipt, dedupeFor = ARGV[5], ARGV[6], tonumber(ARGV[7])
readRow()
if findReceipt(id) then return 0 end
addReceipt(id, receipt, dedupeFor)
saveRow()
if row.session == '' and row.pending == '' then redis.call('PEXPIRE', key('c'), dedupeFor) end
return 1
