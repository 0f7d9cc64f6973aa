// Made by `npm run embed` from the .lua files of this folder. Change those.

const away = `local OUTBOX = P .. ':outbox'
local has_posted = false
local function post(letter)
if call('ZADD', OUTBOX, 'NX', now, letter) == 1 and not has_posted then
tell('outbox')
has_posted = true
end
end
local function go_away(id, lane, to)
local trip = call('HINCRBY', TASK .. id, 'trip', '1')
call('HSET', TASK .. id, 'entry', 'away/' .. lane)
post('call ' .. to .. ' ' .. id .. ' ' .. string.format('%.0f', trip))
end
local function ask_after(id)
local there = call('HMGET', TASK .. id, 'to', 'trip')
if there[1] then post('watch ' .. there[1] .. ' ' .. id .. ' ' .. (there[2] or '0')) end
end
local HERE = { after = 1, policy = 1, take = 1, flow = 1, shape = 1, to = 1, back = 1, elsewhere = 1 }
local function divide(o)
local here, there = {}, {}
for name, value in pairs(o) do
if HERE[name] then
here[name] = value
else
there[#there + 1] = name
there[#there + 1] = value
end
end
return here, there
end
local function with_sent(o)
local there = cmsgpack.unpack(o.sent)
for i = 1, #there, 2 do o[there[i]] = there[i + 1] end
if o['in'] then o['in'] = math.max(0, o['in'] - o.age) end
if o.ttl then o.ttl = math.max(1, o.ttl - o.age) end
if o.deadline then o.deadline = math.max(1, o.deadline - o.age) end
return o
end
`

const base = `local call, pcall, P, GROUP = redis.call, redis.pcall, KEYS[1], 'workers'
local STREAM, TASK = P .. ':stream:', P .. ':task:'
local LANES = { 'first', 'high', 'normal', 'low' }
local args = cmsgpack.unpack(ARGV[1])
local MAX_INLINE = 65536
local LAST_LOOK = 30000
local time = call('TIME')
local now = time[1] .. string.sub('00000' .. time[2], -6, -4)
local function place_of(lane, entry) return lane == 'normal' and entry or lane .. '/' .. entry end
`

const cancel = `local REMEMBERED = 3600000
local function cancel(id, reason, ttl)
local key = TASK .. id
local record = pcall('HMGET', key, 'entry', 'end', 'call', 'clients', 'key', 'attempt', 'unknown', 'tied', 'to')
if record.err then return 'none' end
local state = standing(record[1], record[2])
if state == 'none' or state == 'cancelled' then return state end
if record[2] then return 'ended' end
if record[9] and record[3] == '' then return 'none' end
if state == 'running' then
call('HSET', key, 'cancel', reason)
call('ZREMRANGEBYSCORE', P .. ':cancelling', '-inf', string.format('%.0f', now - REMEMBERED))
call('ZADD', P .. ':cancelling', now, record[1])
call('PEXPIRE', P .. ':cancelling', REMEMBERED)
tell('cancel ' .. record[1] .. ' ' .. string.sub(reason, 1, 500))
return 'running'
end
local packed_call, lane, entry = record[3], parse_place(record[1])
if lane then
packed_call = call('XRANGE', STREAM .. lane, entry, entry)[1][2][2]
void(lane, entry)
end
if state == 'waiting' then call('ZREM', P .. ':waiting', id) end
call('ZREM', SCHEDULED, id)
if record[9] and string.find(record[1], '^away/') then
post('cancel ' .. record[9] .. ' ' .. id .. ' ' .. string.sub(reason, 1, 500))
end
if record[7] then call('ZREM', P .. ':parked', record[7] .. '/' .. id) end
settle_as_error(ending('cancelled', record[6] or '0', '', ttl), id, packed_call, packed_call, record[4], record[5],
record[8], 'TaskCancelledError', 'ERR_MILLRACE_TASK_CANCELLED', reason)
return 'cancelled'
end
`

const dependents = `local dependents_made
local function dependents()
if dependents_made then return dependents_made end
local RELEASING = P .. ':releasing'
local GOES_ON = { f = 's', c = 's', s = 's', e = 'fel', r = 'sfcel', b = 'sfcel' }
local ENDED = { s = 'succeeded', f = 'failed', c = 'was cancelled', e = 'expired', l = 'is lost' }
local MAX_CAUSE = 16384
local left = 200
local list, root, has_hurried
local function goes_on(policy, letter) return string.find(GOES_ON[policy or 'f'] or 's', letter, 1, true) end
local function leave(parent, letter)
local expiry = call('PEXPIRETIME', TASK .. parent)
if call('HSETNX', RELEASING, parent, letter .. ' ' .. (expiry > 0 and string.format('%.0f', expiry) or '')) == 1 then
call('PERSIST', TASK .. parent)
end
if not has_hurried then tell('due 0') end
has_hurried = true
end
local function all_told(parent)
local said = call('HGET', RELEASING, parent)
if not said then return end
call('HDEL', RELEASING, parent)
local expiry = string.match(said, '%d+$')
if expiry then call('PEXPIREAT', TASK .. parent, expiry) end
end
local function forget(parent, at)
local said = call('HGET', RELEASING, parent)
if said then call('HSET', RELEASING, parent, string.sub(said, 1, 2) .. string.format('%.0f', at)) end
return said
end
local function leave_flow(flow, expiry)
local key = P .. ':flow:' .. flow
local open, last = unpack(call('HMGET', key, 'open', 'until'))
if not open then return end
if tonumber(expiry) > tonumber(last or 0) then
last = expiry
call('HSET', key, 'until', expiry)
end
if call('HINCRBY', key, 'open', '-1') <= 0 then call('PEXPIREAT', key, last) end
end
local function end_child(child, record, parent, letter)
local policy, packed_call, vanishes = record[4] or 'f', record[6], record[4] == 's' or record[4] == 'e'
local state = policy == 'f' and 'failed' or 'cancelled'
local why = 'the task ' .. parent .. ' that it waited for ' .. ENDED[letter]
local how = ending(state, '0', '', failed_for, failed_most)
call('ZREM', P .. ':waiting', child)
if policy == 'f' then
settle_as_error(how, child, packed_call, packed_call, record[10], record[8], record[9], 'DependencyError',
'ERR_MILLRACE_DEPENDENCY', why, root and #root > 0 and #root <= MAX_CAUSE and root)
else
settle_as_error(how, child, packed_call, packed_call, record[10], record[8], record[9], 'TaskCancelledError',
'ERR_MILLRACE_TASK_CANCELLED', why)
end
if not vanishes then return end
ended[state] = ended[state] > 1 and ended[state] - 1 or nil
local flow = call('HGET', TASK .. child, 'flow')
if flow then call('HDEL', P .. ':flow:' .. flow, child) end
if record[10] or (string.byte(packed_call, 1) or 0) > 0 then
call('PEXPIRE', TASK .. child, LAST_LOOK)
else
call('DEL', TASK .. child)
end
end
local function tell_child(child, numbers, parent, letter, value)
local home, id = string.match(child, '^([^|]+)|(.+)$')
if home then return post(table.concat({ 'end', home, id, numbers, letter, value }, ' ')) end
local key = TASK .. child
local record = pcall('HMGET', key, 'entry', 'end', 'needs', 'policy', 'inputs', 'call', 'begin', 'key', 'tied', 'clients')
local lane = not record.err and record[1] and record[3] and not record[2] and string.match(record[1], '^waiting/(%a+)$')
if not lane then return end
if not goes_on(record[4], letter) then return end_child(child, record, parent, letter) end
if record[5] and record[4] ~= 'b' then
for number in string.gmatch(numbers, '%d+') do call('HSET', key, 'in:' .. number, letter .. value) end
end
if call('HINCRBY', key, 'needs', '-1') > 0 then return end
call('HDEL', key, 'needs')
go_on(child, lane, record[6], record[7])
end
local function tell_some(parent, letter, value)
local deps = P .. ':deps:' .. parent
if failed_for and left > 0 then
local some = call('HRANDFIELD', deps, left, 'WITHVALUES')
for i = 1, #some, 2 do
left = left - 1
call('HDEL', deps, some[i])
tell_child(some[i], some[i + 1], parent, letter, value)
end
end
if call('EXISTS', deps) == 1 then leave(parent, letter) else all_told(parent) end
end
local function tell_children(parent, letter, value)
local cause = letter ~= 's' and (list and root or value)
if list then
list[#list + 1] = { parent, letter, value, cause }
return
end
left = left + 1
list = { { parent, letter, value, cause } }
local at = 1
while list[at] do
local one = list[at]
root = one[4]
tell_some(one[1], one[2], one[3])
at = at + 1
end
list = nil
end
local function lost_error(parent)
return cmsgpack.pack({ name = 'TaskLostError', code = 'ERR_MILLRACE_TASK_LOST', message = 'there is no record of task ' .. parent })
end
local function resume()
has_hurried = true
local some = call('HRANDFIELD', RELEASING, left, 'WITHVALUES')
for i = 1, #some, 2 do
if left <= 0 then return end
local parent, letter = some[i], string.sub(some[i + 1], 1, 1)
local values = pcall('HMGET', TASK .. parent, 'result', 'error')
tell_children(parent, letter, letter == 'l' and lost_error(parent) or values[1] or values[2] or '')
end
end
local function lose(parent)
if call('EXISTS', P .. ':deps:' .. parent) == 1 then leave(parent, 'l') end
local flow = call('HGET', TASK .. parent, 'flow')
if flow and call('HDEL', TASK .. parent, 'flow') == 1 then leave_flow(flow, string.format('%.0f', now + LAST_LOOK)) end
end
local function drop_all_of(id, count_name, prefix)
local count, names = tonumber(call('HGET', TASK .. id, count_name) or 0), { count_name }
for number = 0, count - 1 do
names[#names + 1] = prefix .. number
if #names == 500 then
call('HDEL', TASK .. id, unpack(names))
names = {}
end
end
if count > 0 and names[1] then call('HDEL', TASK .. id, unpack(names)) end
end
local function untie_all(how, id, value)
if how.state == 'succeeded' then
drop_all_of(id, 'inputs', 'in:')
drop_all_of(id, 'hears', 'hear:')
end
local flow = call('HGET', TASK .. id, 'flow')
if flow then leave_flow(flow, how.expiry) end
tell_children(id, string.sub(how.head, 1, 1), value)
end
dependents_made = {
goes_on = goes_on, leave = leave, forget = forget, resume = resume, lose = lose, untie = untie_all,
}
return dependents_made
end
`

const disorder = `local MOST_FRONT = 10000
local last_read = {}
local function is_unread(lane, entry)
if not last_read[lane] then
local groups = pcall('XINFO', 'GROUPS', STREAM .. lane)
last_read[lane] = '0-0'
for _, group in ipairs(groups.err and {} or groups) do
if group[2] == GROUP then last_read[lane] = group[8] end
end
end
return #call('XRANGE', STREAM .. lane, '(' .. last_read[lane], entry, 'COUNT', 1) > 0
end
local function is_listed(word, id, name)
if word == 'scheduled' then return call('ZSCORE', task.SCHEDULED, id) end
if word == 'line' then return task.lines().is_listed(id) end
if word == 'parked' then return call('ZSCORE', P .. ':parked', (name or '') .. '/' .. id) end
if call('LPOS', P .. ':front', id, 'MAXLEN', MOST_FRONT) then return true end
return call('LLEN', P .. ':front') > MOST_FRONT
end
local function is_led(id, needs, after)
local leading = 0
for parent in string.gmatch(after or '', '%S+') do
if call('HEXISTS', P .. ':deps:' .. parent, id) == 1 then
local record = pcall('HMGET', TASK .. parent, 'entry', 'end')
local is_open = not record.err and record[1] and not record[2]
if is_open or call('HEXISTS', P .. ':releasing', parent) == 1 then leading = leading + 1 end
end
end
return leading >= tonumber(needs)
end
local function disorder(id, is_orphan)
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call', 'unknown', 'needs', 'after')
if record.err then return 'junk' end
if record[2] then
local stays = call('PTTL', TASK .. id) == -1 and call('HEXISTS', P .. ':releasing', id) == 0
return stays and 'eternal' or 'fine'
end
if not record[1] then return call('EXISTS', TASK .. id) == 1 and 'junk' or 'fine' end
local kept, lane, entry = record[3], task.parse_place(record[1])
if lane then
if #pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1) > 0 then return 'fine' end
local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
if found then
if is_unread(lane, entry) then return 'fine' end
return 'stray', lane, found[2][2], entry
end
else
local word, to = string.match(record[1], '^(%a+)/(%a+)$')
if word == 'away' then return 'fine' end
if word == 'waiting' then
if record[5] then
if is_led(id, record[5], record[6]) then return 'fine' end
elseif not is_orphan then
return 'waiting'
end
elseif word ~= 'scheduled' and word ~= 'parked' and word ~= 'front' and word ~= 'line' then
return 'junk'
elseif is_listed(word, id, record[4]) then
return 'fine'
end
lane = to
end
if not kept or kept == '' then return 'gone' end
return 'stray', lane, kept
end
`

const quarantine = `local MAX_QUARANTINE, MAX_SAMPLE = 100, 256
local function quarantine(lane, entry, reason, sample)
if call('XACK', STREAM .. lane, GROUP, entry) == 0 then return end
local packed = cmsgpack.pack({ now, lane .. '/' .. entry, reason, string.sub(sample or '', 1, MAX_SAMPLE) })
call('LPUSH', P .. ':quarantine', packed)
call('LTRIM', P .. ':quarantine', 0, MAX_QUARANTINE - 1)
drop(lane, entry)
end
`

const drop = `local dropped = {}
local STUCK, FEW = 50, 8
local LONG, MANY = 64, 32
local function drop(lane, entry)
local ids = dropped[lane]
if ids then ids[#ids + 1] = entry else dropped[lane] = { entry } end
end
local function trim(lane, stream, ids)
local pending = pcall('XPENDING', stream, GROUP, '-', '+', '1')
if pending.err then return call('XDEL', stream, unpack(ids)) end
local oldest = pending[1]
if oldest then
call('XTRIM', stream, 'MINID', '~', oldest[1])
if oldest[3] > STUCK then call('XDEL', stream, unpack(ids)) end
return call('HSET', P .. ':untidy', lane, MANY)
end
local delivered
for _, group in ipairs(call('XINFO', 'GROUPS', stream)) do
if group[2] == GROUP then delivered = group[8] end
end
local unread = call('XRANGE', stream, '(' .. delivered, '+', 'COUNT', 1)[1]
if unread then
call('XTRIM', stream, 'MINID', '=', unread[1])
else
call('XTRIM', stream, 'MAXLEN', '=', '0')
end
call('HDEL', P .. ':untidy', lane)
end
local function drop_all()
for lane, ids in pairs(dropped) do
local stream, few = STREAM .. lane, #ids <= FEW
call('XACK', stream, GROUP, unpack(ids))
if few and call('XLEN', stream) > LONG then
if call('HINCRBY', P .. ':untidy', lane, #ids == 1 and '1' or #ids) >= MANY then trim(lane, stream, ids) end
elseif few and not call('HGET', P .. ':untidy', lane) then
call('XDEL', stream, unpack(ids))
else
trim(lane, stream, ids)
end
end
end
local function refused(record, lane, entry, sample)
if record[1] == place_of(lane, entry) and not record[2] then return false end
if record.err and not string.find(record.err, '^WRONGTYPE') then error(record) end
${quarantine}local was_void = call('SREM', P .. ':void:' .. lane, entry) == 1
if not was_void and (record.err or not record[1]) then
quarantine(lane, entry, record.err and 'record of another type' or 'no record', sample)
else
drop(lane, entry)
end
return true
end
`

