#!lua flags=allow-oom
-- start: grants entries that a blocking read has delivered, or that were found in the worker's own pending list.
-- May run twice: the same owner gets the same answer.
--   args: { worker, lane, entry, id, sample, lane, entry, id, sample, … }
--         id '' = the entry had not the shape of one; sample: its first bytes, kept if it is quarantined
--   keys: P:task:<id>, P:stream:<lane>, P:workers, P:quarantine
--   gives: 'dead' for a worker not registered, else one string for each entry: its attempt's number when granted,
--          else quarantined | stale | taken
--! include base
--! include drop
--! include owner
--! include grant

local worker = args[1]
if not is_registered(worker) then return 'dead' end

local answers = {}
for i = 2, #args, 4 do
  local lane, entry, id = args[i], args[i + 1], args[i + 2]
  local attempt, refusal, reason = grant(worker, lane, entry, id)
  if refusal == 'quarantined' then quarantine(lane, entry, reason, args[i + 3]) end
  answers[#answers + 1] = attempt and tostring(attempt) or refusal
end
drop_all()
return answers
