-- The sorted sets that list what is kept in keys of its own: P:waiting and P:slots. The score that a name should have there
-- by that key, as it is written; nil: it should not be there.
local function score_in(list, name)
  if list == 'slots' then
    local key = P .. ':schedule:' .. name
    if call('EXISTS', key) == 0 then return nil end
    local found = pcall('HMGET', key, 'slot', 'paused')
    local slot = not found.err and not found[2] and string.match(found[1] or '', '^%d+$')
    return slot or '+inf'
  end
  local record = pcall('HMGET', TASK .. name, 'entry', 'end', 'created')
  if record.err or record[2] or not string.match(record[1] or '', '^waiting/') then return nil end
  return string.match(record[3] or '', '^%d+$') or now
end
