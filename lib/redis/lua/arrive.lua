#!lua flags=allow-oom
-- arrive: how a task of another queue ended, for the record that stands for it here. May run twice.
--   args: { id, trip, s|f|c|e|l, result or error, result_ttl, failed_ttl, max_failed }     l: all trace of it is lost
--   keys: P:task:<id>, P:deps:<id>, P:releasing, P:flow:<flow>, those of the tasks that wait for it, P:reply:<client> (published),
--         P:control (published)
--   gives: done | past: it has ended, is on another trip, or is not there
--! include base
--! include replies
--! include rare
--! include settle

local task = rare()
local id, trip, letter, value, result_ttl = args[1], args[2], args[3], args[4], args[5]
failed_for, failed_most = args[6], args[7]
local MOST_KEPT = 1024 -- bytes of the call of one that has succeeded

local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'trip', 'call', 'clients', 'key', 'tied')
local is_away = not record.err and record[1] and not record[2] and string.find(record[1], '^away/')
local state = task.STATES[letter == 'l' and 'f' or letter]
if not is_away or not state or (record[3] or '0') ~= trip then return 'past' end

local packed_call = record[4] or ''
local how = ending(state, '0', '', state == 'succeeded' and result_ttl or failed_for)
if letter == 'l' then
  task.settle_as_error(how, id, packed_call, packed_call, record[5], record[6], record[7], 'TaskLostError', 'ERR_MILLRACE_TASK_LOST',
    'there is no record of task ' .. id .. ' in its queue')
else
  local kept = state == 'succeeded' and #packed_call > MOST_KEPT and '' or packed_call
  settle(how, id, TASK .. id, '0', value, kept, task.asker(packed_call), record[5], record[6], record[7])
end
-- It is counted where it ran.
ended[state] = ended[state] > 1 and ended[state] - 1 or nil
publish_all()
task.tell_nearest()
return 'done'
