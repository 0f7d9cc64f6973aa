#!lua flags=allow-oom
-- recover: puts back in line what dead workers hold. Decides and moves in one step, a bounded number at a time.
--   args: { reaper, lease, most, max_crashes, failed_ttl, max_failed }                   lease of the reaper, in ms
--   keys: P:workers, P:worker:<id>, P:stream:<lane>, P:task:<id>, P:failed, P:quarantine, P:reply:<client>,
--         P:deps:<id>, P:releasing, P:flow:<flow>
--   gate: only a reaper that has beaten within half its lease and whose beats all came so for a full lease. An outage,
--         a pause or a jump of the clock makes everybody's lease end at once; none of them passes this gate. One that is
--         shorter than a lease ends those that had to beat next: half, because beats come after a third of it.
--   dead: lease ended, or a consumer without a registration that was silent for a lease (a read that was blocked when
--         its worker was declared dead can make the consumer anew)
--   each held entry: a crash is counted, and at max_crashes the task fails; else it goes to the head of the line.
--         Not counted for a suspect (one crash away from that) which its worker held behind others: it had not begun.
--         A worker that holds nothing more loses its consumer and its registration.
--   gives: { ms until the next look is worth while, recovered, failed as poison, dead workers seen, … }
--! include base
--! include drop
--! include replies
--! include rare
--! include settle

local task = rare()
local reaper, lease, left = args[1], tonumber(args[2]), tonumber(args[3])
local max_crashes, failed_ttl, max_failed = tonumber(args[4]), args[5], args[6]
failed_for, failed_most = failed_ttl, max_failed
local workers, at = P .. ':workers', tonumber(now)

local own = tonumber(call('ZSCORE', workers, reaper) or '0')
local since = tonumber(call('HGET', P .. ':worker:' .. reaper, 'since') or now)
if own < at + lease / 2 or since > at - lease then return { math.max(since + lease - at, 100), 0, 0 } end

local function silent_strangers()
  for _, lane in ipairs(LANES) do
    local consumers = pcall('XINFO', 'CONSUMERS', STREAM .. lane, GROUP)
    for _, consumer in ipairs(consumers.err and {} or consumers) do
      local name, idle = consumer[2], consumer[6]
      if idle > lease and not call('ZSCORE', workers, name) then call('ZADD', workers, 0, name) end
    end
  end
end

-- Whether the worker was given something else before this, or ahead of it by the same delivery.
local function is_behind(dead, lane, entry, idle)
  local function has_other(of, at_least, last)
    local held = pcall('XPENDING', STREAM .. of, GROUP, 'IDLE', at_least, '-', last, 2, dead)
    for _, item in ipairs(held.err and {} or held) do
      if of ~= lane or item[1] ~= entry then return true end
    end
  end
  if has_other(lane, idle, '(' .. entry) then return true end
  -- One turn takes the lanes in order, if only within the same millisecond.
  local at_least = idle
  for _, of in ipairs(LANES) do
    if of == lane then at_least = idle + 1 end
    if has_other(of, at_least, '+') then return true end
  end
end

local recovered, poisoned, MAX_NAMES = 0, 0, 500
local function put_back(dead, lane, entry, idle)
  local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
  if not found then return drop(lane, entry) end
  local id, packed_call = found[2][1], found[2][2]
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'attempt', 'created', 'crashes', 'clients', 'cancel', 'key', 'crashed',
    'tied')
  if refused(record, lane, entry, packed_call) then return end
  local attempt, crashes, by = (tonumber(record[3]) or 0) + 1, tonumber(record[5]) or 0, record[9] or ''
  -- A suspect begins when its worker holds nothing else.
  local has_begun = crashes == 0 or crashes < max_crashes - 1 or not is_behind(dead, lane, entry, idle)
  -- A read that was blocked when its worker was declared dead may have brought it the task once more: one death all the same.
  if has_begun and string.match(by, '%S*$') ~= dead then
    crashes = crashes + 1
    by = by == '' and dead or by .. ' ' .. dead
    call('HSET', TASK .. id, 'crashes', tostring(crashes), 'crashed', string.sub(by, -MAX_NAMES))
  end
  if record[7] then
    return task.settle_cancelled(ending('cancelled', attempt, dead, failed_ttl), id, lane, entry, packed_call, record[7],
      record[6], record[8], record[10])
  end
  if has_begun and crashes >= max_crashes then
    poisoned = poisoned + 1
    task.settle_as_error(ending('failed', attempt, dead, failed_ttl, max_failed), id, packed_call, packed_call, record[6], record[8],
      record[10], 'PoisonTaskError', 'ERR_MILLRACE_POISON',
      crashes .. ' workers died while they ran this task: ' .. string.gsub(by, ' ', ', '))
    return drop(lane, entry)
  end
  recovered = recovered + 1
  task.requeue(id, lane, entry, packed_call, attempt, record[4])
end

silent_strangers()
local seen = {}
for _, dead in ipairs(call('ZRANGE', workers, '-inf', '(' .. now, 'BYSCORE', 'LIMIT', 0, 16)) do
  call('ZADD', workers, 0, dead)
  seen[#seen + 1] = dead
  local clean = true
  for _, lane in ipairs(LANES) do
    local pending = left > 0 and pcall('XPENDING', STREAM .. lane, GROUP, '-', '+', left, dead) or { err = true }
    for _, item in ipairs(pending.err and {} or pending) do put_back(dead, lane, item[1], item[3]) end
    left = left - (pending.err and 0 or #pending)
    clean = clean and left > 0
  end
  drop_all()
  dropped = {}
  if clean then
    for _, lane in ipairs(LANES) do pcall('XGROUP', 'DELCONSUMER', STREAM .. lane, GROUP, dead) end
    call('ZREM', workers, dead)
    call('DEL', P .. ':worker:' .. dead)
  end
end
publish_all()
task.tell_nearest()

local next_end = call('ZRANGE', workers, 0, 0, 'WITHSCORES')[2]
local wait = left <= 0 and 0 or math.max((tonumber(next_end) or at + lease) - at, 0)
return { wait, recovered, poisoned, unpack(seen) }
