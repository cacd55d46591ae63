-- Changes the session, or notes the preview of the turn in flight.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · names of this process, fence, preview or empty, 1 where the session changes · its fields (list)
-- Gives 1, or 0 for a stale fence
-- #include lib/channel.lua lib/fence.lua lib/lists.lua lib/sessions.lua
readRow()
if not isOwner() then return 0 end
if ARGV[8] == '1' and row.session ~= '' then changeSession(row.session, (listAt(9)), false) end
if ARGV[7] ~= '' and row.turn ~= '' then set('preview', ARGV[7]) end
saveRow()
return 1