const ends = `local function keep_failed(id, max_failed)
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
local function release_key(how, id, name)
local key = P .. ':key:' .. name
local holder, follower = call('GET', key), call('HGET', TASK .. id, 'next')
local waits = follower and call('HMGET', TASK .. follower, 'entry', 'call', 'end', 'begin')
local lane = waits and waits[1] and waits[2] and not waits[3] and string.match(waits[1], '^waiting/(%a+)$')
if lane then
if not holder or holder == id then call('SET', key, follower, 'KEEPTTL') end
go_on(follower, lane, waits[2], waits[4])
elseif holder == id then
local held_for = call('PTTL', key)
if how.state == 'cancelled' or how.state == 'expired' or (held_for < 0 and how.state ~= 'failed') then
call('DEL', key)
elseif held_for < 0 then
call('PEXPIREAT', key, how.expiry)
elseif now + held_for > tonumber(how.expiry) then
call('PEXPIREAT', TASK .. id, string.format('%.0f', now + held_for))
end
end
end
local function asker(packed_call)
return string.match(string.sub(packed_call, 2, 1 + (string.byte(packed_call, 1) or 0)), '^[%w_-]+$') or ''
end
local function settle_as_error(how, id, packed_call, kept, clients, key_name, tied, name, code, message, cause)
local packed = cmsgpack.pack({ name = name, code = code, message = message })
if cause then packed = '\\132' .. string.sub(packed, 2) .. '\\165cause' .. cause end
settle(how, id, TASK .. id, how.ran or '0', packed, kept, asker(packed_call), clients, key_name, tied)
end
local function settle_cancelled(how, id, lane, entry, packed_call, reason, clients, key_name, tied)
settle_as_error(how, id, packed_call, packed_call, clients, key_name, tied,
'TaskCancelledError', 'ERR_MILLRACE_TASK_CANCELLED', reason)
drop(lane, entry)
end
`

const errors = `local MAX_ERRORS, MAX_ERROR = 5, 16384
local function keep_error(packed, attempt, value, at)
local errors = packed and cmsgpack.unpack(packed) or {}
while #errors >= 3 * MAX_ERRORS do
for _ = 1, 3 do table.remove(errors, 1) end
end
local n = #errors
errors[n + 1], errors[n + 2], errors[n + 3] = attempt, at or now, #value <= MAX_ERROR and value or ''
return cmsgpack.pack(errors)
end
`

const expire = `local function look_again(id, over)
if over and over > tonumber(now) then at_time(EXPIRING, id, over) end
return false
end
local function expire(id, failed_ttl, max_failed)
local key = TASK .. id
local record = pcall('HMGET', key, 'entry', 'end', 'call', 'clients', 'key', 'attempt', 'expires', 'deadline', 'tied')
if record.err or not record[1] or record[2] then return false end
local packed_call, attempt = record[3], record[6] or '0'
local over = time_over(attempt, record[7], record[8])
local is_over, is_parked = over and over <= tonumber(now), string.sub(record[1], 1, 7) == 'parked/'
if not is_over and not is_parked then return look_again(id, over) end
local lane, entry = parse_place(record[1])
if lane then
local pending = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)
local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
if #pending > 0 or not found then return look_again(id, tonumber(record[8])) end
packed_call = found[2][2]
void(lane, entry)
end
if string.sub(record[1], 1, 8) == 'waiting/' then call('ZREM', P .. ':waiting', id) end
call('ZREM', SCHEDULED, id)
local name = is_parked and call('HGET', key, 'unknown') or ''
if is_parked then call('ZREM', P .. ':parked', name .. '/' .. id) end
if not is_over then
settle_as_error(ending('failed', attempt, '', failed_ttl, max_failed), id, packed_call, packed_call, record[4],
record[5], record[9], 'UnknownTaskError', 'ERR_MILLRACE_UNKNOWN_TASK',
'no worker came that knows a task of this name: ' .. name)
else
local in_time = tonumber(record[8]) and tonumber(record[8]) <= tonumber(now) and 'end before its deadline' or 'start in time'
settle_as_error(ending('expired', attempt, '', failed_ttl, max_failed), id, packed_call, packed_call, record[4],
record[5], record[9], 'TaskExpiredError', 'ERR_MILLRACE_TASK_EXPIRED', 'the task did not ' .. in_time)
end
return true
end
`

const front = `local FRONT = P .. ':front'
local function put_front(id, packed_call)
call('HSET', TASK .. id, 'entry', 'front/first', 'call', packed_call, 'created', now)
call('LPUSH', FRONT, id)
call('HSET', P .. ':settings', 'front', '1')
tell('front')
end
local function take_front(most)
for _, id in ipairs(call('LPOP', FRONT, most) or {}) do
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call')
if not record.err and record[1] == 'front/first' and not record[2] then
call('HDEL', TASK .. id, 'call')
line_up(id, 'first', record[3])
end
end
if call('EXISTS', FRONT) == 0 then call('HDEL', P .. ':settings', 'front') end
end
`

const hearers = `local MOST_HEARERS = 100
local function new_hearers(id, hearers)
local count, seen, new = tonumber(call('HGET', TASK .. id, 'hears') or 0), {}, {}
for number = 0, count - 1 do seen[call('HGET', TASK .. id, 'hear:' .. number)] = true end
for _, hearer in ipairs(hearers) do
local packed = cmsgpack.pack(hearer)
if not seen[packed] then new[#new + 1] = packed end
seen[packed] = true
end
if count + #new > MOST_HEARERS then return nil end
return new, count
end
local function let_hear_of(id, hearers)
local new, count = new_hearers(id, hearers)
if not new then return false end
for i, packed in ipairs(new) do call('HSET', TASK .. id, 'hear:' .. (count + i - 1), packed) end
if new[1] then call('HSET', TASK .. id, 'hears', tostring(count + #new), 'tied', '1') end
return true
end
`

const late = `local function late(fields)
for i = 3, #fields - 1, 2 do
local name = fields[i]
if (name == 'expires' or name == 'deadline') and (tonumber(fields[i + 1]) or math.huge) <= tonumber(now) then
return name == 'expires' and 'start in time' or 'end before its deadline'
end
end
end
`

const line = `local EXTRAS = { 'attempt', 'failures', 'crashes', 'expires', 'deadline', 'inputs', 'hears' }
local lines
local function time_over(attempt, expires, deadline)
local begun = (tonumber(attempt) or 0) > 0
local over = math.min(not begun and tonumber(expires) or math.huge, tonumber(deadline) or math.huge)
return over < math.huge and over or nil
end
local function enter(id, lane, packed_call, values)
local key, fields = TASK .. id, { id, packed_call }
values = values or call('HMGET', key, unpack(EXTRAS))
if (tonumber(values[1]) or 0) > 0 then values[4] = false end
for i, name in ipairs(EXTRAS) do
if values[i] and values[i] ~= '0' then
fields[#fields + 1] = name
fields[#fields + 1] = values[i]
end
end
local over = time_over(values[1], values[4], values[5])
if over then at_time(EXPIRING, id, over) end
if lane ~= 'normal' then call('HSET', P .. ':settings', 'lanes', '1') end
call('HSET', key, 'entry', place_of(lane, call('XADD', STREAM .. lane, '*', unpack(fields))))
end
local function line_up(id, lane, packed_call)
local values = call('HMGET', TASK .. id, 'attempt', 'failures', 'crashes', 'expires', 'deadline', 'inputs', 'hears', 'limit')
if not values[8] then return enter(id, lane, packed_call, values) end
local over = time_over(values[1], values[4], values[5])
if over then at_time(EXPIRING, id, over) end
lines().queue(id, lane, packed_call, values[8])
end
local function leave_line(id)
local limit = call('HGET', TASK .. id, 'limit')
if limit then lines().leave(id, limit) end
end
local function put_by(id, due)
at_time(SCHEDULED, id, due)
local over = time_over(unpack(call('HMGET', TASK .. id, 'attempt', 'expires', 'deadline')))
if over then at_time(EXPIRING, id, over) end
end
local function go_on(id, lane, packed_call, begin)
call('ZREM', P .. ':waiting', id)
local to = call('HGET', TASK .. id, 'to')
if to then
go_away(id, lane, to)
elseif begin and tonumber(begin) > tonumber(now) then
call('HSET', TASK .. id, 'entry', 'scheduled/' .. lane)
at_time(SCHEDULED, id, tonumber(begin))
else
call('HDEL', TASK .. id, 'call')
line_up(id, lane, packed_call)
end
end
`

const lines = `local made_lines
function lines()
if made_lines then return made_lines end
local LINE, RING, SETTINGS = P .. ':line:', P .. ':ring', P .. ':settings'
local LIMIT, BUSY, RATE = P .. ':limit:', P .. ':busy:', P .. ':rate:'
local LOOK_AGAIN, MOST_LOST, MOST_VISITS = 60000, 100, 1000
local PAUSE = 20
local newest, considered, last = {}, {}, nil
local has
local function heads(key, most)
local found = {}
if not has then
has = {}
for _, lane in ipairs(LANES) do has[lane] = call('EXISTS', LINE .. lane) == 1 end
end
for _, lane in ipairs(LANES) do
local members = has[lane] and #found < most
and call('ZRANGE', LINE .. lane, '[' .. key .. ' ', '(' .. key .. '!', 'BYLEX', 'LIMIT', 0, most - #found) or {}
for _, member in ipairs(members) do found[#found + 1] = { lane, member, string.match(member, '%S+$') } end
end
return found
end
local function numbers_of(key, id)
local numbers = call('HGET', LIMIT .. key, 'numbers') or string.match(call('HGET', TASK .. id, 'limit') or '', ' (.*)$')
local slots, max, per = string.match(numbers or '', '^(%d+) (%d+) (%d+)$')
return { slots = tonumber(slots) or 0, max = tonumber(max) or 0, per = tonumber(per) or 0 }
end
local function drop_lost(busy)
for _, id in ipairs(call('SRANDMEMBER', busy, MOST_LOST)) do
local record = pcall('HMGET', TASK .. id, 'entry', 'end')
local has_entry = not record.err and record[1] and not record[2] and parse_place(record[1])
if not has_entry or standing(record[1]) == 'none' then call('SREM', busy, id) end
end
end
local function may_begin(key, limit)
local busy, starts = BUSY .. key, RATE .. key
if limit.slots > 0 and call('SCARD', busy) >= limit.slots then
if call('ZSCORE', RESTING, key) then return false end
at_time(RESTING, key, now + LOOK_AGAIN)
drop_lost(busy)
if call('SCARD', busy) >= limit.slots then return false end
end
if limit.max > 0 and call('LLEN', starts) >= limit.max then
local start = tonumber(call('LINDEX', starts, string.format('-%d', limit.max)))
if start > tonumber(now) then
call('DEL', starts)
elseif start + limit.per > tonumber(now) then
at_time(RESTING, key, math.max(start + limit.per, now + math.min(PAUSE, limit.per / 20)))
return false
end
end
return true
end
local function occupy(key, limit, id)
if limit.slots > 0 then call('SADD', BUSY .. key, id) end
if limit.max > 0 then
call('RPUSH', RATE .. key, now)
call('LTRIM', RATE .. key, string.format('-%d', limit.max), -1)
call('PEXPIRE', RATE .. key, string.format('%.0f', limit.per))
end
end
local function join(key)
last = (last or tonumber(call('ZRANGE', RING, -1, -1, 'WITHSCORES')[2] or '0')) + 1
call('ZADD', RING, 'NX', string.format('%.0f', last), key)
if call('HSETNX', SETTINGS, 'lines', '1') == 1 then is_news = true end
end
local function check_ring()
if call('EXISTS', RING) == 1 then return true end
call('HDEL', SETTINGS, 'lines')
is_news = false
end
local function tidy(key)
if call('ZREM', RING, key) == 1 then check_ring() end
if call('EXISTS', BUSY .. key) == 1 then return end
call('DEL', LIMIT .. key)
call('ZREM', RESTING, key)
end
local function leave(id, limit)
local key, record = string.match(limit, '^%S+'), call('HMGET', TASK .. id, 'entry', 'line')
local lane = record[2] and string.match(record[1] or '', '^line/(%a+)$')
if lane then
call('ZREM', LINE .. lane, key .. ' ' .. record[2] .. ' ' .. id)
call('HDEL', TASK .. id, 'line')
elseif call('SREM', BUSY .. key, id) == 0 then
return
end
if not heads(key, 1)[1] then
tidy(key)
elseif not lane then
join(key)
end
end
local function queue(id, lane, packed_call, limit)
leave(id, limit)
local key, numbers = string.match(limit, '^(%S+) (.*)$')
local number = string.format('%010d', call('HINCRBY', LIMIT .. key, 'last', '1'))
call(newest[key] and 'HSET' or 'HSETNX', LIMIT .. key, 'numbers', newest[key] or numbers)
call('HSET', TASK .. id, 'entry', 'line/' .. lane, 'line', number, 'call', packed_call)
call('HSETNX', TASK .. id, 'created', now)
call('ZADD', LINE .. lane, '0', key .. ' ' .. number .. ' ' .. id)
if has then has[lane] = true end
if considered[key] or call('ZSCORE', RING, key) then return end
considered[key] = true
if may_begin(key, numbers_of(key, id)) then join(key) end
end
local function begin(key, limit, lane, member, id)
call('ZREM', LINE .. lane, member)
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call')
if record.err or record[1] ~= 'line/' .. lane or record[2] or not record[3] then return false end
occupy(key, limit, id)
call('HDEL', TASK .. id, 'call', 'line')
if lane ~= 'first' then call('HSET', TASK .. id, 'home', lane) end
enter(id, 'first', record[3])
return true
end
local function take(most)
local taken, visits = 0, 0
call('HMGET', TASK, 'entry')
while taken < most and visits < most + MOST_VISITS do
local key = call('ZPOPMIN', RING)[1]
if not key then break end
visits = visits + 1
local some = call('EXISTS', RING) == 1 and 1 or most - taken
local waiting, done = heads(key, some + 1), 0
local limit = waiting[1] and numbers_of(key, waiting[1][3])
while done < some and waiting[done + 1] and may_begin(key, limit) do
done = done + 1
if begin(key, limit, unpack(waiting[done])) then taken = taken + 1 end
end
if not waiting[done + 1] then
tidy(key)
elseif done == some then
join(key)
end
end
if check_ring() and taken < most then is_news = true end
end
made_lines = {
queue = queue, leave = leave,
keep = function(record, o)
local numbers = (o.slots or 0) .. ' ' .. (o.max or 0) .. ' ' .. (o.per or 0)
newest[o.line] = numbers
call('HSET', record, 'limit', o.line .. ' ' .. numbers, 'tied', '1')
end,
claim = function(id, limit)
local key, own = string.match(limit, '^(%S+) (.*)$')
local numbers = numbers_of(key, id)
if not may_begin(key, numbers) then return false end
if numbers.slots > 0 then call('HSETNX', LIMIT .. key, 'numbers', own) end
occupy(key, numbers, id)
return true
end,
LANES = { 'first', 'first', 'high', 'normal', 'low', 'first' },
take = function(visit, want)
if visit == 2 then want = math.floor((want + time[2] % 2) / 2) end
if want > 0 and (visit == 2 or visit == 6) then take(want) end
end,
wake = function(most)
for _, key in ipairs(call('ZRANGE', RESTING, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
call('ZREM', RESTING, key)
if heads(key, 1)[1] then join(key) else tidy(key) end
end
if call('EXISTS', RING) == 1 and call('HSETNX', SETTINGS, 'lines', '1') == 1 then is_news = true end
end,
is_listed = function(id)
local record = call('HMGET', TASK .. id, 'entry', 'line', 'limit')
local lane, key = string.match(record[1] or '', '^line/(%a+)$'), string.match(record[3] or '', '^%S+')
if not lane or not key or not record[2] then return false end
if not call('ZSCORE', LINE .. lane, key .. ' ' .. record[2] .. ' ' .. id) then return false end
return call('ZSCORE', RING, key) or call('ZSCORE', RESTING, key) or call('EXISTS', BUSY .. key) == 1
end,
}
return made_lines
end
`

