-- A page of a transcript, the newest before a place.
-- KEYS  1 the session, 2 its transcript
-- ARGV  limit, place or empty
-- Gives entries, place of the first
local dropped = tonumber(redis.call('HGET', KEYS[1], 'dropped') or '0')
local last = dropped + redis.call('LLEN', KEYS[2])
if ARGV[2] ~= '' then last = math.max(dropped, math.min(last, tonumber(ARGV[2]))) end
local first = math.max(dropped, last - tonumber(ARGV[1]))
if last == first then return { {}, first, dropped } end
return { redis.call('LRANGE', KEYS[2], first - dropped, last - dropped - 1), first, dropped }
