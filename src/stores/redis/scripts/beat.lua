-- Proves that a replica lives, and decides which others are dead. Time is the server's, never a replica's.
-- KEYS  1 living replicas by their last beat, 2 since when each has beaten without a gap, 3 those that leave
-- ARGV  me, lease in milliseconds, 1 for the first beat of this life, 1 when leaving
-- Gives `dead` (another has buried me: this life is over) · `alive, living replicas, those that leave`
-- A replica is taken from the living once and never comes back under its name, so who is missing there is dead for good.
-- Only one that has itself beaten without a gap for a lease may bury others: after an outage that hit all alike, nobody
-- loses anything before all had the time to beat again.
local me, lease = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last = tonumber(redis.call('ZSCORE', KEYS[1], me) or nil)
if not last and ARGV[3] ~= '1' then return { 'dead' } end
local since = tonumber(redis.call('HGET', KEYS[2], me) or nil)
if not last or not since or now - last > lease then
  since = now
  redis.call('HSET', KEYS[2], me, string.format('%.0f', since))
end
redis.call('ZADD', KEYS[1], now, me)
if ARGV[4] == '1' then redis.call('SADD', KEYS[3], me) end
if now - since >= lease then
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - lease)) do
    redis.call('ZREM', KEYS[1], silent)
    redis.call('HDEL', KEYS[2], silent)
    redis.call('SREM', KEYS[3], silent)
  end
end
return { 'alive', redis.call('ZRANGE', KEYS[1], 0, -1), redis.call('SMEMBERS', KEYS[3]) }
