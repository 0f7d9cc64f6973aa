-- A task that its worker does not know waits in the record for one that does, until `patience` ms are over. Where a
-- live worker knows it, the workers are told, and that one takes it.
local function is_known(name)
  for _, worker in ipairs(call('ZRANGE', P .. ':workers', now, '+inf', 'BYSCORE', 'LIMIT', 0, 1000)) do
    local tasks = call('HGET', P .. ':worker:' .. worker, 'tasks')
    if tasks and string.find(' ' .. tasks .. ' ', ' ' .. name .. ' ', 1, true) then return true end
  end
  return false
end

local function park(id, lane, entry, packed_call, name, patience, record)
  local key = TASK .. id
  local to = lane == 'first' and call('HGET', key, 'home') or lane
  call('HSET', key, 'created', record.created or string.match(entry, '^%d+'), 'unknown', name, 'left', place_of(lane, entry),
    'call', packed_call, 'entry', 'parked/' .. to)
  call('ZADD', P .. ':parked', '0', name .. '/' .. id)
  local over = time_over(unpack(call('HMGET', key, 'attempt', 'expires', 'deadline')))
  at_time(EXPIRING, id, math.min(now + patience, over or math.huge))
  if is_known(name) then tell('parked ' .. name) end
  drop(lane, entry)
end
