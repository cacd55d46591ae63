-- Forgets a dead letter.
-- KEYS  1 the dead letter
-- ARGV  base, channel, now, now in base 36 · dead letter
-- Gives 1, or 0 where there is none
-- #include lib/channel.lua lib/receipts.lua lib/replies.lua lib/letters.lua
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
forgetLetter(ARGV[5])
return 1
