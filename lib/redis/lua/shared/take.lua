-- Adds to `answer` those of a lane's delivered entries that shall run, as { entry, id, call, what else it says | '', … };
-- the others are settled, dropped or quarantined. door: worker, max_call, max_failed, failed_ttl, in_doubt
-- in_doubt: their records may have moved on. What a script takes out of line unread is void, so without void entries a
-- record says nothing that the entry does not, and reading it costs 1 µs. What was put there by hand is found at its outcome.
local function take(door, lane, items, answer)
  local good, n, max_call, in_doubt = {}, 0, door.max_call, door.in_doubt
  for i = 1, #items do
    local item = items[i]
    local entry, fields = item[1], item[2]
    local id, packed_call = fields[1], fields[2]
    local is_large, is_late = #packed_call > max_call, fields[3] and rare().late(fields)
    local is_odd = in_doubt or is_large or is_late
    if is_odd and refused(pcall('HMGET', TASK .. id, 'entry', 'end'), lane, entry, packed_call) then
      -- not run
    elseif is_large then
      local more = call('HMGET', TASK .. id, 'clients', 'attempt', 'key', 'tied')
      local how = ending('failed', more[2] or '0', door.worker, door.failed_ttl, door.max_failed)
      rare().settle_as_error(how, id, packed_call, '', more[1], more[3], more[4], 'PayloadTooLargeError',
        'ERR_MILLRACE_PAYLOAD_TOO_LARGE', 'the call has ' .. #packed_call .. ' bytes; this worker takes at most ' .. max_call)
      drop(lane, entry)
    elseif is_late then
      local more = call('HMGET', TASK .. id, 'clients', 'attempt', 'key', 'tied')
      local how = ending('expired', more[2] or '0', door.worker, door.failed_ttl)
      rare().settle_as_error(how, id, packed_call, packed_call, more[1], more[3], more[4], 'TaskExpiredError',
        'ERR_MILLRACE_TASK_EXPIRED', 'the task did not ' .. is_late)
      drop(lane, entry)
    else
      good[n + 1], good[n + 2], good[n + 3], good[n + 4] = entry, id, packed_call, fields[3] and table.concat(fields, ' ', 3) or ''
      n = n + 4
    end
  end
  answer[#answer + 1] = lane
  answer[#answer + 1] = good
end
