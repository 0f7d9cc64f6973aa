-- The end of a task: outcome, retention and replies, written once. Replies leave by publish_all().
local replies, sizes, MAX_MESSAGE = {}, {}, 262144

local function publish(client)
  call('PUBLISH', P .. ':reply:' .. client, cmsgpack.pack(replies[client]))
  replies[client] = nil
end

-- Three items: id, what, value. A large value is not sent (false) but fetched from the record, which is the truth.
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

-- The dead letters stay bounded: at most max_failed, and of the two oldest those whose record has expired go.
local function keep_failed(id, max_failed)
  local failed = P .. ':failed'
  call('ZADD', failed, now, id)
  for _, old in ipairs(call('ZRANGE', failed, 0, 1)) do
    if call('EXISTS', TASK .. old) == 0 then call('ZREM', failed, old) end
  end
  local over = call('ZCARD', failed) - max_failed
  if over > 0 then
    local oldest = call('ZPOPMIN', failed, math.min(over, 100))
    -- Not at once: an outcome that is sent again, or a large error that is fetched, must find it.
    for i = 1, #oldest, 2 do call('PEXPIRE', TASK .. oldest[i], LAST_LOOK) end
  end
end

-- What tasks that end alike have in common; the field `end` of each is "<letter> <attempt> <ms that it ran> <finished> <worker>".
local function ending(state, attempt, worker, ttl, max_failed)
  return {
    state = state,
    field = state == 'succeeded' and 'result' or 'error',
    head = string.sub(state, 1, 1) .. ' ' .. attempt .. ' ',
    tail = ' ' .. now .. ' ' .. worker,
    expiry = string.format('%.0f', now + ttl), -- PEXPIRE would be rewritten to PEXPIREAT, for 0.4 µs
    max_failed = state == 'failed' and tonumber(max_failed),
  }
end

-- value '': undefined, which needs no field · kept: what the record keeps of the call · client '' = nobody asked at the call · clients: those who asked later
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

-- A failure that a script itself finds: the error in the form that lib/remote-error.ts reads. The entry's first
-- byte is the length of the asking client's name, which follows it (lib/envelope.ts).
local function settle_as_error(how, id, packed_call, kept, clients, name, code, message)
  local asked = string.byte(packed_call, 1) or 0
  local client = string.match(string.sub(packed_call, 2, 1 + asked), '^[%w_-]+$') or ''
  settle(how, id, '0', cmsgpack.pack({ name = name, code = code, message = message }), kept, client, clients)
end
