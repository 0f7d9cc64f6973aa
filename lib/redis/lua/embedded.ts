// Made by `npm run embed` from the .lua files of this folder. Change those.

const base = `local call, pcall, P, GROUP = redis.call, redis.pcall, KEYS[1], 'workers'
local LANES = { 'first', 'high', 'normal', 'low' }
local TERMINAL = { succeeded = true, failed = true, cancelled = true, expired = true }
local args = cmsgpack.unpack(ARGV[1])
local MAX_INLINE = 65536
local LAST_LOOK = 30000
local time = call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local function stream_of(lane) return P .. ':stream:' .. lane end
local function task_of(id) return P .. ':task:' .. id end
`

const drop = `local dropped, MAX_QUARANTINE, MAX_SAMPLE = {}, 100, 256
local function drop(lane, entry)
  local ids = dropped[lane]
  if ids then ids[#ids + 1] = entry else dropped[lane] = { entry } end
end
local function drop_all()
  for lane, ids in pairs(dropped) do
    call('XACK', stream_of(lane), GROUP, unpack(ids))
    call('XDEL', stream_of(lane), unpack(ids))
  end
end
local function quarantine(lane, entry, reason, sample)
  if call('XACK', stream_of(lane), GROUP, entry) == 0 then return end
  local packed = cmsgpack.pack({ now, lane .. '/' .. entry, reason, string.sub(sample or '', 1, MAX_SAMPLE) })
  call('LPUSH', P .. ':quarantine', packed)
  call('LTRIM', P .. ':quarantine', 0, MAX_QUARANTINE - 1)
  drop(lane, entry)
end
`

const grant = `local function grant(worker, lane, entry, id)
  if type(id) ~= 'string' or #id > 128 or not string.find(id, '^[%w_.:-]+$') then return nil, 'quarantined', 'bad id' end
  local record = pcall('HMGET', task_of(id), 'entry', 'state', 'worker', 'attempt')
  if record.err then return nil, 'quarantined', 'record of another type' end
  if not record[1] then return nil, 'quarantined', 'no record' end
  if record[1] ~= lane .. '/' .. entry or TERMINAL[record[2]] then
    drop(lane, entry)
    return nil, 'stale'
  end
  local attempt = tonumber(record[4]) or 0
  if record[3] == worker then return attempt end
  if record[3] and leave_to_owner(record[3], lane, entry) then return nil, 'taken' end
  attempt = attempt + 1
  call('HSET', task_of(id), 'state', 'running', 'worker', worker, 'attempt', tostring(attempt), 'started', now)
  return attempt
end
`

const owner = `local function is_registered(worker)
  local expiry = call('ZSCORE', P .. ':workers', worker)
  return expiry and expiry ~= '0'
end
local function leave_to_owner(owner, lane, entry)
  if not is_registered(owner) then return false end
  call('XCLAIM', stream_of(lane), GROUP, owner, 0, entry, 'JUSTID')
  return true
end
`

const requeue = `local function requeue(id, lane, entry, packed_call, attempt, created)
  local place
  if attempt > 0 then
    place = call('XADD', stream_of('first'), '*', id, packed_call, 'attempt', tostring(attempt))
  else
    place = call('XADD', stream_of('first'), '*', id, packed_call)
  end
  call('HSET', task_of(id), 'entry', 'first/' .. place, 'attempt', tostring(attempt),
    'created', created or string.match(entry, '^%d+'))
  call('HDEL', task_of(id), 'state', 'worker', 'started')
  drop(lane, entry)
end
`

