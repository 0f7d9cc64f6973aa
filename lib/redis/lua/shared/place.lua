-- Lane and entry of a place; nil where a task is not in a lane.
local function parse_place(place)
  local lane, entry = string.match(place, '^(%a*)/?(%d+%-%d+)$')
  return lane == '' and 'normal' or lane, entry
end

-- To every worker, on the connection that brings it new work: what is told before an entry is delivered arrives before it.
local function tell(word) call('PUBLISH', P .. ':control', word) end

-- Tasks lie where only turns look: the workers are told at the end, should there still be some then.
local is_news = false
local function tell_news()
  if is_news then tell('front') end
end

-- An unread entry that is not to be run. It is dropped when its turn comes: XDEL would make the group's lag unknown.
local function void(lane, entry)
  call('SADD', P .. ':void:' .. lane, entry)
  call('HSET', P .. ':settings', 'void', '1')
  tell('void')
end
