-- Tasks whose key has a limit, or takes turns with other keys. Such a task waits in its record and in the line of its key
-- (P:line:<lane>, `<key> <number> <id>`), and a turn puts it into lane first when it may begin. Keys take turns: P:ring,
-- first who was served longest ago; of one key the lane counts, then age. Who may not go is not in the ring: at its
-- concurrency until a slot is free (P:busy:<key>: ids that have left the line and have an entry), at its rate
-- (P:rate:<key>: when the last of them began) until P:resting says. The field `lines` of P:settings, which turns read
-- anyway, says that there is a ring. Made when first asked for, as rare() is.
local made_lines
function lines()
  if made_lines then return made_lines end
  local LINE, RING, SETTINGS = P .. ':line:', P .. ':ring', P .. ':settings'
  local LIMIT, BUSY, RATE = P .. ':limit:', P .. ':busy:', P .. ':rate:'
  local LOOK_AGAIN, MOST_LOST, MOST_VISITS = 60000, 100, 1000
  local PAUSE = 20 -- ms that a key at its rate rests at least, so that fast ones go some at a time
  local newest, considered, last = {}, {}, nil
  local has -- lanes in which somebody waits, or has waited since this script began

  -- Of those that wait under a key, the first; each as { lane, member, id }.
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

  -- Those of the newest call, else of the task itself; 0: none.
  local function numbers_of(key, id)
    local numbers = call('HGET', LIMIT .. key, 'numbers') or string.match(call('HGET', TASK .. id, 'limit') or '', ' (.*)$')
    local slots, max, per = string.match(numbers or '', '^(%d+) (%d+) (%d+)$')
    return { slots = tonumber(slots) or 0, max = tonumber(max) or 0, per = tonumber(per) or 0 }
  end

  -- A task frees its slot when it leaves its entry. What was deleted by hand never does.
  local function drop_lost(busy)
    for _, id in ipairs(call('SRANDMEMBER', busy, MOST_LOST)) do
      local record = pcall('HMGET', TASK .. id, 'entry', 'end')
      local has_entry = not record.err and record[1] and not record[2] and parse_place(record[1])
      if not has_entry or standing(record[1]) == 'none' then call('SREM', busy, id) end
    end
  end

  -- Whether one more of the key may begin now. If not, it is looked at again when its rate allows one, or, where it only
  -- waits for a slot, after a minute.
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
        call('DEL', starts) -- the server's clock was set back
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

  -- As the last of the ring, unless it is there.
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

  -- Nobody waits under the key any more.
  local function tidy(key)
    if call('ZREM', RING, key) == 1 then check_ring() end
    if call('EXISTS', BUSY .. key) == 1 then return end
    call('DEL', LIMIT .. key)
    call('ZREM', RESTING, key)
  end

  -- A task waits in its line no more, or has left its entry, whichever it was.
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

  -- Into the line of its key, as the last of its lane there.
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

  -- From the head of its line into lane first. False: it waits there no more.
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

  -- Puts into lane first what may begin, `most` at most: one of each key and round; of a key that is alone, as many as may.
  local function take(most)
    local taken, visits = 0, 0
    call('HMGET', TASK, 'entry') -- who may not read records must not begin
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
    -- Where it stopped for the visits: the next turn goes on.
    if check_ring() and taken < most then is_news = true end
  end

  made_lines = {
    queue = queue, leave = leave,
    -- What a call says of its key, for its record: the newest numbers count for all that wait.
    keep = function(record, o)
      local numbers = (o.slots or 0) .. ' ' .. (o.max or 0) .. ' ' .. (o.per or 0)
      newest[o.line] = numbers
      call('HSET', record, 'limit', o.line .. ' ' .. numbers, 'tied', '1')
    end,
    -- A slot for one that comes back out of line, if there is one.
    claim = function(id, limit)
      local key, own = string.match(limit, '^(%S+) (.*)$')
      local numbers = numbers_of(key, id)
      if not may_begin(key, numbers) then return false end
      if numbers.slots > 0 then call('HSETNX', LIMIT .. key, 'numbers', own) end
      occupy(key, numbers, id)
      return true
    end,
    -- The lanes of a turn. Behind lane first half of what is wanted goes to the lines, at the end what the lanes have left of it.
    LANES = { 'first', 'first', 'high', 'normal', 'low', 'first' },
    take = function(visit, want)
      if visit == 2 then want = math.floor((want + time[2] % 2) / 2) end
      if want > 0 and (visit == 2 or visit == 6) then take(want) end
    end,
    -- Keys that have rested; and a ring that nobody was told of.
    wake = function(most)
      for _, key in ipairs(call('ZRANGE', RESTING, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
        call('ZREM', RESTING, key)
        if heads(key, 1)[1] then join(key) else tidy(key) end
      end
      if call('EXISTS', RING) == 1 and call('HSETNX', SETTINGS, 'lines', '1') == 1 then is_news = true end
    end,
    -- Whether its turn comes some time.
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
