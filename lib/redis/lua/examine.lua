#!lua flags=no-writes
-- examine: what is wrong with these keys, each named without P.
--   args: { task:<id> | key:<key> | worker:<id> | joined:<id> | deps:<id> | schedule:<name>, … }
--   keys: those; of a record its place as well, P:waiting; of a schedule P:slots
--   each: of a record the words of shared/disorder.lua; of a schedule fine | junk; of others fine | eternal: it should expire,
--         and does not
--   gives: { word, the task that waits for the end of this one | '', made (epoch ms) | '', '1' | '' } of each
--         '1': the sorted set that should name it does not: P:waiting, P:slots
--! include base
--! include rare

local task = rare()
--! include disorder

local function is_eternal(kind, name)
  if kind == 'deps' then
    -- Those that wait for it are told when it ends.
    local record = pcall('HMGET', TASK .. name, 'entry', 'end')
    local is_open = not record.err and record[1] and not record[2]
    return not is_open and call('HEXISTS', P .. ':releasing', name) == 0
  end
  local key = P .. ':' .. kind .. ':' .. name
  if call('PTTL', key) ~= -1 then return false end
  if kind ~= 'key' then return true end
  local holder = pcall('GET', key)
  if not holder or type(holder) == 'table' then return false end
  local record = pcall('HMGET', TASK .. holder, 'entry', 'end')
  return not record.err and (not record[1] or record[2])
end

local function not_named(list, name) return call('ZSCORE', P .. ':' .. list, name) and '' or '1' end

local answers = {}
for i = 1, #args do
  local kind, name = string.match(args[i], '^(%a+):(.*)$')
  if kind == 'task' then
    local word = disorder(name)
    local more = word ~= 'junk' and call('HMGET', TASK .. name, 'next', 'created', 'end', 'entry') or {}
    local waits = not more[3] and string.match(more[4] or '', '^waiting/')
    answers[i] = { word, not more[3] and more[1] or '', more[2] or '', waits and not_named('waiting', name) or '' }
  elseif kind == 'schedule' then
    local of_type = call('TYPE', P .. ':schedule:' .. name).ok
    local is_there = of_type == 'hash'
    answers[i] = { (is_there or of_type == 'none') and 'fine' or 'junk', '', '', is_there and not_named('slots', name) or '' }
  else
    answers[i] = { is_eternal(kind, name) and 'eternal' or 'fine', '', '', '' }
  end
end
return answers
