#!lua flags=allow-oom
-- release: a worker gives tasks back before it leaves; each goes to the head of the line as a new entry.
--   args: { worker, lane, entry, begun, … }   begun '1' = its handler had begun: the attempt counts
--   keys: P:task:<id>, P:stream:<lane>, P:quarantine
--   gives: a letter each: d done | f not held by this worker (any more)
--! include base
--! include drop
--! include requeue

local worker, answers = args[1], {}
local function release(lane, entry, begun)
  local held = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)[1] -- no group: nobody holds anything
  if not held or held[2] ~= worker then return 'f' end
  local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
  if not found then
    drop(lane, entry) -- deleted by hand
    return 'd'
  end
  local id, packed_call = found[2][1], found[2][2]
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'attempt', 'created')
  if not refused(record, lane, entry, packed_call) then
    requeue(id, lane, entry, packed_call, (tonumber(record[3]) or 0) + (begun and 1 or 0), record[4])
  end
  return 'd'
end

for i = 2, #args, 3 do
  answers[#answers + 1] = release(args[i], args[i + 1], args[i + 2] == '1')
end
drop_all()
return table.concat(answers)
