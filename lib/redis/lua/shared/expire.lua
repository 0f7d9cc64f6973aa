-- Of a task that is not to end now: looked at again when its time is over, should that be still to come.
local function look_again(id, over)
  if over and over > tonumber(now) then at_time(EXPIRING, id, over) end
  return false
end

-- Ends a task whose time is over, wherever it waits: by its record; a parked one else for lack of a worker that knows
-- it. One that runs is its worker's to end. False: it does not wait, or it had begun in time, or has run anew since.
local function expire(id, failed_ttl, max_failed)
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end', 'call', 'clients', 'key', 'attempt', 'expires', 'deadline', 'tied')
  if record.err or not record[1] or record[2] then return false end
  local packed_call, attempt = record[3], record[6] or '0'
  local over = time_over(attempt, record[7], record[8])
  local is_over, is_parked = over and over <= tonumber(now), string.sub(record[1], 1, 7) == 'parked/'
  if not is_over and not is_parked then return look_again(id, over) end
  local lane, entry = parse_place(record[1])
  if lane then
    local pending = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)
    local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
    if #pending > 0 or not found then return look_again(id, tonumber(record[8])) end
    packed_call = found[2][2]
    void(lane, entry)
  end
  if string.sub(record[1], 1, 8) == 'waiting/' then call('ZREM', P .. ':waiting', id) end
  call('ZREM', SCHEDULED, id)
  local name = is_parked and call('HGET', key, 'unknown') or ''
  if is_parked then call('ZREM', P .. ':parked', name .. '/' .. id) end
  if not is_over then
    settle_as_error(ending('failed', attempt, '', failed_ttl, max_failed), id, packed_call, packed_call, record[4],
      record[5], record[9], 'UnknownTaskError', 'ERR_MILLRACE_UNKNOWN_TASK',
      'no worker came that knows a task of this name: ' .. name)
  else
    local in_time = tonumber(record[8]) and tonumber(record[8]) <= tonumber(now) and 'end before its deadline' or 'start in time'
    settle_as_error(ending('expired', attempt, '', failed_ttl, max_failed), id, packed_call, packed_call, record[4],
      record[5], record[9], 'TaskExpiredError', 'ERR_MILLRACE_TASK_EXPIRED', 'the task did not ' .. in_time)
  end
  return true
end