const listed = `local function score_in(list, name)
if list == 'slots' then
local key = P .. ':schedule:' .. name
if call('EXISTS', key) == 0 then return nil end
local found = pcall('HMGET', key, 'slot', 'paused')
local slot = not found.err and not found[2] and string.match(found[1] or '', '^%d+$')
return slot or '+inf'
end
local record = pcall('HMGET', TASK .. name, 'entry', 'end', 'created')
if record.err or record[2] or not string.match(record[1] or '', '^waiting/') then return nil end
return string.match(record[3] or '', '^%d+$') or now
end
`

const move = `local function move(id, to)
local key = TASK .. id
local record = pcall('HMGET', key, 'entry', 'end', 'created')
if record.err then return 'none' end
local state = standing(record[1], record[2])
if state == 'none' or state == 'running' then return state end
if record[2] or string.find(record[1], '^away/') then return 'ended' end
local lane, entry = parse_place(record[1])
if lane == to or record[1] == state .. '/' .. to or record[1] == 'line/' .. to then return 'there' end
call('HDEL', key, 'home')
if state == 'queued' and not lane then
local packed_call = call('HGET', key, 'call')
call('HDEL', key, 'call')
line_up(id, to, packed_call)
return 'moved'
end
if not lane then
call('HSET', key, 'entry', state .. '/' .. to)
return 'moved'
end
local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
void(lane, entry)
call('HSET', key, 'created', record[3] or string.match(entry, '^%d+'))
line_up(id, to, found[2][2])
return 'moved'
end
`

const owner = `local function is_registered(worker)
local expiry = call('ZSCORE', P .. ':workers', worker)
return expiry and expiry ~= '0'
end
`

const parents = `local parents_made
local function parents()
if parents_made then return parents_made end
local MOST_LOOKS = 1000
local ends = dependents()
local goes_on, leave, lose = ends.goes_on, ends.leave, ends.lose
local function join_flow(flow, id, after)
local key = P .. ':flow:' .. flow
call('HSET', TASK .. id, 'flow', flow, 'tied', '1')
call('HSET', key, id, after or '')
call('HINCRBY', key, 'open', '1')
call('PERSIST', key)
end
local function is_there(id) return type(pcall('HGET', TASK .. id, 'entry')) == 'string' end
local function find(after, also)
local ids = {}
for parent in string.gmatch(after, '%S+') do
if not is_there(parent) and not (also and also[parent]) then
local joined = call('GET', P .. ':joined:' .. parent)
if not joined or not is_there(joined) then return nil, parent end
parent = joined
end
ids[#ids + 1] = parent
end
return table.concat(ids, ' ')
end
local function take_from(child, numbers, parent, letter)
local values = call('HMGET', TASK .. parent, 'result', 'error')
for number in string.gmatch(numbers, '%d+') do
call('HSET', TASK .. child, 'in:' .. number, letter .. (values[1] or values[2] or ''))
end
end
local function stand_in(elsewhere)
for parent, queue in string.gmatch(elsewhere, '(%S+) (%S+)') do
if not is_there(parent) then
call('HSET', TASK .. parent, 'entry', 'away/normal', 'call', '', 'created', now, 'to', queue)
ask_after(parent)
end
end
end
local function give(id, inputs)
for number, input in ipairs(inputs) do call('HSET', TASK .. id, 'in:' .. number - 1, input) end
call('HSET', TASK .. id, 'inputs', tostring(#inputs), 'tied', '1')
end
local function come_from(id, home, trip)
call('HSET', TASK .. id, 'trip', trip, 'tied', '1')
call('HSET', P .. ':deps:' .. id, home .. '|' .. id, trip)
end
local function wait_for(child, after, policy, takes)
takes = policy ~= 'b' and takes
local needs, number, order, numbers = 0, 0, {}, {}
for parent in string.gmatch(after, '%S+') do
if not numbers[parent] then order[#order + 1] = parent end
numbers[parent] = (numbers[parent] and numbers[parent] .. ' ' or '') .. number
number = number + 1
end
for _, parent in ipairs(order) do
local record = pcall('HMGET', TASK .. parent, 'entry', 'end')
local letter = not record.err and record[2] and string.sub(record[2], 1, 1)
if letter and goes_on(policy, letter) then
if takes then take_from(child, numbers[parent], parent, letter) end
elseif not record.err and record[1] then
needs = needs + 1
call('HSET', P .. ':deps:' .. parent, child, numbers[parent])
if letter then leave(parent, letter) else call('HSET', TASK .. parent, 'tied', '1') end
end
end
call('HSET', TASK .. child, 'after', after, 'policy', policy)
if takes then call('HSET', TASK .. child, 'inputs', tostring(number), 'tied', '1') end
if needs > 0 then call('HSET', TASK .. child, 'needs', tostring(needs)) end
return needs
end
local function can_wait_again(child, after)
local number = 0
for parent in string.gmatch(after, '%S+') do
if not is_there(parent) and call('HEXISTS', TASK .. child, 'in:' .. number) == 0 then return false end
number = number + 1
end
return true
end
local function look_after(child)
local above, at, looks = { child }, 1, 0
while above[at] do
local waits = above[at]
for parent in string.gmatch(call('HGET', TASK .. waits, 'after') or '', '%S+') do
looks = looks + 1
if looks > MOST_LOOKS then return end
local record = pcall('HMGET', TASK .. parent, 'entry', 'end', 'needs')
local letter = not record.err and record[2] and string.sub(record[2], 1, 1)
if letter and call('HEXISTS', P .. ':deps:' .. parent, waits) == 1 then
leave(parent, letter)
elseif not letter and (record.err or not record[1] or standing(record[1]) == 'none') then
lose(parent)
elseif not letter and string.find(record[1], '^away/') then
ask_after(parent)
elseif not letter and record[3] then
above[#above + 1] = parent
end
end
at = at + 1
end
end
parents_made = {
find = find, wait_for = wait_for, can_wait_again = can_wait_again, look_after = look_after, join_flow = join_flow,
stand_in = stand_in, give = give, come_from = come_from,
}
return parents_made
end
`

const park = `local function is_known(name)
for _, worker in ipairs(call('ZRANGE', P .. ':workers', now, '+inf', 'BYSCORE', 'LIMIT', 0, 1000)) do
local tasks = call('HGET', P .. ':worker:' .. worker, 'tasks')
if tasks and string.find(' ' .. tasks .. ' ', ' ' .. name .. ' ', 1, true) then return true end
end
return false
end
local function park(id, lane, entry, packed_call, name, patience, record)
local key = TASK .. id
local to = lane == 'first' and call('HGET', key, 'home') or lane
call('HSET', key, 'created', record.created or string.match(entry, '^%d+'), 'unknown', name, 'left', place_of(lane, entry),
'call', packed_call, 'entry', 'parked/' .. to)
call('ZADD', P .. ':parked', '0', name .. '/' .. id)
local over = time_over(unpack(call('HMGET', key, 'attempt', 'expires', 'deadline')))
at_time(EXPIRING, id, math.min(now + patience, over or math.huge))
if is_known(name) then tell('parked ' .. name) end
drop(lane, entry)
end
`

const place = `local function parse_place(place)
local lane, entry = string.match(place, '^(%a*)/?(%d+%-%d+)$')
return lane == '' and 'normal' or lane, entry
end
local function tell(word) call('PUBLISH', P .. ':control', word) end
local is_news = false
local function tell_news()
if is_news then tell('front') end
end
local function void(lane, entry)
call('SADD', P .. ':void:' .. lane, entry)
call('HSET', P .. ':settings', 'void', '1')
tell('void')
end
`

const put_off = `local function put_off(door, state, id, lane, entry, packed_call, attempt, wait, ran, value, clients, key_name, tied)
local more = call('HMGET', TASK .. id, 'created', 'errors', 'cancel')
local record = { created = more[1], errors = more[2] }
if more[3] or state == 'cancelled' then
local how = ending('cancelled', attempt, door.worker, door.failed_ttl)
how.ran = ran
settle_cancelled(how, id, lane, entry, packed_call, more[3] or '', clients, key_name, tied)
return
end
if tied then leave_line(id) end
if state == 'retry' then
retry(id, lane, entry, packed_call, attempt, wait, value, record)
else
park(id, lane, entry, packed_call, value, wait, record)
end
end
`

const schedule = `local SCHEDULED, EXPIRING, RESTING = P .. ':scheduled', P .. ':expiring', P .. ':resting'
local nearest
local function next_time()
local time = math.huge
for _, set in ipairs({ SCHEDULED, EXPIRING, RESTING }) do
time = math.min(time, tonumber(call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]) or time)
end
return time
end
local function at_time(set, id, time)
nearest = nearest or next_time()
call('ZADD', set, string.format('%.0f', time), id)
end
local function tell_nearest()
tell_news()
local time = nearest and next_time()
if time and time < nearest then tell('due ' .. string.format('%.0f', math.max(time - now, 0))) end
end
`

const requeue = `local function requeue(id, lane, entry, packed_call, attempt, created)
local key = TASK .. id
call('HSET', key, 'attempt', tostring(attempt), 'created', created or string.match(entry, '^%d+'))
if lane ~= 'first' then call('HSET', key, 'home', lane) end
enter(id, 'first', packed_call)
drop(lane, entry)
end
`

const retry = `local function retry(id, lane, entry, packed_call, attempt, delay, value, record)
local key = TASK .. id
local to = lane == 'first' and call('HGET', key, 'home') or lane
call('HINCRBY', key, 'failures', '1')
call('HSET', key, 'attempt', attempt, 'created', record.created or string.match(entry, '^%d+'),
'errors', keep_error(record.errors, attempt, value), 'left', place_of(lane, entry))
if tonumber(delay) > 0 then
call('HSET', key, 'entry', 'scheduled/' .. to, 'call', packed_call)
put_by(id, now + delay)
else
line_up(id, to, packed_call)
end
drop(lane, entry)
end
`

const standing = `local OUT_OF_LINE = { scheduled = 'scheduled', waiting = 'waiting', parked = 'parked', front = 'queued', line = 'queued', away = 'queued' }
local STATES = { s = 'succeeded', f = 'failed', c = 'cancelled', e = 'expired' }
local function standing(place, ending_field)
if not place then return 'none' end
if ending_field then return STATES[string.sub(ending_field, 1, 1)] end
local lane, entry = parse_place(place)
if not lane then return OUT_OF_LINE[string.match(place, '^(%a+)/%a+$') or ''] or 'none' end
local pending = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)
if #pending > 0 then return 'running' end
return #call('XRANGE', STREAM .. lane, entry, entry) > 0 and 'queued' or 'none'
end
`

const untie = `local CHUNKS_TTL = 3600000
local function untie(how, id, value, name, tied)
if name then release_key(how, id, name) end
if not tied then return end
leave_line(id)
local latest = how.state == 'succeeded' and math.huge or now + CHUNKS_TTL
call('PEXPIREAT', P .. ':chunks:' .. id, string.format('%.0f', math.min(how.expiry, latest)))
dependents().untie(how, id, value)
end
`

const rare = `local made, ending, settle
local failed_for, failed_most
local function rare()
if made then return made end
${place}${schedule}${away}${line}${requeue}${ends}${errors}${retry}${park}${put_off}${standing}${move}${cancel}${expire}${late}${front}${lines}${dependents}${parents}${untie}made = {
SCHEDULED = SCHEDULED, EXPIRING = EXPIRING, STATES = STATES,
parse_place = parse_place, tell = tell, tell_news = tell_news, at_time = at_time, next_time = next_time, tell_nearest = tell_nearest,
line_up = line_up, enter = enter, leave_line = leave_line, lines = lines, put_by = put_by, time_over = time_over,
requeue = requeue, standing = standing, move = move, late = late,
keep_failed = keep_failed, asker = asker, untie = untie, settle_as_error = settle_as_error,
settle_cancelled = settle_cancelled, keep_error = keep_error, put_off = put_off,
go_away = go_away, ask_after = ask_after, divide = divide, with_sent = with_sent, post = post,
cancel = cancel, expire = expire, dependents = dependents, parents = parents, put_front = put_front, take_front = take_front,
}
return made
end
`

const refusals = `local MOST_NOTES = 1000
local function refuse_all()
local room, made_here, keys, brought = cap, {}, {}, {}
local function crowded(id, name, o)
local holder, _, is_live = holder_of(name)
local joined = (is_live and joined_by(holder, o)) or keys[name] or id
local all = brought[joined] or {}
for _, hearer in ipairs(o.hears) do all[#all + 1] = hearer end
brought[joined] = all
return not new_hearers(joined, all) and joined
end
for i = 4, #args, 3 do
if #notes > MOST_NOTES then break end
local id, o = args[i + 1], type(args[i]) == 'table' and wishes(args[i]) or {}
local name = o.key and not o.to and P .. ':key:' .. o.key
local is_new = call('EXISTS', TASK .. id) == 0 and not (resent and name and call('EXISTS', P .. ':joined:' .. id) == 1)
local unknown, crowd
for parent in string.gmatch(o.elsewhere or '', '(%S+) %S+') do made_here[parent] = true end
if is_new and o.after then unknown = select(2, task.parents().find(o.after, made_here)) end
if is_new and name and o.hears then crowd = crowded(id, name, o) end
if unknown then
note((i - 1) / 3, 'orphan ' .. unknown)
elseif crowd then
note((i - 1) / 3, 'crowded ' .. crowd)
elseif is_new and room and not (name and (keys[name] or holder_of(name))) then
if room <= 0 then note((i - 1) / 3, 'full') end
room = room - 1
end
made_here[id] = true
if name then keys[name] = keys[name] or id end
end
return #notes > 0
end
`

const replies = `local replies, sizes, MAX_MESSAGE = {}, {}, 262144
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
local ended, ended_ids = {}, {}
local function publish_all()
for client in pairs(replies) do publish(client) end
for state, count in pairs(ended) do call('HINCRBY', P .. ':ended', state, count == 1 and '1' or tostring(count)) end
if ended_ids[1] and call('EXISTS', P .. ':expiring') == 1 then call('ZREM', P .. ':expiring', unpack(ended_ids)) end
end
`

const series = `local READER_TTL = 30000
local function read_series(packed)
local place, attempt, last, taken, bytes, wanted = string.match(packed or '', '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
return {
place = place or '', attempt = attempt or '0', last = tonumber(last) or 0, taken = tonumber(taken) or 0,
bytes = tonumber(bytes) or 0, wanted = tonumber(wanted) or 0,
}
end
local function pack_series(s)
return table.concat({ s.place, s.attempt, s.last, s.taken, s.bytes, s.wanted }, ' ')
end
local function read_reader(field)
local name, seen = string.match(field or '', '^(%S+) (%d+)$')
if not name then return { state = field == 'left' and 'left' or 'unread' } end
local is_here = now - seen < READER_TTL
return { state = is_here and 'reads' or 'unread', name = name, client = string.match(name, '^([%w_-]+)%.%d+$') }
end
`

