-- What clients are told, and what people count: collected while the script runs, and sent by publish_all() at its end.
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

local ended, ended_ids = {}, {} -- how many, by state; of whom a time may be listed

-- At the end of every script that settles: replies, the totals that people see, and times that matter no more.
local function publish_all()
  for client in pairs(replies) do publish(client) end
  for state, count in pairs(ended) do call('HINCRBY', P .. ':ended', state, count == 1 and '1' or tostring(count)) end
  if ended_ids[1] and call('EXISTS', P .. ':expiring') == 1 then call('ZREM', P .. ':expiring', unpack(ended_ids)) end
end
