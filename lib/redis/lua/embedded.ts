// Made by `npm run embed` from the .lua files of this folder. Change those.

const base = `local call, pcall, P, GROUP = redis.call, redis.pcall, KEYS[1], 'workers'
local STREAM, TASK = P .. ':stream:', P .. ':task:'
local LANES = { 'first', 'high', 'normal', 'low' }
local args = cmsgpack.unpack(ARGV[1])
local MAX_INLINE = 65536
local LAST_LOOK = 30000
local time = call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local function place_of(lane, entry) return lane == 'normal' and entry or lane .. '/' .. entry end
local function parse_place(place)
  local lane, entry = string.match(place, '^(%a*)/?(%d+%-%d+)$')
  return lane == '' and 'normal' or lane, entry
end
`

const drop = `local dropped, MAX_QUARANTINE, MAX_SAMPLE = {}, 100, 256
local STUCK, FEW = 50, 8
local function drop(lane, entry)
  local ids = dropped[lane]
  if ids then ids[#ids + 1] = entry else dropped[lane] = { entry } end
end
local function first_unread(stream)
  for _, group in ipairs(call('XINFO', 'GROUPS', stream)) do
    if group[2] == GROUP then
      local found = call('XRANGE', stream, '(' .. group[8], '+', 'COUNT', 1)[1]
      return found and found[1]
    end
  end
  error('no group')
end
local function trim(lane, stream, ids)
  local pending = pcall('XPENDING', stream, GROUP, '-', '+', '1')
  if pending.err then return call('XDEL', stream, unpack(ids)) end
  local oldest = pending[1]
  if oldest then
    call('XTRIM', stream, 'MINID', '~', oldest[1])
    if oldest[3] > STUCK then call('XDEL', stream, unpack(ids)) end
    call('HSET', P .. ':untidy', lane, '')
  else
    local unread = first_unread(stream)
    if unread then
      call('XTRIM', stream, 'MINID', '=', unread)
    else
      call('XTRIM', stream, 'MAXLEN', '=', '0')
    end
    call('HDEL', P .. ':untidy', lane)
  end
end
local function drop_all()
  for lane, ids in pairs(dropped) do
    local stream = STREAM .. lane
    call('XACK', stream, GROUP, unpack(ids))
    if #ids <= FEW and call('EXISTS', P .. ':untidy') == 0 then
      call('XDEL', stream, unpack(ids))
    else
      trim(lane, stream, ids)
    end
  end
end
local function quarantine(lane, entry, reason, sample)
  if call('XACK', STREAM .. lane, GROUP, entry) == 0 then return end
  local packed = cmsgpack.pack({ now, lane .. '/' .. entry, reason, string.sub(sample or '', 1, MAX_SAMPLE) })
  call('LPUSH', P .. ':quarantine', packed)
  call('LTRIM', P .. ':quarantine', 0, MAX_QUARANTINE - 1)
  drop(lane, entry)
end
local function refused(record, lane, entry, sample)
  if record.err or not record[1] then
    quarantine(lane, entry, record.err and 'record of another type' or 'no record', sample)
  elseif record[1] == place_of(lane, entry) and not record[2] then
    return false
  else
    drop(lane, entry)
  end
  return true
end
`

const owner = `local function is_registered(worker)
  local expiry = call('ZSCORE', P .. ':workers', worker)
  return expiry and expiry ~= '0'
end
`

const requeue = `local function requeue(id, lane, entry, packed_call, attempt, created)
  local place
  if attempt > 0 then
    place = call('XADD', STREAM .. 'first', '*', id, packed_call, 'attempt', tostring(attempt))
  else
    place = call('XADD', STREAM .. 'first', '*', id, packed_call)
  end
  call('HSET', TASK .. id, 'entry', place_of('first', place), 'attempt', tostring(attempt),
    'created', created or string.match(entry, '^%d+'))
  drop(lane, entry)
end
`

