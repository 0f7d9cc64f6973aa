-- Of a batch that is accepted as a whole or not at all: notes of all that stands against it. True: something does.
local MOST_NOTES = 1000 -- Lua answers with a few thousand values at once
local function refuse_all()
  local room, made_here, keys = cap, {}, {}
  for i = 4, #args, 3 do
    if #notes > MOST_NOTES then break end
    local id, o = args[i + 1], type(args[i]) == 'table' and wishes(args[i]) or {}
    local name = o.key and P .. ':key:' .. o.key
    local is_new = call('EXISTS', TASK .. id) == 0 and not (resent and name and call('EXISTS', P .. ':joined:' .. id) == 1)
    local unknown
    if is_new and o.after then unknown = select(2, task.parents().find(o.after, made_here)) end
    if unknown then
      note((i - 1) / 3, 'orphan ' .. unknown)
    elseif is_new and room and not (name and (keys[name] or holder_of(name))) then
      if room <= 0 then note((i - 1) / 3, 'full') end
      room = room - 1
    end
    made_here[id] = true
    if name then keys[name] = true end
  end
  return #notes > 0
end
