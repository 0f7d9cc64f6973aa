-- What happens by itself when its time comes (promote.lua): tasks to be lined up, and tasks whose time is over. The
-- workers sleep until the nearest; when a nearer one is added they are told, by tell_nearest().
local SCHEDULED, EXPIRING = P .. ':scheduled', P .. ':expiring'
local nearest

local function next_time()
  local due, over = call('ZRANGE', SCHEDULED, 0, 0, 'WITHSCORES'), call('ZRANGE', EXPIRING, 0, 0, 'WITHSCORES')
  return math.min(tonumber(due[2]) or math.huge, tonumber(over[2]) or math.huge)
end

local function at_time(set, id, time)
  nearest = nearest or next_time()
  call('ZADD', set, string.format('%.0f', time), id)
end

local function tell_nearest()
  local time = nearest and next_time()
  if time and time < nearest then tell('due ' .. string.format('%.0f', math.max(time - now, 0))) end
end
