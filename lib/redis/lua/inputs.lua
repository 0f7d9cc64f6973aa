#!lua flags=no-writes
-- inputs: how the parents of these tasks ended, for those that take it as their arguments.
--   args: { id, how many, … }
--   keys: P:task:<id> (fields `in:<n>`)
--   gives, packed: of each task { `<s|f|c|e|l><packed result or error>` | '' it is not there, … }
--! include base

local answer, STEP = {}, 500
for i = 1, #args, 2 do
  local inputs, count = {}, tonumber(args[i + 1])
  for from = 0, count - 1, STEP do
    local names = {}
    for number = from, math.min(from + STEP, count) - 1 do names[#names + 1] = 'in:' .. number end
    local found = pcall('HMGET', TASK .. args[i], unpack(names))
    for j = 1, #names do inputs[from + j] = not found.err and found[j] or '' end
  end
  answer[#answer + 1] = inputs
end
return cmsgpack.pack(answer)
