#!lua flags=allow-oom
-- turn: a busy worker's only script: brings outcomes, takes new work. May run twice: same token, same answer.
--   args: { worker, want, max_call, max_failed, failed_ttl,
--           { lane, state, attempt, ttl,  id, entry, ran, value, call, client,  id, … }, … }
--         outcomes that have the first four in common go together; ran: ms
--         call '' = keep the entry's own; client '' = nobody asked at the call
--         state: succeeded, failed, expired; or cancelled: why is known here; or retry: ttl is the delay, value the error; or parked: ttl is how long it may wait for a
--         worker that knows it, value its name
--   keys: P:task:<id>, P:stream:<lane>, P:failed, P:workers, P:quarantine, P:scheduled, P:expiring, P:parked, P:key:<key>,
--         P:settings, P:front, P:ended, P:deps:<id>, P:releasing, P:flow:<flow>, of limits P:line:<lane>, P:limit:<key>,
--         P:busy:<key>, P:rate:<key>, P:ring, P:resting, P:reply:<client> (published), P:control (published)
--   each outcome: d done | a done already, by this token | f fenced: another holds the task, or nobody knows it
--   new work: lanes in order, at most `want`, behind lane first what waits in lines, half of the rest or all that the lanes leave; none for a worker not registered. Where a lane has void entries, or a group
--         was made anew, only what has a record whose place it is.
--         An entry in the pending list is a running task: the delivery is the mark.
--   gives, packed: { letters of the outcomes, lane, { entry, id, call, attempt | '', entry, … }, lane, … }, where
--         attempt is how often it was begun before; or { letters, 'dead' | 'paused' }
--          error NOGROUP: a lane has entries and no group; outcomes and what was taken from other lanes stand
--! include base
--! include drop
--! include replies
--! include rare
--! include settle
--! include owner
--! include take

local worker, wanted, max_failed = args[1], tonumber(args[2]), args[4]
local want = wanted
local door = { worker = worker, max_call = tonumber(args[3]), max_failed = max_failed, failed_ttl = args[5] }
local letters, count = {}, 0
failed_for, failed_most = args[5], max_failed

local function finish(group)
  local lane, state, attempt, ttl = group[1], group[2], group[3], group[4]
  local is_end = state == 'succeeded' or state == 'failed' or state == 'expired'
  local how = is_end and ending(state, attempt, worker, ttl, max_failed)
  for i = 5, #group, 6 do
    local id, entry, value, kept = group[i], group[i + 1], group[i + 3], group[i + 4]
    local key, letter = TASK .. id, 'd'
    -- Most hold a place and nothing else, which is read faster so.
    local record = pcall('HVALS', key)
    local is_plain = not record[2] and record[1] == place_of(lane, entry)
    if not is_plain then record = pcall('HMGET', key, 'entry', 'end', 'clients', 'key', 'tied') end
    if is_plain or not refused(record, lane, entry, kept) then
      if kept == '' then
        local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
        kept = found and found[2][2] or ''
      end
      if how then
        settle(how, id, key, group[i + 2], value, kept, group[i + 5], record[3], record[4], record[5], is_plain)
        drop(lane, entry)
      else
        rare().put_off(door, state, id, lane, entry, kept, attempt, ttl, group[i + 2], value, record[3], record[4],
          record[5])
      end
    else
      -- Poison is recorded under the token of the worker that was thought dead: that is not its outcome.
      local place = place_of(lane, entry)
      local as = not record.err and record[1] == place and string.sub(record[2] or '', 1, 1)
      local ended_so = as == string.sub(state, 1, 1) or (as == 'c' and not how)
      local left_so = not how and not record.err and call('HGET', key, 'left') == place
      letter = (ended_so or left_so) and 'a' or 'f'
    end
    count = count + 1
    letters[count] = letter
  end
end

for i = 6, #args do finish(args[i]) end
drop_all()
dropped = {}

local answer = { table.concat(letters) }
local failure, settings
if want > 0 and not is_registered(worker) then
  answer[2] = 'dead'
elseif want > 0 then
  settings = call('HMGET', P .. ':settings', 'paused', 'front', 'again', 'lines', 'lanes', 'void')
end
if settings and settings[1] then
  answer[2] = 'paused'
elseif settings then
  local left_out = 0
  if settings[2] then rare().take_front(want) end
  local lines = settings[4] and rare().lines()
  -- Looking into a lane costs as much as taking from one; most queues use this one alone.
  local lanes = lines and lines.LANES or (settings[2] or settings[5]) and LANES or { 'normal' }
  for visit, lane in ipairs(lanes) do
    if lines then lines.take(visit, want) end
    local stream = STREAM .. lane
    if want > 0 and call('XLEN', stream) > 0 then
      local found = pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', want == wanted and args[2] or want, 'STREAMS', stream, '>')
      -- No group: said at the end, because the outcomes are written by now and their replies must leave.
      if found and found.err then
        failure = found
      elseif found then
        door.in_doubt = settings[3] or (settings[6] and call('EXISTS', P .. ':void:' .. lane) == 1)
        take(door, lane, found[1][2], answer)
        want = want - #found[1][2]
        left_out = left_out + #found[1][2] - #answer[#answer] / 4
      end
    end
  end
  drop_all()
  if settings[3] then
    local left = 0
    for _, lane in ipairs(LANES) do left = left + call('XLEN', STREAM .. lane) end
    if left == 0 then call('HDEL', P .. ':settings', 'again') end
  end
  -- It gives less than was wanted, and the lanes are not empty for all that: there may be more that shall not run.
  if left_out > 0 and want <= 0 then rare().tell('void') end
end

publish_all()
if made then made.tell_nearest() end
return failure or cmsgpack.pack(answer)
