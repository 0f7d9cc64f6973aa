#!lua flags=allow-oom
-- chunks: what a task has yielded, to the one who reads it: the chunks before `next` he has, and they go; those that follow
-- are given. May run twice.
--   args: { id, reader, how, place, next, most, max_bytes }
--         reader: <client>.<n> · how: begin: from now on it is this one that reads | read | leave: nobody reads any more
--         place: of the attempt that it has read from, '': of none yet · next: the number of its next chunk there
--         most, max_bytes: of what is given, but one chunk at least
--   keys: P:task:<id>, P:chunks:<id>, P:reply:<client> (published), P:control (published)
--   gives: { ok, place, attempt, next, first, chunk, … }     next: where it goes on, which is 1 in another attempt
--          first: the number of the first chunk that there is, or will be: those from `next` to it were dropped
--          | { taken } another one reads now | { left } | { none } no such record
--   published: room <place>, to the worker that waits for it; chunks, to the reader before, who learns that it is none
--! include base
--! include replies
--! include place
--! include series

local id, me, how, next_one = args[1], args[2], args[3], tonumber(args[5])
local key, list = TASK .. id, P .. ':chunks:' .. id
local record = pcall('HMGET', key, 'entry', 'chunks', 'reader')
if record.err or not record[1] then return { 'none' } end

local series, reader = read_series(record[2]), read_reader(record[3])
-- Without the field Redis has forgotten who reads, as after a failover.
local is_other = reader.name ~= me and (reader.name or reader.state == 'left')
if how ~= 'begin' and is_other then return { how == 'leave' and 'left' or 'taken' } end
if reader.client and reader.name ~= me then
  reply(reader.client, id, 'chunks', '')
  publish_all()
end
call('HSET', key, 'reader', how == 'leave' and 'left' or me .. ' ' .. now)

local held, is_changed = call('LLEN', list), false
if args[4] ~= series.place then
  next_one = series.taken + 1
elseif next_one - 1 > series.taken then
  series.taken, is_changed = math.min(next_one - 1, series.last), true
  local done = series.taken - (series.last - held)
  if done > 0 then
    for _, chunk in ipairs(call('LPOP', list, done)) do series.bytes = series.bytes - #chunk end
    held = held - done
  end
end
if series.wanted > 0 and (held < series.wanted or how == 'leave') then
  series.wanted, is_changed = 0, true
  tell('room ' .. series.place)
end
if is_changed then call('HSET', key, 'chunks', pack_series(series)) end
if how == 'leave' then return { 'left' } end

local gone, most, bytes = series.last - held, tonumber(args[6]), 0
local first = math.max(next_one, gone + 1)
local answer = { 'ok', series.place, series.attempt, next_one, first }
for _, chunk in ipairs(most > 0 and call('LRANGE', list, first - gone - 1, first - gone + most - 2) or {}) do
  bytes = bytes + #chunk
  if bytes > tonumber(args[7]) and #answer > 5 then break end
  answer[#answer + 1] = chunk
end
return answer
