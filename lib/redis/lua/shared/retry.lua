-- Another attempt: the task leaves its entry and waits in the record until its time.
-- delay in ms · left: what the old holder's entry was, for an outcome that is sent again
local function retry(id, lane, entry, packed_call, attempt, delay, value, record)
  local key = TASK .. id
  local to = lane == 'first' and call('HGET', key, 'home') or lane
  call('HINCRBY', key, 'failures', '1')
  call('HSET', key, 'attempt', attempt, 'created', record.created or string.match(entry, '^%d+'),
    'errors', keep_error(record.errors, attempt, value), 'left', place_of(lane, entry))
  if tonumber(delay) > 0 then
    call('HSET', key, 'entry', 'scheduled/' .. to, 'call', packed_call)
    put_by(id, now + delay)
  else
    line_up(id, to, packed_call)
  end
  drop(lane, entry)
end
