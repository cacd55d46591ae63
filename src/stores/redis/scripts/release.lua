-- Gives the channel up, unless another has it by now.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence
-- Gives 1 where there is something left to do for the next owner, else 0
-- #include lib/channel.lua lib/fence.lua lib/suspended.lua
readRow()
if not isOwner() then return 0 end
set('owner', '')
saveRow()
local idle = row.turn == '' and waiting() == 0 or isSuspended(row.turn, row.asks, row.cancelled)
idle = idle and redis.call('EXISTS', key('k'), key('o')) == 0
return idle and 0 or 1
