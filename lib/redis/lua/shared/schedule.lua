-- What happens by itself when its time comes (promote.lua): tasks to be lined up, tasks whose time is over, and keys that
-- are looked at again. The workers sleep until the nearest; when a nearer one is added they are told, by tell_nearest().
local SCHEDULED, EXPIRING, RESTING = P .. ':scheduled', P .. ':expiring', P .. ':resting'
local nearest

local function next_time()
  local time = math.huge
  for _, set in ipairs({ SCHEDULED, EXPIRING, RESTING }) do
    time = math.min(time, tonumber(call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]) or time)
  end
  return time
end

local function at_time(set, id, time)
  nearest = nearest or next_time()
  call('ZADD', set, string.format('%.0f', time), id)
end

local function tell_nearest()
  tell_news()
  local time = nearest and next_time()
  if time and time < nearest then tell('due ' .. string.format('%.0f', math.max(time - now, 0))) end
end