const settle = `local replies, MAX_MESSAGE = {}, 262144
local function publish(client, list)
  call('PUBLISH', P .. ':reply:' .. client, cmsgpack.pack(list))
end
local function reply(client, id, state, value, version)
  local list = replies[client]
  if not list then
    list = { bytes = 0 }
    replies[client] = list
  end
  local inline = #value <= MAX_INLINE
  local item = { id, state, version }
  if inline then item[#item + 1] = value end
  list[#list + 1] = item
  list.bytes = list.bytes + (inline and #value or 0)
  if list.bytes > MAX_MESSAGE then
    replies[client] = nil
    list.bytes = nil
    publish(client, list)
  end
end
local function publish_all()
  for client, list in pairs(replies) do
    list.bytes = nil
    publish(client, list)
  end
end
local function keep_failed(id, max_failed)
  local failed = P .. ':failed'
  call('ZADD', failed, now, id)
  for _, old in ipairs(call('ZRANGE', failed, 0, 1)) do
    if call('EXISTS', task_of(old)) == 0 then call('ZREM', failed, old) end
  end
  local over = call('ZCARD', failed) - max_failed
  if over > 0 then
    local oldest = call('ZPOPMIN', failed, math.min(over, 100))
    for i = 1, #oldest, 2 do call('PEXPIRE', task_of(oldest[i]), LAST_LOOK) end
  end
end
local function settle(id, clients, o)
  local key = task_of(id)
  local field = o.state == 'succeeded' and 'result' or 'error'
  call('HSET', key, 'state', o.state, 'finished', now, field, o.value, 'call', o.call)
  call('PEXPIRE', key, o.ttl)
  if o.state == 'failed' then keep_failed(id, tonumber(o.max_failed)) end
  if o.client ~= '' then reply(o.client, id, o.state, o.value) end
  if clients then
    call('HDEL', key, 'clients')
    for client in string.gmatch(clients, '%S+') do
      if client ~= o.client then reply(client, id, o.state, o.value) end
    end
  end
end
local function settle_as_error(id, clients, packed_call, name, code, message, ttl, max_failed, kept)
  local asked = string.byte(packed_call, 1) or 0
  settle(id, clients, {
    state = 'failed', ttl = ttl, max_failed = max_failed, call = kept or packed_call,
    value = cmsgpack.pack({ name = name, code = code, message = message }),
    client = string.match(string.sub(packed_call, 2, 1 + asked), '^[%w_-]+$') or '',
  })
end
`

