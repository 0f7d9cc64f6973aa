#!lua flags=allow-oom
-- mend: tasks that nobody would ever take are put back in line. Decides and moves in one step; may run twice.
--   args: { id, '1' | '', … }     '1': it waits for another task, and none leads to it
--   keys: P:task:<id>, P:stream:<lane>, P:key:<key>, P:waiting, P:scheduled, P:expiring, P:control (published), P:deps:<parent>, P:releasing; those of cancel
--   each: stray → last of its lane, or scheduled where it says until when; one that a worker had read → head of the line,
--         its attempt counted, as after a crash; one that was asked to be cancelled meanwhile → cancelled; one that waits for
--         parents that are lost, or could not tell it how they ended → is told so by promote
--   gives: of each: mended | key: another task holds its key | another word of shared/disorder.lua. Then nothing was done
--! include base
--! include drop
--! include replies
--! include rare
--! include settle

local task = rare()
--! include disorder
local KEPT = 3600000 -- ms that the record of one that is cancelled stays

-- Whether no other live task has the key; then it is this one's.
local function holds(id, key_name)
  local key = P .. ':key:' .. key_name
  local holder = call('GET', key)
  if holder == id then return true end
  local other = holder and call('HMGET', TASK .. holder, 'entry', 'end') or {}
  if other[1] and not other[2] then return false end
  call('SET', key, id)
  return true
end

local function mend(id, is_orphan)
  local word, lane, packed_call, entry = disorder(id, is_orphan)
  if word ~= 'stray' then return word end
  local key = TASK .. id
  local record = call('HMGET', key, 'attempt', 'created', 'cancel', 'key', 'begin', 'needs')
  if record[6] then
    task.parents().look_after(id)
    if disorder(id) == 'fine' then return 'mended' end
  end
  if record[4] and not holds(id, record[4]) then return 'key' end
  call('ZREM', P .. ':waiting', id)
  if entry then
    task.requeue(id, lane, entry, packed_call, (tonumber(record[1]) or 0) + 1, record[2])
  elseif record[5] and tonumber(record[5]) > tonumber(now) then
    call('HSET', key, 'entry', 'scheduled/' .. lane)
    task.at_time(task.SCHEDULED, id, tonumber(record[5]))
  else
    call('HDEL', key, 'call', 'unknown', 'needs')
    task.line_up(id, lane, packed_call)
  end
  if record[3] then task.cancel(id, record[3], KEPT) end
  return 'mended'
end

local answers = {}
for i = 1, #args, 2 do answers[#answers + 1] = mend(args[i], args[i + 1] == '1') end
drop_all()
publish_all()
task.tell_nearest()
return answers
