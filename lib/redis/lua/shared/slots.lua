-- A schedule's place among those that are due by and by; '': it has none. The workers sleep until the nearest, and are
-- told when there is a nearer one.
local SLOTS = P .. ':slots'
local function at_slot(name, due)
  local nearest = tonumber(call('ZRANGE', SLOTS, 0, 0, 'WITHSCORES')[2]) or math.huge
  call('ZADD', SLOTS, due == '' and '+inf' or due, name)
  if due ~= '' and tonumber(due) < nearest then
    call('PUBLISH', P .. ':control', 'slot ' .. string.format('%.0f', math.max(due - now, 0)))
  end
end
