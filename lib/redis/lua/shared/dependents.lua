-- The end of a task tells those that wait for it, its children (how they came to wait: parents.lua). Made when first
-- needed, as rare is. Scripts of workers tell them, up to a bound; what is left stands in P:releasing, as
-- `<letter> <when the record of the parent goes, epoch ms>`, and promote goes on with it. So do all other scripts leave it,
-- because they do not know how long failures are kept.
-- What a parent's end means to a child is said by its policy. f: where it does not succeed, the child fails · c: it is
-- cancelled · r: it runs all the same · s, e: it is a callback of success, or of failure, and vanishes where that does not come
-- · b: it runs behind it, however it ends, and takes nothing from it
local dependents_made
local function dependents()
  if dependents_made then return dependents_made end
  local RELEASING = P .. ':releasing'
  -- How parents end so that a child with this policy goes on: s f c e as in their records, l = lost.
  local GOES_ON = { f = 's', c = 's', s = 's', e = 'fel', r = 'sfcel', b = 'sfcel' }
  local ENDED = { s = 'succeeded', f = 'failed', c = 'was cancelled', e = 'expired', l = 'is lost' }
  local MAX_CAUSE = 16384 -- bytes
  local left = 200 -- children that this script may tell, besides one of each parent that ends in it
  local list, root, has_hurried -- root: what the first of those that ended because of another died of

  local function goes_on(policy, letter) return string.find(GOES_ON[policy or 'f'] or 's', letter, 1, true) end

  -- What is left is for promote. Until then the parent's record stays.
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

  -- The record of one that has ended goes at that time, if not before all are told.
  local function forget(parent, at)
    local said = call('HGET', RELEASING, parent)
    if said then call('HSET', RELEASING, parent, string.sub(said, 1, 2) .. string.format('%.0f', at)) end
    return said
  end

  -- The flow is kept for as long as that of its members which is kept longest.
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
    -- Who has asked for it may be about to read it.
    if record[10] or (string.byte(packed_call, 1) or 0) > 0 then
      call('PEXPIRE', TASK .. child, LAST_LOOK)
    else
      call('DEL', TASK .. child)
    end
  end

  local function tell_child(child, numbers, parent, letter, value)
    -- Where that is another queue's, its stand-in hears of it; numbers is the trip.
    local home, id = string.match(child, '^([^|]+)|(.+)$')
    if home then return post(table.concat({ 'end', home, id, numbers, letter, value }, ' ')) end
    local key = TASK .. child
    local record = pcall('HMGET', key, 'entry', 'end', 'needs', 'policy', 'inputs', 'call', 'begin', 'key', 'tied', 'clients')
    local lane = not record.err and record[1] and record[3] and not record[2] and string.match(record[1], '^waiting/(%a+)$')
    if not lane then return end -- it has ended otherwise
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

  -- A child that ends by this tells its own children: they are added to the list, and nothing recurses.
  local function tell_children(parent, letter, value)
    local cause = letter ~= 's' and (list and root or value)
    if list then
      list[#list + 1] = { parent, letter, value, cause }
      return
    end
    -- Chains are not held up by what else ends here.
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

  -- Of promote: more of those that were left to it.
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

  -- Nobody will ever run it: who waits for it is told so, once.
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

  -- What one needs that may be redriven stays.
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
