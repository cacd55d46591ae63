-- Notes that the platform refused a chat; a longer pause stays.
-- KEYS  1 the account's pause, 2 the chat's pause, 3 the chats refused of late, by time
-- ARGV  the chat, for how many milliseconds
-- Gives nothing
-- Three chats within a second mean that the account as a whole is too fast: then all pause. Time is the server's.
local ms = math.ceil(tonumber(ARGV[2]))
if ms <= 0 then return end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function pause(key)
  if tonumber(redis.call('GET', key) or 0) >= now + ms then return end
  redis.call('SET', key, string.format('%.0f', now + ms), 'PX', ms)
end

pause(KEYS[2])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - 1000)
redis.call('PEXPIRE', KEYS[3], 1000)
if redis.call('ZCARD', KEYS[3]) >= 3 then pause(KEYS[1]) end
