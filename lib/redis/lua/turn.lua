#!lua flags=allow-oom
-- turn: a busy worker's only script: brings outcomes, takes new work. May run twice: same token, same answer.
--   args: { worker, want, max_call, max_failed, failed_ttl,
--           { lane, state, attempt, ttl,  id, entry, ran, value, call, client,  id, … }, … }
--         outcomes that have the first four in common go together; ran: ms
--         call '' = keep the entry's own; client '' = nobody asked at the call
--   keys: P:task:<id>, P:stream:<lane>, P:failed, P:workers, P:quarantine, P:reply:<client> (published)
--   each outcome: d done | a done already, by this token | f fenced: another holds the task, or nobody knows it
--   new work: lanes in order, at most `want`, each with a record whose place it is; none for a worker not registered.
--         An entry in the pending list is a running task: the delivery is the mark.
--   gives, packed: { letters of the outcomes, lane, { entry, id, call, attempt | '', entry, … }, lane, … }, where
--         attempt is how often it was begun before; or { letters, 'dead' }
--          error NOGROUP: a lane has entries and no group; outcomes and what was taken from other lanes stand
--! include base
--! include drop
--! include settle
--! include owner
--! include take

local worker, want, max_failed = args[1], tonumber(args[2]), args[4]
local door = { worker = worker, max_call = tonumber(args[3]), max_failed = max_failed, failed_ttl = args[5] }
local letters = {}

local function finish(group)
  local lane = group[1]
  local how = ending(group[2], group[3], worker, group[4], max_failed)
  local letter = string.sub(how.head, 1, 1)
  for i = 5, #group, 6 do
    local id, entry, kept = group[i], group[i + 1], group[i + 4]
    local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'clients')
    if not refused(record, lane, entry, kept) then
      if kept == '' then
        local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
        kept = found and found[2][2] or ''
      end
      settle(how, id, group[i + 2], group[i + 3], kept, group[i + 5], record[3])
      drop(lane, entry)
      letters[#letters + 1] = 'd'
    else
      -- Poison is recorded under the token of the worker that was thought dead: that is not its outcome.
      local again = record[1] == place_of(lane, entry) and string.sub(record[2], 1, 1) == letter
      letters[#letters + 1] = again and 'a' or 'f'
    end
  end
end

for i = 6, #args do finish(args[i]) end
drop_all()
dropped = {}

local answer = { table.concat(letters) }
local failure
if want > 0 and not is_registered(worker) then
  answer[2] = 'dead'
elseif want > 0 then
  for _, lane in ipairs(LANES) do
    local stream = STREAM .. lane
    if want > 0 and call('XLEN', stream) > 0 then
      local found = pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', want, 'STREAMS', stream, '>')
      -- No group: said at the end, because the outcomes are written by now and their replies must leave.
      if found and found.err then
        failure = found
      elseif found then
        take(door, lane, found[1][2], answer)
        want = want - #found[1][2]
      end
    end
  end
  drop_all()
end

publish_all()
return failure or cmsgpack.pack(answer)
