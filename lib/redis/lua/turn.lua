#!lua flags=allow-oom
-- turn: a busy worker's only script: brings outcomes, takes new work. May run twice: same token, same answer.
--   args: { worker, want, max_call, max_failed, failed_ttl,
--           { id, lane, entry, state, value, ttl, attempt, call, client }, … }
--         call '' = keep the entry's own; client '' = nobody asked at the call
--   keys: P:task:<id>, P:stream:<lane>, P:failed, P:workers, P:quarantine, P:reply:<client> (published)
--   each outcome: d done | a done already, by this token | f fenced: another holds the task, or nobody knows it
--   new work: lanes in order, at most `want`, each granted (shared/grant.lua); none for a worker not registered
--   gives: { letters of the outcomes, { lane, entry, id, call, attempt, … } | 'dead' }
--          error NOGROUP: a lane has entries and no group; outcomes and what was taken from other lanes stand
--! include base
--! include drop
--! include settle
--! include owner
--! include grant

local worker, want, max_call, max_failed, failed_ttl = args[1], tonumber(args[2]), tonumber(args[3]), args[4], args[5]

local function finish(o)
  local id, lane, entry = o[1], o[2], o[3]
  local key = task_of(id)
  local record = pcall('HMGET', key, 'entry', 'state', 'worker', 'clients')
  if record.err or record[1] ~= lane .. '/' .. entry then return 'f' end
  if record[3] and record[3] ~= worker then return 'f' end
  -- Poison is recorded under the token of the worker that was thought dead: that is not its outcome.
  if TERMINAL[record[2]] then return record[2] == o[4] and 'a' or 'f' end
  if not record[3] then call('HSET', key, 'worker', worker, 'attempt', o[7]) end -- `start` was lost on its way
  local kept = o[8]
  if kept == '' then
    local found = call('XRANGE', stream_of(lane), entry, entry)[1]
    kept = found and found[2][2] or ''
  end
  settle(id, record[4], { state = o[4], value = o[5], ttl = o[6], call = kept, client = o[9], max_failed = max_failed })
  drop(lane, entry)
  return 'd'
end

local outcomes = {}
for i = 6, #args do outcomes[i - 5] = finish(args[i]) end

local granted = {}
local function take(lane, entry, fields)
  local id, packed_call = fields[1], fields[2]
  local attempt, refusal, reason = grant(worker, lane, entry, id)
  if refusal == 'quarantined' then
    quarantine(lane, entry, reason, packed_call)
  elseif attempt and #packed_call > max_call then
    local clients = call('HGET', task_of(id), 'clients')
    settle_as_error(id, clients, packed_call, 'PayloadTooLargeError', 'ERR_MILLRACE_PAYLOAD_TOO_LARGE',
      'the call has ' .. #packed_call .. ' bytes; this worker takes at most ' .. max_call, failed_ttl, max_failed, '')
    drop(lane, entry)
  elseif attempt then
    local n = #granted
    granted[n + 1], granted[n + 2], granted[n + 3] = lane, entry, id
    granted[n + 4], granted[n + 5] = packed_call, tostring(attempt)
  end
end

local failure
if want > 0 and not is_registered(worker) then
  granted = 'dead'
elseif want > 0 then
  for _, lane in ipairs(LANES) do
    local stream = stream_of(lane)
    if want > 0 and call('XLEN', stream) > 0 then
      local found = pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', want, 'STREAMS', stream, '>')
      -- No group: said at the end, because the outcomes are written by now and their replies must leave.
      if found and found.err then
        failure = found
        found = nil
      end
      for _, item in ipairs(found and found[1][2] or {}) do
        take(lane, item[1], item[2])
        want = want - 1
      end
    end
  end
end

drop_all()
publish_all()
return failure or { table.concat(outcomes), granted }