const settle = `
local AN_HOUR = 3600000
function ending(state, attempt, worker, ttl, max_failed)
if state == 'cancelled' or state == 'expired' then ttl = math.min(ttl, AN_HOUR) end
return {
state = state,
field = state == 'succeeded' and 'result' or 'error',
head = string.sub(state, 1, 1) .. ' ' .. attempt .. ' ',
tail = ' ' .. now .. ' ' .. worker,
expiry = string.format('%.0f', now + ttl),
max_failed = state == 'failed' and tonumber(max_failed),
}
end
function settle(how, id, key, ran, value, kept, client, clients, name, tied, is_plain)
if how.ran_before ~= ran then how.ran_before, how.text = ran, how.head .. ran .. how.tail end
if value == '' then
call('HSET', key, 'end', how.text, 'call', kept)
else
call('HSET', key, 'end', how.text, 'call', kept, how.field, value)
end
call('PEXPIREAT', key, how.expiry)
if how.max_failed then rare().keep_failed(id, how.max_failed) end
ended[how.state] = (ended[how.state] or 0) + 1
if not is_plain then ended_ids[#ended_ids + 1] = id end
if name or tied then rare().untie(how, id, value, name, tied) end
if client ~= '' then reply(client, id, how.state, value) end
if clients then
call('HDEL', key, 'clients')
for other in string.gmatch(clients, '%S+') do
if other ~= client then reply(other, id, how.state, value) end
end
end
end
`

const slots = `local SLOTS = P .. ':slots'
local function at_slot(name, due)
local nearest = tonumber(call('ZRANGE', SLOTS, 0, 0, 'WITHSCORES')[2]) or math.huge
call('ZADD', SLOTS, due == '' and '+inf' or due, name)
if due ~= '' and tonumber(due) < nearest then
call('PUBLISH', P .. ':control', 'slot ' .. string.format('%.0f', math.max(due - now, 0)))
end
end
`

const take = `local function take(door, lane, items, answer)
local good, n, max_call, in_doubt = {}, 0, door.max_call, door.in_doubt
for i = 1, #items do
local item = items[i]
local entry, fields = item[1], item[2]
local id, packed_call = fields[1], fields[2]
local is_large, is_late = #packed_call > max_call, fields[3] and rare().late(fields)
local is_odd = in_doubt or is_large or is_late
if is_odd and refused(pcall('HMGET', TASK .. id, 'entry', 'end'), lane, entry, packed_call) then
elseif is_large then
local more = call('HMGET', TASK .. id, 'clients', 'attempt', 'key', 'tied')
local how = ending('failed', more[2] or '0', door.worker, door.failed_ttl, door.max_failed)
rare().settle_as_error(how, id, packed_call, '', more[1], more[3], more[4], 'PayloadTooLargeError',
'ERR_MILLRACE_PAYLOAD_TOO_LARGE', 'the call has ' .. #packed_call .. ' bytes; this worker takes at most ' .. max_call)
drop(lane, entry)
elseif is_late then
local more = call('HMGET', TASK .. id, 'clients', 'attempt', 'key', 'tied')
local how = ending('expired', more[2] or '0', door.worker, door.failed_ttl)
rare().settle_as_error(how, id, packed_call, packed_call, more[1], more[3], more[4], 'TaskExpiredError',
'ERR_MILLRACE_TASK_EXPIRED', 'the task did not ' .. is_late)
drop(lane, entry)
else
good[n + 1], good[n + 2], good[n + 3], good[n + 4] = entry, id, packed_call, fields[3] and table.concat(fields, ' ', 3) or ''
n = n + 4
end
end
answer[#answer + 1] = lane
answer[#answer + 1] = good
end
`

