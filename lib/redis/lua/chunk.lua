#!lua
-- chunk: what a running handler has yielded goes into its task's buffer, as far as there is room, and its reader is told
-- that there is something. The chunks of an attempt are numbered from 1, so that this may run twice.
--   args: { id, lane, entry, attempt, how, most, max_bytes, first, chunk, … }     first: the number of the first chunk
--         how: wait: what does not fit is left out | drop: the oldest go for it | unread: they go while nobody reads
--         most, max_bytes: of the buffer; an empty one takes any chunk. No chunk: the attempt begins
--   keys: P:task:<id>, P:chunks:<id>, P:reply:<client> (published)
--   each: the first word of another attempt empties the buffer: its chunks are another series
--   gives: { number of the last chunk that Redis has, reads | unread | left: who reads }
--          | { -1 } fenced: the caller does not hold the task any more
--! include base
--! include replies
--! include series

local MOST_AGE = 604800000 -- ms that chunks outlive the last word of their task, should it never end
local id, place, how = args[1], place_of(args[2], args[3]), args[5]
local most, max_bytes, first = tonumber(args[6]), tonumber(args[7]), tonumber(args[8])
local key, list = TASK .. id, P .. ':chunks:' .. id
local record = pcall('HMGET', key, 'entry', 'end', 'chunks', 'reader')
if record.err or record[1] ~= place or record[2] then return { -1 } end

local series, reader = read_series(record[3]), read_reader(record[4])
local is_new = series.place ~= place
-- A gap: Redis has forgotten some, as after a failover. What the reader does not get it is told.
if is_new or first > series.last + 1 then
  call('DEL', list)
  local taken = is_new and 0 or series.taken
  series = { place = place, attempt = args[4], last = first - 1, taken = taken, bytes = 0 }
end
local held = call('LLEN', list)
local was_empty = held == 0
if was_empty then series.bytes = 0 end
local may_drop = how == 'drop' or reader.state == 'left' or (how == 'unread' and reader.state ~= 'reads')

local function fits(chunk) return held == 0 or (held < most and series.bytes + #chunk <= max_bytes) end
series.wanted = 0
for i = 9 + series.last + 1 - first, #args do
  local chunk = args[i]
  while may_drop and not fits(chunk) do
    series.bytes = series.bytes - #call('LPOP', list)
    held = held - 1
  end
  if not fits(chunk) then
    series.wanted = math.ceil(held / 2)
    break
  end
  call('RPUSH', list, chunk)
  series.last, series.bytes, held = series.last + 1, series.bytes + #chunk, held + 1
end
call('HSET', key, 'chunks', pack_series(series), 'tied', '1')
if held > 0 then call('PEXPIRE', list, MOST_AGE) end
-- Whoever has taken all that there was waits for a word; any other comes again by himself.
if reader.client and (is_new or (was_empty and held > 0)) then reply(reader.client, id, 'chunks', '') end
publish_all()
return { series.last, reader.state }
