-- Moves jobs from RQ's intermediate list to the front of the queue, in their order; returns how many.
-- A job that has left the list is left alone: another process has put it back, or a worker runs it.
-- KEYS: intermediate list, queue.
-- ARGV: prefix of the keys of maintenance's notes, prefix of the keys of jobs, ids of jobs.
-- Deletes first: Redis lets a script that has begun to write continue even when its memory is full.
local moved = 0
for i = #ARGV, 3, -1 do
  local id = ARGV[i]
  if redis.call('LREM', KEYS[1], 1, id) == 1 then
    redis.call('DEL', ARGV[1] .. id)
    if redis.call('EXISTS', ARGV[2] .. id) == 1 then
      redis.call('LPUSH', KEYS[2], id)
      moved = moved + 1
    end
  end
end
return moved