const settle = `local replies, sizes, MAX_MESSAGE = {}, {}, 262144
local function publish(client)
  call('PUBLISH', P .. ':reply:' .. client, cmsgpack.pack(replies[client]))
  replies[client] = nil
end
local function reply(client, id, what, value)
  local list = replies[client]
  if not list then
    list, sizes[client] = {}, 0
    replies[client] = list
  end
  local n, inline = #list, #value <= MAX_INLINE
  list[n + 1], list[n + 2], list[n + 3] = id, what, inline and value
  if inline then sizes[client] = sizes[client] + #value end
  if sizes[client] > MAX_MESSAGE then publish(client) end
end
local function publish_all()
  for client in pairs(replies) do publish(client) end
end
local function keep_failed(id, max_failed)
  local failed = P .. ':failed'
  call('ZADD', failed, now, id)
  for _, old in ipairs(call('ZRANGE', failed, 0, 1)) do
    if call('EXISTS', TASK .. old) == 0 then call('ZREM', failed, old) end
  end
  local over = call('ZCARD', failed) - max_failed
  if over > 0 then
    local oldest = call('ZPOPMIN', failed, math.min(over, 100))
    for i = 1, #oldest, 2 do call('PEXPIRE', TASK .. oldest[i], LAST_LOOK) end
  end
end
local function ending(state, attempt, worker, ttl, max_failed)
  return {
    state = state,
    field = state == 'succeeded' and 'result' or 'error',
    head = string.sub(state, 1, 1) .. ' ' .. attempt .. ' ',
    tail = ' ' .. now .. ' ' .. worker,
    expiry = string.format('%.0f', now + ttl),
    max_failed = state == 'failed' and tonumber(max_failed),
  }
end
local function settle(how, id, ran, value, kept, client, clients)
  local key = TASK .. id
  if value == '' then
    call('HSET', key, 'end', how.head .. ran .. how.tail, 'call', kept)
  else
    call('HSET', key, 'end', how.head .. ran .. how.tail, 'call', kept, how.field, value)
  end
  call('PEXPIREAT', key, how.expiry)
  if how.max_failed then keep_failed(id, how.max_failed) end
  if client ~= '' then reply(client, id, how.state, value) end
  if clients then
    call('HDEL', key, 'clients')
    for other in string.gmatch(clients, '%S+') do
      if other ~= client then reply(other, id, how.state, value) end
    end
  end
end
local function settle_as_error(how, id, packed_call, kept, clients, name, code, message)
  local asked = string.byte(packed_call, 1) or 0
  local client = string.match(string.sub(packed_call, 2, 1 + asked), '^[%w_-]+$') or ''
  settle(how, id, '0', cmsgpack.pack({ name = name, code = code, message = message }), kept, client, clients)
end
`

const take = `local function take(door, lane, items, answer)
  local good = {}
  for i = 1, #items do
    local entry, fields = items[i][1], items[i][2]
    local id, packed_call = fields[1], fields[2]
    local record = pcall('HMGET', TASK .. id, 'entry', 'end')
    if refused(record, lane, entry, packed_call) then
    elseif #fields ~= 2 and (#fields ~= 4 or fields[3] ~= 'attempt') then
      quarantine(lane, entry, 'not a call', packed_call)
    elseif #packed_call > door.max_call then
      local more = call('HMGET', TASK .. id, 'clients', 'attempt')
      local how = ending('failed', more[2] or '0', door.worker, door.failed_ttl, door.max_failed)
      settle_as_error(how, id, packed_call, '', more[1], 'PayloadTooLargeError', 'ERR_MILLRACE_PAYLOAD_TOO_LARGE',
        'the call has ' .. #packed_call .. ' bytes; this worker takes at most ' .. door.max_call)
      drop(lane, entry)
    else
      local n = #good
      good[n + 1], good[n + 2], good[n + 3], good[n + 4] = entry, id, packed_call, fields[4] or ''
    end
  end
  answer[#answer + 1] = lane
  answer[#answer + 1] = good
end
`

