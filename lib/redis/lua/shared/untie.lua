-- What the end of a task sets off besides its replies: its key is free. tied: more depends on it.
local function untie(how, id, value, name, tied)
  if name then release_key(how, id, name) end
  if tied then leave_line(id) end
end