export const sources = {
  attach: `#!lua flags=allow-oom
${base}local client, join, answers = args[1], args[2] == '1', {}
local MAX_CLIENTS = 256
local function is_in_line(place)
  local lane, entry = string.match(place or '', '^(%a+)/(%d+%-%d+)$')
  if not lane then return false end
  local found = pcall('XRANGE', stream_of(lane), entry, entry)
  if #found > 0 then return true end
  local pending = pcall('XPENDING', stream_of(lane), GROUP, entry, entry, 1)
  return #pending > 0
end
local function attach(id)
  local key = task_of(id)
  local record = pcall('HMGET', key, 'state', 'result', 'error', 'entry', 'progress', 'clients', 'version')
  if record.err or not (record[1] or record[4]) then return { 'lost' } end
  if TERMINAL[record[1]] then
    local value = record[2] or record[3] or ''
    return #value <= MAX_INLINE and { record[1], value } or { record[1] }
  end
  if not is_in_line(record[4]) then
    call('PEXPIRE', key, LAST_LOOK)
    return { 'lost' }
  end
  if join then
    local clients = {}
    for name in string.gmatch(record[6] or '', '%S+') do
      if name ~= client then clients[#clients + 1] = name end
    end
    if #clients >= MAX_CLIENTS then table.remove(clients, 1) end
    clients[#clients + 1] = client
    call('HSET', key, 'clients', table.concat(clients, ' '))
  end
  return record[5] and { 'open', record[5], record[7] or '0' } or { 'open' }
end
for i = 3, #args do answers[i - 2] = attach(args[i]) end
return answers
`,
  beat: `#!lua flags=allow-oom
${base}local worker, lease, workers = args[1], tonumber(args[2]), P .. ':workers'
local details, DAY = P .. ':worker:' .. worker, 86400000
local expiry = call('ZSCORE', workers, worker)
if args[3] == 'register' and not expiry then
  call('HSET', details, 'since', now, unpack(args, 4))
elseif not expiry or expiry == '0' then
  return 'dead'
elseif tonumber(expiry) < tonumber(now) then
  call('HSET', details, 'since', now)
end
call('ZADD', workers, now + lease, worker)
call('PEXPIRE', details, DAY)
return 'alive'
`,
  enqueue: `#!lua
${base}local accepted = 0
for i = 1, #args, 3 do
  local lane, id = args[i], args[i + 1]
  local key = task_of(id)
  if call('EXISTS', key) == 0 then
    call('HSET', key, 'entry', lane .. '/' .. call('XADD', stream_of(lane), '*', id, args[i + 2]))
    accepted = accepted + 1
  end
end
return accepted
`,
  inspect: `#!lua flags=no-writes
${base}local record = pcall('HGETALL', task_of(args[1]))
if record.err or #record == 0 then return nil end
local packed_call = ''
for i = 1, #record, 2 do
  if record[i] == 'call' then
    packed_call = record[i + 1]
  elseif record[i] == 'entry' then
    local lane, entry = string.match(record[i + 1], '^(%a+)/(%d+%-%d+)$')
    local found = lane and packed_call == '' and pcall('XRANGE', stream_of(lane), entry, entry)
    if found and found[1] then packed_call = found[1][2][2] or '' end
  end
end
return { packed_call, unpack(record) }
`,
  leave: `#!lua flags=allow-oom
${base}local worker, held = args[1], 0
for _, lane in ipairs(LANES) do
  local pending = pcall('XPENDING', stream_of(lane), GROUP, '-', '+', 1000, worker)
  if not pending.err then held = held + #pending end
end
if held > 0 then return held end
for _, lane in ipairs(LANES) do pcall('XGROUP', 'DELCONSUMER', stream_of(lane), GROUP, worker) end
call('ZREM', P .. ':workers', worker)
call('DEL', P .. ':worker:' .. worker)
return 0
`,
  pending: `#!lua flags=no-writes
${base}local held = {}
for _, lane in ipairs(LANES) do
  for _, item in ipairs(call('XPENDING', stream_of(lane), GROUP, '-', '+', args[2], args[1])) do
    held[#held + 1] = lane
    held[#held + 1] = item[1]
  end
end
return held
`,
  progress: `#!lua flags=allow-oom
${base}${settle}local worker, answers = args[1], {}
for i = 2, #args, 5 do
  local id, token, value, version = args[i], args[i + 1] .. '/' .. args[i + 2], args[i + 3], args[i + 4]
  local record = pcall('HMGET', task_of(id), 'entry', 'state', 'worker', 'clients')
  if record.err or record[1] ~= token or TERMINAL[record[2]] or (record[3] and record[3] ~= worker) then
    answers[#answers + 1] = 'f'
  else
    call('HSET', task_of(id), 'progress', value, 'version', version)
    for client in string.gmatch(record[4] or '', '%S+') do reply(client, id, 'progress', value, version) end
    answers[#answers + 1] = 'd'
  end
end
publish_all()
return table.concat(answers)
`,
  recover: `#!lua flags=allow-oom
${base}${drop}${settle}${requeue}local reaper, lease, left = args[1], tonumber(args[2]), tonumber(args[3])
local max_crashes, failed_ttl, max_failed = tonumber(args[4]), args[5], args[6]
local workers, at = P .. ':workers', tonumber(now)
local own = tonumber(call('ZSCORE', workers, reaper) or '0')
local since = tonumber(call('HGET', P .. ':worker:' .. reaper, 'since') or now)
if own < at or since > at - lease then return { math.max(since + lease - at, 100), 0, 0 } end
local function silent_strangers()
  for _, lane in ipairs(LANES) do
    local consumers = pcall('XINFO', 'CONSUMERS', stream_of(lane), GROUP)
    for _, consumer in ipairs(consumers.err and {} or consumers) do
      local name, idle = consumer[2], consumer[6]
      if idle > lease and not call('ZSCORE', workers, name) then call('ZADD', workers, 0, name) end
    end
  end
end
local recovered, poisoned = 0, 0
local function put_back(dead, lane, entry)
  local found = call('XRANGE', stream_of(lane), entry, entry)[1]
  if not found then return drop(lane, entry) end
  local id, packed_call = found[2][1], found[2][2]
  local record = pcall('HMGET', task_of(id), 'entry', 'state', 'worker', 'attempt', 'created', 'crashes', 'clients')
  if record.err or not record[1] then return quarantine(lane, entry, 'no record', packed_call) end
  if record[1] ~= lane .. '/' .. entry or TERMINAL[record[2]] then return drop(lane, entry) end
  if record[3] == dead then
    local crashes = (tonumber(record[6]) or 0) + 1
    call('HSET', task_of(id), 'crashes', tostring(crashes))
    if crashes >= max_crashes then
      poisoned = poisoned + 1
      drop(lane, entry)
      return settle_as_error(id, record[7], packed_call, 'PoisonTaskError', 'ERR_MILLRACE_POISON',
        crashes .. ' workers died while they ran this task, the last was ' .. dead, failed_ttl, max_failed)
    end
  end
  recovered = recovered + 1
  requeue(id, lane, entry, packed_call, tonumber(record[4]) or 0, record[5])
end
silent_strangers()
local seen = {}
for _, dead in ipairs(call('ZRANGE', workers, '-inf', '(' .. now, 'BYSCORE', 'LIMIT', 0, 16)) do
  call('ZADD', workers, 0, dead)
  seen[#seen + 1] = dead
  local clean = true
  for _, lane in ipairs(LANES) do
    local pending = left > 0 and pcall('XPENDING', stream_of(lane), GROUP, '-', '+', left, dead) or { err = true }
    for _, item in ipairs(pending.err and {} or pending) do put_back(dead, lane, item[1]) end
    left = left - (pending.err and 0 or #pending)
    clean = clean and left > 0
  end
  drop_all()
  dropped = {}
  if clean then
    for _, lane in ipairs(LANES) do pcall('XGROUP', 'DELCONSUMER', stream_of(lane), GROUP, dead) end
    call('ZREM', workers, dead)
    call('DEL', P .. ':worker:' .. dead)
  end
end
publish_all()
local next_end = call('ZRANGE', workers, 0, 0, 'WITHSCORES')[2]
local wait = left <= 0 and 0 or math.max((tonumber(next_end) or at + lease) - at, 0)
return { wait, recovered, poisoned, unpack(seen) }
`,
  release: `#!lua flags=allow-oom
${base}${drop}${requeue}${owner}local worker, answers = args[1], {}
local function release(lane, entry, begun)
  local held = pcall('XPENDING', stream_of(lane), GROUP, entry, entry, 1)[1]
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
    if begun and not record[3] then attempt = attempt + 1 end
    requeue(id, lane, entry, packed_call, attempt, record[5])
  end
  return 'd'
end
for i = 2, #args, 3 do
  answers[#answers + 1] = release(args[i], args[i + 1], args[i + 2] == '1')
end
drop_all()
return table.concat(answers)
`,
  start: `#!lua flags=allow-oom
${base}${drop}${owner}${grant}local worker = args[1]
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
`,
  turn: `#!lua flags=allow-oom
${base}${drop}${settle}${owner}${grant}local worker, want, max_call, max_failed, failed_ttl = args[1], tonumber(args[2]), tonumber(args[3]), args[4], args[5]
local function finish(o)
  local id, lane, entry = o[1], o[2], o[3]
  local key = task_of(id)
  local record = pcall('HMGET', key, 'entry', 'state', 'worker', 'clients')
  if record.err or record[1] ~= lane .. '/' .. entry then return 'f' end
  if record[3] and record[3] ~= worker then return 'f' end
  if TERMINAL[record[2]] then return record[2] == o[4] and 'a' or 'f' end
  if not record[3] then call('HSET', key, 'worker', worker, 'attempt', o[7]) end
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
`,
} as const
