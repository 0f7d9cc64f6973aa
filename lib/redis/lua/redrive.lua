#!lua flags=allow-oom
-- redrive: tasks that failed, expired or were cancelled run again, as if for the first time: attempts, failures and
-- crashes count from nothing; the errors so far stay. One that waited for others waits for those that have not ended, or
-- did not succeed. What hears of its progress goes on hearing. May run twice.
--   args: { id, … }
--   keys: P:task:<id>, P:stream:<lane>, P:waiting, P:failed, P:key:<key>, P:deps:<parent>, P:releasing, P:flow:<flow>, P:outbox
--   gives: for each: retried | alive: it has not ended | succeeded | key: another task holds its key | empty: its call
--         was too large to be kept, or what it takes of others is gone | none
--! include base
--! include rare

local task = rare()
local function redrive(id)
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end', 'call', 'error', 'errors', 'key', 'home', 'after',
    'policy', 'inputs', 'flow', 'to')
  if record.err or not record[1] then return 'none' end
  if not record[2] then return 'alive' end
  local state, attempt, finished = string.match(record[2], '^(%a) (%d+) %d+ (%d+)')
  if state == 's' then return 'succeeded' end
  if not record[3] or record[3] == '' then return 'empty' end
  if record[8] and record[10] and not task.parents().can_wait_again(id, record[8]) then return 'empty' end
  if record[6] then
    local name = P .. ':key:' .. record[6]
    local holder = call('GET', name)
    if holder and holder ~= id then
      local other = call('HMGET', TASK .. holder, 'entry', 'end')
      if other[1] and not other[2] then return 'key' end
    end
    call('SET', name, id)
  end
  call('HSET', key, 'errors', task.keep_error(record[5], attempt, record[4] or '', finished))
  call('HDEL', key, 'end', 'error', 'call', 'attempt', 'failures', 'crashes', 'crashed', 'cancel', 'expires', 'deadline',
    'left', 'unknown', 'begin', 'next', 'progress', 'version', 'heard', 'chunks', 'reader', 'needs')
  call('DEL', P .. ':chunks:' .. id)
  call('PERSIST', key)
  call('ZREM', P .. ':failed', id)
  -- Who waits for it and has not been told yet waits for its next end.
  call('HDEL', P .. ':releasing', id)
  local lane = task.parse_place(record[1]) or string.match(record[1], '%a+$')
  call('HSETNX', key, 'created', string.match(record[1], '(%d+)%-%d+$') or finished)
  lane = lane == 'first' and record[7] or lane
  if record[11] then task.parents().join_flow(record[11], id, record[8]) end
  if record[8] and task.parents().wait_for(id, record[8], record[9], record[10]) > 0 then
    call('HSET', key, 'entry', 'waiting/' .. lane, 'call', record[3])
    call('ZADD', P .. ':waiting', now, id)
  elseif record[12] then
    call('HSET', key, 'call', record[3])
    task.go_away(id, lane, record[12])
  else
    task.line_up(id, lane, record[3])
  end
  return 'retried'
end

local answers = {}
for i = 1, #args do answers[i] = redrive(args[i]) end
task.tell_nearest()
return answers
