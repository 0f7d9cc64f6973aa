#!lua flags=allow-oom
-- release: a worker gives tasks back before it leaves; each goes to the head of the line as a new entry.
--   args: { worker, failed_ttl, lane, entry, how, … }   how: 1 = its handler had begun: the attempt counts | 0 |
--         a number above 1 = not at once, but in so many ms
--   keys: P:task:<id>, P:stream:<lane>, P:quarantine, P:deps:<id>, P:releasing, P:flow:<flow>, P:reply:<client>
--   each: to the head of the line; one that was asked to be cancelled ends
--   gives: a letter each: d done | f not held by this worker (any more)
--! include base
--! include drop
--! include replies
--! include rare
--! include settle

local task = rare()
local worker, failed_ttl, answers = args[1], args[2], {}
local function release(lane, entry, how)
  local held = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)[1] -- no group: nobody holds anything
  if not held or held[2] ~= worker then return 'f' end
  local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
  if not found then
    drop(lane, entry) -- deleted by hand
    return 'd'
  end
  local id, packed_call = found[2][1], found[2][2]
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'attempt', 'created', 'cancel', 'clients', 'key', 'tied')
  if not refused(record, lane, entry, packed_call) then
    local attempt = (tonumber(record[3]) or 0) + (how == 1 and 1 or 0)
    if record[5] then
      task.settle_cancelled(ending('cancelled', attempt, worker, failed_ttl), id, lane, entry, packed_call, record[5],
        record[6], record[7], record[8])
    elseif how > 1 then
      call('HSET', TASK .. id, 'entry', 'scheduled/first', 'call', packed_call, 'attempt', tostring(attempt),
        'created', record[4] or string.match(entry, '^%d+'))
      if lane ~= 'first' then call('HSET', TASK .. id, 'home', lane) end
      if record[8] then task.leave_line(id) end
      task.put_by(id, now + how)
      drop(lane, entry)
    else
      task.requeue(id, lane, entry, packed_call, attempt, record[4])
    end
  end
  return 'd'
end

for i = 3, #args, 3 do
  answers[#answers + 1] = release(args[i], args[i + 1], tonumber(args[i + 2]))
end
drop_all()
publish_all()
task.tell_nearest()
return table.concat(answers)
