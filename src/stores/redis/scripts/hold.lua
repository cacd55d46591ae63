-- Takes what only one replica at a time may have.
-- KEYS  1 what is held (hash: name → replica), 2 living replicas
-- ARGV  name, me
-- Gives 1 where I have it now, 0 where a living replica has it
local holder = redis.call('HGET', KEYS[1], ARGV[1])
if holder and holder ~= ARGV[2] and redis.call('ZSCORE', KEYS[2], holder) then return 0 end
if not redis.call('ZSCORE', KEYS[2], ARGV[2]) then return 0 end
if holder ~= ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
