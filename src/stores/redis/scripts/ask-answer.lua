-- Answers one question of an ask, or ends it: the first answer wins. The owner learns of the end as a command.
-- KEYS  1 the ask
-- ARGV  base, (unused), now, now in base 36 · ask's id, question after a `?` or empty, answer, how it ends (decided, expired, withdrawn), its end, the answer's and the end's part of the audit log, command's id, command
-- Gives `unknown` · `no question` · `accepted, decided or already, channel, owner, ask, what to look at (inbox, outbox), parted by spaces`
-- The last answer is the end, too.
-- #include lib/channel.lua lib/replies.lua lib/cards.lua lib/suspended.lua lib/asks.lua
local id, question, answer, what, ending = ARGV[5], string.match(ARGV[6], '^?(.*)$'), ARGV[7], ARGV[8], ARGV[9]
local asks = askTools()
local ask = asks.read(id)
if not ask then return { 'unknown' } end
channel = ask.channel
readRow()
local function outcome(status, hints)
  return { status, channel, row.owner, redis.call('HGETALL', KEYS[1]), hints }
end

if ask.ending then return outcome('already', '') end
local hints = ask.shown == '' and '' or 'outbox'
if question then
  if question == '' or not string.find(' ' .. ask.questions .. ' ', ' ' .. question .. ' ', 1, true) then return { 'no question' } end
  if redis.call('HSETNX', KEYS[1], 'q:' .. question, answer) == 0 then return outcome('already', '') end
  asks.audit('answered', ask, ARGV[10])
  for other in string.gmatch(ask.questions, '%S+') do
    if redis.call('HEXISTS', KEYS[1], 'q:' .. other) == 0 then
      asks.change(id, ask)
      saveRow()
      return outcome('accepted', hints)
    end
  end
end
asks.close(id, ask, what, ending, ARGV[11])
redis.call('HSET', key('k'), ARGV[12], nextOf('replies') .. '\n\n\n' .. ARGV[13])
saveRow()
return outcome('decided', isAwake() and hints .. ' inbox' or hints)
