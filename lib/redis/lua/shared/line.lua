-- A task's way into a lane. The record is the truth; what an entry says besides the call is a copy for the worker.
local EXTRAS = { 'attempt', 'failures', 'crashes', 'expires', 'deadline', 'inputs', 'hears' }
local lines

-- When its time is over, by its record: until it has begun once, `expires` counts; until it ends, `deadline`.
local function time_over(attempt, expires, deadline)
  local begun = (tonumber(attempt) or 0) > 0
  local over = math.min(not begun and tonumber(expires) or math.huge, tonumber(deadline) or math.huge)
  return over < math.huge and over or nil
end

-- As the last of the lane. values: of EXTRAS, if they are known
local function enter(id, lane, packed_call, values)
  local key, fields = TASK .. id, { id, packed_call }
  values = values or call('HMGET', key, unpack(EXTRAS))
  if (tonumber(values[1]) or 0) > 0 then values[4] = false end
  for i, name in ipairs(EXTRAS) do
    if values[i] and values[i] ~= '0' then
      fields[#fields + 1] = name
      fields[#fields + 1] = values[i]
    end
  end
  local over = time_over(values[1], values[4], values[5])
  if over then at_time(EXPIRING, id, over) end
  if lane ~= 'normal' then call('HSET', P .. ':settings', 'lanes', '1') end
  call('HSET', key, 'entry', place_of(lane, call('XADD', STREAM .. lane, '*', unpack(fields))))
end

-- The same, unless its key has a limit: then it is the last of its line.
local function line_up(id, lane, packed_call)
  local values = call('HMGET', TASK .. id, 'attempt', 'failures', 'crashes', 'expires', 'deadline', 'inputs', 'hears', 'limit')
  if not values[8] then return enter(id, lane, packed_call, values) end
  local over = time_over(values[1], values[4], values[5])
  if over then at_time(EXPIRING, id, over) end
  lines().queue(id, lane, packed_call, values[8])
end

-- Of a task that ends or is put off: it waits in the line of its key no more, or its slot there is free.
local function leave_line(id)
  local limit = call('HGET', TASK .. id, 'limit')
  if limit then lines().leave(id, limit) end
end

-- Out of line, until it is due or its own time is over: that may be already, while it ran.
local function put_by(id, due)
  at_time(SCHEDULED, id, due)
  local over = time_over(unpack(call('HMGET', TASK .. id, 'attempt', 'expires', 'deadline')))
  if over then at_time(EXPIRING, id, over) end
end

-- One that waited for the end of others: into line, or scheduled where it is not to begin yet; or away.
local function go_on(id, lane, packed_call, begin)
  call('ZREM', P .. ':waiting', id)
  local to = call('HGET', TASK .. id, 'to')
  if to then
    go_away(id, lane, to)
  elseif begin and tonumber(begin) > tonumber(now) then
    call('HSET', TASK .. id, 'entry', 'scheduled/' .. lane)
    at_time(SCHEDULED, id, tonumber(begin))
  else
    call('HDEL', TASK .. id, 'call')
    line_up(id, lane, packed_call)
  end
end
