-- Takes the next place for a final text: in the chat, and over all once the chat's own has come.
-- KEYS  1 the account's bucket, 2 the chat's bucket, 3 the account's pause, 4 the chat's pause
-- ARGV  burst, every (over all) · burst, every (in the chat) · what is held: nothing, chat or all · how far ahead it may be
-- Gives `held, what is held now, wait` · `full, wait` · `paused, all or chat, wait`; waits in milliseconds
-- What is refused has taken nothing. The places given over all are never closer than its rate, whoever asked for them.
-- #include lib/pace.lua
local held, within = ARGV[5], tonumber(ARGV[6])
local silence = math.max(ahead(3), ahead(4))
if silence > 0 then return { 'paused', ahead(3) == silence and 'all' or 'chat', silence } end
if held == 'all' then return { 'held', 'all', 0 } end
local wait = math.max(0, math.ceil(ahead(1) - (burst - 1) * every))
local own = 0
if held == 'nothing' then own = math.max(0, math.ceil(ahead(2) - (ownBurst - 1) * ownEvery)) end
if math.max(own, wait) > within then return { 'full', math.max(own, wait) } end
if own > wait then
  fill(2, ahead(2) + ownEvery)
  return { 'held', 'chat', own }
end
-- The chat's bucket counts from when it is really sent.
if held == 'nothing' then fill(2, math.max(ahead(2), wait) + ownEvery) end
fill(1, ahead(1) + every)
return { 'held', 'all', wait }
