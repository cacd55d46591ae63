-- Cards: replies that show an ask. What is to be said is `card <ask>,<question>,<r for a reminder>,<message to reply to>`.
-- `shown` of an ask: the messages that show it, the first one first, each `message,question,r;`.
-- Called only where there is an ask: to define what is in here takes a tenth of the time of a script that needs none of it.
local function cardTools()
  local cards = {}

  function cards.text(ask, question, reminder, replyTo)
    return 'card ' .. ask .. ',' .. question .. ',' .. reminder .. ',' .. replyTo
  end

  -- The ask, the question and the mark of a reminder that a reply in the outbox shows; nothing where it is no card.
  function cards.read(entry)
    return string.match(entry, '^[^\n]*\n[^\n]*\ncard ([^,]*),([^,]*),([^,]*),')
  end

  -- Edits every message that shows the ask.
  function cards.showAgain(ask, shown)
    local drafts = {}
    for ref, question, reminder in string.gmatch(shown, '([^,;]*),([^,;]*),([^,;]*);') do
      drafts[#drafts + 1] = ref
      drafts[#drafts + 1] = cards.text(ask, question, reminder, '')
    end
    addReplies(drafts)
  end

  -- The message shows the ask as it was at this version; where it has changed since, the message is edited once more.
  -- True where it is.
  function cards.noteShown(entry, ref, version)
    local ask, question, reminder = cards.read(entry)
    local found = ask and redis.call('HMGET', key('a', ask), 'version', 'shown')
    if not ask or not found[1] then return false end
    local shown = found[2] or ''
    if not string.find(';' .. shown, ';' .. ref .. ',', 1, true) then
      redis.call('HSET', key('a', ask), 'shown', shown .. ref .. ',' .. question .. ',' .. reminder .. ';')
    end
    if tonumber(version) >= tonumber(found[1]) then return false end
    addReplies({ ref, cards.text(ask, question, reminder, '') })
    return true
  end

  -- The message is gone: no change needs to be shown there any more.
  function cards.forgetShown(entry, ref)
    local ask = cards.read(entry)
    local shown = ask and redis.call('HGET', key('a', ask), 'shown')
    if not shown then return end
    local kept = {}
    for card, message in string.gmatch(shown, '(([^,;]*),[^;]*;)') do
      if message ~= ref then kept[#kept + 1] = card end
    end
    redis.call('HSET', key('a', ask), 'shown', table.concat(kept))
  end

  return cards
end
