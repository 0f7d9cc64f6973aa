-- A task that waits for others, its parents (how it hears of their end: dependents.lua). It waits in its record: `after`
-- names them, `needs` says how many have not ended; P:deps:<parent> leads to it. Made when first needed, as rare is.
local parents_made
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

  -- The same parents, by the ids of the tasks that they have joined; or nil, and the first that nobody knows.
  -- also: those that are about to be made.
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

  -- For parents that are tasks of other queues: `<id> <queue> <id> <queue>`. Their workers are asked how they stand.
  local function stand_in(elsewhere)
    for parent, queue in string.gmatch(elsewhere, '(%S+) (%S+)') do
      if not is_there(parent) then
        call('HSET', TASK .. parent, 'entry', 'away/normal', 'call', '', 'created', now, 'to', queue)
        ask_after(parent)
      end
    end
  end

  -- Outcomes that become its arguments, of others than its parents here.
  local function give(id, inputs)
    for number, input in ipairs(inputs) do call('HSET', TASK .. id, 'in:' .. number - 1, input) end
    call('HSET', TASK .. id, 'inputs', tostring(#inputs), 'tied', '1')
  end

  -- Of a call that another queue has sent: its end is told there.
  local function come_from(id, home, trip)
    call('HSET', TASK .. id, 'trip', trip, 'tied', '1')
    call('HSET', P .. ':deps:' .. id, home .. '|' .. id, trip)
  end

  -- A child takes what has ended, and is registered with the other parents. Gives how many it waits for.
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

  -- Once more: whether what it takes is still to be had, of parents that are not there any more.
  local function can_wait_again(child, after)
    local number = 0
    for parent in string.gmatch(after, '%S+') do
      if not is_there(parent) and call('HEXISTS', TASK .. child, 'in:' .. number) == 0 then return false end
      number = number + 1
    end
    return true
  end

  -- For one that waits: whether any of those above it is lost, or has ended and could not say so.
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
