#!lua flags=allow-oom
-- quarantine: entries that have not the shape of one. May run twice.
--   args: { lane, entry, sample, … }   sample: its first bytes, for people
--   keys: P:stream:<lane>, P:quarantine
--   each: pending → kept as a sample, and it leaves the stream; not pending → nothing
--! include base
--! include drop
--! include quarantine

for i = 1, #args, 3 do quarantine(args[i], args[i + 1], 'not a call', args[i + 2]) end
drop_all()