export const sources = {
  attach: `#!lua flags=allow-oom
${base}local client, join, answers = args[1], args[2] == '1', {}
local MAX_CLIENTS = 256
local function is_in_line(place)
  local lane, entry = parse_place(place)
  if not lane then return false end
  local found = pcall('XRANGE', STREAM .. lane, entry, entry)
  if #found > 0 then return true end
  local pending = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)
  return #pending > 0
end
local function attach(id)
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end', 'result', 'error', 'progress', 'clients', 'version')
  if record.err or not record[1] then return { 'lost' } end
  if record[2] then
    local value = record[3] or record[4] or ''
    local state = string.sub(record[2], 1, 1) == 's' and 'succeeded' or 'failed'
    return #value <= MAX_INLINE and { state, value } or { state }
  end
  if not is_in_line(record[1]) then
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
${base}local resent, accepted = args[1] == '1', 0
local lane, stream, prefix
for i = 2, #args, 3 do
  local id = args[i + 1]
  if args[i] ~= lane then
    lane = args[i]
    stream, prefix = STREAM .. lane, place_of(lane, '')
  end
  if not resent or call('EXISTS', TASK .. id) == 0 then
    local entry = call('XADD', stream, '*', id, args[i + 2])
    if pcall('HSETNX', TASK .. id, 'entry', prefix .. entry) == 1 then
      accepted = accepted + 1
    else
      call('XDEL', stream, entry)
    end
  end
end
return accepted
`,
  inspect: `#!lua flags=no-writes
${base}local fields = pcall('HGETALL', TASK .. args[1])
if fields.err or #fields == 0 then return nil end
local record = {}
for i = 1, #fields, 2 do record[fields[i]] = fields[i + 1] end
local packed_call, worker, since = record.call or '', '', ''
if record.entry and not record['end'] then
  local lane, entry = parse_place(record.entry)
  local stream = STREAM .. (lane or '')
  local found = lane and pcall('XRANGE', stream, entry, entry) or {}
  if found[1] then packed_call = found[1][2][2] or '' end
  local held = lane and pcall('XPENDING', stream, GROUP, entry, entry, 1) or {}
  if held[1] then worker, since = held[1][2], string.format('%.0f', now - held[1][3]) end
end
return { packed_call, worker, since, unpack(fields) }
`,
  leave: `#!lua flags=allow-oom
${base}local worker, held = args[1], 0
for _, lane in ipairs(LANES) do
  local pending = pcall('XPENDING', STREAM .. lane, GROUP, '-', '+', 1000, worker)
  if not pending.err then held = held + #pending end
end
if held > 0 then return held end
for _, lane in ipairs(LANES) do pcall('XGROUP', 'DELCONSUMER', STREAM .. lane, GROUP, worker) end
call('ZREM', P .. ':workers', worker)
call('DEL', P .. ':worker:' .. worker)
return 0
`,
  pending: `#!lua flags=no-writes
${base}${owner}if not is_registered(args[1]) then return 'dead' end
local held = {}
for _, lane in ipairs(LANES) do
  for _, item in ipairs(call('XPENDING', STREAM .. lane, GROUP, '-', '+', args[2], args[1])) do
    held[#held + 1] = lane
    held[#held + 1] = item[1]
  end
end
return held
`,
  progress: `#!lua flags=allow-oom
${base}${settle}local answers = {}
for i = 1, #args, 5 do
  local id, place, value, version = args[i], place_of(args[i + 1], args[i + 2]), args[i + 3], args[i + 4]
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'clients')
  if record.err or record[1] ~= place or record[2] then
    answers[#answers + 1] = 'f'
  else
    call('HSET', TASK .. id, 'progress', value, 'version', version)
    for client in string.gmatch(record[3] or '', '%S+') do reply(client, id, 'progress:' .. version, value) end
    answers[#answers + 1] = 'd'
  end
end
publish_all()
return table.concat(answers)
`,
  quarantine: `#!lua flags=allow-oom
${base}${drop}for i = 1, #args, 3 do quarantine(args[i], args[i + 1], 'not a call', args[i + 2]) end
drop_all()
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
    local consumers = pcall('XINFO', 'CONSUMERS', STREAM .. lane, GROUP)
    for _, consumer in ipairs(consumers.err and {} or consumers) do
      local name, idle = consumer[2], consumer[6]
      if idle > lease and not call('ZSCORE', workers, name) then call('ZADD', workers, 0, name) end
    end
  end
end
local recovered, poisoned = 0, 0
local function put_back(dead, lane, entry)
  local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
  if not found then return drop(lane, entry) end
  local id, packed_call = found[2][1], found[2][2]
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'attempt', 'created', 'crashes', 'clients')
  if refused(record, lane, entry, packed_call) then return end
  local attempt, crashes = (tonumber(record[3]) or 0) + 1, (tonumber(record[5]) or 0) + 1
  call('HSET', TASK .. id, 'crashes', tostring(crashes))
  if crashes >= max_crashes then
    poisoned = poisoned + 1
    settle_as_error(ending('failed', attempt, dead, failed_ttl, max_failed), id, packed_call, packed_call, record[6],
      'PoisonTaskError', 'ERR_MILLRACE_POISON',
      crashes .. ' workers died while they held this task, the last was ' .. dead)
    return drop(lane, entry)
  end
  recovered = recovered + 1
  requeue(id, lane, entry, packed_call, attempt, record[4])
end
silent_strangers()
local seen = {}
for _, dead in ipairs(call('ZRANGE', workers, '-inf', '(' .. now, 'BYSCORE', 'LIMIT', 0, 16)) do
  call('ZADD', workers, 0, dead)
  seen[#seen + 1] = dead
  local clean = true
  for _, lane in ipairs(LANES) do
    local pending = left > 0 and pcall('XPENDING', STREAM .. lane, GROUP, '-', '+', left, dead) or { err = true }
    for _, item in ipairs(pending.err and {} or pending) do put_back(dead, lane, item[1]) end
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
local next_end = call('ZRANGE', workers, 0, 0, 'WITHSCORES')[2]
local wait = left <= 0 and 0 or math.max((tonumber(next_end) or at + lease) - at, 0)
return { wait, recovered, poisoned, unpack(seen) }
`,
  release: `#!lua flags=allow-oom
${base}${drop}${requeue}local worker, answers = args[1], {}
local function release(lane, entry, begun)
  local held = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)[1]
  if not held or held[2] ~= worker then return 'f' end
  local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
  if not found then
    drop(lane, entry)
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
`,
  reread: `#!lua flags=allow-oom
${base}${drop}${settle}${take}local door = { worker = args[1], max_call = tonumber(args[2]), max_failed = args[3], failed_ttl = args[4] }
local answer = {}
for i = 5, #args, 2 do
  local lane, entry = args[i], args[i + 1]
  local held = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1, door.worker)[1]
  if held then
    local found = call('XRANGE', STREAM .. lane, entry, entry)
    if found[1] then
      take(door, lane, found, answer)
    else
      drop(lane, entry)
    end
  end
end
drop_all()
publish_all()
return cmsgpack.pack(answer)
`,
  turn: `#!lua flags=allow-oom
${base}${drop}${settle}${owner}${take}local worker, want, max_failed = args[1], tonumber(args[2]), args[4]
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
`,
} as const
