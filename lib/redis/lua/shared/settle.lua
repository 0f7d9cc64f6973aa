-- The end of a task: outcome, retention and replies, written once. Replies leave by publish_all().
local replies, MAX_MESSAGE = {}, 262144

local function publish(client, list)
  call('PUBLISH', P .. ':reply:' .. client, cmsgpack.pack(list))
end

-- Large values are not sent but fetched from the record, which is the truth anyway.
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

-- The dead letters stay bounded: at most max_failed, and of the two oldest those whose record has expired go.
local function keep_failed(id, max_failed)
  local failed = P .. ':failed'
  call('ZADD', failed, now, id)
  for _, old in ipairs(call('ZRANGE', failed, 0, 1)) do
    if call('EXISTS', task_of(old)) == 0 then call('ZREM', failed, old) end
  end
  local over = call('ZCARD', failed) - max_failed
  if over > 0 then
    local oldest = call('ZPOPMIN', failed, math.min(over, 100))
    -- Not at once: an outcome that is sent again, or a large error that is fetched, must find it.
    for i = 1, #oldest, 2 do call('PEXPIRE', task_of(oldest[i]), LAST_LOOK) end
  end
end

-- o: state, value, ttl (ms), call (what the record keeps of it), client ('' = nobody asked at the call), max_failed
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

-- A failure that a script itself finds: the error in the form that lib/remote-error.ts reads. The entry's first
-- byte is the length of the asking client's name, which follows it (lib/envelope.ts). kept: what the record keeps of
-- the call, if not all of it.
local function settle_as_error(id, clients, packed_call, name, code, message, ttl, max_failed, kept)
  local asked = string.byte(packed_call, 1) or 0
  settle(id, clients, {
    state = 'failed', ttl = ttl, max_failed = max_failed, call = kept or packed_call,
    value = cmsgpack.pack({ name = name, code = code, message = message }),
    client = string.match(string.sub(packed_call, 2, 1 + asked), '^[%w_-]+$') or '',
  })
end
