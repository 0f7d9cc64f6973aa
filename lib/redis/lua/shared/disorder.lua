-- Whether somebody will still take a task, by where its record says that it is. Gives a word, and of a stray what
-- putting it back in line needs: its lane, its call, and its entry where that was read and nobody holds it.
--   fine · eternal: it has ended, and its record never expires · junk: no record of ours
--   waiting: for another task with its key; whether one leads to it, only who has seen all records can tell (is_orphan: none
--   does). Of one that waits for parents it is known here
--   stray: its place is gone · gone: so is its call
local MOST_FRONT = 10000 -- of a longer list, what lies further back counts as found
local last_read = {}

-- Neither in a pending list nor read before: its turn comes.
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

-- Whether as many of its parents as it waits for will tell it how they end.
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
    if word == 'away' then return 'fine' end -- whoever waits for it asks there
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
