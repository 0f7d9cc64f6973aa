#!lua flags=allow-oom
-- release: a worker gives tasks back before it leaves; each goes to the head of the line as a new entry.
--   args: { worker, lane, entry, begun, … }   begun '1' = its handler had begun: the attempt counts
--   keys: P:task:<id>, P:stream:<lane>, P:quarantine
--   gives: a letter each: d done | f not held by this worker (any more)
--! include base
--! include drop
--! include requeue
--! include owner

local worker, answers = args[1], {}
local function release(lane, entry, begun)
  local held = pcall('XPENDING', stream_of(lane), GROUP, entry, entry, 1)[1] -- no group: nobody holds anything
  if not held or held[2] ~= worker then return 'f' end
  local found = call('XRANGE', stream_of(lane), entry, entry)[1]
  local id, packed_call = found and found[2][1], found and found[2][2]
  local record = id and pcall('HMGET', task_of(id), 'entry', 'state', 'worker', 'attempt', 'created')
  if not record or record.err or not record[1] then
    quarantine(lane, entry, 'no record', packed_call)
  elseif record[1] ~= lane .. '/' .. entry or TERMINAL[record[2]] then
    drop(lane, entry)
  elseif not record[3] or record[3] == worker or not leave_to_owner(record[3], lane, entry) then
    local attempt = tonumber(record[4]) or 0
    if record[3] == worker and not begun then attempt = attempt - 1 end
    if begun and not record[3] then attempt = attempt + 1 end -- `start` was lost on its way
    requeue(id, lane, entry, packed_call, attempt, record[5])
  end
  return 'd'
end

for i = 2, #args, 3 do
  answers[#answers + 1] = release(args[i], args[i + 1], args[i + 2] == '1')
end
drop_all()
return table.concat(answers)
