-- Puts a task that waits into another lane, as its last. That is its own from now on.
local function move(id, to)
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end', 'created')
  if record.err then return 'none' end
  local state = standing(record[1], record[2])
  if state == 'none' or state == 'running' then return state end
  if record[2] or string.find(record[1], '^away/') then return 'ended' end
  local lane, entry = parse_place(record[1])
  if lane == to or record[1] == state .. '/' .. to or record[1] == 'line/' .. to then return 'there' end
  call('HDEL', key, 'home')
  if state == 'queued' and not lane then
    local packed_call = call('HGET', key, 'call')
    call('HDEL', key, 'call')
    line_up(id, to, packed_call)
    return 'moved'
  end
  if not lane then
    call('HSET', key, 'entry', state .. '/' .. to)
    return 'moved'
  end
  local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
  void(lane, entry)
  call('HSET', key, 'created', record[3] or string.match(entry, '^%d+'))
  line_up(id, to, found[2][2])
  return 'moved'
end
