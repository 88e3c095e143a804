-- Moves jobs from the queue to RQ's intermediate list, as RQ's dequeuing moves one; returns the id and
-- the fields of each. At most this worker's share of the queue is taken; the rest is for other workers.
-- KEYS: queue, intermediate list, set of the queue's workers.
-- ARGV: largest number of jobs, prefix of the keys of jobs.
local taken = {}
local share = math.ceil(redis.call('LLEN', KEYS[1]) / math.max(1, redis.call('SCARD', KEYS[3])))
-- The share of an empty queue is 0: a full Redis would refuse LMOVE even there.
for i = 1, math.min(ARGV[1], share) do
  local id = redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')
  taken[i] = {id, redis.call('HGETALL', ARGV[2] .. id)}
end
return taken
