-- What a channel is doing, in one look.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36
-- Gives turn, waiting messages, newest receipts, head, turn as the row has it, open asks, number of commands
-- #include lib/channel.lua lib/turns.lua
readRow()
return { viewTurn(), redis.call('LRANGE', key('i'), inFlight(), -1), row.recent, row.head, row.turn, row.asks,
  redis.call('HLEN', key('k')) }
