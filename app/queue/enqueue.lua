-- Queues a job, as RQ's enqueue does, unless it was queued or withdrawn before. So a submission that is
-- sent twice, or that arrives after its job was withdrawn, does no harm.
-- KEYS: job, its record, its input, queue, set of queues.
-- ARGV: the job's id, the job's time to live in s, the fields of the job with their values.
local job, record, input, queue, queues = unpack(KEYS)
-- A job with a record has ended. Its input was written once more, just before this script.
if redis.call('EXISTS', record) == 1 then redis.call('DEL', input) return 0 end
if redis.call('EXISTS', job) == 1 then return 0 end
redis.call('HSET', job, unpack(ARGV, 3))
redis.call('EXPIRE', job, ARGV[2])
redis.call('SADD', queues, queue)
redis.call('RPUSH', queue, ARGV[1])
return 1
