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

local worker, want, max_call, max_failed, failed_ttl = args[1], tonumber(args[2]), tonumber(args[3]), args[4], args[5]
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
local function take(lane, items)
  local good = {}
  for i = 1, #items do
    local item = items[i]
    local entry, fields = item[1], item[2]
    local id, packed_call = fields[1], fields[2]
    local record = pcall('HMGET', TASK .. id, 'entry', 'end')
    if refused(record, lane, entry, packed_call) then
      -- not run
    elseif #fields ~= 2 and (#fields ~= 4 or fields[3] ~= 'attempt') then
      quarantine(lane, entry, 'not a call', packed_call)
    elseif #packed_call > max_call then
      local more = call('HMGET', TASK .. id, 'clients', 'attempt')
      settle_as_error(ending('failed', more[2] or '0', worker, failed_ttl, max_failed), id, packed_call, '', more[1],
        'PayloadTooLargeError', 'ERR_MILLRACE_PAYLOAD_TOO_LARGE',
        'the call has ' .. #packed_call .. ' bytes; this worker takes at most ' .. max_call)
      drop(lane, entry)
    else
      local n = #good
      good[n + 1], good[n + 2], good[n + 3], good[n + 4] = entry, id, packed_call, fields[4] or ''
    end
  end
  answer[#answer + 1] = lane
  answer[#answer + 1] = good
end

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
        take(lane, found[1][2])
        want = want - #found[1][2]
      end
    end
  end
  drop_all()
end

publish_all()
return failure or cmsgpack.pack(answer)
