-- Takes room that is free at this moment, for something that can as well be left out.
-- KEYS  1 the account's bucket, 2 the chat's bucket, 3 the account's pause, 4 the chat's pause
-- ARGV  burst, every (over all) · burst, every (in the chat)
-- Gives 1 where it was taken, 0 where nothing was
-- It leaves room for one final text in the chat, where more than one fits, and for a sixth of the burst over all.
-- #include lib/pace.lua
if ahead(3) > 0 or ahead(4) > 0 then return 0 end
local left = math.min(1, ownBurst - 1)
if ahead(2) > (ownBurst - 1 - left) * ownEvery or ahead(1) > (burst - 1 - burst / 6) * every then return 0 end
fill(2, ahead(2) + ownEvery)
fill(1, ahead(1) + every)
return 1
