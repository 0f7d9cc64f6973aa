-- It does not end yet: another attempt, or another worker. Unless it was cancelled meanwhile.
local function put_off(door, state, id, lane, entry, packed_call, attempt, wait, ran, value, clients, key_name, tied)
  local more = call('HMGET', TASK .. id, 'created', 'errors', 'cancel')
  local record = { created = more[1], errors = more[2] }
  if more[3] or state == 'cancelled' then
    local how = ending('cancelled', attempt, door.worker, door.failed_ttl)
    how.ran = ran
    settle_cancelled(how, id, lane, entry, packed_call, more[3] or '', clients, key_name, tied)
    return
  end
  if tied then leave_line(id) end
  if state == 'retry' then
    retry(id, lane, entry, packed_call, attempt, wait, value, record)
  else
    park(id, lane, entry, packed_call, value, wait, record)
  end
end
