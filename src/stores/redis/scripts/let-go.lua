-- Gives up what only one replica at a time may have.
-- KEYS  1 what is held
-- ARGV  name, me
-- Gives 1 where I had it
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
