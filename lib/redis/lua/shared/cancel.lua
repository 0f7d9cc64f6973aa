-- Cancels a task: one that has not started never will; the worker of one that runs is told. ttl: ms that the record stays.
local REMEMBERED = 3600000 -- ms
local function cancel(id, reason, ttl)
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end', 'call', 'clients', 'key', 'attempt', 'unknown', 'tied', 'to')
  if record.err then return 'none' end
  local state = standing(record[1], record[2])
  if state == 'none' or state == 'cancelled' then return state end
  if record[2] then return 'ended' end
  -- What stands for a task that is not made from here.
  if record[9] and record[3] == '' then return 'none' end
  if state == 'running' then
    call('HSET', key, 'cancel', reason)
    call('ZREMRANGEBYSCORE', P .. ':cancelling', '-inf', string.format('%.0f', now - REMEMBERED))
    call('ZADD', P .. ':cancelling', now, record[1])
    call('PEXPIRE', P .. ':cancelling', REMEMBERED)
    tell('cancel ' .. record[1] .. ' ' .. string.sub(reason, 1, 500))
    return 'running'
  end
  local packed_call, lane, entry = record[3], parse_place(record[1])
  if lane then
    packed_call = call('XRANGE', STREAM .. lane, entry, entry)[1][2][2]
    void(lane, entry)
  end
  if state == 'waiting' then call('ZREM', P .. ':waiting', id) end
  call('ZREM', SCHEDULED, id)
  if record[9] and string.find(record[1], '^away/') then
    post('cancel ' .. record[9] .. ' ' .. id .. ' ' .. string.sub(reason, 1, 500))
  end
  if record[7] then call('ZREM', P .. ':parked', record[7] .. '/' .. id) end
  settle_as_error(ending('cancelled', record[6] or '0', '', ttl), id, packed_call, packed_call, record[4], record[5],
    record[8], 'TaskCancelledError', 'ERR_MILLRACE_TASK_CANCELLED', reason)
  return 'cancelled'
end
