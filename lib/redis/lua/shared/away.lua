-- Tasks of other queues among those that belong together here. A record with the same id stands for each, and waits, is taken
-- from and ends as others do. When its turn comes it is `away/<lane>`: a worker makes the task there, and brings its end back.
-- What is to be brought to another queue is a letter in P:outbox, by when that is tried (again): outbox.lua.
--   call <queue> <id> <trip>: make that task · watch <queue> <id> <trip>: look how it stands ·
--   cancel <queue> <id> <reason> · end <queue> <id> <trip> <letter> <value>: of a task of this queue, for its stand-in there
-- trip: how often the task was made or redriven; what comes late from the trip before is passed over.
local OUTBOX = P .. ':outbox'
local has_posted = false

-- One that lies there already stays where it is.
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

-- Somebody waits for one that is away: should all trace of it be lost there, he is told so.
local function ask_after(id)
  local there = call('HMGET', TASK .. id, 'to', 'trip')
  if there[1] then post('watch ' .. there[1] .. ' ' .. id .. ' ' .. (there[2] or '0')) end
end

-- The wishes of a call for another queue: those that are meant here, and the others, in a list.
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

-- The wishes of a call that another queue has sent, with those that were meant here. Times count from the call.
local function with_sent(o)
  local there = cmsgpack.unpack(o.sent)
  for i = 1, #there, 2 do o[there[i]] = there[i + 1] end
  if o['in'] then o['in'] = math.max(0, o['in'] - o.age) end
  if o.ttl then o.ttl = math.max(1, o.ttl - o.age) end
  if o.deadline then o.deadline = math.max(1, o.deadline - o.age) end
  return o
end
