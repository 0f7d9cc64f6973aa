#!lua flags=allow-oom
-- remove: tasks and all that is known of them. One that waits is cancelled first, so that nobody waits for it in vain;
-- one that runs stays. May run twice.
--   args: { reason, ttl, id, … }     ttl: of the record of a cancelled task that somebody may still read, ms
--   keys: as cancel, and P:failed. The record of one that others wait for stays until they are told
--   gives: for each: removed | running | none
--! include base
--! include replies
--! include rare
--! include settle

local task = rare()
local answers = {}
for i = 3, #args do
  local id = args[i]
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end')
  local is_running = not record.err and task.standing(record[1], record[2]) == 'running'
  local answer = is_running and 'running' or task.cancel(id, args[1], args[2])
  if answer == 'cancelled' then
    -- Those who are told of it, and a script that is sent again, still find it.
    if not task.dependents().forget(id, now + LAST_LOOK) then call('PEXPIRE', key, LAST_LOOK) end
  elseif answer == 'ended' then
    local name = call('HGET', key, 'key')
    if name and call('GET', P .. ':key:' .. name) == id then call('DEL', P .. ':key:' .. name) end
    if not task.dependents().forget(id, now) then call('DEL', key, P .. ':chunks:' .. id) end
  end
  call('ZREM', P .. ':failed', id)
  answers[i - 2] = (answer == 'running' or answer == 'none') and answer or 'removed'
end
publish_all()
task.tell_nearest()
return answers
