#!lua
-- enqueue: accepts calls. Refused as a whole at maxmemory, before anything is written.
--   args: { resent ('1' | '0'), cap | '', atomic ('1' | 'look' | ''), lane | how, id, call, lane | how, id, call, … }
--         cap: tasks that may wait in all lanes together, before this batch
--         atomic: where one of the calls is refused none is accepted; the answer names those that were refused. look: none is
--         accepted in any case (several.lua)
--         how: { lane, name, value, … }; names: in (ms from now), at (epoch ms), ttl (ms to start in), deadline (ms to
--              end in), key (one live task at a time), hold (ms that the key is held, however the task ends),
--              again ('1': once more after the one that holds the key), up ('1': one that holds the key goes to lane
--              first), newest ('1': of such the last comes first), line (key of a limit; with it slots: how many of the key run at
--              once, max and per: how many begin in so many ms; with none of them the keys take turns, and no more), after (ids
--              of its parents, separated by spaces: it waits for their end), policy (shared/dependents.lua), take ('1': how they
--              end becomes its arguments), given (list: outcomes that become its arguments, as of parents), hears (calls that hear of its progress:
--              shared/hearers.lua), flow (id), shape (of the flow's result, for those who ask for it by its id),
--              elsewhere (`<id> <queue> …`: parents that are tasks of other queues), to (the queue where it is made when it is its
--              turn; then all that is not said of parents and flow is meant there), back ('1': its end is wanted here),
--              home, trip (which queue has sent it, and wants to hear of its end), sent, age (packed: what was wanted there so many
--              ms ago)
--   keys: P:task:<id> hash is made, P:stream:<lane> gets its entry { id → call }; P:waiting, P:scheduled, P:expiring, P:key:<key>, P:front,
--         P:joined:<id> (of a call that joined, for a minute), P:deps:<parent>, P:releasing, P:flow:<flow>, P:outbox
--   each: new → record with its place in line; known id → nothing (this batch was sent before: a replay)
--   gives: how many were new; or { how many, number of the call (from 1), what, … }; what: full | `<id> <state>` of the task
--         that it joins | `- <state>` it is new, and the one before it under that key ended so | `orphan <parent>` nobody
--         knows that one | `crowded <id>` it would join that one, of which too many hear already
--! include base

local resent, cap, accepted = args[1] == '1', tonumber(args[2]), 0

if cap then
  for _, lane in ipairs(LANES) do
    cap = cap - call('XLEN', STREAM .. lane) + call('SCARD', P .. ':void:' .. lane) - call('ZCARD', P .. ':line:' .. lane)
  end
  cap = cap - call('ZCARD', P .. ':scheduled') - call('LLEN', P .. ':front')
end

-- For calls with wishes, and where there is a cap; made when the first comes, because each function costs every run.
local specials
local function special()
  if specials then return specials end
--! include rare
  local task, notes, enqueue_how = rare(), {}, nil

  local function note(number, what)
    notes[#notes + 1] = number
    notes[#notes + 1] = what
  end

  -- Those that join another, and those that are there already, need no room.
  local function is_full() return cap and accepted >= cap end

  -- The live task that holds a key, or any that holds it for a time; and its state.
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

  -- For the end of other tasks; then it is due at once, or when it says.
  local function wait(id, lane, packed_call, o, begin)
    call('HSET', TASK .. id, 'entry', 'waiting/' .. lane, 'call', packed_call, 'created', now)
    call('ZADD', P .. ':waiting', now, id)
    if begin > tonumber(now) then call('HSET', TASK .. id, 'begin', string.format('%.0f', begin)) end
    end_in_time(id, o, begin)
  end

  -- The task that waits for the end of the holder, if one does; and its record.
  local function follower_of(holder)
    local next_id = call('HGET', TASK .. holder, 'next')
    local waits = next_id and call('HMGET', TASK .. next_id, 'entry', 'end', 'call', 'clients')
    if waits and not waits[2] and string.match(waits[1] or '', '^waiting/') then return next_id, waits end
  end

  -- One task waits for the end of the holder, with the newest call.
  local function follow(holder, lane, id, packed_call, o, begin)
    local next_id, waits = follower_of(holder)
    if next_id then
      local asked, clients = task.asker(waits[3] or ''), waits[4] or ''
      -- The head of the call that goes was the address of one who waits too.
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

  -- The task that a call joins whose key a live one holds; nil: it will be the first that waits for that one's end.
  local function joined_by(holder, o)
    if not o.again or o.after then return holder end
    return (follower_of(holder))
  end

  -- Should the batch be sent again, by when the other task may have ended: it joins the same one.
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

--! include hearers
--! include refusals

  function enqueue_how(number, how, id, packed_call)
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
      -- Turns look into the other lanes only then.
      if lane ~= 'normal' then call('HSET', P .. ':settings', 'lanes', '1') end
    end
    if not resent or call('EXISTS', TASK .. id) == 0 then
      -- One field at enqueue: all else is known from the entry and the pending list.
      local entry = call('XADD', stream, '*', id, args[i + 2])
      if pcall('HSETNX', TASK .. id, 'entry', place_of(lane, entry)) == 1 then
        accepted = accepted + 1
      else
        -- The first copy of a batch, overtaken on its way by the second; or a key of another type.
        call('XDEL', stream, entry)
      end
    end
  end
end
if not specials then return accepted end
specials.tell_nearest()
if #specials.notes == 0 then return accepted end
-- Not by unpack, which ends at some 8,000: each call of a large atomic batch may have joined another task.
table.insert(specials.notes, 1, accepted)
return specials.notes
