-- Asks: a hash each, the set of a session's (`as`), and two indexes of the shard's open ones: `q`, ordered by its members
-- `<when it was opened>.<id>`, and `u`, by the time when each wants a look. The row has the channel's open ones (`asks`),
-- oldest first, each `id,turn;`, and all that the turn in flight opened (`asked`), each `id;`.
-- `y` is the shard's audit log, only ever added to at its end: members `<time> <channel>` and, on a line of its own, the
-- entry. Their time is the server's, in microseconds, so that the logs of all shards can be put in one order.
-- Called only where there is an ask: see cards.lua.
local function askTools()
  local asks, cards = {}, cardTools()

  local function timeAfter(newest)
    local time = redis.call('TIME')
    local stamp = tonumber(time[1]) * 1000000 + tonumber(time[2])
    if newest then stamp = math.max(stamp, tonumber(string.sub(newest, 1, 16)) + 1) end
    return string.format('%016.0f', stamp)
  end

  -- `ask.audit` and `more` are members of a JSON object, each with a comma before it.
  function asks.audit(what, ask, more)
    local newest = redis.call('ZREVRANGE', base .. 'y', 0, 0)[1]
    redis.call('ZADD', base .. 'y', 0, timeAfter(newest) .. ' ' .. channel .. '\n{"at":' .. now .. ',"what":"' .. what ..
      '","session":"' .. ask.session .. '"' .. ask.audit .. more .. '}')
  end

  -- `draft`: id, turn, what does not change of it (JSON), its part of the audit log, ids of its questions, when it wants a
  -- look. `first`: the number of the first reply that goes with it.
  function asks.open(draft, first)
    local id, turn, questions, dueAt = draft[1], draft[2], draft[5], draft[6]
    local place = string.format('%013.0f.', now) .. timeAfter() .. '.' .. id
    local ask = { session = row.session, audit = draft[4] }
    local fields = { 'channel', channel, 'session', row.session, 'ask', draft[3], 'audit', ask.audit, 'place', place,
      'openedAt', now, 'version', '1', 'reminders', '0', 'first', first }
    for name, value in pairs({ turn = turn, questions = questions, dueAt = dueAt }) do
      if value ~= '' then
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
    end
    redis.call('HSET', key('a', id), unpack(fields))
    redis.call('SADD', key('as', row.session), id)
    redis.call('ZADD', base .. 'q', 0, place)
    if dueAt ~= '' then redis.call('ZADD', base .. 'u', dueAt, id) end
    set('asks', row.asks .. id .. ',' .. turn .. ';')
    if turn ~= '' and string.match(row.turn, '^%S*') == turn then set('asked', row.asked .. id .. ';') end
    asks.audit('opened', ask, '')
  end

  -- Nil where there is none.
  function asks.read(id)
    local found = redis.call('HMGET', key('a', id), 'channel', 'session', 'end', 'version', 'shown', 'audit', 'questions',
      'place')
    if not found[1] then return nil end
    return { channel = found[1], session = found[2], ending = found[3], version = tonumber(found[4]),
      shown = found[5] or '', audit = found[6], questions = found[7] or '', place = found[8] }
  end

  -- The ask has changed: people are shown so.
  function asks.change(id, ask, ...)
    redis.call('HSET', key('a', id), 'version', ask.version + 1, ...)
    cards.showAgain(id, ask.shown)
    markPending()
  end

  function asks.close(id, ask, what, ending, more)
    asks.change(id, ask, 'end', ending)
    redis.call('ZREM', base .. 'q', ask.place)
    redis.call('ZREM', base .. 'u', id)
    local open = {}
    for entry, other in string.gmatch(row.asks, '(([^,;]+),[^;]*;)') do
      if other ~= id then open[#open + 1] = entry end
    end
    set('asks', table.concat(open))
    asks.audit(what, ask, more)
  end

  -- Text as the store's `encode` made it, as JSON.
  local function jsonOf(encoded)
    local safe = string.gsub(encoded, '[%c"\\]', function(mark) return string.format('\\u%04x', string.byte(mark)) end)
    return '"' .. string.gsub(safe, '%%(%x%x%x%x)', '\\u%1') .. '"'
  end

  -- Ends those of the channel's open asks that `isMeant(id, turn)`. Returns `outbox` where a message that shows one is to
  -- be edited, else an empty text.
  function asks.withdraw(reason, isMeant)
    local because = '"reason":' .. jsonOf(reason)
    local replies = row.replies
    for id, turn in string.gmatch(row.asks, '([^,;]+),([^;]*);') do
      local ask = isMeant(id, turn) and asks.read(id)
      if ask then
        asks.close(id, ask, 'withdrawn', '{"at":' .. now .. ',"state":"withdrawn",' .. because .. '}', ',' .. because)
      end
    end
    return row.replies ~= replies and 'outbox' or ''
  end

  return asks
end