export const sources = {
  arrive: `#!lua flags=allow-oom
${base}${replies}${rare}${settle}local task = rare()
local id, trip, letter, value, result_ttl = args[1], args[2], args[3], args[4], args[5]
failed_for, failed_most = args[6], args[7]
local MOST_KEPT = 1024
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'trip', 'call', 'clients', 'key', 'tied')
local is_away = not record.err and record[1] and not record[2] and string.find(record[1], '^away/')
local state = task.STATES[letter == 'l' and 'f' or letter]
if not is_away or not state or (record[3] or '0') ~= trip then return 'past' end
local packed_call = record[4] or ''
local how = ending(state, '0', '', state == 'succeeded' and result_ttl or failed_for)
if letter == 'l' then
task.settle_as_error(how, id, packed_call, packed_call, record[5], record[6], record[7], 'TaskLostError', 'ERR_MILLRACE_TASK_LOST',
'there is no record of task ' .. id .. ' in its queue')
else
local kept = state == 'succeeded' and #packed_call > MOST_KEPT and '' or packed_call
settle(how, id, TASK .. id, '0', value, kept, task.asker(packed_call), record[5], record[6], record[7])
end
ended[state] = ended[state] > 1 and ended[state] - 1 or nil
publish_all()
task.tell_nearest()
return 'done'
`,
  ask: `#!lua flags=allow-oom
${base}${owner}local worker, question = args[1], args[2]
local details = P .. ':worker:' .. worker
if not is_registered(worker) or call('EXISTS', details) == 0 then return 'none' end
call('HSET', details, 'question', question, 'until', string.format('%.0f', now + args[3]))
call('PUBLISH', P .. ':control', 'question ' .. worker .. ' ' .. question)
return 'asked'
`,
  attach: `#!lua flags=allow-oom
${base}${replies}${rare}${settle}local task = rare()
local client, join, failed_ttl, max_failed, answers = args[1], args[2] == '1', args[3], args[4], {}
local MAX_CLIENTS = 256
local function is_over(record)
local over = (record[8] or record[9]) and task.time_over(record[10], record[8], record[9])
return over and over <= tonumber(now)
end
local attach
function attach(id, again)
local key = TASK .. id
local record = pcall('HMGET', key, 'entry', 'end', 'result', 'error', 'progress', 'clients', 'version', 'expires', 'deadline', 'attempt',
'needs', 'tied')
if record.err or not record[1] then return { 'lost' } end
if record[2] then
local value = record[3] or record[4] or ''
local state = task.STATES[string.sub(record[2], 1, 1)]
return #value <= MAX_INLINE and { state, value } or { state }
end
if not again and is_over(record) and task.expire(id, failed_ttl, max_failed) then return attach(id, true) end
if task.standing(record[1]) == 'none' then
call('PEXPIRE', key, LAST_LOOK)
task.leave_line(id)
if record[12] then task.dependents().lose(id) end
return { 'lost' }
end
if record[11] then task.parents().look_after(id) end
if string.find(record[1], '^away/') then task.ask_after(id) end
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
for i = 5, #args do answers[i - 4] = attach(args[i]) end
publish_all()
task.tell_nearest()
return answers
`,
  beat: `#!lua flags=allow-oom
${base}local worker, lease, workers = args[1], tonumber(args[2]), P .. ':workers'
local details, DAY = P .. ':worker:' .. worker, 86400000
local expiry = call('ZSCORE', workers, worker)
if args[3] == 'register' and not expiry then
call('HSET', details, 'since', now, 'started', now, unpack(args, 4))
elseif not expiry or expiry == '0' then
return 'dead'
elseif tonumber(expiry) < now + lease / 2 then
call('HSET', details, 'since', now)
end
call('ZADD', workers, now + lease, worker)
call('PEXPIRE', details, DAY)
local question, till = unpack(call('HMGET', details, 'question', 'until'))
return question and tonumber(till) > tonumber(now) and 'alive ' .. question or 'alive'
`,
  brought: `#!lua flags=allow-oom
${base}local count = 0
for i = 1, #args do
local id, trip = string.match(args[i], '^call %S+ (%S+) (%d+)$')
local record = id and pcall('HMGET', TASK .. id, 'entry', 'end', 'back', 'trip') or {}
local is_done = record[1] and string.find(record[1], '^away/') and not record[2] and not record[3] and record[4] == trip
if is_done then call('DEL', TASK .. id) end
count = count + call('ZREM', P .. ':outbox', args[i])
end
return count
`,
  cancel: `#!lua flags=allow-oom
${base}${replies}${rare}${settle}local task = rare()
local answer = task.cancel(args[1], args[2], args[3])
publish_all()
task.tell_nearest()
return answer
`,
  chunk: `#!lua
${base}${replies}${series}local MOST_AGE = 604800000
local id, place, how = args[1], place_of(args[2], args[3]), args[5]
local most, max_bytes, first = tonumber(args[6]), tonumber(args[7]), tonumber(args[8])
local key, list = TASK .. id, P .. ':chunks:' .. id
local record = pcall('HMGET', key, 'entry', 'end', 'chunks', 'reader')
if record.err or record[1] ~= place or record[2] then return { -1 } end
local series, reader = read_series(record[3]), read_reader(record[4])
local is_new = series.place ~= place
if is_new or first > series.last + 1 then
call('DEL', list)
local taken = is_new and 0 or series.taken
series = { place = place, attempt = args[4], last = first - 1, taken = taken, bytes = 0 }
end
local held = call('LLEN', list)
local was_empty = held == 0
if was_empty then series.bytes = 0 end
local may_drop = how == 'drop' or reader.state == 'left' or (how == 'unread' and reader.state ~= 'reads')
local function fits(chunk) return held == 0 or (held < most and series.bytes + #chunk <= max_bytes) end
series.wanted = 0
for i = 9 + series.last + 1 - first, #args do
local chunk = args[i]
while may_drop and not fits(chunk) do
series.bytes = series.bytes - #call('LPOP', list)
held = held - 1
end
if not fits(chunk) then
series.wanted = math.ceil(held / 2)
break
end
call('RPUSH', list, chunk)
series.last, series.bytes, held = series.last + 1, series.bytes + #chunk, held + 1
end
call('HSET', key, 'chunks', pack_series(series), 'tied', '1')
if held > 0 then call('PEXPIRE', list, MOST_AGE) end
if reader.client and (is_new or (was_empty and held > 0)) then reply(reader.client, id, 'chunks', '') end
publish_all()
return { series.last, reader.state }
`,
  chunks: `#!lua flags=allow-oom
${base}${replies}${place}${series}local id, me, how, next_one = args[1], args[2], args[3], tonumber(args[5])
local key, list = TASK .. id, P .. ':chunks:' .. id
local record = pcall('HMGET', key, 'entry', 'chunks', 'reader')
if record.err or not record[1] then return { 'none' } end
local series, reader = read_series(record[2]), read_reader(record[3])
local is_other = reader.name ~= me and (reader.name or reader.state == 'left')
if how ~= 'begin' and is_other then return { how == 'leave' and 'left' or 'taken' } end
if reader.client and reader.name ~= me then
reply(reader.client, id, 'chunks', '')
publish_all()
end
call('HSET', key, 'reader', how == 'leave' and 'left' or me .. ' ' .. now)
local held, is_changed = call('LLEN', list), false
if args[4] ~= series.place then
next_one = series.taken + 1
elseif next_one - 1 > series.taken then
series.taken, is_changed = math.min(next_one - 1, series.last), true
local done = series.taken - (series.last - held)
if done > 0 then
for _, chunk in ipairs(call('LPOP', list, done)) do series.bytes = series.bytes - #chunk end
held = held - done
end
end
if series.wanted > 0 and (held < series.wanted or how == 'leave') then
series.wanted, is_changed = 0, true
tell('room ' .. series.place)
end
if is_changed then call('HSET', key, 'chunks', pack_series(series)) end
if how == 'leave' then return { 'left' } end
local gone, most, bytes = series.last - held, tonumber(args[6]), 0
local first = math.max(next_one, gone + 1)
local answer = { 'ok', series.place, series.attempt, next_one, first }
for _, chunk in ipairs(most > 0 and call('LRANGE', list, first - gone - 1, first - gone + most - 2) or {}) do
bytes = bytes + #chunk
if bytes > tonumber(args[7]) and #answer > 5 then break end
answer[#answer + 1] = chunk
end
return answer
`,
  counts: `#!lua flags=no-writes
${base}local answer = {}
for _, lane in ipairs(LANES) do
local stream, queued, running = STREAM .. lane, 0, 0
local groups = pcall('XINFO', 'GROUPS', stream)
if groups.err then
groups = {}
elseif #groups == 0 then
queued = call('XLEN', stream)
end
for _, group in ipairs(groups) do
if group[2] == GROUP then
running = group[6]
queued = group[12] or math.max(call('XLEN', stream) - running, 0)
end
end
queued = math.max(queued - call('SCARD', P .. ':void:' .. lane), 0)
queued = queued + call('ZCARD', P .. ':line:' .. lane)
if lane == 'first' then queued = queued + call('LLEN', P .. ':front') end
answer[#answer + 1] = lane
answer[#answer + 1] = queued
answer[#answer + 1] = running
end
for _, set in ipairs({ 'waiting', 'scheduled', 'parked', 'failed' }) do
answer[#answer + 1] = set
answer[#answer + 1] = call('ZCARD', P .. ':' .. set)
end
answer[#answer + 1] = 'ended'
answer[#answer + 1] = call('HGETALL', P .. ':ended')
return answer
`,
  dismiss: `#!lua flags=allow-oom
${base}local held, names = {}, {}
for _, lane in ipairs(LANES) do
local consumers = pcall('XINFO', 'CONSUMERS', STREAM .. lane, GROUP)
for _, consumer in ipairs(consumers.err and {} or consumers) do
local name = consumer[2]
if not held[name] and not call('ZSCORE', P .. ':workers', name) then names[#names + 1] = name end
held[name] = (held[name] or 0) + consumer[4]
end
end
local dismissed = {}
for _, name in ipairs(names) do
if held[name] == 0 then
for _, lane in ipairs(LANES) do pcall('XGROUP', 'DELCONSUMER', STREAM .. lane, GROUP, name) end
dismissed[#dismissed + 1] = name
end
end
return dismissed
`,
  enqueue: `#!lua
${base}local resent, cap, accepted = args[1] == '1', tonumber(args[2]), 0
if cap then
for _, lane in ipairs(LANES) do
cap = cap - call('XLEN', STREAM .. lane) + call('SCARD', P .. ':void:' .. lane) - call('ZCARD', P .. ':line:' .. lane)
end
cap = cap - call('ZCARD', P .. ':scheduled') - call('LLEN', P .. ':front')
end
local specials
local function special()
if specials then return specials end
${rare}local task, notes, enqueue_how = rare(), {}, nil
local function note(number, what)
notes[#notes + 1] = number
notes[#notes + 1] = what
end
local function is_full() return cap and accepted >= cap end
local function holder_of(key)
local holder = call('GET', key)
if not holder then return nil end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
local state = task.standing(record[1], record[2])
if state == 'none' then return nil end
if not record[2] then return holder, state, true end
return state ~= 'failed' and call('PTTL', key) > 0 and holder or nil, state, false
end
local function wishes(how)
local o = {}
for i = 2, #how, 2 do o[how[i]] = how[i + 1] end
return o.sent and task.with_sent(o) or o
end
local function keep_times(key, o, begin)
if o.ttl then call('HSET', key, 'expires', string.format('%.0f', begin + o.ttl)) end
if o.deadline then call('HSET', key, 'deadline', string.format('%.0f', now + o.deadline)) end
if o.line then task.lines().keep(key, o) end
end
local function end_in_time(id, o, begin)
local over = task.time_over(0, o.ttl and begin + o.ttl, o.deadline and now + o.deadline)
if over then task.at_time(task.EXPIRING, id, over) end
end
local function wait(id, lane, packed_call, o, begin)
call('HSET', TASK .. id, 'entry', 'waiting/' .. lane, 'call', packed_call, 'created', now)
call('ZADD', P .. ':waiting', now, id)
if begin > tonumber(now) then call('HSET', TASK .. id, 'begin', string.format('%.0f', begin)) end
end_in_time(id, o, begin)
end
local function follower_of(holder)
local next_id = call('HGET', TASK .. holder, 'next')
local waits = next_id and call('HMGET', TASK .. next_id, 'entry', 'end', 'call', 'clients')
if waits and not waits[2] and string.match(waits[1] or '', '^waiting/') then return next_id, waits end
end
local function follow(holder, lane, id, packed_call, o, begin)
local next_id, waits = follower_of(holder)
if next_id then
local asked, clients = task.asker(waits[3] or ''), waits[4] or ''
if asked ~= '' and asked ~= task.asker(packed_call) and not string.find(' ' .. clients .. ' ', ' ' .. asked .. ' ', 1, true) then
call('HSET', TASK .. next_id, 'clients', clients == '' and asked or clients .. ' ' .. asked)
end
call('HSET', TASK .. next_id, 'call', packed_call)
if o.line then task.lines().keep(TASK .. next_id, o) end
return next_id
end
wait(id, lane, packed_call, o, begin)
keep_times(TASK .. id, o, begin)
call('HSET', TASK .. id, 'key', o.key)
call('HSET', TASK .. holder, 'next', id)
return id
end
local function joined_by(holder, o)
if not o.again or o.after then return holder end
return (follower_of(holder))
end
local function join(number, id, holder, state)
call('SET', P .. ':joined:' .. id, holder, 'PX', 60000)
note(number, holder .. ' ' .. state)
end
local function joined_before(number, id)
local holder = resent and call('GET', P .. ':joined:' .. id)
if not holder then return false end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
note(number, holder .. ' ' .. task.standing(record[1], record[2]))
return true
end
${hearers}${refusals}function enqueue_how(number, how, id, packed_call)
local key, lane, o = TASK .. id, how[1], wishes(how)
if call('EXISTS', key) == 1 then return end
local there
if o.to then o, there = task.divide(o) end
local begin = math.max(tonumber(o.at) or now + (o['in'] or 0), tonumber(now))
if o.key and joined_before(number, id) then return end
local after, unknown
if o.elsewhere then task.parents().stand_in(o.elsewhere) end
if o.after then
after, unknown = task.parents().find(o.after)
if not after then return note(number, 'orphan ' .. unknown) end
end
if o.key then
local name = P .. ':key:' .. o.key
local holder, state, is_live = holder_of(name)
local joined = o.hears and is_live and joined_by(holder, o)
if joined and not let_hear_of(joined, o.hears) then return note(number, 'crowded ' .. joined) end
if holder and is_live and o.again and not after then
joined = follow(holder, lane, id, packed_call, o, begin)
if joined ~= id then return join(number, id, joined, 'waiting') end
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
return
elseif holder then
if o.up and is_live then task.move(holder, 'first') end
return join(number, id, holder, state)
elseif is_full() then
return note(number, 'full')
elseif state then
note(number, '- ' .. state)
end
if o.hold then call('SET', name, id, 'PX', o.hold) else call('SET', name, id) end
call('HSET', key, 'key', o.key)
end
if is_full() then return note(number, 'full') end
keep_times(key, o, begin)
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
if o.given then task.parents().give(id, o.given) end
if o.home then task.parents().come_from(id, o.home, o.trip) end
if there then call('HSET', key, 'to', o.to, 'there', cmsgpack.pack(there)) end
if o.back then call('HSET', key, 'back', '1') end
if o.flow then task.parents().join_flow(o.flow, id, after) end
if o.flow and o.shape then call('HSET', P .. ':flow:' .. o.flow, 'shape', o.shape) end
if after and task.parents().wait_for(id, after, o.policy or 'f', o.take) > 0 then
wait(id, lane, packed_call, o, begin)
elseif there then
call('HSET', key, 'call', packed_call, 'created', now)
task.go_away(id, lane, o.to)
elseif begin > tonumber(now) then
call('HSET', key, 'entry', 'scheduled/' .. lane, 'call', packed_call, 'created', now)
task.at_time(task.SCHEDULED, id, begin)
if o.deadline then task.at_time(task.EXPIRING, id, now + o.deadline) end
elseif o.newest then
task.put_front(id, packed_call)
end_in_time(id, o, begin)
else
task.line_up(id, lane, packed_call)
end
end
specials = {
notes = notes, enqueue = enqueue_how, tell_nearest = task.tell_nearest,
refuse = function(number) note(number, 'full') end, refuse_all = refuse_all,
}
return specials
end
if args[3] ~= '' then
if special().refuse_all() then return { 0, unpack(specials.notes) } end
if args[3] == 'look' then return 0 end
end
local lane, stream
for i = 4, #args, 3 do
local id = args[i + 1]
if args[i] ~= lane and type(args[i]) == 'table' then
special().enqueue((i - 1) / 3, args[i], id, args[i + 2])
elseif cap and accepted >= cap and call('EXISTS', TASK .. id) == 0 then
special().refuse((i - 1) / 3)
else
if args[i] ~= lane then
lane = args[i]
stream = STREAM .. lane
if lane ~= 'normal' then call('HSET', P .. ':settings', 'lanes', '1') end
end
if not resent or call('EXISTS', TASK .. id) == 0 then
local entry = call('XADD', stream, '*', id, args[i + 2])
if pcall('HSETNX', TASK .. id, 'entry', place_of(lane, entry)) == 1 then
accepted = accepted + 1
else
call('XDEL', stream, entry)
end
end
end
end
if not specials then return accepted end
specials.tell_nearest()
if #specials.notes == 0 then return accepted end
table.insert(specials.notes, 1, accepted)
return specials.notes
`,
  examine: `#!lua flags=no-writes
${base}${rare}local task = rare()
${disorder}local function is_eternal(kind, name)
if kind == 'deps' then
local record = pcall('HMGET', TASK .. name, 'entry', 'end')
local is_open = not record.err and record[1] and not record[2]
return not is_open and call('HEXISTS', P .. ':releasing', name) == 0
end
local key = P .. ':' .. kind .. ':' .. name
if call('PTTL', key) ~= -1 then return false end
if kind ~= 'key' then return true end
local holder = pcall('GET', key)
if not holder or type(holder) == 'table' then return false end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
return not record.err and (not record[1] or record[2])
end
local function not_named(list, name) return call('ZSCORE', P .. ':' .. list, name) and '' or '1' end
local answers = {}
for i = 1, #args do
local kind, name = string.match(args[i], '^(%a+):(.*)$')
if kind == 'task' then
local word = disorder(name)
local more = word ~= 'junk' and call('HMGET', TASK .. name, 'next', 'created', 'end', 'entry') or {}
local waits = not more[3] and string.match(more[4] or '', '^waiting/')
answers[i] = { word, not more[3] and more[1] or '', more[2] or '', waits and not_named('waiting', name) or '' }
elseif kind == 'schedule' then
local of_type = call('TYPE', P .. ':schedule:' .. name).ok
local is_there = of_type == 'hash'
answers[i] = { (is_there or of_type == 'none') and 'fine' or 'junk', '', '', is_there and not_named('slots', name) or '' }
else
answers[i] = { is_eternal(kind, name) and 'eternal' or 'fine', '', '', '' }
end
end
return answers
`,
  find: `#!lua flags=no-writes
${base}${rare}local task = rare()
local id = call('GET', P .. ':key:' .. args[1])
if not id then return { 'none', '' } end
local record = call('HMGET', TASK .. id, 'entry', 'end')
local state = task.standing(record[1], record[2])
return { state, state == 'none' and '' or id }
`,
  fire: `#!lua
${base}${slots}local function enqueue(args)
local resent, cap, accepted = args[1] == '1', tonumber(args[2]), 0
if cap then
for _, lane in ipairs(LANES) do
cap = cap - call('XLEN', STREAM .. lane) + call('SCARD', P .. ':void:' .. lane) - call('ZCARD', P .. ':line:' .. lane)
end
cap = cap - call('ZCARD', P .. ':scheduled') - call('LLEN', P .. ':front')
end
local specials
local function special()
if specials then return specials end
${rare}local task, notes, enqueue_how = rare(), {}, nil
local function note(number, what)
notes[#notes + 1] = number
notes[#notes + 1] = what
end
local function is_full() return cap and accepted >= cap end
local function holder_of(key)
local holder = call('GET', key)
if not holder then return nil end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
local state = task.standing(record[1], record[2])
if state == 'none' then return nil end
if not record[2] then return holder, state, true end
return state ~= 'failed' and call('PTTL', key) > 0 and holder or nil, state, false
end
local function wishes(how)
local o = {}
for i = 2, #how, 2 do o[how[i]] = how[i + 1] end
return o.sent and task.with_sent(o) or o
end
local function keep_times(key, o, begin)
if o.ttl then call('HSET', key, 'expires', string.format('%.0f', begin + o.ttl)) end
if o.deadline then call('HSET', key, 'deadline', string.format('%.0f', now + o.deadline)) end
if o.line then task.lines().keep(key, o) end
end
local function end_in_time(id, o, begin)
local over = task.time_over(0, o.ttl and begin + o.ttl, o.deadline and now + o.deadline)
if over then task.at_time(task.EXPIRING, id, over) end
end
local function wait(id, lane, packed_call, o, begin)
call('HSET', TASK .. id, 'entry', 'waiting/' .. lane, 'call', packed_call, 'created', now)
call('ZADD', P .. ':waiting', now, id)
if begin > tonumber(now) then call('HSET', TASK .. id, 'begin', string.format('%.0f', begin)) end
end_in_time(id, o, begin)
end
local function follower_of(holder)
local next_id = call('HGET', TASK .. holder, 'next')
local waits = next_id and call('HMGET', TASK .. next_id, 'entry', 'end', 'call', 'clients')
if waits and not waits[2] and string.match(waits[1] or '', '^waiting/') then return next_id, waits end
end
local function follow(holder, lane, id, packed_call, o, begin)
local next_id, waits = follower_of(holder)
if next_id then
local asked, clients = task.asker(waits[3] or ''), waits[4] or ''
if asked ~= '' and asked ~= task.asker(packed_call) and not string.find(' ' .. clients .. ' ', ' ' .. asked .. ' ', 1, true) then
call('HSET', TASK .. next_id, 'clients', clients == '' and asked or clients .. ' ' .. asked)
end
call('HSET', TASK .. next_id, 'call', packed_call)
if o.line then task.lines().keep(TASK .. next_id, o) end
return next_id
end
wait(id, lane, packed_call, o, begin)
keep_times(TASK .. id, o, begin)
call('HSET', TASK .. id, 'key', o.key)
call('HSET', TASK .. holder, 'next', id)
return id
end
local function joined_by(holder, o)
if not o.again or o.after then return holder end
return (follower_of(holder))
end
local function join(number, id, holder, state)
call('SET', P .. ':joined:' .. id, holder, 'PX', 60000)
note(number, holder .. ' ' .. state)
end
local function joined_before(number, id)
local holder = resent and call('GET', P .. ':joined:' .. id)
if not holder then return false end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
note(number, holder .. ' ' .. task.standing(record[1], record[2]))
return true
end
${hearers}${refusals}function enqueue_how(number, how, id, packed_call)
local key, lane, o = TASK .. id, how[1], wishes(how)
if call('EXISTS', key) == 1 then return end
local there
if o.to then o, there = task.divide(o) end
local begin = math.max(tonumber(o.at) or now + (o['in'] or 0), tonumber(now))
if o.key and joined_before(number, id) then return end
local after, unknown
if o.elsewhere then task.parents().stand_in(o.elsewhere) end
if o.after then
after, unknown = task.parents().find(o.after)
if not after then return note(number, 'orphan ' .. unknown) end
end
if o.key then
local name = P .. ':key:' .. o.key
local holder, state, is_live = holder_of(name)
local joined = o.hears and is_live and joined_by(holder, o)
if joined and not let_hear_of(joined, o.hears) then return note(number, 'crowded ' .. joined) end
if holder and is_live and o.again and not after then
joined = follow(holder, lane, id, packed_call, o, begin)
if joined ~= id then return join(number, id, joined, 'waiting') end
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
return
elseif holder then
if o.up and is_live then task.move(holder, 'first') end
return join(number, id, holder, state)
elseif is_full() then
return note(number, 'full')
elseif state then
note(number, '- ' .. state)
end
if o.hold then call('SET', name, id, 'PX', o.hold) else call('SET', name, id) end
call('HSET', key, 'key', o.key)
end
if is_full() then return note(number, 'full') end
keep_times(key, o, begin)
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
if o.given then task.parents().give(id, o.given) end
if o.home then task.parents().come_from(id, o.home, o.trip) end
if there then call('HSET', key, 'to', o.to, 'there', cmsgpack.pack(there)) end
if o.back then call('HSET', key, 'back', '1') end
if o.flow then task.parents().join_flow(o.flow, id, after) end
if o.flow and o.shape then call('HSET', P .. ':flow:' .. o.flow, 'shape', o.shape) end
if after and task.parents().wait_for(id, after, o.policy or 'f', o.take) > 0 then
wait(id, lane, packed_call, o, begin)
elseif there then
call('HSET', key, 'call', packed_call, 'created', now)
task.go_away(id, lane, o.to)
elseif begin > tonumber(now) then
call('HSET', key, 'entry', 'scheduled/' .. lane, 'call', packed_call, 'created', now)
task.at_time(task.SCHEDULED, id, begin)
if o.deadline then task.at_time(task.EXPIRING, id, now + o.deadline) end
elseif o.newest then
task.put_front(id, packed_call)
end_in_time(id, o, begin)
else
task.line_up(id, lane, packed_call)
end
end
specials = {
notes = notes, enqueue = enqueue_how, tell_nearest = task.tell_nearest,
refuse = function(number) note(number, 'full') end, refuse_all = refuse_all,
}
return specials
end
if args[3] ~= '' then
if special().refuse_all() then return { 0, unpack(specials.notes) } end
if args[3] == 'look' then return 0 end
end
local lane, stream
for i = 4, #args, 3 do
local id = args[i + 1]
if args[i] ~= lane and type(args[i]) == 'table' then
special().enqueue((i - 1) / 3, args[i], id, args[i + 2])
elseif cap and accepted >= cap and call('EXISTS', TASK .. id) == 0 then
special().refuse((i - 1) / 3)
else
if args[i] ~= lane then
lane = args[i]
stream = STREAM .. lane
if lane ~= 'normal' then call('HSET', P .. ':settings', 'lanes', '1') end
end
if not resent or call('EXISTS', TASK .. id) == 0 then
local entry = call('XADD', stream, '*', id, args[i + 2])
if pcall('HSETNX', TASK .. id, 'entry', place_of(lane, entry)) == 1 then
accepted = accepted + 1
else
call('XDEL', stream, entry)
end
end
end
end
if not specials then return accepted end
specials.tell_nearest()
if #specials.notes == 0 then return accepted end
table.insert(specials.notes, 1, accepted)
return specials.notes
end
local function is_open(id)
${place}${standing}local record = pcall('HMGET', TASK .. id, 'entry', 'end')
return not record.err and not record[2] and standing(record[1], record[2]) ~= 'none'
end
local name, is_now = args[1], args[2] == 'now'
local key = P .. ':schedule:' .. name
local found = call('HMGET', key, 'since', 'slot', 'paused', 'overlap', 'lane', 'how', 'call', 'last')
local since, slot, paused, overlap, lane, how, packed_call, last = unpack(found, 1, 8)
if not packed_call then return 'none' end
if not is_now and (since ~= args[2] or slot ~= args[3] or paused) then return 'past' end
local wishes, is_lane = cmsgpack.unpack(how), false
for _, one in ipairs(LANES) do is_lane = is_lane or one == lane end
table.insert(wishes, 1, is_lane and lane or error('a schedule with a lane that there is not'))
local how_of_each = #wishes == 1 and lane or wishes
local ids = {}
for i = is_now and 3 or 6, #args do ids[#ids + 1] = is_now and args[i] or name .. ':' .. args[i] end
local as_batch = { '1', '', '' }
if not is_now and overlap == 'skip' then ids = { not (last and is_open(last)) and ids[1] or nil } end
for _, id in ipairs(ids) do
as_batch[#as_batch + 1] = how_of_each
as_batch[#as_batch + 1] = id
as_batch[#as_batch + 1] = packed_call
end
if ids[1] then
local notes = enqueue(as_batch)
last = ids[#ids]
local note = type(notes) == 'table' and notes[#notes - 1] == #ids and string.match(notes[#notes], '^(%S+) %a+$')
if note and note ~= '-' then last = note end
call('HSET', key, 'last', last, 'ran', now)
end
if is_now then return 'done' end
if args[4] == '' then call('HDEL', key, 'slot') else call('HSET', key, 'slot', args[4]) end
call('ZADD', SLOTS, args[5] == '' and '+inf' or args[5], name)
return 'done'
`,
  groups: `#!lua flags=allow-oom
${base}call('HMGET', TASK, 'entry')
local made = 0
for _, lane in ipairs(LANES) do
local answer = pcall('XGROUP', 'CREATE', STREAM .. lane, GROUP, '0', 'MKSTREAM')
if not answer.err then
made = made + 1
local delivers_again = call('XLEN', STREAM .. lane) > 0 and call('EXISTS', P .. ':ended', P .. ':workers') > 0
if delivers_again then
call('HSET', P .. ':settings', 'again', '1')
call('PUBLISH', P .. ':control', 'void')
end
elseif not string.match(answer.err, '^BUSYGROUP') then
return answer
end
end
return made
`,
  halt: `#!lua flags=allow-oom
${base}${slots}local name, slot = args[1], args[4]
local key = P .. ':schedule:' .. name
local found = call('HMGET', key, 'when', 'since', 'paused')
if not found[1] then return 'none' end
if args[2] == '1' then
call('HSET', key, 'paused', '1')
at_slot(name, '')
return 'done'
end
if not found[3] then return 'done' end
if found[2] ~= args[3] then return 'past' end
call('HDEL', key, 'paused')
if slot == '' then call('HDEL', key, 'slot') else call('HSET', key, 'slot', slot) end
at_slot(name, args[5])
return 'done'
`,
  hear: `#!lua
${base}${replies}local function enqueue(args)
local resent, cap, accepted = args[1] == '1', tonumber(args[2]), 0
if cap then
for _, lane in ipairs(LANES) do
cap = cap - call('XLEN', STREAM .. lane) + call('SCARD', P .. ':void:' .. lane) - call('ZCARD', P .. ':line:' .. lane)
end
cap = cap - call('ZCARD', P .. ':scheduled') - call('LLEN', P .. ':front')
end
local specials
local function special()
if specials then return specials end
${rare}local task, notes, enqueue_how = rare(), {}, nil
local function note(number, what)
notes[#notes + 1] = number
notes[#notes + 1] = what
end
local function is_full() return cap and accepted >= cap end
local function holder_of(key)
local holder = call('GET', key)
if not holder then return nil end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
local state = task.standing(record[1], record[2])
if state == 'none' then return nil end
if not record[2] then return holder, state, true end
return state ~= 'failed' and call('PTTL', key) > 0 and holder or nil, state, false
end
local function wishes(how)
local o = {}
for i = 2, #how, 2 do o[how[i]] = how[i + 1] end
return o.sent and task.with_sent(o) or o
end
local function keep_times(key, o, begin)
if o.ttl then call('HSET', key, 'expires', string.format('%.0f', begin + o.ttl)) end
if o.deadline then call('HSET', key, 'deadline', string.format('%.0f', now + o.deadline)) end
if o.line then task.lines().keep(key, o) end
end
local function end_in_time(id, o, begin)
local over = task.time_over(0, o.ttl and begin + o.ttl, o.deadline and now + o.deadline)
if over then task.at_time(task.EXPIRING, id, over) end
end
local function wait(id, lane, packed_call, o, begin)
call('HSET', TASK .. id, 'entry', 'waiting/' .. lane, 'call', packed_call, 'created', now)
call('ZADD', P .. ':waiting', now, id)
if begin > tonumber(now) then call('HSET', TASK .. id, 'begin', string.format('%.0f', begin)) end
end_in_time(id, o, begin)
end
local function follower_of(holder)
local next_id = call('HGET', TASK .. holder, 'next')
local waits = next_id and call('HMGET', TASK .. next_id, 'entry', 'end', 'call', 'clients')
if waits and not waits[2] and string.match(waits[1] or '', '^waiting/') then return next_id, waits end
end
local function follow(holder, lane, id, packed_call, o, begin)
local next_id, waits = follower_of(holder)
if next_id then
local asked, clients = task.asker(waits[3] or ''), waits[4] or ''
if asked ~= '' and asked ~= task.asker(packed_call) and not string.find(' ' .. clients .. ' ', ' ' .. asked .. ' ', 1, true) then
call('HSET', TASK .. next_id, 'clients', clients == '' and asked or clients .. ' ' .. asked)
end
call('HSET', TASK .. next_id, 'call', packed_call)
if o.line then task.lines().keep(TASK .. next_id, o) end
return next_id
end
wait(id, lane, packed_call, o, begin)
keep_times(TASK .. id, o, begin)
call('HSET', TASK .. id, 'key', o.key)
call('HSET', TASK .. holder, 'next', id)
return id
end
local function joined_by(holder, o)
if not o.again or o.after then return holder end
return (follower_of(holder))
end
local function join(number, id, holder, state)
call('SET', P .. ':joined:' .. id, holder, 'PX', 60000)
note(number, holder .. ' ' .. state)
end
local function joined_before(number, id)
local holder = resent and call('GET', P .. ':joined:' .. id)
if not holder then return false end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
note(number, holder .. ' ' .. task.standing(record[1], record[2]))
return true
end
${hearers}${refusals}function enqueue_how(number, how, id, packed_call)
local key, lane, o = TASK .. id, how[1], wishes(how)
if call('EXISTS', key) == 1 then return end
local there
if o.to then o, there = task.divide(o) end
local begin = math.max(tonumber(o.at) or now + (o['in'] or 0), tonumber(now))
if o.key and joined_before(number, id) then return end
local after, unknown
if o.elsewhere then task.parents().stand_in(o.elsewhere) end
if o.after then
after, unknown = task.parents().find(o.after)
if not after then return note(number, 'orphan ' .. unknown) end
end
if o.key then
local name = P .. ':key:' .. o.key
local holder, state, is_live = holder_of(name)
local joined = o.hears and is_live and joined_by(holder, o)
if joined and not let_hear_of(joined, o.hears) then return note(number, 'crowded ' .. joined) end
if holder and is_live and o.again and not after then
joined = follow(holder, lane, id, packed_call, o, begin)
if joined ~= id then return join(number, id, joined, 'waiting') end
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
return
elseif holder then
if o.up and is_live then task.move(holder, 'first') end
return join(number, id, holder, state)
elseif is_full() then
return note(number, 'full')
elseif state then
note(number, '- ' .. state)
end
if o.hold then call('SET', name, id, 'PX', o.hold) else call('SET', name, id) end
call('HSET', key, 'key', o.key)
end
if is_full() then return note(number, 'full') end
keep_times(key, o, begin)
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
if o.given then task.parents().give(id, o.given) end
if o.home then task.parents().come_from(id, o.home, o.trip) end
if there then call('HSET', key, 'to', o.to, 'there', cmsgpack.pack(there)) end
if o.back then call('HSET', key, 'back', '1') end
if o.flow then task.parents().join_flow(o.flow, id, after) end
if o.flow and o.shape then call('HSET', P .. ':flow:' .. o.flow, 'shape', o.shape) end
if after and task.parents().wait_for(id, after, o.policy or 'f', o.take) > 0 then
wait(id, lane, packed_call, o, begin)
elseif there then
call('HSET', key, 'call', packed_call, 'created', now)
task.go_away(id, lane, o.to)
elseif begin > tonumber(now) then
call('HSET', key, 'entry', 'scheduled/' .. lane, 'call', packed_call, 'created', now)
task.at_time(task.SCHEDULED, id, begin)
if o.deadline then task.at_time(task.EXPIRING, id, now + o.deadline) end
elseif o.newest then
task.put_front(id, packed_call)
end_in_time(id, o, begin)
else
task.line_up(id, lane, packed_call)
end
end
specials = {
notes = notes, enqueue = enqueue_how, tell_nearest = task.tell_nearest,
refuse = function(number) note(number, 'full') end, refuse_all = refuse_all,
}
return specials
end
if args[3] ~= '' then
if special().refuse_all() then return { 0, unpack(specials.notes) } end
if args[3] == 'look' then return 0 end
end
local lane, stream
for i = 4, #args, 3 do
local id = args[i + 1]
if args[i] ~= lane and type(args[i]) == 'table' then
special().enqueue((i - 1) / 3, args[i], id, args[i + 2])
elseif cap and accepted >= cap and call('EXISTS', TASK .. id) == 0 then
special().refuse((i - 1) / 3)
else
if args[i] ~= lane then
lane = args[i]
stream = STREAM .. lane
if lane ~= 'normal' then call('HSET', P .. ':settings', 'lanes', '1') end
end
if not resent or call('EXISTS', TASK .. id) == 0 then
local entry = call('XADD', stream, '*', id, args[i + 2])
if pcall('HSETNX', TASK .. id, 'entry', place_of(lane, entry)) == 1 then
accepted = accepted + 1
else
call('XDEL', stream, entry)
end
end
end
end
if not specials then return accepted end
specials.tell_nearest()
if #specials.notes == 0 then return accepted end
table.insert(specials.notes, 1, accepted)
return specials.notes
end
${place}${standing}local batch = { '0', '', '' }
local function state_of(id)
local record = pcall('HMGET', TASK .. id, 'entry', 'end')
return not record.err and not record[2] and standing(record[1]) or 'none'
end
local function read_hearer(packed)
local is_packed, hearer = _G.pcall(cmsgpack.unpack, packed or '')
if not is_packed or type(hearer) ~= 'table' or type(hearer[2]) ~= 'string' then return nil end
local first = type(hearer[1]) == 'table' and hearer[1][1] or hearer[1]
for _, lane in ipairs(LANES) do
if lane == first then return hearer end
end
end
local function let_hear(id, number, value)
local key, name = TASK .. id, id .. '.' .. number .. '.'
local found = call('HMGET', key, 'hear:' .. number, 'told:' .. number)
local hearer = read_hearer(found[1])
if not hearer then return end
local how, packed_call, takes = unpack(hearer)
local told, wishes = tonumber(found[2]) or 0, type(how) == 'table' and how or { how }
local last = name .. told
local state = told > 0 and state_of(last) or 'none'
if state ~= 'none' and state ~= 'running' then
if takes == '1' then call('HSET', TASK .. last, 'in:0', 's' .. value) end
return
end
local function wish(what, of)
wishes[#wishes + 1] = what
wishes[#wishes + 1] = of
end
if takes == '1' then wish('given', { 's' .. value }) end
if state == 'running' then
wish('after', last)
wish('policy', 'b')
end
call('HSET', key, 'told:' .. number, tostring(told + 1))
batch[#batch + 1] = wishes[2] and wishes or wishes[1]
batch[#batch + 1] = name .. (told + 1)
batch[#batch + 1] = packed_call
end
local answers, MOST = {}, 100
for i = 1, #args, 5 do
local id, place, value, version = args[i], place_of(args[i + 1], args[i + 2]), args[i + 3], args[i + 4]
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'clients', 'hears', 'heard')
if record.err or record[1] ~= place or record[2] then
answers[#answers + 1] = 'f'
else
call('HSET', TASK .. id, 'progress', value, 'version', version)
for client in string.gmatch(record[3] or '', '%S+') do reply(client, id, 'progress:' .. version, value) end
if record[4] and tonumber(version) > (tonumber(record[5]) or 0) then
call('HSET', TASK .. id, 'heard', version)
for number = 0, math.min(tonumber(record[4]) or 0, MOST) - 1 do let_hear(id, number, value) end
end
answers[#answers + 1] = 'd'
end
end
if batch[4] then enqueue(batch) end
publish_all()
return table.concat(answers)
`,
  holds: `#!lua flags=no-writes
${base}local HEAD = 512
local answer = {}
for _, lane in ipairs(LANES) do
local pending = pcall('XPENDING', STREAM .. lane, GROUP, '-', '+', args[2], args[1])
for _, item in ipairs(pending.err and {} or pending) do
local found = call('XRANGE', STREAM .. lane, item[1], item[1])[1]
if found and #found[2] > 1 then
local n = #answer
answer[n + 1], answer[n + 2], answer[n + 3] = lane, item[1], found[2][1]
answer[n + 4], answer[n + 5] = string.sub(found[2][2], 1, HEAD), item[3]
end
end
end
return answer
`,
  inputs: `#!lua flags=no-writes
${base}local answer, STEP = {}, 500
for i = 1, #args, 2 do
local inputs, count = {}, tonumber(args[i + 1])
for from = 0, count - 1, STEP do
local names = {}
for number = from, math.min(from + STEP, count) - 1 do names[#names + 1] = 'in:' .. number end
local found = pcall('HMGET', TASK .. args[i], unpack(names))
for j = 1, #names do inputs[from + j] = not found.err and found[j] or '' end
end
answer[#answer + 1] = inputs
end
return cmsgpack.pack(answer)
`,
  inspect: `#!lua flags=no-writes
${base}${place}local fields = pcall('HGETALL', TASK .. args[1])
if fields.err or #fields == 0 then return nil end
local record = {}
local told = {}
for i = 1, #fields, 2 do
record[fields[i]] = fields[i + 1]
if not string.match(fields[i], '^in:') and not string.match(fields[i], '^hear:') then
told[#told + 1] = fields[i]
told[#told + 1] = fields[i + 1]
end
end
local packed_call, worker, since, due = record.call or '', '', '', ''
if record.entry and not record['end'] then
local lane, entry = parse_place(record.entry)
if lane then
local stream = STREAM .. lane
local found = pcall('XRANGE', stream, entry, entry)
if found[1] then packed_call = found[1][2][2] or '' end
local held = pcall('XPENDING', stream, GROUP, entry, entry, 1)
if held[1] then worker, since = held[1][2], string.format('%.0f', now - held[1][3]) end
else
due = call('ZSCORE', P .. ':scheduled', args[1]) or ''
end
end
return { packed_call, worker, since, due, unpack(told) }
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
  list: `#!lua flags=no-writes
${base}local state, lane, after, most = args[1], args[2], args[3], tonumber(args[4])
local stream, answer = STREAM .. lane, { '' }
local function add(id) answer[#answer + 1] = id end
local function add_line(last)
local line = P .. ':line:' .. lane
local members = call('ZRANGE', line, last == '' and '-' or '(' .. last, '+', 'BYLEX', 'LIMIT', 0, most)
for _, member in ipairs(members) do
local id = string.match(member, '%S+$')
local record = pcall('HMGET', TASK .. id, 'entry', 'end')
if not record.err and record[1] == 'line/' .. lane and not record[2] then add(id) end
end
if #members == most then answer[1] = 'line ' .. members[most] end
return answer
end
if state == 'queued' then
if string.sub(after, 1, 5) == 'line ' then return add_line(string.sub(after, 6)) end
local from = after
local groups = after == '' and pcall('XINFO', 'GROUPS', stream) or {}
for _, group in ipairs(groups.err and {} or groups) do
if group[2] == GROUP then from = group[8] end
end
local found = call('XRANGE', stream, from == '' and '-' or '(' .. from, '+', 'COUNT', most)
for _, item in ipairs(found) do
local id = item[2][1]
local record = pcall('HMGET', TASK .. id, 'entry', 'end')
if not record.err and record[1] == place_of(lane, item[1]) and not record[2] then add(id) end
end
if #found == most then
answer[1] = found[most][1]
elseif lane == 'first' then
for _, id in ipairs(call('LRANGE', P .. ':front', 0, most - 1)) do
if call('HGET', TASK .. id, 'entry') == 'front/first' and call('HEXISTS', TASK .. id, 'end') == 0 then add(id) end
end
end
if answer[1] == '' and call('EXISTS', P .. ':line:' .. lane) == 1 then answer[1] = 'line ' end
elseif state == 'running' then
local pending = pcall('XPENDING', stream, GROUP, after == '' and '-' or '(' .. after, '+', most)
for _, item in ipairs(pending.err and {} or pending) do
local found = call('XRANGE', stream, item[1], item[1])[1]
if found then add(found[2][1]) end
end
if #pending == most then answer[1] = pending[most][1] end
else
local from = tonumber(after) or 0
local range = state == 'failed' and 'ZREVRANGE' or 'ZRANGE'
local members = call(range, P .. ':' .. state, from, from + most - 1)
for _, member in ipairs(members) do add(state == 'parked' and string.match(member, '[^/]*$') or member) end
if #members == most then answer[1] = tostring(from + most) end
end
return answer
`,
  listed: `#!lua flags=no-writes
${base}${listed}local list = args[1]
local found = call('ZRANGE', P .. ':' .. list, args[2], args[2] + args[3] - 1)
local answer = { #found }
for _, name in ipairs(found) do
if not score_in(list, name) then answer[#answer + 1] = name end
end
return answer
`,
  mend: `#!lua flags=allow-oom
${base}${drop}${replies}${rare}${settle}local task = rare()
${disorder}local KEPT = 3600000
local function holds(id, key_name)
local key = P .. ':key:' .. key_name
local holder = call('GET', key)
if holder == id then return true end
local other = holder and call('HMGET', TASK .. holder, 'entry', 'end') or {}
if other[1] and not other[2] then return false end
call('SET', key, id)
return true
end
local function mend(id, is_orphan)
local word, lane, packed_call, entry = disorder(id, is_orphan)
if word ~= 'stray' then return word end
local key = TASK .. id
local record = call('HMGET', key, 'attempt', 'created', 'cancel', 'key', 'begin', 'needs')
if record[6] then
task.parents().look_after(id)
if disorder(id) == 'fine' then return 'mended' end
end
if record[4] and not holds(id, record[4]) then return 'key' end
call('ZREM', P .. ':waiting', id)
if entry then
task.requeue(id, lane, entry, packed_call, (tonumber(record[1]) or 0) + 1, record[2])
elseif record[5] and tonumber(record[5]) > tonumber(now) then
call('HSET', key, 'entry', 'scheduled/' .. lane)
task.at_time(task.SCHEDULED, id, tonumber(record[5]))
else
call('HDEL', key, 'call', 'unknown', 'needs')
task.line_up(id, lane, packed_call)
end
if record[3] then task.cancel(id, record[3], KEPT) end
return 'mended'
end
local answers = {}
for i = 1, #args, 2 do answers[#answers + 1] = mend(args[i], args[i + 1] == '1') end
drop_all()
publish_all()
task.tell_nearest()
return answers
`,
  move: `#!lua flags=allow-oom
${base}${rare}local task = rare()
local answer = task.move(args[1], args[2])
task.tell_nearest()
return answer
`,
  order: `#!lua flags=allow-oom
${base}${owner}local order, one, told = args[1], args[2], 0
local workers = one == '' and call('ZRANGE', P .. ':workers', '(0', '+inf', 'BYSCORE') or { one }
for _, worker in ipairs(workers) do
local details = P .. ':worker:' .. worker
if is_registered(worker) and call('EXISTS', details) == 1 then
if call('HGET', details, 'order') ~= 'stop' then call('HSET', details, 'order', order) end
told = told + 1
end
end
if told > 0 then call('PUBLISH', P .. ':control', one == '' and 'order' or 'order ' .. one) end
return told
`,
  outbox: `#!lua flags=allow-oom
${base}${place}${away}local MOST_BYTES = 8388608
local most, lease = tonumber(args[1]), tonumber(args[2])
local answer, bytes = { '-1' }, 0
local function call_due(queue, id, trip) return call('ZSCORE', OUTBOX, 'call ' .. queue .. ' ' .. id .. ' ' .. trip) end
local function open_letter(letter, kind, queue, id, rest)
if kind == 'cancel' then
local trip = pcall('HGET', TASK .. id, 'trip')
local due = type(trip) == 'string' and call_due(queue, id, trip)
if due and tonumber(due) > tonumber(now) then return tonumber(due) + 1 end
end
if kind == 'cancel' or kind == 'end' then return { letter, kind, queue, id, rest, '0' } end
if kind ~= 'call' and kind ~= 'watch' then return nil end
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'trip', 'created', 'there', 'call', 'inputs', 'to', 'back')
local lane = not record.err and record[1] and not record[2] and string.match(record[1], '^away/(%a+)$')
if not lane or (record[3] or '0') ~= rest or record[8] ~= queue then return nil end
local item = { letter, kind, queue, id, rest, string.format('%.0f', math.max(0, now - (record[4] or now))) }
if kind == 'call' then
item[7], item[8], item[9] = lane, record[5] or '\\144', record[6] or ''
item[10], item[11] = record[7] or '0', record[9] or ''
elseif call_due(queue, id, rest) then
return nil
end
return item
end
for _, letter in ipairs(call('ZRANGE', OUTBOX, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
local kind, queue, id, rest = string.match(letter, '^(%a+) (%S+) (%S+) (.*)$')
local item = kind and open_letter(letter, kind, queue, id, rest)
bytes = bytes + #letter + (type(item) == 'table' and item[9] and #item[9] or 0)
if bytes > MOST_BYTES and #answer > 1 then break end
if type(item) == 'number' then
call('ZADD', OUTBOX, string.format('%.0f', item), letter)
elseif item then
call('ZADD', OUTBOX, string.format('%.0f', now + lease), letter)
answer[#answer + 1] = item
else
call('ZREM', OUTBOX, letter)
end
end
local next_due = call('ZRANGE', OUTBOX, 0, 0, 'WITHSCORES')[2]
if next_due then answer[1] = string.format('%.0f', math.max(0, next_due - now)) end
return cmsgpack.pack(answer)
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
for _, place in ipairs(call('ZRANGE', P .. ':cancelling', -1000, -1)) do
held[#held + 1] = 'cancel'
held[#held + 1] = place
end
return held
`,
  progress: `#!lua flags=allow-oom
${base}${replies}local answers = {}
for i = 1, #args, 5 do
local id, place, value, version = args[i], place_of(args[i + 1], args[i + 2]), args[i + 3], args[i + 4]
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'clients', 'hears')
if record.err or record[1] ~= place or record[2] then
answers[#answers + 1] = 'f'
else
call('HSET', TASK .. id, 'progress', value, 'version', version)
for client in string.gmatch(record[3] or '', '%S+') do reply(client, id, 'progress:' .. version, value) end
answers[#answers + 1] = record[4] and 'h' or 'd'
end
end
publish_all()
return table.concat(answers)
`,
  promote: `#!lua flags=allow-oom
${base}${replies}${rare}${settle}local task = rare()
local most, failed_ttl, max_failed = args[1], args[2], args[3]
local lined_up, over = 0, 0
failed_for, failed_most = failed_ttl, max_failed
for _, id in ipairs(call('ZRANGE', task.SCHEDULED, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call')
if record.err and not string.find(record.err, '^WRONGTYPE') then return record end
call('ZREM', task.SCHEDULED, id)
local lane = not record.err and record[1] and not record[2] and record[3] and string.match(record[1], '^scheduled/(%a+)$')
if lane then
call('HDEL', TASK .. id, 'call')
task.line_up(id, lane, record[3])
lined_up = lined_up + 1
end
end
for _, id in ipairs(call('ZRANGE', task.EXPIRING, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
call('ZREM', task.EXPIRING, id)
if task.expire(id, failed_ttl, max_failed) then over = over + 1 end
end
if call('EXISTS', P .. ':releasing') == 1 then
task.dependents().resume()
task.tell_nearest()
end
if call('EXISTS', P .. ':resting', P .. ':ring') > 0 then task.lines().wake(most) end
publish_all()
task.tell_news()
local are_there = { void = false, lanes = false }
for _, lane in ipairs(LANES) do
local void, length = P .. ':void:' .. lane, pcall('XLEN', STREAM .. lane)
if length == 0 then call('DEL', void) end
are_there.void = are_there.void or call('EXISTS', void) == 1
are_there.lanes = are_there.lanes or (lane ~= 'normal' and length ~= 0)
end
for name, is_there in pairs(are_there) do
if is_there then call('HSET', P .. ':settings', name, '1') else call('HDEL', P .. ':settings', name) end
end
local time = call('EXISTS', P .. ':releasing') == 1 and tonumber(now) or task.next_time()
return { time == math.huge and -1 or math.max(time - now, 0), now, lined_up, over }
`,
  quarantine: `#!lua flags=allow-oom
${base}${drop}${quarantine}for i = 1, #args, 3 do quarantine(args[i], args[i + 1], 'not a call', args[i + 2]) end
drop_all()
`,
  recover: `#!lua flags=allow-oom
${base}${drop}${replies}${rare}${settle}local task = rare()
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
local function is_behind(dead, lane, entry, idle)
local function has_other(of, at_least, last)
local held = pcall('XPENDING', STREAM .. of, GROUP, 'IDLE', at_least, '-', last, 2, dead)
for _, item in ipairs(held.err and {} or held) do
if of ~= lane or item[1] ~= entry then return true end
end
end
if has_other(lane, idle, '(' .. entry) then return true end
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
local has_begun = crashes == 0 or crashes < max_crashes - 1 or not is_behind(dead, lane, entry, idle)
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
`,
  redrive: `#!lua flags=allow-oom
${base}${rare}local task = rare()
local function redrive(id)
local key = TASK .. id
local record = pcall('HMGET', key, 'entry', 'end', 'call', 'error', 'errors', 'key', 'home', 'after',
'policy', 'inputs', 'flow', 'to')
if record.err or not record[1] then return 'none' end
if not record[2] then return 'alive' end
local state, attempt, finished = string.match(record[2], '^(%a) (%d+) %d+ (%d+)')
if state == 's' then return 'succeeded' end
if not record[3] or record[3] == '' then return 'empty' end
if record[8] and record[10] and not task.parents().can_wait_again(id, record[8]) then return 'empty' end
if record[6] then
local name = P .. ':key:' .. record[6]
local holder = call('GET', name)
if holder and holder ~= id then
local other = call('HMGET', TASK .. holder, 'entry', 'end')
if other[1] and not other[2] then return 'key' end
end
call('SET', name, id)
end
call('HSET', key, 'errors', task.keep_error(record[5], attempt, record[4] or '', finished))
call('HDEL', key, 'end', 'error', 'call', 'attempt', 'failures', 'crashes', 'crashed', 'cancel', 'expires', 'deadline',
'left', 'unknown', 'begin', 'next', 'progress', 'version', 'heard', 'chunks', 'reader', 'needs')
call('DEL', P .. ':chunks:' .. id)
call('PERSIST', key)
call('ZREM', P .. ':failed', id)
call('HDEL', P .. ':releasing', id)
local lane = task.parse_place(record[1]) or string.match(record[1], '%a+$')
call('HSETNX', key, 'created', string.match(record[1], '(%d+)%-%d+$') or finished)
lane = lane == 'first' and record[7] or lane
if record[11] then task.parents().join_flow(record[11], id, record[8]) end
if record[8] and task.parents().wait_for(id, record[8], record[9], record[10]) > 0 then
call('HSET', key, 'entry', 'waiting/' .. lane, 'call', record[3])
call('ZADD', P .. ':waiting', now, id)
elseif record[12] then
call('HSET', key, 'call', record[3])
task.go_away(id, lane, record[12])
else
task.line_up(id, lane, record[3])
end
return 'retried'
end
local answers = {}
for i = 1, #args do answers[i] = redrive(args[i]) end
task.tell_nearest()
return answers
`,
  release: `#!lua flags=allow-oom
${base}${drop}${replies}${rare}${settle}local task = rare()
local worker, failed_ttl, answers = args[1], args[2], {}
local function release(lane, entry, how)
local held = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)[1]
if not held or held[2] ~= worker then return 'f' end
local found = call('XRANGE', STREAM .. lane, entry, entry)[1]
if not found then
drop(lane, entry)
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
`,
  relist: `#!lua flags=allow-oom
${base}${slots}${listed}local list, done = args[1], 0
local key = P .. ':' .. list
for i = 2, #args do
local score, is_named = score_in(list, args[i]), call('ZSCORE', key, args[i])
if score and not is_named then
if list == 'slots' then at_slot(args[i], score == '+inf' and '' or score) else call('ZADD', key, score, args[i]) end
done = done + 1
elseif is_named and not score then
call('ZREM', key, args[i])
done = done + 1
end
end
return done
`,
  remove: `#!lua flags=allow-oom
${base}${replies}${rare}${settle}local task = rare()
local answers = {}
for i = 3, #args do
local id = args[i]
local key = TASK .. id
local record = pcall('HMGET', key, 'entry', 'end')
local is_running = not record.err and task.standing(record[1], record[2]) == 'running'
local answer = is_running and 'running' or task.cancel(id, args[1], args[2])
if answer == 'cancelled' then
if not task.dependents().forget(id, now + LAST_LOOK) then call('PEXPIRE', key, LAST_LOOK) end
elseif answer == 'ended' then
local name = call('HGET', key, 'key')
if name and call('GET', P .. ':key:' .. name) == id then call('DEL', P .. ':key:' .. name) end
if not task.dependents().forget(id, now) then call('DEL', key, P .. ':chunks:' .. id) end
end
call('ZREM', P .. ':failed', id)
answers[i - 2] = (answer == 'running' or answer == 'none') and answer or 'removed'
end
publish_all()
task.tell_nearest()
return answers
`,
  reread: `#!lua flags=allow-oom
${base}${drop}${replies}${rare}${settle}${take}local door = { worker = args[1], max_call = tonumber(args[2]), max_failed = args[3], failed_ttl = args[4], in_doubt = true }
failed_for, failed_most = args[4], args[3]
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
if made then made.tell_nearest() end
return cmsgpack.pack(answer)
`,
  schedule: `#!lua
${base}${slots}local name, slot, due = args[1], args[9], args[10]
local key = P .. ':schedule:' .. name
local given = {
when = args[2], missed = args[3], overlap = args[4], lane = args[5], how = cmsgpack.pack(args[6]), call = args[7],
}
local old = call('HMGET', key, 'when', 'missed', 'overlap', 'lane', 'how', 'call', 'paused')
local is_new, is_same_time = not old[1], old[1] == given.when
if is_new and call('ZCARD', SLOTS) >= tonumber(args[11]) then return 'full' end
if is_same_time and old[2] == given.missed and old[3] == given.overlap and old[4] == given.lane and old[5] == given.how
and old[6] == given.call then return 'same' end
for field, value in pairs(given) do call('HSET', key, field, value) end
if not is_same_time then
call('HSET', key, 'since', args[8])
if slot == '' then call('HDEL', key, 'slot') else call('HSET', key, 'slot', slot) end
at_slot(name, old[7] and '' or due)
end
return is_new and 'new' or 'changed'
`,
  schedules: `#!lua flags=no-writes
${base}local SLOTS, which = P .. ':slots', args[1]
local FIELDS = { 'when', 'missed', 'overlap', 'since', 'slot', 'paused', 'lane', 'call', 'last', 'ran' }
local found
if which == 'one' then
local due = call('ZSCORE', SLOTS, args[2])
found = due and { args[2], due } or {}
elseif which == 'due' then
found = call('ZRANGE', SLOTS, '-inf', now, 'BYSCORE', 'LIMIT', args[2], args[3], 'WITHSCORES')
else
found = call('ZRANGE', SLOTS, args[2], args[2] + args[3] - 1, 'WITHSCORES')
end
local later = call('ZRANGE', SLOTS, '(' .. now, '(+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2]
local answer = { now, string.format('%.0f', later and later - now or -1) }
for i = 1, #found, 2 do
local values, fields = pcall('HMGET', P .. ':schedule:' .. found[i], unpack(FIELDS)), {}
if values.err and not string.find(values.err, '^WRONGTYPE') then return values end
for n, field in ipairs(FIELDS) do
if values[n] then
fields[#fields + 1] = field
fields[#fields + 1] = values[n]
end
end
answer[#answer + 1] = found[i]
answer[#answer + 1] = found[i + 1]
answer[#answer + 1] = fields
end
return cmsgpack.pack(answer)
`,
  settings: `#!lua flags=allow-oom
${base}local worker, settings = args[1], P .. ':settings'
local own = P .. ':worker:' .. worker
if worker ~= '' and call('EXISTS', own) == 0 then return 'none' end
for i = 2, #args, 2 do
local name, value, key = args[i], args[i + 1], settings
if worker ~= '' and name == 'concurrency' then name, key = 'asked', own end
if value == '' then call('HDEL', key, name) else call('HSET', key, name, value) end
end
if #args > 1 then call('PUBLISH', P .. ':control', call('HEXISTS', settings, 'paused') == 1 and 'paused' or 'settings') end
local told = worker ~= '' and call('HMGET', own, 'asked', 'order') or {}
return { call('HGET', settings, 'paused') or '', told[1] or call('HGET', settings, 'concurrency') or '', told[2] or '' }
`,
  several: `#!lua
${base}local function enqueue(P, STREAM, TASK, args)
local resent, cap, accepted = args[1] == '1', tonumber(args[2]), 0
if cap then
for _, lane in ipairs(LANES) do
cap = cap - call('XLEN', STREAM .. lane) + call('SCARD', P .. ':void:' .. lane) - call('ZCARD', P .. ':line:' .. lane)
end
cap = cap - call('ZCARD', P .. ':scheduled') - call('LLEN', P .. ':front')
end
local specials
local function special()
if specials then return specials end
${rare}local task, notes, enqueue_how = rare(), {}, nil
local function note(number, what)
notes[#notes + 1] = number
notes[#notes + 1] = what
end
local function is_full() return cap and accepted >= cap end
local function holder_of(key)
local holder = call('GET', key)
if not holder then return nil end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
local state = task.standing(record[1], record[2])
if state == 'none' then return nil end
if not record[2] then return holder, state, true end
return state ~= 'failed' and call('PTTL', key) > 0 and holder or nil, state, false
end
local function wishes(how)
local o = {}
for i = 2, #how, 2 do o[how[i]] = how[i + 1] end
return o.sent and task.with_sent(o) or o
end
local function keep_times(key, o, begin)
if o.ttl then call('HSET', key, 'expires', string.format('%.0f', begin + o.ttl)) end
if o.deadline then call('HSET', key, 'deadline', string.format('%.0f', now + o.deadline)) end
if o.line then task.lines().keep(key, o) end
end
local function end_in_time(id, o, begin)
local over = task.time_over(0, o.ttl and begin + o.ttl, o.deadline and now + o.deadline)
if over then task.at_time(task.EXPIRING, id, over) end
end
local function wait(id, lane, packed_call, o, begin)
call('HSET', TASK .. id, 'entry', 'waiting/' .. lane, 'call', packed_call, 'created', now)
call('ZADD', P .. ':waiting', now, id)
if begin > tonumber(now) then call('HSET', TASK .. id, 'begin', string.format('%.0f', begin)) end
end_in_time(id, o, begin)
end
local function follower_of(holder)
local next_id = call('HGET', TASK .. holder, 'next')
local waits = next_id and call('HMGET', TASK .. next_id, 'entry', 'end', 'call', 'clients')
if waits and not waits[2] and string.match(waits[1] or '', '^waiting/') then return next_id, waits end
end
local function follow(holder, lane, id, packed_call, o, begin)
local next_id, waits = follower_of(holder)
if next_id then
local asked, clients = task.asker(waits[3] or ''), waits[4] or ''
if asked ~= '' and asked ~= task.asker(packed_call) and not string.find(' ' .. clients .. ' ', ' ' .. asked .. ' ', 1, true) then
call('HSET', TASK .. next_id, 'clients', clients == '' and asked or clients .. ' ' .. asked)
end
call('HSET', TASK .. next_id, 'call', packed_call)
if o.line then task.lines().keep(TASK .. next_id, o) end
return next_id
end
wait(id, lane, packed_call, o, begin)
keep_times(TASK .. id, o, begin)
call('HSET', TASK .. id, 'key', o.key)
call('HSET', TASK .. holder, 'next', id)
return id
end
local function joined_by(holder, o)
if not o.again or o.after then return holder end
return (follower_of(holder))
end
local function join(number, id, holder, state)
call('SET', P .. ':joined:' .. id, holder, 'PX', 60000)
note(number, holder .. ' ' .. state)
end
local function joined_before(number, id)
local holder = resent and call('GET', P .. ':joined:' .. id)
if not holder then return false end
local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
note(number, holder .. ' ' .. task.standing(record[1], record[2]))
return true
end
${hearers}${refusals}function enqueue_how(number, how, id, packed_call)
local key, lane, o = TASK .. id, how[1], wishes(how)
if call('EXISTS', key) == 1 then return end
local there
if o.to then o, there = task.divide(o) end
local begin = math.max(tonumber(o.at) or now + (o['in'] or 0), tonumber(now))
if o.key and joined_before(number, id) then return end
local after, unknown
if o.elsewhere then task.parents().stand_in(o.elsewhere) end
if o.after then
after, unknown = task.parents().find(o.after)
if not after then return note(number, 'orphan ' .. unknown) end
end
if o.key then
local name = P .. ':key:' .. o.key
local holder, state, is_live = holder_of(name)
local joined = o.hears and is_live and joined_by(holder, o)
if joined and not let_hear_of(joined, o.hears) then return note(number, 'crowded ' .. joined) end
if holder and is_live and o.again and not after then
joined = follow(holder, lane, id, packed_call, o, begin)
if joined ~= id then return join(number, id, joined, 'waiting') end
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
return
elseif holder then
if o.up and is_live then task.move(holder, 'first') end
return join(number, id, holder, state)
elseif is_full() then
return note(number, 'full')
elseif state then
note(number, '- ' .. state)
end
if o.hold then call('SET', name, id, 'PX', o.hold) else call('SET', name, id) end
call('HSET', key, 'key', o.key)
end
if is_full() then return note(number, 'full') end
keep_times(key, o, begin)
if o.hears then let_hear_of(id, o.hears) end
accepted = accepted + 1
if o.given then task.parents().give(id, o.given) end
if o.home then task.parents().come_from(id, o.home, o.trip) end
if there then call('HSET', key, 'to', o.to, 'there', cmsgpack.pack(there)) end
if o.back then call('HSET', key, 'back', '1') end
if o.flow then task.parents().join_flow(o.flow, id, after) end
if o.flow and o.shape then call('HSET', P .. ':flow:' .. o.flow, 'shape', o.shape) end
if after and task.parents().wait_for(id, after, o.policy or 'f', o.take) > 0 then
wait(id, lane, packed_call, o, begin)
elseif there then
call('HSET', key, 'call', packed_call, 'created', now)
task.go_away(id, lane, o.to)
elseif begin > tonumber(now) then
call('HSET', key, 'entry', 'scheduled/' .. lane, 'call', packed_call, 'created', now)
task.at_time(task.SCHEDULED, id, begin)
if o.deadline then task.at_time(task.EXPIRING, id, now + o.deadline) end
elseif o.newest then
task.put_front(id, packed_call)
end_in_time(id, o, begin)
else
task.line_up(id, lane, packed_call)
end
end
specials = {
notes = notes, enqueue = enqueue_how, tell_nearest = task.tell_nearest,
refuse = function(number) note(number, 'full') end, refuse_all = refuse_all,
}
return specials
end
if args[3] ~= '' then
if special().refuse_all() then return { 0, unpack(specials.notes) } end
if args[3] == 'look' then return 0 end
end
local lane, stream
for i = 4, #args, 3 do
local id = args[i + 1]
if args[i] ~= lane and type(args[i]) == 'table' then
special().enqueue((i - 1) / 3, args[i], id, args[i + 2])
elseif cap and accepted >= cap and call('EXISTS', TASK .. id) == 0 then
special().refuse((i - 1) / 3)
else
if args[i] ~= lane then
lane = args[i]
stream = STREAM .. lane
if lane ~= 'normal' then call('HSET', P .. ':settings', 'lanes', '1') end
end
if not resent or call('EXISTS', TASK .. id) == 0 then
local entry = call('XADD', stream, '*', id, args[i + 2])
if pcall('HSETNX', TASK .. id, 'entry', place_of(lane, entry)) == 1 then
accepted = accepted + 1
else
call('XDEL', stream, entry)
end
end
end
end
if not specials then return accepted end
specials.tell_nearest()
if #specials.notes == 0 then return accepted end
table.insert(specials.notes, 1, accepted)
return specials.notes
end
local FIELDS = { 'front', 'waiting', 'scheduled', 'expiring', 'settings', 'ring', 'resting', 'releasing', 'outbox' }
local FAMILIES = { 'task', 'key', 'joined', 'void', 'line', 'limit', 'busy', 'rate', 'deps', 'flow' }
local function forbidden(prefix)
local keys = {}
for _, name in ipairs(FIELDS) do keys[#keys + 1] = prefix .. ':' .. name end
for _, name in ipairs(FAMILIES) do keys[#keys + 1] = prefix .. ':' .. name .. ':x' end
for _, lane in ipairs(LANES) do keys[#keys + 1] = prefix .. ':stream:' .. lane end
for _, key in ipairs(keys) do
if not redis.acl_check_cmd('HINCRBY', key, 'x', '1') then return key end
end
if not redis.acl_check_cmd('PUBLISH', prefix .. ':control', 'x') then return prefix .. ':control' end
end
local function each(how)
local answers, has_notes = {}, false
for n, prefix in ipairs(KEYS) do
args[n][3] = how
answers[n] = enqueue(prefix, prefix .. ':stream:', prefix .. ':task:', args[n])
has_notes = has_notes or type(answers[n]) == 'table'
end
return answers, has_notes
end
for _, prefix in ipairs(KEYS) do
local key = forbidden(prefix)
if key then return redis.error_reply('NOPERM no right to ' .. key) end
end
local answers, is_refused = each('look')
if is_refused then return answers end
return (each(''))
`,
  survey: `#!lua flags=no-writes
${base}${rare}local task = rare()
${disorder}local lane, after, most = args[1], args[2], tonumber(args[3])
local stream = STREAM .. lane
local found = call('XRANGE', stream, after == '' and '-' or '(' .. after, '+', 'COUNT', most)
local answer = { #found == most and found[most][1] or '', #found }
for _, item in ipairs(found) do
local entry, id = item[1], item[2][1]
local has_record = #item[2] > 1 and call('EXISTS', TASK .. id) == 1
if not has_record and call('SISMEMBER', P .. ':void:' .. lane, entry) == 0
and (is_unread(lane, entry) or #pcall('XPENDING', stream, GROUP, entry, entry, 1) > 0) then
answer[#answer + 1] = entry
end
end
return answer
`,
  turn: `#!lua flags=allow-oom
${base}${drop}${replies}${rare}${settle}${owner}${take}local worker, wanted, max_failed = args[1], tonumber(args[2]), args[4]
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
local lanes = lines and lines.LANES or (settings[2] or settings[5]) and LANES or { 'normal' }
for visit, lane in ipairs(lanes) do
if lines then lines.take(visit, want) end
local stream = STREAM .. lane
if want > 0 and call('XLEN', stream) > 0 then
local found = pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', want == wanted and args[2] or want, 'STREAMS', stream, '>')
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
if left_out > 0 and want <= 0 then rare().tell('void') end
end
publish_all()
if made then made.tell_nearest() end
return failure or cmsgpack.pack(answer)
`,
  unpark: `#!lua flags=allow-oom
${base}${rare}${owner}local task = rare()
local worker, most = args[1], tonumber(args[2])
if not is_registered(worker) then return 0 end
local taken = 0
for i = 3, #args do
local name = args[i]
local members = taken < most
and call('ZRANGE', P .. ':parked', '[' .. name .. '/', '(' .. name .. '0', 'BYLEX', 'LIMIT', 0, most - taken) or {}
for _, member in ipairs(members) do
local id = string.sub(member, #name + 2)
local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call', 'limit')
if record.err and not string.find(record.err, '^WRONGTYPE') then return record end
local lane = not record.err and record[1] and not record[2] and record[3] and string.match(record[1], '^parked/(%a+)$')
local stays = lane and record[4] and not task.lines().claim(id, record[4])
if not stays then
call('ZREM', P .. ':parked', member)
call('ZREM', task.EXPIRING, id)
taken = taken + 1
end
if lane and not stays then
call('HDEL', TASK .. id, 'call', 'unknown')
if lane ~= 'first' then call('HSET', TASK .. id, 'home', lane) end
task.enter(id, 'first', record[3])
end
end
end
if taken > 0 then pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', most, 'STREAMS', STREAM .. 'first', '>') end
task.tell_nearest()
return taken
`,
  unschedule: `#!lua flags=allow-oom
${base}local was = call('ZREM', P .. ':slots', args[1])
return math.max(was, call('DEL', P .. ':schedule:' .. args[1]))
`,
  watch: `#!lua flags=allow-oom
${base}${rare}local task = rare()
local home, id, trip, kind = args[1], args[2], args[3], args[4]
local function read(one) return pcall('HMGET', TASK .. one, 'entry', 'end', 'trip', 'result', 'error') end
local here, record = id, read(id)
if record.err or not record[1] then
here = call('GET', P .. ':joined:' .. id)
record = here and read(here) or {}
end
if record.err or not record[1] or task.standing(record[1], record[2]) == 'none' then return { 'lost' } end
local letter = record[2] and string.sub(record[2], 1, 1)
if letter and letter ~= 's' and kind == 'call' and here == id and (tonumber(record[3]) or 0) < tonumber(trip) then
return { 'again' }
end
if letter then return { 'ended', letter, record[4] or record[5] or '' } end
call('HSET', P .. ':deps:' .. here, home .. '|' .. id, trip)
call('HSET', TASK .. here, 'tied', '1')
if kind ~= 'watch' and here == id then call('HSET', TASK .. id, 'trip', trip) end
return { 'open' }
`,
  workers: `#!lua flags=no-writes
${base}local DAY, FIELDS = 86400000, { 'host', 'pid', 'asked', 'concurrency', 'tasks', 'started', 'order' }
local held, paused, asked = {}, call('HEXISTS', P .. ':settings', 'paused') == 1, call('HGET', P .. ':settings', 'concurrency')
for _, lane in ipairs(LANES) do
local pending = pcall('XPENDING', STREAM .. lane, GROUP)
for _, consumer in ipairs(not pending.err and pending[4] or {}) do
held[consumer[1]] = (held[consumer[1]] or 0) + consumer[2]
end
end
local answer, leases = {}, call('ZRANGE', P .. ':workers', 0, args[1] - 1, 'WITHSCORES')
for i = 1, #leases, 2 do
local worker, state = leases[i], paused and 'paused' or 'running'
local details = P .. ':worker:' .. worker
local host, pid, own, concurrency, tasks, started, order = unpack(call('HMGET', details, unpack(FIELDS)))
local expires = call('PEXPIRETIME', details)
if order then state = order == 'stop' and 'stopping' or 'quiet' end
if tonumber(leases[i + 1]) < tonumber(now) then state = 'silent' end
answer[#answer + 1] = { worker, state, host or '', pid or '', own or asked or concurrency or '', tasks or '', started or '',
expires < 0 and '' or string.format('%.0f', expires - DAY), held[worker] or 0 }
end
return answer
`,
} as const
