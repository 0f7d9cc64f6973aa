#!lua flags=no-writes
-- list: ids of tasks in a state, some at a time.
--   args: { queued | running | waiting | scheduled | parked | failed, lane (queued, running), after, most }
--         after: '' or what the last answer gave; most: entries to look at
--   keys: P:stream:<lane>, P:line:<lane>, P:front, P:task:<id>, P:waiting, P:scheduled, P:parked, P:failed
--   each: queued in order of their lane, waiting by since when, scheduled by due time, failed from the newest on
--   gives: { after | '' there are no more, id, … }
--! include base

local state, lane, after, most = args[1], args[2], args[3], tonumber(args[4])
local stream, answer = STREAM .. lane, { '' }

local function add(id) answer[#answer + 1] = id end

-- Those that wait for their key's turn, key by key.
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
    -- Not what was moved or cancelled, and whose entry still lies here.
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
