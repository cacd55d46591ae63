-- Whether a replica lives.
-- KEYS  1 living replicas
-- ARGV  replica
-- Gives 1 or 0. Who owned something and is not among the living is dead for good (see beat.lua).
return redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
