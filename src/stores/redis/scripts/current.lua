-- The channel's current session.
-- KEYS  1 the channel's row
-- ARGV  base
-- Gives its id and its fields, or nothing
local id = redis.call('HGET', KEYS[1], 'session')
if not id or id == '' then return {} end
return { id, redis.call('HGETALL', ARGV[1] .. 's:' .. id) }
